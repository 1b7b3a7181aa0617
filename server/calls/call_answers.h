#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

#include "base/id.h"
#include "base/result.h"
#include "protocol/common_message.h"

namespace callboard::server {

// What a call is known by when it is asked for again.
struct CallMark {
  UniqueId op;
  std::string name;  // Of the call.
  UniqueId asked{};  // A digest of who asked and with what arguments; zero: not known.
};

// How calls ended, by their operation ids, the newest kCallAnswersKept or kCallAnswersKeptBytes of them. Pure.
class CallAnswers {
 public:
  struct Kept {
    CallMark mark;
    Result<protocol::Document> answer;
    std::uint64_t size_bytes = 0;
  };

  void keep(CallMark mark, Result<protocol::Document> answer);
  // Null: none, or forgotten. Valid until the next keep().
  const Kept* find(UniqueId op) const;

 private:
  std::list<Kept> kept_;  // Oldest first.
  std::unordered_map<UniqueId, std::list<Kept>::const_iterator> by_op_;
  std::uint64_t bytes_ = 0;
};

}  // namespace callboard::server
