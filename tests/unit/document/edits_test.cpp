#include "base/document/edits.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/document/json_patch.h"
#include "base/limits.h"
#include "tests/unit/document/random_document.h"

namespace callboard::edits_test {
using namespace callboard::document;

namespace {

Growth grown(const ValuePtr& from, const std::vector<Edits>& steps) {
  Growth growth;
  growth.apply({Edit::Kind::set, {}, from, {}});
  for (const Edits& edits : steps) {
    for (const Edit& edit : edits) growth.apply(edit);
  }
  return growth;
}

// What becomes of a document when both authors started from it, `first` being the older one.
std::string merged(const std::string& base, const std::string& first, const std::string& second) {
  const ValuePtr from = value(base);
  const auto growth = grown(from, {edits_between(from, value(first)), edits_between(from, value(second))});
  return print(*growth.root());
}

}  // namespace

TEST_CASE("edits make the new version of the old one, and survive being written down") {
  const auto seed = GENERATE(range(1U, 400U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const ValuePtr from = random_document(random);
  const ValuePtr to = seed % 5 == 0 ? random_document(random) : edited(from, random);
  const Edits edits = edits_between(from, to);
  INFO(print(*from) << "\n" << print(*to) << "\n" << print(edits));
  const ValuePtr made = grown(from, {edits}).root();
  CHECK(equal(made, to));
  // Both are followed from one version to the next, not counted anew.
  CHECK(made->size_bytes() == print(*made).size());
  CHECK(made->depth() == to->depth());

  const auto again = parse_edits(print(edits));
  REQUIRE(again);
  CHECK(print(*again) == print(edits));
  CHECK(edits_between(to, to).empty());
  for (const Edit& edit : edits) CHECK(grown(from, {edits}).shows(edit));
}

TEST_CASE("what is put at a place makes the edits that both versions of the document make") {
  const auto seed = GENERATE(range(1U, 200U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const ValuePtr document = value(R"({"a":{"b":{"c":1,"d":[1,2],"":3}},"list":[{"id":1,"n":2}],"t":"x"})");
  const std::vector<std::string> places = {"/t",       "/a/b/c", "/a/b", "/a/b/d",
                                           "/a/b/new", "/a",     "/new", "/a/b/"};
  const std::string& place = places[random() % places.size()];
  const ValuePtr put_there = seed % 3 == 0 ? value(R"({"c":1,"d":[1,2,3]})") : random_document(random);
  const auto at = parse_pointer(place);
  REQUIRE(at);
  const auto whole = put(document, *at, put_there);
  REQUIRE(whole);
  INFO(place << " " << print(*put_there));

  const auto edits = edits_at(document, *at, put_there);
  REQUIRE(edits);
  CHECK(print(*edits) == print(edits_between(document, *whole)));
  CHECK(equal(grown(document, {*edits}).root(), *whole));
}

TEST_CASE("what is there already makes no edits, and arrays and missing ways want the whole document") {
  const ValuePtr document = value(R"({"a":{"b":1},"list":[{"id":1,"n":2}]})");
  const auto at = [&](const std::string& place) {
    return edits_at(document, *parse_pointer(place), value("1"));
  };
  REQUIRE(at("/a/b"));
  CHECK(at("/a/b")->empty());
  CHECK_FALSE(at(""));
  CHECK_FALSE(at("/list/1/n"));
  CHECK_FALSE(at("/list/0"));
  CHECK_FALSE(at("/b/a"));
  CHECK_FALSE(at("/a/b/c"));
  CHECK_FALSE(edits_at(nullptr, *parse_pointer("/a"), value("1")));
}

TEST_CASE("different parts both survive") {
  CHECK(merged(R"({"a":1,"b":2})", R"({"a":3,"b":2})", R"({"a":1,"b":4})") == R"({"a":3,"b":4})");
  CHECK(merged(R"([{"id":1,"t":"x"},{"id":2,"t":"y"}])", R"([{"id":0},{"id":1,"t":"x"},{"id":2,"t":"y"}])",
               R"([{"id":1,"t":"x"},{"id":2,"t":"z"}])") ==
        R"([{"id":0},{"id":1,"t":"x"},{"id":2,"t":"z"}])");
  CHECK(merged(R"([{"name":"a"},{"name":"b"}])", R"([{"name":"b"},{"name":"a"}])",
               R"([{"name":"a","n":1},{"name":"b"}])") == R"([{"name":"b"},{"name":"a","n":1}])");
  CHECK(merged(R"({"shots":[]})", R"({"shots":[{"id":1}]})", R"({"shots":[{"id":2}]})") ==
        R"({"shots":[{"id":2},{"id":1}]})");
}

TEST_CASE("the same part goes to the one applied last") {
  CHECK(merged(R"({"a":1})", R"({"a":2})", R"({"a":3})") == R"({"a":3})");
  // An array without keys is one part.
  CHECK(merged("[1,2]", "[1,2,3]", "[0,1,2]") == "[0,1,2]");
}

TEST_CASE("a newer edit within what an older one took away brings it back whole") {
  CHECK(merged(R"({"s":[{"id":1,"t":"x","n":5},{"id":2}]})", R"({"s":[{"id":2}]})",
               R"({"s":[{"id":1,"t":"y","n":5},{"id":2}]})") == R"({"s":[{"id":2},{"id":1,"t":"y","n":5}]})");
  CHECK(merged(R"({"s":{"t":1,"u":2}})", R"({"s":7})", R"({"s":{"t":3,"u":2}})") == R"({"s":{"t":3,"u":2}})");
  // The other way round it stays away.
  CHECK(merged(R"({"s":{"t":1,"u":2}})", R"({"s":{"t":3,"u":2}})", "{}") == "{}");
}

TEST_CASE("an edit whose place is gone for good changes nothing") {
  Growth growth = grown(value(R"({"a":1})"), {});
  CHECK_FALSE(growth.apply({Edit::Kind::set, {{"", "b"}, {"", "c"}}, value("1"), {}}));
  CHECK_FALSE(growth.apply({Edit::Kind::remove, {{"", "b"}}, nullptr, {}}));
  CHECK_FALSE(growth.apply({Edit::Kind::place, {{"", "a"}}, nullptr, {}}));
  CHECK(print(*growth.root()) == R"({"a":1})");
  Growth empty;
  CHECK_FALSE(empty.apply({Edit::Kind::set, {{"", "b"}}, value("1"), {}}));
}

TEST_CASE("what edits have in common is what encloses all their places") {
  const Path note{{"", "scenes"}, {"id", "1"}, {"", "note"}};
  const Path other{{"", "scenes"}, {"id", "2"}};
  const Path title{{"", "title"}};
  using Kind = Edit::Kind;
  const auto common = [](std::vector<Path> paths) {
    Edits edits;
    for (Path& each : paths) edits.push_back({Kind::remove, std::move(each), nullptr, {}});
    return common_path(edits);
  };
  CHECK(common({}).empty());
  CHECK(common({note}) == note);
  CHECK(common({note, note}) == note);
  CHECK(common({note, other}) == Path{{"", "scenes"}});
  CHECK(common({note, title}).empty());
}

TEST_CASE("places overlap when one lies within the other") {
  const Path scene{{"", "scenes"}, {"id", "3"}};
  const Path note{{"", "scenes"}, {"id", "3"}, {"", "note"}};
  const Path other{{"", "scenes"}, {"id", "4"}};
  CHECK(overlap(scene, note));
  CHECK(overlap(note, scene));
  CHECK(overlap({}, other));
  CHECK_FALSE(overlap(note, other));
  CHECK(pointer_text(Path{{"", "a/b"}, {"name", "\"Das Tor\""}, {"id", "3"}}) == "/a~1b/Das Tor/id=3");
  CHECK(pointer_text(Path{{"", "s"}, {"id", "\"2\""}, {"", "3"}}) == "/s/id=2/3");
  CHECK(pointer_text(Path{{"", "s"}, {"id", "1.5"}}) == "/s/1.5");
}

TEST_CASE("a growth that is written down goes on as the one it was") {
  const auto seed = GENERATE(range(1U, 100U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const ValuePtr base = random_document(random);
  const Edits first = edits_between(base, edited(base, random));
  const Edits second = edits_between(base, edited(base, random));
  const Growth whole = grown(base, {first, second});
  auto again = Growth::parse(grown(base, {first}).print());
  REQUIRE(again);
  for (const Edit& edit : second) again->apply(edit);
  CHECK(again->print() == whole.print());
}

TEST_CASE("what was taken out is kept within limits") {
  Growth growth = grown(value("{}"), {});
  const std::string large = "[\"" + std::string(kGraveBytesMax / 2, 'x') + "\"]";
  for (int i = 0; i < 100; ++i) {
    const Path path{{"", "k" + std::to_string(i)}};
    growth.apply({Edit::Kind::set, path, value(large), {}});
    growth.apply({Edit::Kind::remove, path, nullptr, {}});
  }
  CHECK(growth.print().size() <= kGravesBytesMax + 64 * KiB);
}

TEST_CASE("what a long way leads to is said once, however many parts of it differ") {
  std::string from = "{\"";
  from += std::string(64 * KiB, 'k') + "\":{";
  std::string to = from;
  for (int i = 0; i < 2000; ++i) {
    from += (i ? ",\"" : "\"") + std::to_string(i) + "\":0";
    to += (i ? ",\"" : "\"") + std::to_string(i) + "\":1";
  }
  const Edits edits = edits_between(value(from + "}}"), value(to + "}}"));
  CHECK(print(edits).size() <= kFrameMax);
  CHECK(equal(grown(value(from + "}}"), {edits}).root(), value(to + "}}")));
  const std::string patch = diff(value(from + "}}"), value(to + "}}"));
  CHECK(patch.size() <= to.size() + 128);
}

namespace {

std::size_t below(std::mt19937& random, std::size_t limit) { return random() % limit; }

// An edit that fits badly: of another's place, of what tells elements apart, of something there as a whole.
Edit odd_edit(const Edits& edits, std::mt19937& random) {
  Edit edit = edits[below(random, edits.size())];
  const Edit& other = edits[below(random, edits.size())];
  switch (below(random, 6)) {
    case 0:
      edit.path = other.path;
      break;
    case 1:
      edit.after = other.after;
      break;
    case 2:
      if (!edit.path.empty()) edit.path.pop_back();
      break;
    case 3:
      edit.path.push_back({"", below(random, 2) == 0 ? "id" : "name"});
      edit.value = value("\"abcde\"");
      edit.kind = Edit::Kind::set;
      break;
    case 4:
      edit.path.push_back({below(random, 2) == 0 ? "id" : "name", below(random, 2) == 0 ? "1" : "\"a\""});
      break;
    default:
      edit.kind = static_cast<Edit::Kind>(below(random, 3));
  }
  if (edit.path.empty() && edit.kind != Edit::Kind::set) return other;
  if (edit.kind == Edit::Kind::set && edit.value == nullptr) edit.value = value(R"({"id":1,"name":"a"})");
  if (edit.kind != Edit::Kind::set) edit.value = nullptr;
  return edit;
}

}  // namespace

TEST_CASE("many edits at once do what they do one by one") {
  const auto seed = GENERATE(range(1U, 600U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const ValuePtr base = random_document(random);
  Edits edits;
  ValuePtr at = base;
  while (edits.size() < 40) {
    // Some of what is there, some of what was there before others.
    const ValuePtr to = edited(below(random, 3) == 0 ? base : at, random);
    for (const Edit& each : edits_between(at, to)) edits.push_back(each);
    at = to;
    if (!edits.empty() && below(random, 2) == 0) edits.push_back(odd_edit(edits, random));
  }
  if (seed % 3 == 0) std::shuffle(edits.begin(), edits.end(), random);
  INFO(print(*base) << "\n" << print(edits));

  Growth one_by_one = grown(base, {});
  bool is_done = true;
  for (const Edit& edit : edits) is_done = one_by_one.apply(edit) && is_done;
  Growth at_once = grown(base, {});
  CHECK(at_once.apply(edits) == is_done);
  CHECK(at_once.print() == one_by_one.print());
  CHECK(at_once.exhumed_count() == one_by_one.exhumed_count());
  CHECK(at_once.root()->size_bytes() == print(*at_once.root()).size());
  CHECK(at_once.root()->depth() == one_by_one.root()->depth());
  bool is_shown = true;
  for (const Edit& edit : edits) is_shown = one_by_one.shows(edit) && is_shown;
  CHECK(at_once.shows(edits) == is_shown);
}

TEST_CASE("edits that can none be done leave the document the very one it was") {
  const ValuePtr from = value(R"({"a":[{"id":1},{"id":2}],"b":{"c":1}})");
  Edits edits;
  for (int i = 10; i < 30; ++i) {
    edits.push_back({Edit::Kind::remove, {{"", "a"}, {"id", std::to_string(i)}}, nullptr, {}});
    edits.push_back({Edit::Kind::set, {{"", "b"}, {"", "d"}, {"", "e"}}, value("1"), {}});
  }
  Growth growth = grown(from, {});
  CHECK_FALSE(growth.apply(edits));
  CHECK(growth.root() == from);
}

// Each would take minutes were it to cost what the array is long for every edit.
TEST_CASE("eight thousand edits of one array cost no more than reading it a few times") {
  constexpr int kCount = 8'000;
  const auto shots = [](int first, int step, const std::string& note) {
    Array array;
    for (int i = 0; i < kCount; ++i) {
      array.push_back(make_value(
          Object{{"id", make_value("s" + std::to_string(first + i * step))}, {"note", make_value(note)}}));
    }
    return make_value(std::move(array));
  };
  const auto wanted = [&](int which) {
    if (which == 0) return shots(0, 1, "y");            // Each changed,
    if (which == 1) return shots(0, 2, "x");            // one in two another one,
    if (which == 2) return shots(kCount - 1, -1, "x");  // turned round,
    return shots(kCount, 1, "x");                       // all others.
  };
  const ValuePtr from = shots(0, 1, "x");
  const ValuePtr to = wanted(GENERATE(range(0, 4)));
  const Edits edits = edits_between(from, to);
  REQUIRE(edits.size() >= kCount - 1);
  Growth growth = grown(from, {});
  CHECK(growth.apply(edits));
  CHECK(equal(growth.root(), to));
  CHECK(growth.shows(edits));
}

TEST_CASE("edits that are damaged are refused") {
  for (const char* text : {"", "{}", "[1]", "[{}]", R"([{"path":[]}])", R"([{"path":[1],"value":1}])",
                           R"([{"path":[],"remove":true}])", R"([{"path":[["id"]],"value":1}])",
                           R"([{"path":["a"],"remove":true,"value":1}])"}) {
    INFO(text);
    CHECK_FALSE(parse_edits(text));
  }
}

}  // namespace callboard::edits_test
