#include "server/board/versioned.h"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <string>

namespace callboard::versioned_test {
using namespace callboard::server;

namespace {

using Set = Versioned<std::string, int, std::string>;

std::string told(const Set::Changes& changes) {
  std::string text = changes.full ? "full:" : "";
  for (const auto& change : changes.changes) {
    text += " " + *change.key +
            (change.value ? "=" + std::to_string(*change.value) : " left (" + *change.removal + ")");
  }
  return text;
}

}  // namespace

TEST_CASE("a listener who knows nothing gets everything, in the order of the last changes") {
  Set set(8);
  set.set("a", 1);
  set.set("b", 2);
  set.set("a", 3);

  CHECK(told(set.changes_since({}, 100)) == "full: b=2 a=3");
}

TEST_CASE("what a listener may have heard of before its connection was lost is told as gone") {
  Set set(8);
  set.set("a", 1);
  const Cursor heard = set.newest();
  set.set("b", 2);
  Cursor told_last = set.newest();
  set.set("c", 3);
  set.remove("b", "cut");
  set.remove("c", "cut");

  CHECK(told(set.changes_since(heard, 100)).empty());
  CHECK(told(set.changes_since({heard.version, heard.began, told_last.version}, 100)) == " b left (cut)");
}

TEST_CASE("an empty set is told once and then counts as known") {
  Set set(8);

  const auto first = set.changes_since({}, 100);
  CHECK(told(first) == "full:");
  CHECK(first.cursor.version == set.head());
  CHECK(told(set.changes_since(first.cursor, 100)).empty());
}

TEST_CASE("a key that changed many times is told once, in its newest state") {
  Set set(8);
  set.set("a", 0);
  const auto cursor = set.newest();
  for (int i = 1; i <= 1000; ++i) set.set("a", i);

  CHECK(told(set.changes_since(cursor, 100)) == " a=1000");
}

TEST_CASE("a removal is told exactly once, with its reason") {
  Set set(8);
  set.set("a", 1);
  const auto cursor = set.newest();
  set.remove("a", "gone");
  set.remove("a", "gone again");

  const auto changes = set.changes_since(cursor, 100);
  CHECK(told(changes) == " a left (gone)");
  CHECK(told(set.changes_since(changes.cursor, 100)).empty());
}

TEST_CASE("a key that came and went unseen is not told at all") {
  Set set(8);
  set.set("a", 1);
  const auto cursor = set.newest();
  set.set("b", 2);
  set.remove("b", "gone");

  const auto changes = set.changes_since(cursor, 100);
  CHECK(told(changes).empty());
  CHECK(changes.cursor.version == set.head());
}

TEST_CASE("a cursor older than the tombstones kept gets everything anew") {
  Set set(4);
  set.set("stays", 1);
  const auto cursor = set.newest();
  for (int i = 0; i < 6; ++i) set.set(std::to_string(i), i);
  const auto later = set.newest();
  for (int i = 0; i < 6; ++i) set.remove(std::to_string(i), "");

  CHECK(told(set.changes_since(later, 100)) == "full: stays=1");
  CHECK(set.size() == 1);
  CHECK(told(set.changes_since(set.newest(), 100)).empty());
  CHECK(set.changes_since(cursor, 100).cursor.version == set.head());
}

TEST_CASE("a catching-up that is cut short goes on where it stopped") {
  Set set(8);
  for (int i = 0; i < 5; ++i) set.set(std::to_string(i), i);

  const auto first = set.changes_since({}, 2);
  CHECK(told(first) == "full: 0=0 1=1");
  const auto second = set.changes_since(first.cursor, 2);
  CHECK(told(second) == " 2=2 3=3");
  const auto third = set.changes_since(second.cursor, 2);
  CHECK(told(third) == " 4=4");
  CHECK(third.cursor.version == set.head());
}

TEST_CASE("a forgotten key is told to nobody") {
  Set set(8);
  set.set("a", 1);
  const auto cursor = set.newest();
  set.forget("a");

  CHECK(told(set.changes_since(cursor, 100)).empty());
  CHECK(told(set.changes_since({}, 100)) == "full:");
}

TEST_CASE("listeners who are told now and then, in pieces, arrive at the set itself") {
  const auto seed = GENERATE(range(1U, 40U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Set set(3);
  std::map<std::string, int> truth;
  struct Listener {
    std::map<std::string, int> knows;
    Cursor cursor;
  };
  std::map<int, Listener> listeners{{0, {}}, {1, {}}, {2, {}}};
  const auto tell = [&](Listener& listener, std::size_t count_max) {
    const auto changes = set.changes_since(listener.cursor, count_max);
    if (changes.full) listener.knows.clear();
    for (const auto& change : changes.changes) {
      if (change.value) {
        listener.knows[*change.key] = *change.value;
      } else {
        listener.knows.erase(*change.key);
      }
    }
    listener.cursor = changes.cursor;
  };
  for (int step = 0; step < 400; ++step) {
    const std::string key(1, static_cast<char>('a' + random() % 8));
    if (random() % 3 == 0) {
      set.remove(key, "");
      truth.erase(key);
    } else {
      const int value = static_cast<int>(random() % 100);
      set.set(key, value);
      truth[key] = value;
    }
    if (random() % 5 == 0) tell(listeners[static_cast<int>(random() % 3)], 1 + random() % 4);
  }
  for (auto& [number, listener] : listeners) {
    for (int i = 0; i < 100 && listener.cursor.version != set.head(); ++i) tell(listener, 3);
    CHECK(listener.cursor.version == set.head());
    CHECK(listener.knows == truth);
  }
}

}  // namespace callboard::versioned_test
