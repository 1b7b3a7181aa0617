#include <catch2/catch.hpp>

#include <random>
#include <string>

#include "base/document/json_patch.h"
#include "base/document/parse.h"
#include "base/document/parse_once.h"
#include "base/document/pointer.h"
#include "tests/unit/document/random_document.h"

namespace callboard::document_test {
using namespace callboard::document;

namespace {

std::string reprinted(const std::string& json) { return print(*value(json)); }

std::string verdict(const std::string& json) {
  const auto parsed = parse(json);
  return parsed ? "" : parsed.error().text;
}

std::string patched(const std::string& json, const std::string& patch) {
  const auto result = apply_patch(value(json), patch);
  return result ? print(**result) : result.error().text;
}

}  // namespace

TEST_CASE("a document is printed as it was read, but for spaces") {
  CHECK(reprinted(" { \"b\" : [ 1 , 2.50 , -0, 1e3 ] , \"a\" : null }\n") ==
        R"({"b":[1,2.50,-0,1e3],"a":null})");
  CHECK(reprinted(R"("Gr\u00f6\u00dfe \ud83d\ude00 \"\\\/\b\n\t\u0001")") ==
        "\"Größe 😀 \\\"\\\\/\\u0008\\n\\t\\u0001\"");
  CHECK(reprinted("18446744073709551616000") == "18446744073709551616000");
  CHECK(reprinted(R"({"a":1,"b":2,"a":3})") == R"({"a":3,"b":2})");
}

TEST_CASE("a document knows the size of its text") {
  const auto seed = GENERATE(range(1U, 30U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const ValuePtr document = random_document(random);
  CHECK(document->size_bytes() == print(*document).size());
  CHECK(value("\"\\n\\u0001\\\"ä\"")->size_bytes() == print(*value("\"\\n\\u0001\\\"ä\"")).size());
}

TEST_CASE("what is no JSON is refused and says where") {
  for (const char* json :
       {"",    " ",          "{",        "[1,]",         "{\"a\"}",     "nul",         "1 2",
        "'a'", "{\"a\":1}x", "\"\x80\"", "\"\xc0\xaf\"", "\"\\ud800\"", "\"\\udc00\"", "NaN",
        "01",  "-",          "1.",       "1e",           "\"\n\"",      "// x\n1",     "\xef\xbb\xbf{}"}) {
    INFO(json);
    CHECK(verdict(json).find("expected JSON, got ") == 0);
  }
  CHECK(verdict("[1,x]") == "expected JSON, got syntax error at byte 4");
  CHECK(verdict("1e999").find("expected JSON, got number out of range") == 0);
  CHECK(verdict(std::string("1\0", 2)) == "expected JSON, got a NUL byte");
  CHECK(verdict(std::string(64, '[') + std::string(64, ']')).empty());
  CHECK(verdict(std::string(65, '[') + std::string(65, ']')).find("nested deeper than 64") !=
        std::string::npos);
}

TEST_CASE("every truncation of a document is refused") {
  const std::string json = R"({"acts":[{"name":"Das Tor \u00e9","n":[1,2.5,true,null]}]})";
  for (std::size_t size = 0; size < json.size(); ++size) CHECK_FALSE(verdict(json.substr(0, size)).empty());
}

TEST_CASE("a key that stands twice counts the last time, or is refused where a person wrote it") {
  CHECK(print(**parse(R"({"a":1,"b":2,"a":3})")) == R"({"a":3,"b":2})");
  CHECK(print(**parse_once(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})")) ==
        R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})");
  CHECK(parse_once(R"({"x":[{"a":1,"b":2,"a":3}]})").error().text ==
        "expected JSON, got the key \"a\" twice at byte 25");
  std::string many = "{";
  for (int i = 0; i < 100; ++i) many += "\"" + std::to_string(i) + "\":0,";
  CHECK(parse_once(many + "\"100\":0}"));
  CHECK_FALSE(parse_once(many + "\"50\":0}"));
}

TEST_CASE("a pointer finds by key, index, id and name") {
  const ValuePtr story = value(R"({"scenes":[{"id":7,"t":"x"},{"name":"Tor/1","t":"y"}],"":1,"m~n":2})");
  const auto at = [&](const std::string& pointer) {
    const ValuePtr found = find(story, *parse_pointer(pointer));
    return found == nullptr ? "nothing" : print(*found);
  };
  CHECK(at("/scenes/0/t") == "\"x\"");
  CHECK(at("/scenes/7/t") == "\"x\"");
  CHECK(at("/scenes/Tor~11/t") == "\"y\"");
  CHECK(at("/") == "1");
  CHECK(at("/m~0n") == "2");
  CHECK(at("/scenes/01/t") == "nothing");
  CHECK(at("/scenes/9") == "nothing");
  CHECK_FALSE(parse_pointer("scenes"));
  CHECK_FALSE(parse_pointer("/a~2"));
  CHECK(pointer_text({"a/b", "c~d", ""}) == "/a~1b/c~0d/");
}

TEST_CASE("a number is an index before it is an id or a name") {
  const ValuePtr scenes = value(R"([{"id":1,"t":"x"},{"id":"0","t":"y"},{"name":"2"},{"id":7,"t":"z"}])");
  const auto at = [&](const std::string& pointer) { return print(*find(scenes, *parse_pointer(pointer))); };
  CHECK(at("/0/t") == "\"x\"");
  CHECK(at("/1/t") == "\"y\"");
  CHECK(at("/3/t") == "\"z\"");
  // Where there is no element at that index.
  CHECK(at("/7/t") == "\"z\"");
}

TEST_CASE("an element whose key is a number is found by that") {
  const auto root = *parse(
      R"({"s":[{"id":1,"n":"a"},{"id":"2","n":"b"},{"name":"0","n":"c"},{"name":"id=1","n":"d"},{"id":"x","n":"e"}]})");
  const auto at = [&](const std::string& token) {
    const ValuePtr found = find(root, {"s", token, "n"});
    return found == nullptr ? "nothing" : *found->string();
  };
  CHECK(at("1") == "b");
  CHECK(at("id=2") == "b");
  CHECK(at("name=0") == "c");
  // What is called so is meant first.
  CHECK(at("id=1") == "d");
  CHECK(at("id=x") == "e");
  CHECK(at("id=3") == "nothing");
  CHECK(at("n=a") == "nothing");
}

TEST_CASE("an element whose key is a number is found by that in patches of any length") {
  const ValuePtr root =
      value(R"([{"id":1,"n":0},{"id":"2","n":0},{"name":"0","n":0},{"name":"id=1","n":0}])");
  const std::size_t count = GENERATE(1U, 20U);
  std::string patch;
  for (std::size_t i = 0; i < count; ++i) {
    for (const std::string token : {"id=2", "name=0", "id=1"})
      patch += std::string(patch.empty() ? "[" : ",") + R"({"op":"replace","path":"/)" + token +
               R"(/n","value":)" + std::to_string(i + 1) + "}";
  }
  const auto patched = apply_patch(root, patch + "]");
  REQUIRE(patched);
  const std::string last = std::to_string(count);
  // What is called so is meant first.
  CHECK(print(**patched) == R"([{"id":1,"n":0},{"id":"2","n":)" + last + R"(},{"name":"0","n":)" + last +
                                R"(},{"name":"id=1","n":)" + last + "}]");
  CHECK_FALSE(apply_patch(root, patch + R"(,{"op":"remove","path":"/id=3"}])"));
}

TEST_CASE("the six operations of a JSON Patch do what RFC 6902 says") {
  CHECK(patched(R"({"a":[1,2]})", R"([{"op":"add","path":"/a/1","value":9}])") == R"({"a":[1,9,2]})");
  CHECK(patched(R"({"a":[1]})",
                R"([{"op":"add","path":"/a/-","value":9},{"op":"add","path":"/a/2","value":8}])") ==
        R"({"a":[1,9,8]})");
  CHECK(patched(R"({"a":1})", R"([{"op":"add","path":"/b","value":{}}])") == R"({"a":1,"b":{}})");
  CHECK(patched(R"({"a":1})", R"([{"op":"replace","path":"/a","value":2}])") == R"({"a":2})");
  CHECK(patched(R"({"a":1})", R"([{"op":"replace","path":"","value":[]}])") == "[]");
  CHECK(patched(R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/0"}])") == R"({"a":[2]})");
  CHECK(patched(R"({"a":[1,2,3]})", R"([{"op":"move","from":"/a/0","path":"/a/2"}])") == R"({"a":[2,3,1]})");
  CHECK(patched(R"({"a":[1]})", R"([{"op":"copy","from":"/a","path":"/b"}])") == R"({"a":[1],"b":[1]})");
  CHECK(patched(R"({"a":1})", R"([{"op":"test","path":"/a","value":1}])") == R"({"a":1})");
  CHECK(patched("[{\"id\":3},{\"id\":4},{\"id\":5}]", R"([{"op":"add","path":"/3","value":0}])") ==
        R"([{"id":3},{"id":4},{"id":5},0])");
}

TEST_CASE("a patch that copies a document into itself ends where that would be too deep or too large") {
  const auto times = [](const std::string& operation, int count) {
    std::string patch = "[" + operation;
    for (int i = 1; i < count; ++i) patch += "," + operation;
    return patch + "]";
  };
  const std::string into_itself = R"({"op":"copy","from":"","path":"/a"})";
  CHECK(apply_patch(value("{}"), times(into_itself, 63)).value()->depth() == 64);
  // A few, and more than a stack could hold.
  for (const int count : {64, 200'000}) {
    CHECK(patched("{}", times(into_itself, count)) == "patch: operation 63 at \"/a\": nested deeper than 64");
  }
  const std::string deep = std::string(62, '[') + std::string(62, ']');
  CHECK(patched(R"({"a":{}})", R"([{"op":"add","path":"/a/b","value":)" + deep + "}]").size() ==
        12 + deep.size());
  CHECK(patched(R"({"a":{"b":{}}})", R"([{"op":"add","path":"/a/b/c","value":)" + deep + "}]")
            .find("nested deeper than 64") != std::string::npos);
  // Twice as long with each, until its length is no number any more.
  const std::string long_text = "[\"" + std::string(5 << 20, 'x') + "\"]";
  for (const int count : {4, 60}) {
    CHECK(patched(long_text, times(R"({"op":"copy","from":"","path":"/-"})", count)).find("larger than ") !=
          std::string::npos);
  }
}

TEST_CASE(
    "a document of more values than it may have is not read, and how many it has is known of what changes") {
  CHECK(parse("[1,[2],{\"a\":3}]", 6).value()->values() == 6);
  CHECK_FALSE(parse("[1,[2],{\"a\":3}]", 5));
  CHECK(parse("[1,[2],{\"a\":3}]", 7));
  CHECK(parse("[" + std::string(1000, '['), 5).error().text.find("more values than") != std::string::npos);
  const auto changed = with_part(*value("[1,[2,3],4]"), 1, value("{\"a\":[5]}"));
  CHECK(changed->values() == 6);
  CHECK(values_of(changed) == 6);
  CHECK(values_of(nullptr) == 0);
}

TEST_CASE("a patch that cannot be applied says which operation and why") {
  CHECK(patched("{}", R"([{"op":"remove","path":"/a"}])") ==
        "patch: operation 0 at \"/a\": nothing is there");
  CHECK(patched("{}", R"([{"op":"replace","path":"/a","value":1}])").find("nothing is there") !=
        std::string::npos);
  CHECK(patched("{\"a\":1}", R"([{"op":"test","path":"/a","value":2}])").find("test failed") !=
        std::string::npos);
  CHECK(apply_patch(value("{\"a\":1}"), R"([{"op":"test","path":"/a","value":2}])").error().outcome ==
        Outcome::superseded);
  CHECK(patched("{\"a\":{}}", R"([{"op":"move","from":"/a","path":"/a/b"}])").find("into itself") !=
        std::string::npos);
  CHECK(patched("{}", R"([{"op":"merge","path":"/a","value":1}])").find("op: expected") != std::string::npos);
  CHECK(patched("{}", R"([{"op":"add","path":"/a"}])").find("value: missing") != std::string::npos);
  CHECK(patched("{}", "{}").find("expected an array") != std::string::npos);
  CHECK(patched("{}", "[").find("patch: expected JSON") != std::string::npos);
  CHECK(patched("{}", R"([{"op":"remove","path":""}])").find("cannot be removed") != std::string::npos);
}

namespace {

std::size_t below(std::mt19937& random, std::size_t limit) { return random() % limit; }

// A pointer to something that may be there: by index, id or name, at the end, or nowhere.
std::string random_pointer(const ValuePtr& root, std::mt19937& random) {
  std::string pointer;
  ValuePtr at = root;
  while (at != nullptr && below(random, 5) != 0) {
    if (const Array* array = at->array()) {
      const std::size_t index = below(random, array->size() + 1);
      std::string token = below(random, 8) == 0 ? "-" : std::to_string(index);
      for (const char* field : {"id", "name"}) {
        const ValuePtr key = index < array->size() ? (*array)[index]->member(field) : nullptr;
        if (key != nullptr && below(random, 2) == 0) token = key->string() ? *key->string() : print(*key);
      }
      append_token(token, pointer);
      at = index < array->size() ? (*array)[index] : nullptr;
    } else if (const Object* object = at->object(); object != nullptr && !object->empty()) {
      const Member& member = (*object)[below(random, object->size())];
      append_token(below(random, 8) == 0 ? "id" : member.key, pointer);
      at = member.value;
    } else {
      break;
    }
  }
  return pointer;
}

std::string random_operation(const ValuePtr& root, std::mt19937& random) {
  constexpr const char* kNames[] = {"add", "add", "replace", "replace", "remove", "move", "copy", "test"};
  const std::string name = kNames[below(random, 8)];
  const std::string path = random_pointer(root, random);
  Object operation{{"op", make_value(name)}, {"path", make_value(path)}};
  if (name == "move" || name == "copy") {
    operation.push_back({"from", make_value(random_pointer(root, random))});
  } else {
    const ValuePtr part = find(root, *parse_pointer(name == "test" ? path : random_pointer(root, random)));
    operation.push_back({"value", part == nullptr ? value("\"a\"") : part});
  }
  return print(*make_value(std::move(operation)));
}

}  // namespace

TEST_CASE("many operations of a patch at once do what they do one by one") {
  const auto seed = GENERATE(range(1U, 600U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const ValuePtr from = random_document(random);
  ValuePtr at = from;
  std::string patch;
  std::size_t count = 0;
  while (count < 30) {
    const std::string operation = random_operation(at, random);
    const auto next = apply_patch(at, "[" + operation + "]");
    // Documents that double with every copy are no use.
    if (!next || *next == nullptr || (*next)->size_bytes() > 20'000) continue;
    at = *next;
    patch += (count++ == 0 ? "" : ",") + operation;
  }
  INFO(print(*from) << "\n" << patch);
  const auto at_once = apply_patch(from, "[" + patch + "]");
  REQUIRE(at_once);
  CHECK(print(**at_once) == print(*at));
  CHECK((*at_once)->depth() == at->depth());

  const std::string last = random_operation(at, random);
  const auto alone = apply_patch(at, "[" + last + "]");
  const auto behind = apply_patch(from, "[" + patch + "," + last + "]");
  INFO(last);
  REQUIRE(behind.has_value() == alone.has_value());
  if (alone) CHECK(print(**behind) == print(**alone));
  if (!alone) CHECK(behind.error().outcome == alone.error().outcome);
}

// Each would take minutes were it to cost what the array is long for every operation.
TEST_CASE("thirty thousand operations on one array cost no more than reading it a few times") {
  constexpr int kCount = 30'000;
  Array array;
  for (int i = 0; i < kCount; ++i)
    array.push_back(make_value(Object{{"id", make_value("s" + std::to_string(i))}, {"n", value("0")}}));
  const ValuePtr from = make_value(std::move(array));
  const auto kind = GENERATE(range(0, 4));
  std::string patch = "[";
  for (int i = 0; i < kCount; ++i) {
    const std::string own = "s" + std::to_string(i);
    if (i > 0) patch += ',';
    if (kind == 0) patch += R"({"op":"replace","path":"/)" + own + R"(/n","value":1})";
    if (kind == 1) patch += R"({"op":"remove","path":"/)" + own + R"("})";
    if (kind == 2) patch += R"({"op":"move","from":"/)" + own + R"(","path":"/0"})";
    if (kind == 3)
      patch += R"({"op":"add","path":"/)" + std::to_string(2 * i) + R"(","value":)" + std::to_string(i) + "}";
  }
  const auto result = apply_patch(from, patch + "]");
  REQUIRE(result);
  const Array& made = *(*result)->array();
  CHECK(made.size() == (kind == 1 ? 0U : kind == 3 ? 2U * kCount : 1U * kCount));
  if (kind == 0) CHECK(print(*made[kCount - 1]) == R"({"id":"s29999","n":1})");
  if (kind == 2) CHECK(print(*made[0]) == R"({"id":"s29999","n":0})");
  if (kind == 3) CHECK(print(*made[2]) == "1");
}

TEST_CASE("a put replaces what is there, adds to an object, and nothing else") {
  const ValuePtr story = value(R"({"a":[1,2]})");
  CHECK(print(**put(story, {"a", "1"}, value("9"))) == R"({"a":[1,9]})");
  CHECK(print(**put(story, {"a", "-"}, value("9"))) == R"({"a":[1,2,9]})");
  CHECK(print(**put(story, {"b"}, value("9"))) == R"({"a":[1,2],"b":9})");
  CHECK(put(story, {"b", "c"}, value("9")).error().text == "set \"/b/c\": nothing is there");
  CHECK_FALSE(put(story, {"a", "5"}, value("9")));
  CHECK(print(**put(nullptr, {}, value("9"))) == "9");
  CHECK_FALSE(put(nullptr, {"a"}, value("9")));
}

TEST_CASE("the difference of any two versions makes the one of the other") {
  const auto seed = GENERATE(range(1U, 400U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const ValuePtr from = random_document(random);
  const ValuePtr to = seed % 5 == 0 ? random_document(random) : edited(from, random);
  const std::string patch = diff(from, to);
  INFO(print(*from) << "\n" << print(*to) << "\n" << patch);
  const auto result = apply_patch(from, patch);
  REQUIRE(result);
  CHECK(equal(*result, to));
}

TEST_CASE("wide objects are compared whatever the order of their members") {
  // Each with each would be 3 * 10^9 comparisons.
  constexpr int kMembers = 50'000;
  const auto wide = [](bool is_backwards, int last) {
    std::string json = "{";
    for (int i = 0; i < kMembers; ++i) {
      const int key = is_backwards ? kMembers - 1 - i : i;
      json += (i ? ",\"" : "\"") + std::to_string(key) + "\":" + std::to_string(key == 0 ? last : 1);
    }
    return value(json + "}");
  };
  const ValuePtr forwards = wide(false, 1);
  const ValuePtr other = wide(true, 2);
  CHECK(equal(forwards, wide(true, 1)));
  CHECK_FALSE(equal(forwards, other));
  CHECK(equal(other, wide(false, 2)));
}

TEST_CASE("an element that moved is moved, not written anew") {
  const ValuePtr from = value(R"([{"id":1},{"id":2},{"id":3},{"id":4}])");
  CHECK(diff(from, value(R"([{"id":4},{"id":1},{"id":2},{"id":3}])")) ==
        R"([{"op":"move","path":"/0","from":"/3"}])");
  CHECK(diff(from, value(R"([{"id":1},{"id":2},{"id":3},{"id":4}])")) == "[]");
}

TEST_CASE("a word in a large document is a difference of its own size") {
  std::string json = "{\"scenes\":[";
  for (int i = 0; i < 2000; ++i)
    json += (i ? ",{\"id\":" : "{\"id\":") + std::to_string(i) + ",\"note\":\"word\"}";
  const ValuePtr from = value(json + "]}");
  const auto to = put(from, {"scenes", "1234", "note"}, value("\"sentence\""));
  CHECK(diff(from, *to) == R"([{"op":"replace","path":"/scenes/1234/note","value":"sentence"}])");
  // Read anew, it shares all but the way to the word.
  const ValuePtr again = share(from, value(print(**to)));
  CHECK(find(again, {"scenes", "7"}) == find(from, {"scenes", "7"}));
  CHECK(equal(again, *to));
  CHECK(share(from, value(print(*from))) == from);
}

}  // namespace callboard::document_test
