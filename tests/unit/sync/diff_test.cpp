#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "sync/diff.h"
#include "tests/unit/sync/project_fixture.h"

namespace callboard::sync::diff_test {
namespace {

using Kind = DiffStep::Kind;

std::vector<DiffStep> steps_of(const DiffInput& input) {
  Result<std::vector<DiffStep>> steps = diff(input);
  REQUIRE(steps.has_value());
  return *std::move(steps);
}

DiffStep step_of(const std::vector<Entry>& have, const Entry& want, std::string_view directory = "") {
  const std::vector<Entry> wanted{want};
  std::vector<DiffStep> steps = steps_of({.directory = at(directory), .have = have, .want = wanted});
  REQUIRE(steps.size() == 1);
  return steps[0];
}

Entry refused_entry(std::string_view name, std::string_view why) {
  Entry entry;
  entry.kind = EntryKind::refused;
  entry.name = name;
  entry.target = why;
  return entry;
}

Patterns patterns(const std::vector<std::string>& include, const std::vector<std::string>& exclude) {
  Result<Patterns> made = Patterns::from(include, exclude);
  REQUIRE(made.has_value());
  return *std::move(made);
}

std::vector<Kind> kinds(const std::vector<DiffStep>& steps) {
  std::vector<Kind> out;
  for (const DiffStep& step : steps) out.push_back(step.kind);
  return out;
}

}  // namespace

TEST_CASE("equal entries of every kind need nothing") {
  const std::vector<Entry> listing{folder_entry("a"), file_entry("b", "content"), link_entry("c", "b")};
  const std::vector<DiffStep> steps = steps_of({.directory = at("dev"), .have = listing, .want = listing});
  CHECK(kinds(steps) == std::vector<Kind>{Kind::same, Kind::same, Kind::same});
  CHECK(steps[1].path.bytes() == "dev/b");
  CHECK(steps[1].entry == 1);
  CHECK(steps[1].have == 1);
}

TEST_CASE("other content is fetched, and so is what is missing") {
  CHECK(step_of({file_entry("a", "old")}, file_entry("a", "new")).kind == Kind::fetch);
  const DiffStep missing = step_of({file_entry("b", "x")}, file_entry("a", "new"));
  CHECK(missing.kind == Kind::fetch);
  CHECK_FALSE(missing.have.has_value());
  CHECK_FALSE(missing.replaces_kind);
}

TEST_CASE("a nanosecond or a permission bit is metadata, not content") {
  const Entry here = file_entry("a", "same", 1'000'000'000, 0644);
  CHECK(step_of({here}, file_entry("a", "same", 1'000'000'001, 0644)).kind == Kind::metadata);
  CHECK(step_of({here}, file_entry("a", "same", 1'000'000'000, 0755)).kind == Kind::metadata);
  Entry folder = folder_entry("d", 0755);
  CHECK(step_of({folder_entry("d", 0700)}, folder).kind == Kind::metadata);
}

TEST_CASE("a directory whose digest differs is descended into, a missing one made") {
  Entry other = folder_entry("d", 0750);
  other.digest = file_entry("", "different").digest;
  const DiffStep step = step_of({folder_entry("d", 0755)}, other);
  CHECK(step.kind == Kind::descend);
  CHECK(step.sets_mode);
  CHECK(step_of({}, folder_entry("d")).kind == Kind::make_directory);
}

TEST_CASE("a link is made when it points elsewhere") {
  CHECK(step_of({link_entry("l", "a")}, link_entry("l", "b")).kind == Kind::make_symlink);
  CHECK(step_of({link_entry("l", "a")}, link_entry("l", "a")).kind == Kind::same);
}

TEST_CASE("what is of another kind here must make room") {
  const DiffStep file = step_of({folder_entry("x")}, file_entry("x", "c"));
  CHECK(file.kind == Kind::fetch);
  CHECK(file.replaces_kind);
  const DiffStep folder = step_of({link_entry("x", "y")}, folder_entry("x"));
  CHECK(folder.kind == Kind::make_directory);
  CHECK(folder.replaces_kind);
  const DiffStep link = step_of({refused_entry("x", "a socket")}, link_entry("x", "y"));
  CHECK(link.kind == Kind::make_symlink);
  CHECK(link.replaces_kind);
}

TEST_CASE("what only the taker has gives no step") {
  const std::vector<Entry> have{file_entry("a", "1"), file_entry("b", "2"), file_entry("z", "3")};
  const std::vector<Entry> want{file_entry("b", "2")};
  CHECK(kinds(steps_of({.directory = {}, .have = have, .want = want})) == std::vector<Kind>{Kind::same});
}

TEST_CASE("refused entries, escaping links and impossible names are refused by name") {
  CHECK(step_of({}, refused_entry("s", "a socket")).text == "a socket");
  CHECK(step_of({}, refused_entry("s", "a socket")).kind == Kind::refused);
  CHECK(step_of({}, link_entry("l", "/etc/passwd")).kind == Kind::refused);
  CHECK(step_of({}, link_entry("l", "../x")).kind == Kind::refused);
  CHECK(step_of({}, link_entry("l", "../x"), "dev").kind == Kind::make_symlink);
  CHECK(step_of({}, file_entry("..", "c")).kind == Kind::refused);
  CHECK(step_of({}, file_entry("a/b", "c")).kind == Kind::refused);
  CHECK(step_of({}, folder_entry(".callboard")).kind == Kind::excluded);
  CHECK(step_of({}, folder_entry(".CallBoard"), "dev").kind == Kind::excluded);
  Entry no_digest = file_entry("a", "c");
  no_digest.digest = {};
  CHECK(step_of({}, no_digest).kind == Kind::refused);
}

TEST_CASE("a listing out of order, with a name twice or with an empty name is refused as a whole") {
  for (const std::vector<Entry>& want : {std::vector<Entry>{file_entry("b", "1"), file_entry("a", "2")},
                                         std::vector<Entry>{file_entry("a", "1"), file_entry("a", "2")},
                                         std::vector<Entry>{file_entry("", "1")}}) {
    CHECK_FALSE(diff({.directory = {}, .have = {}, .want = want}).has_value());
  }
}

TEST_CASE("a listing in parts gives the same steps as in one, and the order holds across parts") {
  const std::vector<Entry> have{file_entry("a", "1"), file_entry("b", "2"), file_entry("c", "3")};
  const std::vector<Entry> want{file_entry("a", "1"), file_entry("b", "x"), file_entry("c", "3")};
  const std::span<const Entry> all(want);
  const auto second = steps_of({.directory = {}, .have = have, .want = all.subspan(1), .after = "a"});
  CHECK(kinds(second) == std::vector<Kind>{Kind::fetch, Kind::same});
  CHECK_FALSE(diff({.directory = {}, .have = have, .want = all.subspan(1), .after = "b"}).has_value());
}

TEST_CASE("names are compared as bytes, so that non-ASCII sorts after ASCII") {
  const std::vector<Entry> listing{file_entry("z", "1"), file_entry("\xc3\xa4", "2"),
                                   file_entry("\xff", "3")};
  CHECK(kinds(steps_of({.directory = {}, .have = listing, .want = listing})) ==
        std::vector<Kind>{Kind::same, Kind::same, Kind::same});
}

TEST_CASE(
    "exclude leaves out, include leaves out the rest, and directories are looked through for includes") {
  const std::vector<Entry> want{folder_entry("dir"), file_entry("keep.exr", "1"), file_entry("old.exr", "2"),
                                file_entry("x.blend1", "3")};
  const Patterns no_backups = patterns({}, {"*.blend1", "dir"});
  CHECK(kinds(steps_of({.directory = {}, .have = {}, .want = want, .patterns = &no_backups})) ==
        std::vector<Kind>{Kind::excluded, Kind::fetch, Kind::fetch, Kind::excluded});
  const Patterns only = patterns({"*.exr"}, {"old*"});
  CHECK(kinds(steps_of({.directory = {}, .have = {}, .want = want, .patterns = &only})) ==
        std::vector<Kind>{Kind::descend, Kind::fetch, Kind::excluded, Kind::excluded});
  const Patterns below = patterns({"dir"}, {});
  CHECK(kinds(steps_of({.directory = {}, .have = {}, .want = want, .patterns = &below})) ==
        std::vector<Kind>{Kind::make_directory, Kind::excluded, Kind::excluded, Kind::excluded});
}

TEST_CASE("a link may go up first and down then, but not out and not up through another name") {
  CHECK(symlink_stays_inside(at("a/b"), "../../tex/x.png"));
  CHECK(symlink_stays_inside(at("a/b"), "./c//d"));
  CHECK(symlink_stays_inside(at("a/b"), "../.."));
  CHECK_FALSE(symlink_stays_inside(at("a/b"), "../../.."));
  CHECK_FALSE(symlink_stays_inside(at("a/b"), "c/../d"));
  CHECK_FALSE(symlink_stays_inside(at("a/b"), "/a"));
  CHECK_FALSE(symlink_stays_inside(at("a/b"), ""));
  CHECK_FALSE(symlink_stays_inside(at(""), ".."));
}

TEST_CASE("what only one side has is found, whatever the other lacks at the ends") {
  const auto entry = [](std::string name) {
    Entry made;
    made.name = std::move(name);
    return made;
  };
  const std::vector<Entry> have{entry("a"), entry("b"), entry("d"), entry("f")};
  const std::vector<Entry> want{entry("b"), entry("c"), entry("d"), entry("e")};
  CHECK(only_here(have, want) == std::vector<std::size_t>{0, 3});
  CHECK(only_here(have, {}) == std::vector<std::size_t>{0, 1, 2, 3});
  CHECK(only_here({}, want).empty());
  CHECK(only_here(have, have).empty());
}

}  // namespace callboard::sync::diff_test
