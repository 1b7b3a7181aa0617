#include "sync/link_search.h"

#include <catch2/catch.hpp>

#include "tests/support/blend.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::sync::link_search_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using Lines = std::vector<std::string>;

RelativePath at(std::string_view bytes) { return RelativePath::from_bytes(bytes).value(); }

struct Project {
  support::TempDir folder;
  Root root = Root::open(folder.path()).value();

  void write(const std::string& path, const Lines& links) const {
    support::write_file(folder / path, support::make_blend(links));
  }
  LinkSearch search(const Lines& include = {}, const Lines& exclude = {},
                    const LinkLimits& limits = {}) const {
    return {root, ItemPatterns(), Patterns::from(include, exclude).value(), limits};
  }
};

LinkSearch::Tell adding_to(Lines& lines) {
  return [&lines](const FoundLinks& found) {
    for (const LinkedFile& each : found.files)
      lines.push_back(each.file.bytes() + " < " + each.by.bytes() + ": " + each.item.bytes());
    for (const LinkElsewhere& each : found.elsewhere) lines.push_back(each.path + " < " + each.by.bytes());
    for (const BlendUnread& each : found.unread) lines.push_back("unread " + each.file.bytes());
  };
}

// "file < by: item", sorted.
Lines found_in(LinkSearch& search, std::string_view path) {
  Lines lines;
  REQUIRE(search.look_into(at(path), adding_to(lines)));
  std::ranges::sort(lines);
  return lines;
}

TEST_CASE("what the .blend files of a folder link to is found with the items that hold it") {
  const Project project;
  project.write("rnd/s1/shot/shot.blend",
                {"//../../../dev/chr/Moria/rig/Moria.blend", "//../../../lib/sky.blend"});
  project.write("rnd/s1/shot/deep/er/FX.BLEND", {"//../../local.blend", "/elsewhere/x.blend"});
  support::write_file(project.folder / "rnd/s1/shot/broken.blend", "BLENDER");
  support::write_file(project.folder / "rnd/s1/shot/notes.txt", "BLENDER");
  fs::create_symlink("shot.blend", project.folder / "rnd/s1/shot/link.blend");
  auto search = project.search();
  CHECK(found_in(search, "rnd/s1/shot") ==
        Lines{"/elsewhere/x.blend < rnd/s1/shot/deep/er/FX.BLEND",
              "dev/chr/Moria/rig/Moria.blend < rnd/s1/shot/shot.blend: dev/chr/Moria",
              "lib/sky.blend < rnd/s1/shot/shot.blend: lib/sky.blend",
              "rnd/s1/shot/local.blend < rnd/s1/shot/deep/er/FX.BLEND: rnd/s1/shot",
              "unread rnd/s1/shot/broken.blend"});
  // Each once.
  CHECK(found_in(search, "rnd/s1/shot").empty());
  CHECK(found_in(search, "").empty());
}

TEST_CASE("links in a circle end, and a file is found once however often it is linked to") {
  const Project project;
  project.write("dev/chr/a/a.blend", {"//../b/b.blend", "//a.blend"});
  project.write("dev/chr/b/b.blend", {"//../a/a.blend", "//../b/b.blend"});
  project.write("dev/chr/c/c.blend", {"//../a/a.blend"});
  auto search = project.search();
  CHECK(found_in(search, "dev/chr/a/a.blend") == Lines{"dev/chr/a/a.blend < dev/chr/a/a.blend: dev/chr/a",
                                                       "dev/chr/b/b.blend < dev/chr/a/a.blend: dev/chr/b"});
  CHECK(found_in(search, "dev/chr/b/b.blend").empty());
  CHECK(found_in(search, "dev/chr/a/a.blend").empty());
  CHECK(found_in(search, "dev/chr/c").empty());
}

TEST_CASE(
    "a library that is linked to is looked into whatever its name, and one that is not here is nothing") {
  const Project project;
  project.write("dev/chr/a/library", {"//x.blend"});
  auto search = project.search();
  CHECK(found_in(search, "dev/chr/a").empty());
  CHECK(found_in(search, "dev/chr/a/library") == Lines{"dev/chr/a/x.blend < dev/chr/a/library: dev/chr/a"});
  CHECK(found_in(search, "dev/chr/nobody").empty());
}

TEST_CASE("what is ignored, excluded or not included is neither looked into nor found") {
  const Project project;
  project.write("rnd/s1/shot/shot.blend", {"//../../../dev/chr/a/a.blend", "//../../../dev/old/b/b.blend"});
  project.write("rnd/s1/shot/old/x.blend", {"//y.blend"});
  project.write("rnd/s1/shot/cache/x.blend", {"//z.blend"});
  project.write("rnd/s1/shot/quit.blend", {"//q.blend"});
  support::write_file(project.folder / "rnd/s1/shot/.callboardignore", "cache/\n");
  auto without = project.search({}, {"old"});
  const Lines one{"dev/chr/a/a.blend < rnd/s1/shot/shot.blend: dev/chr/a"};
  CHECK(found_in(without, "rnd/s1/shot") == one);
  CHECK(found_in(without, "rnd/s1/shot/old/x.blend").empty());
  auto within = project.search({"/rnd/s1/shot/*.blend", "a.blend"});
  CHECK(found_in(within, "rnd/s1/shot") == one);
}

TEST_CASE(
    "symbolic links in the project lead to what they name, whether they are here before or come later") {
  const Project project;
  project.write("rnd/s1/shot/shot.blend", {"//lib/a.blend", "//../../../dev/chr/Moria/Moria.blend",
                                           "//out/x.blend", "//round/x.blend"});
  project.write("ast/lib/one/a.blend", {});
  fs::create_symlink("../../../ast/lib/one", project.folder / "rnd/s1/shot/lib");
  fs::create_symlink("/usr", project.folder / "rnd/s1/shot/out");
  fs::create_symlink("round", project.folder / "rnd/s1/shot/round");
  auto search = project.search();
  CHECK(found_in(search, "rnd/s1/shot") ==
        Lines{"//out/x.blend < rnd/s1/shot/shot.blend", "//round/x.blend < rnd/s1/shot/shot.blend",
              "ast/lib/one/a.blend < rnd/s1/shot/shot.blend: ast/lib/one",
              "dev/chr/Moria/Moria.blend < rnd/s1/shot/shot.blend: dev/chr/Moria"});
  CHECK_FALSE(search.is_file_here(at("dev/chr/Moria/Moria.blend")));
  // It comes, as a link to a version that lies elsewhere.
  fs::create_directories(project.folder / "dev/chr/Moria");
  fs::create_symlink("../../old/Moria/v3.blend", project.folder / "dev/chr/Moria/Moria.blend");
  CHECK(search.is_file_here(at("dev/chr/Moria/Moria.blend")));
  CHECK(found_in(search, "dev/chr/Moria/Moria.blend") ==
        Lines{"dev/old/Moria/v3.blend < dev/chr/Moria/Moria.blend: dev/old/Moria"});
  CHECK_FALSE(search.is_file_here(at("dev/old/Moria/v3.blend")));
}

TEST_CASE("what is no .blend file or begins with a dot is not followed, wherever a symbolic link leads") {
  const Project project;
  project.write("a.blend", {"//notes.txt", "//dev", "//.hidden/x.blend", "//dev/.y.blend", "//to notes.blend",
                            "//to hidden.blend", "//to folder.blend", "//current", "//b.BLEND"});
  support::write_file(project.folder / "notes.txt", "notes");
  project.write(".hidden/x.blend", {});
  project.write("dev/v3.blend", {});
  fs::create_symlink("notes.txt", project.folder / "to notes.blend");
  fs::create_symlink(".hidden/x.blend", project.folder / "to hidden.blend");
  fs::create_symlink("dev", project.folder / "to folder.blend");
  fs::create_symlink("dev/v3.blend", project.folder / "current");
  auto search = project.search();
  CHECK(found_in(search, "a.blend") ==
        Lines{"//.hidden/x.blend < a.blend", "//dev < a.blend", "//dev/.y.blend < a.blend",
              "//notes.txt < a.blend", "b.BLEND < a.blend: b.BLEND", "dev/v3.blend < a.blend: dev/v3.blend"});
  CHECK(search.counts().elsewhere == 4);
  // One that comes later.
  fs::create_symlink("notes.txt", project.folder / "b.BLEND");
  CHECK(found_in(search, "b.BLEND").empty());
  fs::remove(project.folder / "b.BLEND");
  support::write_file(project.folder / "secret", "secret");
  fs::create_symlink("secret", project.folder / "b.BLEND");
  CHECK(found_in(search, "b.BLEND") == Lines{"/b.BLEND < b.BLEND"});
}

TEST_CASE("a folder is looked into where it is named, and not where it is linked to") {
  const Project project;
  project.write("dev.blend/a.blend", {"//b.blend"});
  auto search = project.search();
  Lines lines;
  REQUIRE(search.look_into_file(at("dev.blend"), adding_to(lines)));
  CHECK(lines.empty());
  CHECK_FALSE(search.is_file_here(at("dev.blend")));
  CHECK(search.is_file_here(at("dev.blend/a.blend")));
  CHECK(found_in(search, "dev.blend") == Lines{"dev.blend/b.blend < dev.blend/a.blend: dev.blend/b.blend"});
}

TEST_CASE("no more links are followed than the limit, and what is left out is counted") {
  const Project project;
  project.write("a.blend", {"//1.blend", "//2.blend", "//1.blend"});
  project.write("b.blend", {"//2.blend", "//3.blend", "//4.blend", "//5.blend"});
  project.write("c.blend", {"//6.blend"});
  auto search = project.search({}, {}, {.links = 3});
  CHECK(found_in(search, "a.blend").size() == 2);
  CHECK(found_in(search, "b.blend") == Lines{"3.blend < b.blend: 3.blend"});
  CHECK(search.counts().links_left_out == 2);
  CHECK(found_in(search, "c.blend").empty());
  CHECK(search.counts().files_left_out == 1);
  // Long ones count as several.
  const std::string folder(250, 'd');
  project.write("long.blend", {"//" + folder + "/1.blend", "//2.blend"});
  auto again = project.search({}, {}, {.links = 2});
  CHECK(found_in(again, "long.blend").size() == 1);
  CHECK(again.counts().links_left_out == 1);
}

TEST_CASE("of what leads elsewhere or cannot be looked into some is told, and all counted, file by file") {
  const Project project;
  project.write("s/a.blend", {"/x/1.blend", "/x/2.blend", "/x/3.blend"});
  support::write_file(project.folder / "s/b.blend", "BLENDER");
  support::write_file(project.folder / "s/c.blend", "BLENDER");
  project.write("s/d.blend", {"/x/4.blend", "//e.blend"});
  auto search = project.search({}, {}, {.notes = 2});
  std::size_t most = 0;
  std::size_t notes = 0;
  REQUIRE(search.look_into(at("s"), [&](const FoundLinks& found) {
    const std::size_t told = found.elsewhere.size() + found.unread.size();
    most = std::max(most, told + found.files.size());
    notes += told;
  }));
  CHECK(notes == 2);
  CHECK(most <= 2);
  CHECK(search.counts().elsewhere == 4);
  CHECK(search.counts().unread == 2);
}

TEST_CASE("absolute links into the project folder count through a link to it, too") {
  const Project project;
  const support::TempDir elsewhere;
  const fs::path link = elsewhere / "moria";
  fs::create_directory_symlink(project.folder.path(), link);
  project.write("a.blend",
                {(link / "dev/chr/x/x.blend").string(), (project.folder / "dev/chr/y/y.blend").string()});
  const Root root = Root::open(link).value();
  LinkSearch search(root, ItemPatterns(), {});
  CHECK(found_in(search, "") ==
        Lines{"dev/chr/x/x.blend < a.blend: dev/chr/x", "dev/chr/y/y.blend < a.blend: dev/chr/y"});
}

TEST_CASE("looking for links ends when it is asked to stop") {
  const Project project;
  project.write("a.blend", {"//b.blend"});
  std::stop_source stop;
  stop.request_stop();
  auto search = project.search();
  Lines lines;
  const auto found = search.look_into(at("a.blend"), adding_to(lines), stop.get_token());
  REQUIRE_FALSE(found);
  CHECK(found.error().outcome == Outcome::cancelled);
}

}  // namespace
}  // namespace callboard::sync::link_search_test
