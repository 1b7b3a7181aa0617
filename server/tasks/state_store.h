#pragma once

#include <functional>
#include <string>

#include "base/document/value.h"
#include "base/result.h"

namespace callboard::server {

// Where the states of stateful calls are, by their paths ("/farm/counter"). Loop thread only.
class StateStore {
 public:
  virtual ~StateStore() = default;
  // Null: there is none yet.
  virtual document::ValuePtr find(const std::string& path) const = 0;
  // All of it or nothing; `then` is called once, later, when it is on disk or could not be brought there.
  virtual void set(const std::string& path, document::ValuePtr state,
                   std::function<void(const Result<void>&)> then) = 0;
};

}  // namespace callboard::server
