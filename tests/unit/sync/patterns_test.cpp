#include "sync/patterns.h"

#include <catch2/catch.hpp>

#include "base/limits.h"

namespace callboard::sync::patterns_test {
namespace {

RelativePath path(std::string_view bytes) { return RelativePath::from_bytes(bytes).value(); }

bool excludes(const std::string& pattern, std::string_view bytes) {
  const auto patterns = Patterns::from({}, {pattern});
  REQUIRE(patterns.has_value());
  return patterns->is_excluded(path(bytes));
}

TEST_CASE("a pattern without a slash is compared with names at any depth") {
  CHECK(excludes("*.blend1", "a.blend1"));
  CHECK(excludes("*.blend1", "dev/chr/a.blend1"));
  CHECK_FALSE(excludes("*.blend1", "dev/chr/a.blend"));
  CHECK(excludes("cache/", "dev/cache"));
  CHECK_FALSE(excludes("cache", "dev/cache2"));
}

TEST_CASE("a pattern with a slash is compared with the path from the project folder") {
  CHECK(excludes("/pln", "pln"));
  CHECK_FALSE(excludes("/pln", "dev/pln"));
  CHECK(excludes("dev/*/tex", "dev/chr/tex"));
  CHECK_FALSE(excludes("dev/*/tex", "dev/a/b/tex"));
  CHECK_FALSE(excludes("chr/tex", "dev/chr/tex"));
}

TEST_CASE("two stars as a component are any number of components") {
  CHECK(excludes("dev/**/tex", "dev/tex"));
  CHECK(excludes("dev/**/tex", "dev/a/b/c/tex"));
  CHECK(excludes("**/tex/*.png", "a/tex/x.png"));
  CHECK(excludes("**/tex/*.png", "tex/x.png"));
  CHECK(excludes("dev/**", "dev/a/b"));
  CHECK_FALSE(excludes("dev/**/tex", "dev/a/tex2"));
  CHECK(excludes("a/**/b/**/c", "a/x/b/b/y/z/c"));
  CHECK_FALSE(excludes("a/**/b/**/c", "a/x/c/y/b"));
}

TEST_CASE("a question mark is one character of any script, a set one byte") {
  CHECK(excludes("?", "\xc3\xbc"));
  CHECK(excludes("?", "\xf0\x9f\x8e\xac"));
  CHECK(excludes("?", "\xff"));
  CHECK_FALSE(excludes("?", "\xc3\xbc\xc3\xbc"));
  CHECK(excludes("frame-[0-9][0-9].exr", "frame-07.exr"));
  CHECK_FALSE(excludes("frame-[0-9][0-9].exr", "frame-x7.exr"));
  CHECK(excludes("[!a-c]x", "dx"));
  CHECK_FALSE(excludes("[!a-c]x", "bx"));
  CHECK(excludes("[]]", "]"));
  CHECK(excludes("[a-]", "-"));
}

TEST_CASE("a backslash takes the next character as it is") {
  CHECK(excludes("\\*", "*"));
  CHECK_FALSE(excludes("\\*", "x"));
  CHECK(excludes("\\[x]", "[x]"));
  CHECK(excludes("\\!x", "!x"));
}

TEST_CASE("only what is included counts, and all beneath it") {
  const auto patterns = Patterns::from({"/dev/chr", "*.txt"}, {}).value();
  CHECK(patterns.is_included(path("dev/chr")));
  CHECK(patterns.is_included(path("dev/chr/Moria/a.blend")));
  CHECK(patterns.is_included(path("pln/a.txt")));
  CHECK_FALSE(patterns.is_included(path("dev/a.blend")));
  CHECK_FALSE(patterns.is_excluded(path("dev/a.blend")));
  CHECK(Patterns().is_included(path("x")));
  CHECK(Patterns().is_everything());
  CHECK_FALSE(patterns.is_everything());
}

TEST_CASE("a pattern that makes no sense is refused with its text") {
  for (const std::string& bad : {std::string(), std::string("/"), std::string("a[b"), std::string("[a/b]"),
                                 std::string("!keep"), std::string(kPathMaxBytes + 1, 'x')}) {
    INFO(bad);
    const auto patterns = Patterns::from({bad}, {});
    REQUIRE_FALSE(patterns.has_value());
    CHECK(patterns.error().outcome == Outcome::usage);
    CHECK(patterns.error().text.starts_with("pattern \""));
  }
}

TEST_CASE("patterns made to be slow are not") {
  std::string stars;
  for (int i = 0; i < 100; ++i) stars += "a*";
  CHECK_FALSE(excludes(stars + "b", std::string(255, 'a')));
  std::string deep_stars;
  std::string deep;
  for (int i = 0; i < 60; ++i) {
    deep_stars += "**/a/";
    deep += "a/";
  }
  CHECK_FALSE(excludes(deep_stars + "b", deep + deep + "a"));
}

}  // namespace
}  // namespace callboard::sync::patterns_test
