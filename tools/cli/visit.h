#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "client/client.h"
#include "tools/cli/program.h"

namespace callboard::cli {

// The client's options as the settings say. Usage errors when project or name are not given.
Result<client::Options> client_options(const Run& run);

// One command's way to its project: through the agent of the folder, the running `callboard join`, where there is one; else a
// short stay of its own on the server (docs/protocol.md, 2.3), joined when open() returns. Ctrl-C ends what is under way,
// and what waits for an answer then.
class Visit {
 public:
  ~Visit();

  enum class Folder { needed, unused };

  // Whether the stay outlives a lost connection: what was under way then fails as interrupted, and may be asked again.
  enum class Stay { once, on };

  static Result<std::unique_ptr<Visit>> open(Run& run, Folder folder = Folder::unused,
                                             Stay stay = Stay::once);

  // What a visit that stays on had under way failed by `why`. Where that is a lost connection: waits for the server, and `visit` is
  // fit to ask again. Otherwise, or when the stay has ended meanwhile, the error that it ended with.
  static Result<void> go_on(Run& run, std::unique_ptr<Visit>& visit, const Error& why);

  client::Access& access() { return *access_; }
  bool is_through_agent() const { return through_agent_; }

  // Waits; a Ctrl-C meanwhile is Outcome::cancelled.
  template <class T>
  Result<T> wait(const client::Answer<T>& answer) {
    auto result = answer.get();
    if (!result && run_.interrupt.is_requested()) return Error{Outcome::cancelled, ""};
    return result;
  }

 private:
  class Stays;
  Visit(Run& run, std::unique_ptr<client::Access> access);
  static Result<void> come_back(Run& run, std::unique_ptr<Visit>& visit, const Error& why);

  Run& run_;
  bool through_agent_ = false;
  std::unique_ptr<Stays> stays_;  // Of a stay of one's own.
  std::unique_ptr<client::Access> access_;
  std::unique_ptr<Interrupt::Listener> listening_;
};

// Says that `what` waits for a server with the join in this folder. Not a failure: it is sent, whatever becomes of that.
Result<void> report_kept(Run& run, std::string_view what);

// "13:52" for today, "2026-11-21 13:52" for other days, in local time.
std::string when(Timestamp timestamp);

}  // namespace callboard::cli
