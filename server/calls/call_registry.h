#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/text_hash.h"
#include "protocol/common_message.h"
#include "server/calls/call.h"

namespace callboard::server {

// All calls there are, by their names. Pure. Loop thread only. What runs holds its Call, whatever becomes of it here.
class CallRegistry {
 public:
  using CallPtr = std::shared_ptr<const Call>;

  CallRegistry() = default;
  CallRegistry(const CallRegistry&) = delete;
  CallRegistry& operator=(const CallRegistry&) = delete;

  // Of the program itself: a description that makes no sense, or a name that is taken, is a bug.
  void add_built_in(Call call);
  // Of a plugin or a task. usage: the description makes no sense; refused: the name is taken, or there are too many.
  Result<void> add(Call call);
  // The same under another name, and perhaps left out of the list.
  enum class Listed { yes, no };
  Result<void> add_as(const std::string& name, Call call, Listed listed);
  void remove(std::string_view name);

  // not_found says where to look.
  Result<CallPtr> find(std::string_view name) const;
  // Whether there is one that takes this permission.
  bool asks_for(std::string_view permission) const;
  // The JSON array of all descriptions, in the order of their names; made once for each state.
  const protocol::Document& list() const;

 private:
  struct Entry {
    CallPtr call;
    bool is_listed = true;
  };
  using Calls = TextMap<Entry>;

  Calls calls_;
  mutable const Calls::value_type* last_found_ = nullptr;  // Mostly the same one is called again.
  mutable protocol::Document list_;                        // Null: to be made anew.
};

}  // namespace callboard::server
