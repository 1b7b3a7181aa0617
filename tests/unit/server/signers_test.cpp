#include "server/signers.h"

#include <catch2/catch.hpp>

#include <set>

#include "tests/unit/server/keyed_studio.h"

namespace callboard::server::signers_test {
namespace {

constexpr Timestamp kNow{1'763'733'203'123};

// Marks something by them, and says whose marks are there.
struct Marked {
  std::string line;

  explicit Marked(const std::vector<protocol::DatagramKey>& keys) {
    protocol::Announcement announcement{.address = "10.0.0.1", .project = "P", .id = {}};
    announcement.marks = {kNow};
    line = format_marked(announcement, keys);
  }
  bool has(const KeyEntry& entry) const { return protocol::is_marked_with(as_bytes(line), entry.key.secret); }
};

TEST_CASE("more keys than have room come up in turn, each in every round") {
  KeyRing ring;
  std::vector<KeyEntry> entries;
  for (int i = 0; i < 7; ++i) {
    entries.push_back(key_entry("user " + std::to_string(i)));
    REQUIRE(ring.add(entries.back()));
  }
  Signers signers;
  CHECK(signers.next(3, kNow).empty());
  signers.set(ring);
  std::vector<int> times(7);
  for (int round = 0; round < 7; ++round) {
    const auto keys = signers.next(3, kNow);
    REQUIRE(keys.size() == 3);
    const Marked marked(keys);
    for (std::size_t i = 0; i < 7; ++i) times[i] += marked.has(entries[i]) ? 1 : 0;
  }
  CHECK(times == std::vector<int>(7, 3));
  CHECK(signers.next(100, kNow).size() == 7);
}

TEST_CASE("a key whose time is over, or that was taken back, marks nothing") {
  KeyRing ring;
  KeyEntry gone = key_entry("gone");
  KeyEntry short_lived = key_entry("short-lived");
  short_lived.expires = kNow;
  const KeyEntry good = key_entry("good");
  for (const KeyEntry& each : {gone, short_lived, good}) REQUIRE(ring.add(each));
  Signers signers;
  signers.set(ring);
  CHECK(signers.next(10, {kNow.ms - 1}).size() == 3);
  REQUIRE(ring.revoke("gone"));
  signers.set(ring);
  const auto keys = signers.next(10, kNow);
  CHECK(keys.size() == 1);
  CHECK(Marked(keys).has(good));
}

// What was announced last, as it was sent.
std::string last_announced(const Studio& studio) {
  for (auto each = studio.broadcasts.rbegin(); each != studio.broadcasts.rend(); ++each) {
    if (std::holds_alternative<protocol::Announcement>(*each)) return format(*each);
  }
  return "";
}

TEST_CASE("what a server with keys announces is marked for each that is good at that moment") {
  KeyedStudio studio;
  const auto is_marked_for = [&](const AccessKey& key) {
    return protocol::is_marked_with(as_bytes(last_announced(studio)), key.secret);
  };
  REQUIRE(studio.loop.run_until([&] { return !studio.broadcasts.empty(); }, kPatience));
  CHECK(last_announced(studio).ends_with("access=open"));
  const AccessKey rigging = studio.add("rigging");
  const AccessKey lighting = studio.add("lighting");
  REQUIRE(studio.loop.run_until([&] { return is_marked_for(lighting); }, kPatience));
  CHECK(is_marked_for(rigging));
  const auto read = protocol::parse_datagram(as_bytes(last_announced(studio)));
  const auto& announcement = std::get<protocol::Announcement>(*read);
  CHECK(announcement.access == "key");
  CHECK(protocol::is_fresh(announcement.marks->at, system_clock().wall()));
  studio.revoke("rigging");
  REQUIRE(studio.loop.run_until([&] { return !is_marked_for(rigging); }, kPatience));
  CHECK(is_marked_for(lighting));
}

TEST_CASE("everybody's mark comes up within seconds where one datagram has no room for all") {
  KeyedStudio studio;
  std::vector<AccessKey> keys;
  REQUIRE(studio.file.update([&](KeyRing& ring) -> Result<void> {
    for (int i = 0; i < 100; ++i) {
      const KeyEntry made = key_entry("user " + std::to_string(i));
      keys.push_back(made.key);
      if (auto added = ring.add(made); !added) return added;
    }
    return {};
  }));
  std::set<std::string> awaited;
  for (const AccessKey& each : keys) awaited.insert(each.identity);
  std::size_t rows = 0;
  const auto all_have_come = [&] {
    const std::string line = last_announced(studio);
    studio.broadcasts.clear();
    const std::size_t before = awaited.size();
    for (const AccessKey& each : keys) {
      if (protocol::is_marked_with(as_bytes(line), each.secret)) awaited.erase(each.identity);
    }
    if (awaited.size() < before) ++rows;
    return awaited.empty();
  };
  CHECK(studio.loop.run_until(all_have_come, kPatience));
  CHECK(rows >= 2);
}

}  // namespace
}  // namespace callboard::server::signers_test
