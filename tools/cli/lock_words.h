#pragma once

#include <string>

#include "base/clock.h"
#include "base/document/value.h"
#include "tools/cli/output.h"

namespace callboard::cli {

// What a person is told of somebody else's lock.
struct LockFacts {
  std::string user;
  std::string note;
  Timestamp since;
};
// Of the fields "note" and "since".
LockFacts lock_facts(std::string user, const document::Value& fields);
// "since 12:05: new rig"
std::string since_and_why(const LockFacts& lock);
// `text`, which is about that lock on `item`.
void warn_of_lock(Output& output, const std::string& item, const LockFacts& lock, const std::string& text);

}  // namespace callboard::cli
