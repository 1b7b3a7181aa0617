#pragma once

#include <catch2/catch.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/unit/server/studio.h"

// What tests ask a server about the story, and what they hear.
namespace callboard::server {

inline constexpr const char* kStory =
    R"({"title":"Moria","scenes":[{"id":1,"note":"dark and long enough"},{"id":2,"note":"bright and long enough"}]})";

inline std::unique_ptr<TestClient> join(Studio& studio, const std::string& name, std::int64_t skew_ms = 0) {
  auto client = studio.connect();
  client->patches = true;
  client->clock_skew_ms = skew_ms;
  REQUIRE(client->join(name));
  return client;
}

inline protocol::DocumentWrite write(const TestClient& by, const std::string& content, std::uint64_t op) {
  protocol::DocumentWrite write;
  write.timestamp = by.wall();
  write.op = UniqueId{5, op};
  write.document = std::make_shared<const std::string>(content);
  return write;
}

// Offsets are measured to a millisecond or so: who is to be earlier for sure is earlier by more.
inline protocol::DocumentWrite earlier(protocol::DocumentWrite write, std::int64_t ms) {
  write.timestamp.ms -= ms;
  return write;
}

inline protocol::DocumentWrite write_at(const TestClient& by, const std::string& at,
                                        const std::string& content, std::uint64_t op, std::uint64_t base) {
  auto part = write(by, content, op);
  part.at = at;
  part.base = base;
  return part;
}

inline std::string read(TestClient& by, std::optional<std::string> at = {}, std::uint64_t revision = 0) {
  protocol::DocumentRead ask;
  ask.at = std::move(at);
  ask.revision = revision;
  const auto state = by.ask_for<protocol::DocumentState>(ask);
  return state.document == nullptr ? "" : *state.document;
}

}  // namespace callboard::server
