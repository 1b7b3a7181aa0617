#pragma once

#include <cerrno>
#include <string>

#include "client/taker_state.h"
#include "sync/file_ops.h"

namespace callboard::client {

// The system calls of one pull: a full disk makes them wait as long as the pull may, and once it is cancelled no content is
// read, written or copied any more. Both must outlive it.
class PatientOps final : public sync::FileOps {
 public:
  PatientOps(sync::FileOps& inner, TakerState& state) : inner_(inner), state_(state) {}

  sync::Room room(int fd) override { return inner_.room(fd); }

 protected:
  int fault(sync::FileCall call, const std::string& name) override {
    using sync::FileCall;
    const bool moves_content = call == FileCall::copy || call == FileCall::read || call == FileCall::write;
    if (moves_content && state_.is_cancelled()) return ECANCELED;
    return inner_.ask_fault(call, name);
  }
  bool wait_for_room() override { return state_.wait_for_room(); }
  void on_room() override { state_.on_room(); }

 private:
  sync::FileOps& inner_;
  TakerState& state_;
};

}  // namespace callboard::client
