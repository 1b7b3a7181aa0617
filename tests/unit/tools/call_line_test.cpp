#include "tools/cli/call_line.h"

#include <catch2/catch.hpp>

namespace callboard::cli::call_line_test {
namespace {

// "name|word|word", with "'" before one that is a value whatever stands in it though it has a =, or the error.
std::string read(const std::string& text) {
  const auto line = call_line_from(text);
  if (!line) return line.error().text;
  if (!*line) return "nothing";
  std::string read = (*line)->name;
  for (const CallWord& word : (*line)->words) {
    const bool has_equals = word.text.find('=') != std::string::npos;
    read += (word.is_value && has_equals ? "|'" : "|") + word.text;
  }
  return read;
}

}  // namespace

TEST_CASE("a call is a name with arguments in brackets, or with words behind it") {
  CHECK(read("ping") == "ping");
  CHECK(read("ping()") == "ping");
  CHECK(read("  ping ( )  ") == "ping");
  CHECK(read("kick(rigging)") == "kick|rigging");
  CHECK(read("name( a b ,  c )") == "name|a b|c");
  CHECK(read("name a  b") == "name|a|b");
  CHECK(read("name(frame=12, x)") == "name|frame=12|x");
  CHECK(read("") == "nothing");
  CHECK(read("   ") == "nothing");
  CHECK(read("# kick(rigging)") == "nothing");
}

TEST_CASE("within quotes everything is itself") {
  CHECK(read(R"(name(arg, "quoted, arg"))") == "name|arg|quoted, arg");
  CHECK(read(R"(name("a) b", 'c "d" e'))") == R"(name|a) b|c "d" e)");
  CHECK(read(R"(name "two words" 'and more')") == "name|two words|and more");
  CHECK(read(R"(name("say \"hi\" \\ \n"))") == R"(name|say "hi" \ \n)");
  CHECK(read(R"(name(reason="late, again"))") == "name|reason=late, again");
  CHECK(read(R"(name(""))") == "name|");
  CHECK(read(R"(name("a=b", 'c=d'))") == "name|'a=b|'c=d");
  CHECK(read(R"(name("a"=b, c="d=e"))") == "name|a=b|c=d=e");
  CHECK(read(R"(name "a=b" c=d)") == "name|'a=b|c=d");
  CHECK(read(R"(name("  a  "))") == "name|  a  ");
}

TEST_CASE("lists and maps are JSON, with their own commas and quotes") {
  CHECK(read(R"(name([1, "a, b"], {"c": [2]}, d))") == R"(name|[1, "a, b"]|{"c": [2]}|d)");
  CHECK(read(R"(name(["a\"b]"]))") == R"(name|["a\"b]"])");
  CHECK(read(R"(name [1,2] x)") == "name|[1,2]|x");
}

TEST_CASE("what is not closed or is missing is said") {
  CHECK(read("kick(rigging") == "kick: ( is not closed");
  CHECK(read("kick(\"rigging)") == "kick: \" is not closed");
  CHECK(read("kick 'a") == "kick: ' is not closed");
  CHECK(read("kick([1)") == "kick: [ or { is not closed");
  CHECK(read("kick(a,)") == "kick: argument 2 is missing");
  CHECK(read("kick(,a)") == "kick: argument 1 is missing");
  CHECK(read("kick(a) b") == "kick: \"b\" behind its arguments");
  CHECK(read("(a)") == "expected the name of a call before (");
}

}  // namespace callboard::cli::call_line_test
