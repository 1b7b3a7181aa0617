#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"

namespace callboard::server {

// One thing that happened in the server, as everybody who is told of it is told: the log file, the terminal datagrams, whoever
// follows the log over a session, a listener in the program. What is secret is masked in it (base/mask.h).
struct Event {
  // From the least to what the operator must act on.
  enum class Level : std::uint8_t { debug, info, warn, error };
  // What it is about: sessions, transfers and what people do; the server itself; a peer that misbehaves, or something degraded;
  // what needs the operator; what somebody did to others or to the server.
  enum class Kind : std::uint8_t { connection, status, warning, error, audit };

  // A name and a value: {"id", to_text(id)}.
  struct Field {
    using Value = std::variant<bool, std::int64_t, std::uint64_t, std::string>;
    Field(std::string name, bool is_so) : key(std::move(name)), value(is_so) {}
    Field(std::string name, std::signed_integral auto number)
        : key(std::move(name)), value(static_cast<std::int64_t>(number)) {}
    Field(std::string name, std::unsigned_integral auto number)
        : key(std::move(name)), value(static_cast<std::uint64_t>(number)) {}
    Field(std::string name, const char* text) : key(std::move(name)), value(std::string(text)) {}
    Field(std::string name, std::string_view text) : key(std::move(name)), value(std::string(text)) {}
    Field(std::string name, std::string text) : key(std::move(name)), value(std::move(text)) {}
    std::string key;
    Value value;
  };
  using Fields = std::vector<Field>;

  std::uint64_t number = 0;  // 1, 2, 3 … for as long as the server runs.
  Timestamp time{};
  Level level = Level::info;
  Kind kind = Kind::status;
  std::string user{};  // Whom it is about, as shown; may be empty.
  std::string text{};  // Fixed words: "session opened".
  Fields fields{};
  std::string told{};  // The same for people who watch the terminal datagrams; empty: they are not told.
};

std::string_view to_text(Event::Level level);
std::string_view to_text(Event::Kind kind);
std::optional<Event::Level> level_from(std::string_view text);

// `text key=value …`, on one line: what is not one plain word is quoted and escaped.
std::string line_of(const Event& event);
// As a JSON object: number, time, level, kind, user, text, fields.
std::string json_of(const Event& event);

}  // namespace callboard::server
