#include "base/text.h"

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

namespace callboard::text_test {
namespace {

TEST_CASE("UTF-8 of any script and length is valid") {
  for (const std::string text : {"", "Moria", "Träume", "日本語", "🎬", "\x7f", "\xc2\x80", "\xe0\xa0\x80",
                                 "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    INFO(to_hex(text));
    CHECK(is_utf8(text));
  }
  CHECK(is_utf8(std::string_view("a\0b", 3)));
}

TEST_CASE("overlong forms, surrogates, too great and broken sequences are not UTF-8") {
  for (const std::string text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe", "\xc3",
        "\xe2\x82", "\xf0\x9f\x8e", "\xc3(", "ok\xe2\x28\xa1"}) {
    INFO(to_hex(text));
    CHECK_FALSE(is_utf8(text));
  }
}

TEST_CASE("a text is cut between characters") {
  for (const auto& [max_bytes, beginning] : std::vector<std::pair<std::size_t, std::string>>{
           {0, ""}, {1, "a"}, {2, "a"}, {3, "aü"}, {4, "aü"}, {5, "aü"}, {6, "aü"}, {7, "aü🎬"}, {8, "aü🎬"}})
    CHECK(cut("aü🎬", max_bytes) == beginning);
  CHECK(cut("", 0).empty());
  CHECK(cut("\x80\x80", 1).empty());
}

TEST_CASE("characters are counted, not bytes") {
  CHECK(code_point_count("") == 0);
  CHECK(code_point_count("Träume") == 6);
  CHECK(code_point_count("🎬日") == 2);
}

TEST_CASE("control characters of every kind are found") {
  for (const std::string text :
       {"a\nb", "\t", "\x1b[2J", "\x7f", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xff"}) {
    INFO(to_hex(text));
    CHECK(has_control_character(text));
  }
  CHECK_FALSE(has_control_character("rigging (2) – Träume 🎬"));
}

TEST_CASE("what would disturb a terminal is shown escaped") {
  CHECK(escaped("plain Träume") == "plain Träume");
  CHECK(escaped("a\nb\tc\rd") == "a\\nb\\tc\\rd");
  CHECK(escaped("\x1b[2J") == "\\x1b[2J");
  CHECK(escaped("\xff\xc3") == "\\xff\\xc3");
  CHECK(escaped("\xc2\x85") == "\\xc2\\x85");
  CHECK(escaped("\\n") == "\\\\n");
  CHECK(escaped(std::string_view("\0", 1)) == "\\x00");
}

TEST_CASE("escaped text is cut between characters and says so") {
  CHECK(escaped("äöü", 3) == "äöü");
  CHECK(escaped("äöü", 2) == "äö…");
  CHECK(escaped("a\n\n", 2) == "a\\n…");
  CHECK(escaped("x", 0) == "…");
  CHECK(escaped("", 0).empty());
}

TEST_CASE("quoted text is cut at 64 characters") {
  CHECK(quoted("Moria's Race") == "\"Moria's Race\"");
  CHECK(quoted(std::string(64, 'x')) == '"' + std::string(64, 'x') + '"');
  CHECK(quoted(std::string(65, 'x')) == '"' + std::string(64, 'x') + "…\"");
}

TEST_CASE("sizes have three digits and the unit that fits") {
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(312) == "312 B");
  CHECK(human_bytes(1023) == "1023 B");
  CHECK(human_bytes(1024) == "1.00 KiB");
  CHECK(human_bytes(1536) == "1.50 KiB");
  CHECK(human_bytes(10'240) == "10.0 KiB");
  CHECK(human_bytes(102'400) == "100 KiB");
  CHECK(human_bytes(1'048'575) == "1.00 MiB");
  CHECK(human_bytes(3ULL << 30) == "3.00 GiB");
  CHECK(human_bytes(~0ULL) == "16.0 EiB");
}

TEST_CASE("bytes come back from their hex form, in either case") {
  CHECK(to_hex(std::string_view("\x00\x7f\xff", 3)) == "007fff");
  CHECK(from_hex("007fFF") == std::string("\x00\x7f\xff", 3));
  CHECK(from_hex("") == "");
}

TEST_CASE("what is no hex is refused") {
  CHECK_FALSE(from_hex("0"));
  CHECK_FALSE(from_hex("0g"));
  CHECK_FALSE(from_hex("0x"));
  CHECK_FALSE(from_hex(" 0"));
}

}  // namespace
}  // namespace callboard::text_test
