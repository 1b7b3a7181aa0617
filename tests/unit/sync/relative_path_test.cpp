#include "sync/relative_path.h"

#include <catch2/catch.hpp>

#include "base/limits.h"

namespace callboard::sync::relative_path_test {
namespace {

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

RelativePath path(std::string_view bytes) { return RelativePath::from_bytes(bytes).value(); }

TEST_CASE("a path that stays in the project is taken as it is") {
  const auto accepted = {std::string("a"),
                         std::string("dev/chr/Moria"),
                         std::string("with space/it's \"x\"/new\nline"),
                         std::string("caf\xe9/\xff\xfe"),
                         std::string("...//").substr(0, 3),
                         std::string("..a/a../.a"),
                         std::string(".callboard2"),
                         std::string(255, 'n')};
  for (const std::string& bytes : accepted) {
    INFO(bytes);
    const auto parsed = RelativePath::from_bytes(bytes);
    REQUIRE(parsed.has_value());
    CHECK(parsed->bytes() == bytes);
    CHECK_FALSE(parsed->is_root());
  }
}

TEST_CASE("a path that could leave the project or reach its private folder is refused") {
  const auto refused = {std::string("/"),
                        std::string("/etc/passwd"),
                        std::string(".."),
                        std::string("../x"),
                        std::string("a/../b"),
                        std::string("a/.."),
                        std::string("."),
                        std::string("a/./b"),
                        std::string("a//b"),
                        std::string("a/"),
                        std::string("a\0b", 3),
                        std::string(".callboard"),
                        std::string(".callboard/tmp"),
                        std::string(".CallBoard/config"),
                        std::string("a/.callboard"),
                        std::string("a/.callBoard/key"),
                        std::string("\0", 1)};
  for (const std::string& bytes : refused) {
    INFO(bytes);
    const auto parsed = RelativePath::from_bytes(bytes);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().outcome == Outcome::refused);
    CHECK(parsed.error().text.starts_with("path \""));
  }
}

TEST_CASE("each limit of a path is exact") {
  CHECK(RelativePath::from_bytes(std::string(255, 'x')).has_value());
  CHECK_FALSE(RelativePath::from_bytes(std::string(256, 'x')).has_value());

  CHECK(RelativePath::from_bytes(repeated("a/", 127) + "a").has_value());
  CHECK_FALSE(RelativePath::from_bytes(repeated("a/", 128) + "a").has_value());

  // 16 × (255 + 1) = 4096 with the last slash.
  const std::string longest = repeated(std::string(255, 'x') + "/", 15) + std::string(254, 'x') + "/y";
  REQUIRE(longest.size() == kPathMaxBytes);
  CHECK(RelativePath::from_bytes(longest).has_value());
  CHECK_FALSE(RelativePath::from_bytes(longest + "y").has_value());
}

TEST_CASE("the empty path is the project folder") {
  const RelativePath root = path("");
  CHECK(root.is_root());
  CHECK(root.depth() == 0);
  CHECK(root.parent() == root);
  CHECK(root.name().empty());
  CHECK(root.to_item() == "/");
  CHECK(root.joined("dev")->bytes() == "dev");
  CHECK_FALSE(root.joined(".callboard").has_value());
}

TEST_CASE("an item is read as people write it and written with a leading slash") {
  CHECK(RelativePath::from_item("/dev/chr/Moria")->bytes() == "dev/chr/Moria");
  CHECK(RelativePath::from_item("/dev/chr/Moria/")->bytes() == "dev/chr/Moria");
  CHECK(RelativePath::from_item("dev/chr/Moria")->bytes() == "dev/chr/Moria");
  CHECK(RelativePath::from_item("/")->is_root());
  CHECK(RelativePath::from_item("/dev/chr/Moria")->to_item() == "/dev/chr/Moria");
  for (const char* bad : {"", "//", "//dev", "/dev//", "/../x", "/.callboard", "/dev/./x"}) {
    INFO(bad);
    CHECK_FALSE(RelativePath::from_item(bad).has_value());
  }
}

TEST_CASE("a path knows its parent, its name and its depth") {
  const RelativePath deep = path("dev/chr/Moria");
  CHECK(deep.parent().bytes() == "dev/chr");
  CHECK(deep.name() == "Moria");
  CHECK(deep.depth() == 3);
  CHECK(path("dev").parent().is_root());
  CHECK(path("dev").name() == "dev");
}

TEST_CASE("a component is joined when it is one and when there is room") {
  CHECK(path("dev").joined("chr")->bytes() == "dev/chr");
  CHECK_FALSE(path("dev").joined(".callboard").has_value());
  for (const std::string& bad : {std::string(), std::string("."), std::string(".."), std::string("a/b"),
                                 std::string("a\0", 2), std::string(256, 'x')}) {
    INFO(bad);
    CHECK_FALSE(path("dev").joined(bad).has_value());
  }
  CHECK(path(repeated("a/", 126) + "a").joined("b").has_value());
  CHECK_FALSE(path(repeated("a/", 127) + "a").joined("b").has_value());
  CHECK_FALSE(path(repeated(std::string(255, 'x') + "/", 15) + std::string(200, 'x'))
                  .joined(std::string(60, 'y'))
                  .has_value());
}

TEST_CASE("beneath means at or below, not a name that starts alike") {
  CHECK(path("dev/chr/Moria").is_beneath(path("dev/chr")));
  CHECK(path("dev/chr").is_beneath(path("dev/chr")));
  CHECK(path("dev").is_beneath(path("")));
  CHECK_FALSE(path("dev/chr2").is_beneath(path("dev/chr")));
  CHECK_FALSE(path("dev").is_beneath(path("dev/chr")));
}

}  // namespace
}  // namespace callboard::sync::relative_path_test
