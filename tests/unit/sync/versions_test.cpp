#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "sync/restore.h"
#include "sync/versions.h"
#include "tests/unit/sync/project_fixture.h"

namespace callboard::sync::versions_test {
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

TEST_CASE("a kept folder with nothing but a project's private one in it is listed as an empty one") {
  TestProject project;
  FileOps ops;
  const auto versions = open_versions(project, ops);
  const std::string moment = ".callboard/versions/2026-11-21T13-52-23.123Z/";
  project.write(moment + "set/.callboard/config", "project = another");
  project.write(moment + "x", "1");
  CHECK(places(*versions->list({}, 100)) == std::vector<std::string>{moment + "set", moment + "x"});
}

TEST_CASE("a version that is a link or a file where a path has a folder is none of that path") {
  TestProject project;
  FileOps ops;
  const auto versions = open_versions(project, ops);
  project.write(".callboard/versions/2026-11-22T00-00-00.000Z/dev/l/x", "mine");
  project.make_folder(".callboard/versions/2026-11-23T00-00-00.000Z/dev");
  project.make_link(".callboard/versions/2026-11-23T00-00-00.000Z/dev/l", "elsewhere");
  project.write(".callboard/versions/2026-11-24T00-00-00.000Z/dev", "a file");
  const Result<std::vector<KeptVersion>> listed = versions->list(at("dev/l/x"), 100);
  REQUIRE(listed.has_value());
  CHECK(places(*listed) == std::vector<std::string>{".callboard/versions/2026-11-22T00-00-00.000Z/dev/l/x"});
}

TEST_CASE("what is kept beneath the name of a link of the same moment gets a moment of its own") {
  TestProject project;
  FileOps ops;
  const auto versions = open_versions(project, ops);
  project.make_link("l", "elsewhere");
  REQUIRE(versions->move_away(at("l"), {project.root().fd(), "l"}, kMonday).has_value());
  project.write("l/x", "mine");
  const Fd folder = *project.root().open_directory(at("l"));
  const Result<KeptVersion> kept = versions->move_away(at("l/x"), {folder.get(), "x"}, kMonday);
  REQUIRE(kept.has_value());
  CHECK(kept->place == ".callboard/versions/2026-11-21T13-52-23.124Z/l/x");
}

TEST_CASE("what is kept no longer, or could not be, leaves no folder that looks like a version") {
  TestProject project;
  bool refuses = false;
  ScriptedOps ops([&](const ScriptedOps::Call& call) {
    return refuses && (call.kind == FileCall::rename || call.kind == FileCall::link) ? EBUSY : 0;
  });
  const auto versions = open_versions(project, ops);
  project.write("dev/c/x", "pulled");
  const Fd folder = *project.root().open_directory(at("dev/c"));
  const Place place{folder.get(), "x"};
  SECTION("discarded") {
    const Result<KeptVersion> kept = versions->move_away(at("dev/c/x"), place, kMonday);
    REQUIRE(kept.has_value());
    REQUIRE(versions->discard(*kept).has_value());
  }
  SECTION("undone") {
    const Result<KeptVersion> kept = versions->keep(at("dev/c/x"), place, kMonday);
    REQUIRE(kept.has_value());
    REQUIRE(versions->undo(*kept, place).has_value());
  }
  SECTION("moved back") {
    const Result<KeptVersion> kept = versions->move_away(at("dev/c/x"), place, kMonday);
    REQUIRE(kept.has_value());
    REQUIRE(versions->undo(*kept, place).has_value());
  }
  SECTION("could not be moved") {
    refuses = true;
    CHECK_FALSE(versions->move_away(at("dev/c/x"), place, kMonday).has_value());
  }
  SECTION("could not be linked") {
    refuses = true;
    CHECK_FALSE(versions->keep(at("dev/c/x"), place, kMonday).has_value());
  }
  CHECK(versions->list({}, 100)->empty());
  CHECK(names_in(versions->folder().fd()).empty());
}

TEST_CASE("what else was kept at that moment stays when one thing is kept no longer") {
  TestProject project;
  FileOps ops;
  const auto versions = open_versions(project, ops);
  project.write("dev/a", "a");
  project.write("dev/b", "b");
  const Fd folder = *project.root().open_directory(at("dev"));
  REQUIRE(versions->move_away(at("dev/a"), {folder.get(), "a"}, kMonday).has_value());
  const Result<KeptVersion> kept = versions->move_away(at("dev/b"), {folder.get(), "b"}, kMonday);
  REQUIRE(kept.has_value());
  REQUIRE(versions->discard(*kept).has_value());
  CHECK(places(*versions->list({}, 100)) ==
        std::vector<std::string>{".callboard/versions/2026-11-21T13-52-23.123Z/dev/a"});
}

// --- Bringing versions back -------------------------------------------------------------------------------------------

constexpr Timestamp kTuesday{kMonday.ms + 86'400'000};
constexpr Timestamp kFriday{kTuesday.ms + 3 * 86'400'000};

// Two versions of /dev/a and one of a folder, the present /dev/a beside them.
struct Kept {
  TestProject project;
  FileOps ops;
  std::unique_ptr<Versions> versions = open_versions(project, ops);

  Kept() {
    keep("dev/a", "monday's", kMonday);
    keep("dev/a", "tuesday's", kTuesday);
    project.write("dev/a", "present");
    project.write("set/x", "x");
    project.write("set/deep/y", "y");
    project.make_link("set/link", "x");
    project.make_folder("set/empty");
    REQUIRE(versions->move_away(at("set"), {project.root().fd(), "set"}, kTuesday).has_value());
  }
  void keep(std::string_view path, std::string_view content, Timestamp when) const {
    project.write(path, content);
    const Fd parent = *project.root().open_parent(at(path));
    REQUIRE(versions->move_away(at(path), {parent.get(), std::string(at(path).name())}, when).has_value());
  }
  std::vector<KeptVersion> listed(std::string_view path) const {
    return versions->list(at(path), 100).value();
  }
  Result<Restored> restored(std::string_view path, std::string_view wanted, std::string_view to) {
    const auto chosen = choose_version(listed(path), at(path), wanted);
    if (!chosen) return chosen.error();
    return restore({project.root(), ops, *versions, kFriday}, *chosen, at(path), at(to));
  }
  bool has_version(std::string_view path, const std::string& look) const {
    const auto all = listed(path);
    return std::any_of(all.begin(), all.end(),
                       [&](const KeptVersion& each) { return project.look(each.place) == look; });
  }
};

TEST_CASE("a version that is brought back is a copy, and what stood there becomes a version") {
  Kept kept;
  const auto restored = kept.restored("dev/a", "", "dev/a");
  REQUIRE(restored.has_value());
  CHECK(restored->files == 1);
  CHECK(restored->bytes == 9);
  REQUIRE(restored->kept.size() == 1);
  CHECK(restored->kept.front().kept_at == kFriday);
  CHECK(kept.project.look("dev/a") == "file:tuesday's");
  for (const char* each : {"file:monday's", "file:tuesday's", "file:present"})
    CHECK(kept.has_version("dev/a", each));
  CHECK(kept.listed("dev/a").size() == 3);
  // Changing what was brought back does not change the version.
  kept.project.write("dev/a", "edited");
  CHECK(kept.has_version("dev/a", "file:tuesday's"));
}

TEST_CASE("versions are named by number from the newest, or by the beginning of their time") {
  Kept kept;
  REQUIRE(kept.restored("dev/a", "2", "dev/a").has_value());
  CHECK(kept.project.look("dev/a") == "file:monday's");
  REQUIRE(kept.restored("dev/a", "2026-11-22", "dev/b").has_value());
  CHECK(kept.project.look("dev/b") == "file:tuesday's");
  CHECK(kept.project.look("dev/a") == "file:monday's");
  CHECK(kept.restored("dev/a", "4", "dev/a").error().outcome == Outcome::not_found);
  CHECK(kept.restored("dev/a", "0", "dev/a").error().outcome == Outcome::not_found);
  CHECK(kept.restored("dev/a", "1999", "dev/a").error().outcome == Outcome::not_found);
  CHECK(kept.restored("dev/a", "2026", "dev/a").error().outcome == Outcome::usage);
  CHECK(kept.restored("dev/none", "", "dev/none").error().text == "no version of \"/dev/none\" was kept");
}

TEST_CASE("a folder that was kept comes back with all that was in it, also over a file") {
  Kept kept;
  kept.project.write("set", "a file by now");
  const auto restored = kept.restored("set", "", "set");
  REQUIRE(restored.has_value());
  CHECK(restored->files == 3);
  CHECK(kept.project.look("set/x") == "file:x");
  CHECK(kept.project.look("set/deep/y") == "file:y");
  CHECK(kept.project.look("set/link") == "link:x");
  CHECK(kept.project.look("set/empty") == "folder");
  CHECK(kept.has_version("set", "file:a file by now"));
  REQUIRE(kept.restored("set", "2", "elsewhere/old set").has_value());
  CHECK(kept.project.look("elsewhere/old set/deep/y") == "file:y");
}

TEST_CASE("what lies there as it was kept is left alone") {
  Kept kept;
  REQUIRE(kept.restored("dev/a", "1", "dev/a").has_value());
  const auto again = kept.restored("dev/a", "2", "dev/a");
  REQUIRE(again.has_value());
  CHECK(again->files == 0);
  CHECK(again->unchanged_files == 1);
  CHECK(again->kept.empty());
}

TEST_CASE("a file is not brought back in the place of the project folder") {
  Kept kept;
  const auto restored = kept.restored("dev/a", "", "");
  REQUIRE_FALSE(restored.has_value());
  CHECK(restored.error().outcome == Outcome::usage);
  CHECK(
      restored.error().text ==
      "restore \"/dev/a\" to \"/\": expected a path with the name that it is to have, got the project folder "
      "itself");
  REQUIRE(kept.restored("set", "", "").has_value());
  CHECK(kept.project.look("deep/y") == "file:y");
}

TEST_CASE("where nothing that was kept can be brought back, no folder is made for it") {
  Kept kept;
  const std::string place = kept.versions->list(at("set/x"), 1)->front().place;
  const std::string moment = kept.project.full(place.substr(0, place.size() - 5));
  REQUIRE(mkdir((moment + "pipes").c_str(), 0700) == 0);
  REQUIRE(mkfifo((moment + "pipes/pipe").c_str(), 0600) == 0);
  kept.project.write("pipes", "a file by now");
  const auto restored = kept.restored("pipes", "", "pipes");
  REQUIRE(restored.has_value());
  REQUIRE(restored->failed.size() == 1);
  CHECK(restored->failed[0].error.outcome == Outcome::refused);
  CHECK(restored->kept.empty());
  CHECK(kept.project.look("pipes") == "file:a file by now");
  REQUIRE(kept.restored("pipes", "", "elsewhere").has_value());
  CHECK(kept.project.look("elsewhere").empty());
}

TEST_CASE("for what can no longer be read no folder is made") {
  Kept kept;
  const auto chosen = choose_version(kept.listed("set"), at("set"), "").value();
  for (const char* each : {"set/deep/y", "set/link"}) {
    const std::string place = kept.versions->list(at(each), 1)->front().place;
    REQUIRE(unlink(kept.project.full(place).c_str()) == 0);
  }
  kept.project.write("set/deep", "a file by now");
  const auto restored =
      restore({kept.project.root(), kept.ops, *kept.versions, kFriday}, chosen, at("set"), at("set"));
  REQUIRE(restored.has_value());
  CHECK(restored->failed.size() == 2);
  CHECK(restored->kept.empty());
  CHECK(kept.project.look("set/deep") == "file:a file by now");
  CHECK(kept.project.look("set/x") == "file:x");
}

TEST_CASE("what cannot be brought back is named, and the rest comes, with what made room for it") {
  Kept kept;
  const std::string place = kept.versions->list(at("set/x"), 1)->front().place;
  REQUIRE(mkfifo(kept.project.full(place.substr(0, place.size() - 1) + "pipe").c_str(), 0600) == 0);
  kept.project.write("set/x", "edited");
  kept.project.write("set/deep/y", "edited, too");
  ScriptedOps ops([](const ScriptedOps::Call& call) {
    return call.kind == FileCall::rename && call.name == "y" ? EACCES : 0;
  });
  const auto chosen = choose_version(kept.listed("set"), at("set"), "").value();
  const auto restored =
      restore({kept.project.root(), ops, *kept.versions, kFriday}, chosen, at("set"), at("set"));
  REQUIRE(restored.has_value());
  CHECK(restored->files == 2);  // And link.
  CHECK(kept.project.look("set/x") == "file:x");
  CHECK(kept.project.look("set/link") == "link:x");
  CHECK(kept.project.look("set/deep/y") == "file:edited, too");
  REQUIRE(restored->kept.size() == 1);
  CHECK(kept.project.look(restored->kept.front().place) == "file:edited");
  REQUIRE(restored->failed.size() == 2);
  CHECK(restored->failed[0].path.bytes() == "set/pipe");
  CHECK(restored->failed[0].error.text ==
        "restore \"/set/pipe\": expected a file, link or folder, \".callboard/versions/"
        "2026-11-22T13-52-23.123Z/set/pipe\" is a pipe");
  CHECK(restored->failed[1].path.bytes() == "set/deep/y");
  CHECK(restored->failed[1].error.text == "replace \"/set/deep/y\": permission denied");
}

TEST_CASE("what is brought back is nobody's pull, and noted as none, whenever that is killed") {
  Kept kept;
  kept.project.write("set/x", "edited");
  bool noted = false;
  ScriptedOps ops([&](const ScriptedOps::Call& call) {
    noted = noted || call.name == "pulling";
    return 0;
  });
  const auto chosen = choose_version(kept.listed("set"), at("set"), "").value();
  REQUIRE(
      restore({kept.project.root(), ops, *kept.versions, kFriday}, chosen, at("set"), at("set")).has_value());
  CHECK(kept.project.look("set/x") == "file:x");
  CHECK_FALSE(noted);
}

TEST_CASE("a full disk ends the bringing back, and what came until then is told") {
  Kept kept;
  kept.project.write("set/x", "edited");
  ScriptedOps ops([](const ScriptedOps::Call& call) {
    return call.kind == FileCall::rename && call.name == "y" ? ENOSPC : 0;
  });
  kept.project.write("set/deep/old", "");
  const auto chosen = choose_version(kept.listed("set"), at("set"), "").value();
  const auto restored =
      restore({kept.project.root(), ops, *kept.versions, kFriday}, chosen, at("set"), at("set"));
  REQUIRE(restored.has_value());
  REQUIRE(restored->failed.size() == 1);
  CHECK(restored->failed.front().error.text == "write \"/set/deep/y\": no space left on device");
  CHECK(restored->files == restored->kept.size() + (kept.project.look("set/link") == "" ? 0 : 1));
  CHECK((kept.project.look("set/x") == "file:x") == (restored->kept.size() == 1));
}

TEST_CASE(
    "whichever system call fails while a version is brought back, nothing is half and nothing is lost") {
  for (int failing = 0;; ++failing) {
    Kept kept;
    ScriptedOps ops([&](const ScriptedOps::Call& call) { return call.number == failing ? ENOSPC : 0; });
    const auto versions = Versions::open(kept.project.root(), ops);
    const auto chosen = choose_version(kept.listed("dev/a"), at("dev/a"), "").value();
    bool restored = false;
    if (versions) {
      const auto result =
          restore({kept.project.root(), ops, **versions, kFriday}, chosen, at("dev/a"), at("dev/a"));
      restored = result && result->failed.empty();
    }
    INFO("call " << failing);
    const std::string now = kept.project.look("dev/a");
    CHECK((now == "file:present" || now == "file:tuesday's"));
    CHECK((now == "file:present" || kept.has_version("dev/a", "file:present")));
    CHECK(kept.has_version("dev/a", "file:tuesday's"));
    CHECK(kept.has_version("dev/a", "file:monday's"));
    if (ops.calls() <= failing) {
      CHECK(restored);
      break;
    }
  }
}

}  // namespace callboard::sync::versions_test
