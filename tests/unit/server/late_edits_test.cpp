// Late operations that are applied as they come: the document is the one that applying everything in order makes, to the
// last member's place.
#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <vector>

#include "base/limits.h"
#include "server/board/merged_document.h"
#include "tests/unit/server/operations.h"

namespace callboard::late_edits_test {
using namespace callboard::server;

namespace {

constexpr const char* kStory =
    R"({"title":"Moria","meta":{"a":1,"b":2},"scenes":[)"
    R"({"id":1,"name":"Tor","note":"dark","shots":[{"name":"a","note":"x"},{"name":"b","note":"y"}]},)"
    R"({"id":2,"name":"Saal","note":"bright","shots":[]}],"tags":["a","b"]})";

// Places and what may be done there; scalars far more often than all else, as in a day's work.
constexpr const char* kLeaves[] = {
    R"("title")",
    R"("meta","a")",
    R"("meta","b")",
    R"("scenes",["id","1"],"note")",
    R"("scenes",["id","2"],"note")",
    R"("scenes",["name","\"Tor\""],"note")",
    R"("scenes",["id","1"],"shots",["name","\"a\""],"note")",
    R"("scenes",["id","1"],"shots",["name","\"b\""],"note")",
};
constexpr const char* kOther[] = {
    R"({"path":["meta"],"remove":true})",
    R"({"path":["meta"],"value":7})",
    R"({"path":["meta"],"value":{"b":3,"a":4}})",
    R"({"path":["meta","a"],"value":{"deep":1}})",
    R"({"path":["meta","a","deep"],"value":2})",
    R"({"path":["meta","c"],"value":5})",
    R"({"path":["meta","c"],"remove":true})",
    R"({"path":["added"],"value":1})",
    R"({"path":["scenes",["id","1"],"name"],"value":"Saal"})",
    R"({"path":["scenes",["id","2"],"id"],"value":1})",
    R"({"path":["scenes",["id","2"]],"value":{"id":1,"name":"Tor","note":"twin"}})",
    R"({"path":["scenes",["id","2"]],"remove":true})",
    R"({"path":["scenes",["id","3"]],"value":{"id":3,"name":"Neu","note":"n","shots":[]},"after":"1"})",
    R"({"path":["scenes",["id","1"]],"place":true,"after":"2"})",
    R"({"path":["scenes",["id","1"],"shots",["name","\"a\""]],"remove":true})",
    R"({"path":["scenes",["id","1"],"shots",["name","\"c\""]],"value":{"name":"c","note":"z"},"after":"\"a\""})",
    R"({"path":["scenes",["id","1"],"shots"],"value":[]})",
    R"({"path":["scenes"],"remove":true})",
};

std::string one_edit(std::mt19937& random, unsigned other_in_100) {
  if (random() % 100 < other_in_100) return kOther[random() % std::size(kOther)];
  return std::string("{\"path\":[") + kLeaves[random() % std::size(kLeaves)] +
         "],\"value\":" + std::to_string(random() % 1000) + "}";
}

std::string edits(std::mt19937& random, unsigned other_in_100) {
  std::string text = "[" + one_edit(random, other_in_100);
  while (random() % 4 == 0) text += "," + one_edit(random, other_in_100);
  return text + "]";
}

// As they arrive: each up to `lateness` behind those that were written after it.
std::vector<Operation> history(std::mt19937& random, int count, int lateness, unsigned other_in_100) {
  std::vector<Operation> operations{
      make_operation({.id = 1, .session = 9, .timestamp_ms = 0, .value = kStory})};
  for (int i = 1; i <= count; ++i) {
    const auto late = static_cast<int>(random() % static_cast<unsigned>(lateness + 1));
    Operation operation = make_operation({.id = static_cast<std::uint64_t>(i + 1),
                                          .session = 1 + random() % 5,
                                          .timestamp_ms = std::max(1, i - late),
                                          .value = edits(random, other_in_100),
                                          .base = 1});
    operation.base = 0;
    operations.push_back(std::move(operation));
  }
  return operations;
}

// The definition: what is older than the oldest of the window is lost, all else applied in order.
class Definition {
 public:
  // Whether it counts at all.
  bool add(const Operation& operation) {
    if (stamp_of(operation) < floor_stamp_) return false;
    const auto place = std::find_if(window_.begin(), window_.end(), [&](const Operation& each) {
      return stamp_of(operation) < stamp_of(each);
    });
    window_.insert(place, operation);
    if (window_.size() <= kMergeWindowOperations) return true;
    floor_stamp_ = stamp_of(window_.front());
    apply(floor_, window_.front());
    window_.erase(window_.begin());
    return true;
  }

  document::Growth now() const {
    document::Growth growth = floor_;
    for (const Operation& each : window_) apply(growth, each);
    return growth;
  }

 private:
  static void apply(document::Growth& growth, const Operation& operation) {
    for (const document::Edit& edit : *operation.edits) growth.apply(edit);
  }

  Stamp floor_stamp_;
  document::Growth floor_;
  std::vector<Operation> window_;
};

std::string text(const document::ValuePtr& root) {
  return root == nullptr ? std::string("nothing") : document::print(*root);
}

Operation set(std::uint64_t id, std::int64_t timestamp_ms, const std::string& path,
              const std::string& value) {
  return make_operation({.id = id,
                         .session = id,
                         .timestamp_ms = timestamp_ms,
                         .value = "[{\"path\":[" + path + "],\"value\":" + value + "}]",
                         .base = 1});
}

}  // namespace

TEST_CASE("late edits of any kind make the document that applying everything in order makes") {
  const auto seed = GENERATE(range(1U, 200U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const unsigned other_in_100 = seed % 3 == 0 ? 40 : 8;
  MergedDocument document;
  Definition definition;
  Stamp newest;
  std::uint64_t sequence = 0;
  for (const Operation& each : history(random, 50, 20, other_in_100)) {
    const document::ValuePtr before = document.root();
    const bool is_late = stamp_of(each) < newest;
    newest = std::max(newest, stamp_of(each));
    const auto effect = document.apply(++sequence, each);
    definition.add(each);
    const document::Growth expected = definition.now();
    INFO("operation " << sequence << " " << *each.value);
    REQUIRE(text(document.root()) == text(expected.root()));
    if (is_late) {
      CHECK(effect.changed == !document::equal(before, expected.root()));
      CHECK(effect.stands ==
            std::ranges::all_of(*each.edits, [&](const auto& edit) { return expected.shows(edit); }));
    }
    // A copy goes on alike, though it begins without what makes late ones cheap.
    if (random() % 10 == 0) document = MergedDocument(document);
  }
}

TEST_CASE("a long history of late edits is what its order makes, also beyond what can be put in order anew") {
  const auto seed = GENERATE(range(1U, 3U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  MergedDocument document;
  Definition definition;
  std::uint64_t sequence = 0;
  for (const Operation& each : history(random, 2000, seed % 2 == 0 ? 1500 : 60, seed % 2)) {
    document.apply(++sequence, each);
    definition.add(each);
    if (sequence % 100 == 0) REQUIRE(text(document.root()) == text(definition.now().root()));
  }
  Bytes bytes;
  ByteWriter writer(bytes);
  document.append_to(writer);
  ByteReader reader(bytes);
  auto again = MergedDocument::from(reader);
  REQUIRE(again);
  CHECK(text(again->root()) == text(document.root()));
}

TEST_CASE("a late edit that concerns no newer one is applied without applying those again") {
  MergedDocument document;
  document.apply(1, make_operation({.id = 1, .session = 9, .timestamp_ms = 0, .value = kStory}));
  for (std::uint64_t i = 2; i < 500; ++i) {
    document.apply(i, set(i, static_cast<std::int64_t>(1000 + i), R"("scenes",["id","2"],"note")", "0"));
  }
  SECTION("another part") {
    CHECK(document.apply(500, set(500, 5, R"("scenes",["id","1"],"note")", "1")).stands);
    CHECK(document.apply(501, set(501, 3, R"("title")", "2")).changed);
    CHECK(document.reapplied() == 0);
  }
  SECTION("the same part") {
    CHECK_FALSE(document.apply(500, set(500, 1400, R"("scenes",["id","2"],"note")", "1")).stands);
    // From the nearest state kept: those that are newer, and no more than a stride besides.
    CHECK(document.reapplied() >= 98);
    CHECK(document.reapplied() <= 100 + kMergeWindowStride);
  }
  SECTION("the same part under another name") {
    CHECK_FALSE(document.apply(500, set(500, 5, R"("scenes",["name","\"Saal\""],"note")", "1")).changed);
  }
}

TEST_CASE("a late edit does not pass one that brought back what encloses it") {
  const std::vector<Operation> in_order = {
      make_operation({.id = 1, .session = 9, .timestamp_ms = 0, .value = kStory}),
      make_operation({.id = 2,
                      .session = 2,
                      .timestamp_ms = 10,
                      .value = R"([{"path":["meta"],"remove":true}])",
                      .base = 1}),
      set(3, 20, R"("meta","a")", "3"),
      set(4, 30, R"("added")", "4"),
      set(5, 40, R"("meta","b")", "5"),
  };
  MergedDocument expected;
  for (std::uint64_t i = 0; i < 5; ++i) expected.apply(i + 1, in_order[i]);
  MergedDocument document;
  std::uint64_t sequence = 0;
  for (const std::size_t i : {0U, 1U, 3U, 4U, 2U}) document.apply(++sequence, in_order[i]);
  CHECK(text(document.root()) == text(expected.root()));
}

}  // namespace callboard::late_edits_test
