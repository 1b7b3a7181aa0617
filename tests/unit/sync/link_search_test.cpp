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
  LinkSearch search(const Lines& include = {}, const Lines& exclude = {}) const {
    return {root, ItemPatterns(), Patterns::from(include, exclude).value()};
  }
};

// "file < by: item", sorted.
Lines found_in(LinkSearch& search, std::string_view path) {
  const auto found = search.look_into(at(path)).value();
  Lines lines;
  for (const LinkedFile& each : found.files)
    lines.push_back(each.file.bytes() + " < " + each.by.bytes() + ": " + each.item.bytes());
  for (const LinkElsewhere& each : found.elsewhere) lines.push_back(each.path + " < " + each.by.bytes());
  for (const BlendUnread& each : found.unread) lines.push_back("unread " + each.file.bytes());
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
  CHECK_FALSE(search.is_here(at("dev/chr/Moria/Moria.blend")));
  // It comes, as a link to a version that lies elsewhere.
  fs::create_directories(project.folder / "dev/chr/Moria");
  fs::create_symlink("../../old/Moria/v3.blend", project.folder / "dev/chr/Moria/Moria.blend");
  CHECK(search.is_here(at("dev/chr/Moria/Moria.blend")));
  CHECK(found_in(search, "dev/chr/Moria/Moria.blend") ==
        Lines{"dev/old/Moria/v3.blend < dev/chr/Moria/Moria.blend: dev/old/Moria"});
  CHECK_FALSE(search.is_here(at("dev/old/Moria/v3.blend")));
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
  const auto found = search.look_into(at("a.blend"), stop.get_token());
  REQUIRE_FALSE(found);
  CHECK(found.error().outcome == Outcome::cancelled);
}

}  // namespace
}  // namespace callboard::sync::link_search_test
