#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"

namespace callboard::client {

// A call that was offered here and somebody makes. Answer it once, when the work is done; dropped without an answer it is
// answered as failed. Thread: any, and from any moment on.
class OfferedCall {
 public:
  virtual ~OfferedCall() = default;
  virtual const std::string& name() const = 0;
  virtual const std::string& arguments()
      const = 0;                              // A JSON object, complete and of the types that were described.
  virtual const std::string& by() const = 0;  // Who calls.
  virtual Duration time_left() const = 0;     // For which somebody waits, at most.
  // JSON, at most 1 MiB; or why not. The first counts.
  virtual void answer(Result<std::string> json) = 0;
  // How far it is, as JSON of at most 16 KiB; the newest is told.
  virtual void progress(std::string json) = 0;
  // Nobody waits any more: it was cancelled, its time is over, or the connection is gone.
  virtual bool is_over() const = 0;
};

// What carries out what is offered: on the client's thread, one call after the other; return soon, and answer later from
// a thread of your own what takes long.
using OfferHandler = std::function<void(std::shared_ptr<OfferedCall> call)>;

}  // namespace callboard::client
