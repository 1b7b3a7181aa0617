#pragma once

#include <string>

#include "client/taker_state.h"
#include "sync/file_ops.h"

namespace callboard::client {

// The system calls of one pull: a full disk makes them wait as long as the pull may. Both must outlive it.
class PatientOps final : public sync::FileOps {
 public:
  PatientOps(sync::FileOps& inner, TakerState& state) : inner_(inner), state_(state) {}

  sync::Room room(int fd) override { return inner_.room(fd); }

 protected:
  int fault(sync::FileCall call, const std::string& name) override { return inner_.ask_fault(call, name); }
  bool wait_for_room() override { return state_.wait_for_room(); }
  void on_room() override { state_.on_room(); }

 private:
  sync::FileOps& inner_;
  TakerState& state_;
};

}  // namespace callboard::client
