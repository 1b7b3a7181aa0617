#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/call/call_description.h"
#include "base/document/value.h"
#include "base/result.h"
#include "protocol/common_message.h"
#include "server/session_host.h"

// What the server can be asked to do by name. Everything that is one goes through CallRegistry and CallDesk: they check the
// caller's permission and the arguments, keep its time, and answer exactly once. To add a built-in one, register it in a file
// of your own and have Stage's constructor call that (server_calls.cpp is an example):
//
//     void add_people_calls(CallRegistry& registry, People& people) {
//       registry.add_built_in({
//           .description = {.name = "kick", .summary = "ends somebody's session", .category = "people", .permission = "kick",
//                           .arguments = {{.name = "user", .type = ValueType::user},
//                                         {.name = "reason", .summary = "what they are told", .is_optional = true}}},
//           .run = InlineRun([&people](const Caller& caller, const CallArguments& arguments) -> CallValue {
//             return people.kick(caller, arguments.text("user"), arguments.text("reason"));
//           })});
//     }
//
// InlineRun for what takes no time; LaterRun for what is answered when its work is done, such as a write that waits for the
// disk; WorkerRun for what blocks: disk, name look-ups, long computations.
namespace callboard::server {

// As described: what is there is of its type, defaults are filled in. Asking for what was not described is a bug.
class CallArguments {
 public:
  explicit CallArguments(document::ValuePtr object) : object_(std::move(object)) {}

  bool has(std::string_view name) const { return value(name) != nullptr; }
  // Null when it was left out.
  document::ValuePtr value(std::string_view name) const { return object_->member(name); }
  // "", false, 0, nothing when it was left out.
  std::string text(std::string_view name) const;  // text, bytes, id, user, item
  bool flag(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;                      // int, time
  std::span<const document::ValuePtr> list(std::string_view name) const;  // list, and any repeated one
  const document::ValuePtr& object() const { return object_; }

 private:
  document::ValuePtr object_;
};

// What it is answered with: an error, or a value, null for nothing.
using CallValue = Result<document::ValuePtr>;

// One call under way, for who carries it out. Loop thread only. Dropped without an answer, it is answered as failed.
class CallRun {
 public:
  virtual ~CallRun() = default;
  // The first answer counts. What comes after the deadline, or when it was cancelled, is nobody's any more.
  virtual void answer(CallValue value) = 0;
  // The same for what is JSON already, passed on without a look at it.
  virtual void answer_json(Result<protocol::Document> json) = 0;
  // An answer as well: it was not begun, and may be later. Unlike all others it is not kept: asked for again by the same
  // operation id, it is tried again.
  virtual void refuse(Error why) = 0;
  // What the caller sees meanwhile: the newest of what came since it last listened.
  virtual void progress(const document::ValuePtr& value) = 0;
  virtual void progress_json(protocol::Document json) = 0;
  // What it asked for is on its way to the disk, which nothing takes back: from here on neither its deadline
  // nor a cancel ends it, and answer() says what became of it. It has to come.
  virtual void set_committing() = 0;
  virtual bool is_over() const = 0;
  // What it is asked for again by; nullopt: nothing, or it is over.
  virtual std::optional<UniqueId> op() const = 0;
  // A digest of who asked, and with what arguments, of one that may be asked for again.
  virtual UniqueId asked() const = 0;
  // Called once when nobody waits for the answer any more: it was cancelled, or its time is over. Not from within.
  virtual void on_end(std::function<void(const Error& why)> end) = 0;
  // For how much longer somebody waits.
  virtual Duration time_left() const = 0;
};

// On a worker: whether to go on, and what is told meanwhile. Thread: that worker.
struct WorkerRoom {
  std::stop_token stop;  // Requested when nobody waits for the answer any more.
  std::function<void(document::ValuePtr)> progress;
};

// On the loop, which waits for it: microseconds.
using InlineRun = std::function<CallValue(const Caller& caller, const CallArguments& arguments)>;
// On the loop; answers `run` some time, there.
using LaterRun =
    std::function<void(const Caller& caller, const CallArguments& arguments, std::shared_ptr<CallRun> run)>;
// On a worker, one of few: may block, may not touch what belongs to the loop.
using WorkerRun =
    std::function<CallValue(const Caller& caller, const CallArguments& arguments, const WorkerRoom& room)>;

struct Call {
  CallDescription description;
  std::variant<InlineRun, LaterRun, WorkerRun> run;
  // It only says how things are, of which everybody who is in may ask: its caller needs no permission, not even `call`.
  bool is_for_everybody = false;
};

}  // namespace callboard::server
