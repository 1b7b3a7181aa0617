#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "client/access.h"

namespace callboard::client {

// One thing that happened in the server, as its log has it.
struct LogEvent {
  std::uint64_t number =
      0;  // 1, 2, 3 … for as long as the server runs; those below the level asked for are left out.
  Timestamp time;
  std::string level;  // debug, info, warn, error
  std::string kind;   // connection, status, warning, error, audit
  std::string user;   // Whom it is about; may be empty.
  std::string text;
  std::vector<std::pair<std::string, std::string>> fields;  // Each value as JSON text.
};

// Reads the server's log through a call, server.log, which takes the permission `log`: what it keeps first, then, where that is
// wanted, each event as it happens. One next() at a time; thread: any. The access outlives it.
class LogReader {
 public:
  struct Options {
    std::string level = "info";  // That, and what is graver.
    std::uint64_t newest = 0;    // To begin with, only the newest so many, at most 100; 0: all that are kept.
    bool follow = false;         // Wait for more when there are no more.
  };

  LogReader(Access& access, Options options);

  // The next some. Nothing: there are no more for now; with `follow` ask again all the same.
  Answer<std::vector<LogEvent>> next();

 private:
  struct Place;

  Access& access_;
  Options options_;
  std::shared_ptr<Place> place_;
};

// What server.log answered. failed: it makes no sense.
struct LogPage {
  std::vector<LogEvent> events;
  std::uint64_t last = 0;  // Where the next one goes on.
};
Result<LogPage> log_page_from(std::string_view json);

}  // namespace callboard::client
