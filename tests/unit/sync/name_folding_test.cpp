#include <catch2/catch.hpp>

#include <string>

#include "sync/name_folding.h"
#include "tests/unit/sync/project_fixture.h"

namespace callboard::sync::name_folding_test {
namespace {

constexpr NameFolding kCase{.ignores_case = true};
constexpr NameFolding kForm{.ignores_form = true};
constexpr NameFolding kBoth{.ignores_case = true, .ignores_form = true};

}  // namespace

TEST_CASE("names are folded as the file system does, and no further") {
  CHECK(folded("Frame", kCase) == folded("fRAME", kCase));
  CHECK(folded("Frame", kForm) != folded("frame", kForm));
  CHECK(folded("\xc3\x89t\xc3\xa9", kCase) == folded("\xc3\xa9T\xc3\x89", kCase));  // Été, éTÉ
  CHECK(folded("\xd0\x9c", kCase) == folded("\xd0\xbc", kCase));                    // М, м
  CHECK(folded("\xc3\xa9", kForm) == folded("e\xcc\x81", kForm));                   // é in both forms
  CHECK(folded("\xc3\xa9", kCase) != folded("e\xcc\x81", kCase));
  CHECK(folded("\xc3\x89", kBoth) == folded("e\xcc\x81", kBoth));              // É, é
  CHECK(folded("\xe1\xba\xa5", kForm) == folded("a\xcc\x82\xcc\x81", kForm));  // ấ: two steps
  CHECK(folded("\xea\xb0\x81", kForm) == folded("\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", kForm));  // 각
  CHECK(folded("a\xff", kBoth) == folded("A\xff", kBoth));
  CHECK(folded("a\xff", kBoth) != folded("a\xfe", kBoth));
  CHECK(folded("", kBoth).empty());
}

TEST_CASE("another spelling of a name is found, the same spelling is none") {
  FoldedNames names(kCase);
  CHECK_FALSE(names.add("a").has_value());
  CHECK_FALSE(names.add("a").has_value());
  CHECK(names.add("A") == "a");
  CHECK_FALSE(names.add("b").has_value());
}

TEST_CASE("a file system that tells names apart is seen to, and nothing stays of the probe") {
  TestProject project;
  FileOps ops;
  const NameFolding folding = probe_names(ops, project.root().fd());
  CHECK_FALSE(folding.folds());
  CHECK(project.names_below("").empty());
  ScriptedOps full([](const ScriptedOps::Call&) { return ENOSPC; });
  CHECK_FALSE(probe_names(full, project.root().fd()).folds());
}

}  // namespace callboard::sync::name_folding_test
