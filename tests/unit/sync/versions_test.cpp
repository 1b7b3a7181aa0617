#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

#include "sync/versions.h"
#include "tests/unit/sync/project_fixture.h"

namespace callboard::sync {
namespace {

constexpr Timestamp kMonday{1'795'269'143'123};  // 2026-11-21T13:52:23.123Z

std::unique_ptr<Versions> open_versions(const TestProject& project, FileOps& ops) {
  Result<std::unique_ptr<Versions>> versions = Versions::open(project.root(), ops);
  REQUIRE(versions.has_value());
  return *std::move(versions);
}

std::vector<std::string> places(const std::vector<KeptVersion>& versions) {
  std::vector<std::string> out;
  for (const KeptVersion& version : versions) out.push_back(version.place);
  return out;
}

}  // namespace

TEST_CASE("a kept file stays under its name until something else gets it") {
  TestProject project;
  FileOps ops;
  const auto versions = open_versions(project, ops);
  project.write("dev/a", "mine");
  Result<Fd> parent = project.root().open_directory(at("dev"));
  REQUIRE(parent.has_value());
  Result<KeptVersion> kept = versions->keep(at("dev/a"), {parent->get(), "a"}, kMonday);
  REQUIRE(kept.has_value());
  CHECK_FALSE(kept->name_is_free);
  CHECK(project.look("dev/a") == "file:mine");
  CHECK(project.look(kept->place) == "file:mine");
  REQUIRE(versions->undo(*kept, {parent->get(), "a"}).has_value());
  CHECK(project.look("dev/a") == "file:mine");
  CHECK(project.look(kept->place) == "");
}

TEST_CASE("what was moved away comes back, but not over what is there by now") {
  TestProject project;
  FileOps ops;
  const auto versions = open_versions(project, ops);
  project.write("d/x", "mine");
  const Place place{project.root().fd(), "d"};
  Result<KeptVersion> kept = versions->move_away(at("d"), place, kMonday);
  REQUIRE(kept.has_value());
  CHECK(project.look("d") == "");
  project.write("d", "somebody else's");
  CHECK_FALSE(versions->undo(*kept, place).has_value());
  CHECK(project.look("d") == "file:somebody else's");
  REQUIRE(ops.remove_file(place) == 0);
  REQUIRE(versions->undo(*kept, place).has_value());
  CHECK(project.look("d/x") == "file:mine");
}

TEST_CASE("versions of one path in the same millisecond do not replace each other") {
  TestProject project;
  FileOps ops;
  const auto versions = open_versions(project, ops);
  for (const std::string content : {"one", "two"}) {
    project.write("a", content);
    REQUIRE(versions->move_away(at("a"), {project.root().fd(), "a"}, kMonday).has_value());
  }
  CHECK(project.look(".callboard/versions/2026-11-21T13-52-23.123Z/a") == "file:one");
  CHECK(project.look(".callboard/versions/2026-11-21T13-52-23.124Z/a") == "file:two");
}

TEST_CASE("versions are listed newest first, by path, with size and time") {
  TestProject project;
  FileOps ops;
  const auto versions = open_versions(project, ops);
  project.write(".callboard/versions/2026-11-21T13-52-23.123Z/dev/a", "12345");
  project.write(".callboard/versions/2026-11-21T13-52-23.123Z/dev/b", "1");
  project.write(".callboard/versions/2026-11-22T00-00-00.000Z/dev/a", "1");
  project.make_folder(".callboard/versions/2026-11-22T00-00-00.000Z/empty");
  project.write(".callboard/versions/not ours/dev/a", "1");
  Result<std::vector<KeptVersion>> all = versions->list({}, 100);
  REQUIRE(all.has_value());
  CHECK(places(*all) == std::vector<std::string>{".callboard/versions/2026-11-22T00-00-00.000Z/dev/a",
                                                 ".callboard/versions/2026-11-22T00-00-00.000Z/empty",
                                                 ".callboard/versions/2026-11-21T13-52-23.123Z/dev/a",
                                                 ".callboard/versions/2026-11-21T13-52-23.123Z/dev/b"});
  CHECK((*all)[2].size_bytes == 5);
  CHECK((*all)[2].kept_at == kMonday);
  CHECK((*all)[2].path.bytes() == "dev/a");
  CHECK((*all)[1].kind == FileKind::directory);
  Result<std::vector<KeptVersion>> one = versions->list(at("dev/a"), 100);
  REQUIRE(one.has_value());
  CHECK(one->size() == 2);
  CHECK(versions->list({}, 3)->size() == 3);
  CHECK(versions->list(at("nothing"), 3)->empty());
}

}  // namespace callboard::sync
