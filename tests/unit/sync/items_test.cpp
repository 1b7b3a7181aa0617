#include "sync/items.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "sync/scan.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::sync::items_test {
namespace {

namespace fs = std::filesystem;
using support::TempDir;

void write_at(const fs::path& file, std::int64_t seconds) {
  support::write_file(file, "x");
  const timespec times[2] = {{0, UTIME_OMIT}, {seconds, 500'000'000}};
  REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
}

using Items = std::map<std::string, Timestamp>;

TEST_CASE("items are the folders that match, with the newest time of a file in them") {
  const TempDir folder;
  write_at(folder / "dev/chr/Moria/a.blend", 1000);
  write_at(folder / "dev/chr/Moria/deep/er/b.blend", 2000);
  write_at(folder / "dev/chr/Moria/c.blend", 1500);
  write_at(folder / "rnd/scene-01/shot-03/f.exr", 3000);
  write_at(folder / "pln/x/notes", 4000);
  write_at(folder / "dev/chr/not a folder", 5000);
  write_at(folder / "other/a/b/c", 6000);
  write_at(folder / "dev/short", 7000);
  const TempDir outside;
  fs::create_directory_symlink(outside.path(), folder / "dev/chr/link");

  const auto found = find_items(Root::open(folder.path()).value(), ItemPatterns());
  REQUIRE(found.has_value());
  CHECK(found->items == Items{{"/dev/chr/Moria", {2'000'500}},
                              {"/pln", {4'000'500}},
                              {"/rnd/scene-01/shot-03", {3'000'500}}});
  CHECK(found->left_out == 0);
}

TEST_CASE("an item without files has its folder's own time") {
  const TempDir folder;
  fs::create_directories(folder / "pln");
  const timespec times[2] = {{0, UTIME_OMIT}, {77, 0}};
  REQUIRE(::utimensat(AT_FDCWD, (folder / "pln").c_str(), times, 0) == 0);
  const auto found = find_items(Root::open(folder.path()).value(), ItemPatterns());
  CHECK(found->items == Items{{"/pln", {77'000}}});
}

TEST_CASE("a folder whose name cannot be told to others is counted, not told") {
  const TempDir folder;
  write_at(folder / "dev/chr/b\xff", 1);
  fs::create_directories(folder / "dev/chr/\xfflatin");
  const auto found = find_items(Root::open(folder.path()).value(), ItemPatterns());
  CHECK(found->items.empty());
  CHECK(found->left_out == 1);
}

TEST_CASE("the private folder is never an item") {
  const TempDir folder;
  write_at(folder / ".callboard/tmp/x", 1);
  write_at(folder / "a/b/x", 1);
  const auto found = find_items(Root::open(folder.path()).value(), ItemPatterns::from("*/*  /*/").value());
  CHECK(found->items == Items{{"/a", {1'500}}, {"/a/b", {1'500}}});
}

TEST_CASE("looking for items ends when it is asked to stop") {
  const TempDir folder;
  write_at(folder / "dev/chr/Moria/a.blend", 1000);
  const auto root = Root::open(folder.path().string());
  REQUIRE(root);
  std::stop_source stop;
  CHECK(find_items(*root, ItemPatterns(), stop.get_token()));
  stop.request_stop();
  const auto found = find_items(*root, ItemPatterns(), stop.get_token());
  REQUIRE_FALSE(found);
  CHECK(found.error().outcome == Outcome::cancelled);
}

TEST_CASE("a tree gives the same items as its folder") {
  const TempDir folder;
  write_at(folder / "dev/chr/Moria/a.blend", 1000);
  write_at(folder / "dev/chr/Moria/deep/er/b.blend", 2000);
  write_at(folder / "dev/chr/not a folder", 5000);
  write_at(folder / "other/a/b/c", 6000);
  write_at(folder / "dev/chr/b\xff/x", 1);
  fs::create_directories(folder / "pln/empty");
  const Root root = Root::open(folder.path()).value();
  Index index = Index::in_memory().value();
  const auto tree = scan(root, index, {}, system_clock()).value().tree;
  const auto looked = find_items(root, ItemPatterns()).value();
  const auto found = find_items(*tree, ItemPatterns());
  CHECK(found.items == looked.items);
  CHECK(found.items.size() == 2);
  CHECK(found.left_out == 1);
}

TEST_CASE("a file is in the innermost item above it, or in none") {
  const auto holding = [](const std::string& patterns, const std::string& path) {
    const auto item = ItemPatterns::from(patterns).value().holding(RelativePath::from_bytes(path).value());
    return item ? item->to_item() : "";
  };
  CHECK(holding("dev/*/* pln", "dev/chr/Moria/rig/Moria.blend") == "/dev/chr/Moria");
  CHECK(holding("dev/*/* pln", "pln/x.blend") == "/pln");
  CHECK(holding("dev/*/* pln", "dev/chr/Moria.blend") == "");
  CHECK(holding("dev/*/* pln", "lib/a/b/c.blend") == "");
  CHECK(holding("pln pln/*", "pln/a/b/x.blend") == "/pln/a");
  CHECK(holding("dev/chr_[a-c]", "dev/chr_b/x.blend") == "/dev/chr_b");
  CHECK(holding("dev/chr_[a-c]", "dev/chr_d/x.blend") == "");
  CHECK(holding("*", "") == "");
}

TEST_CASE("item patterns are checked when they are read") {
  CHECK(ItemPatterns::from("dev/*/*  /ast/?[a-c]/\n pln/").value().patterns() ==
        std::vector<std::vector<std::string>>{{"dev", "*", "*"}, {"ast", "?[a-c]"}, {"pln"}});
  for (const char* bad : {"", "  ", "/", "a/**/b", "a//b", "../x", "dev/[a", ".callboard/*"}) {
    INFO(bad);
    const auto parsed = ItemPatterns::from(bad);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().outcome == Outcome::usage);
  }
}

}  // namespace
}  // namespace callboard::sync::items_test
