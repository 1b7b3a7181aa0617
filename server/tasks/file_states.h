#pragma once

#include <map>
#include <memory>
#include <string>

#include "net/loop.h"
#include "net/work_queue.h"
#include "server/store/state_files.h"
#include "server/tasks/state_store.h"

namespace callboard::server {

// States in files, written by a thread of its own one after the other.
class FileStates final : public StateStore {
 public:
  FileStates(net::Loop& loop, StateFiles files, std::map<std::string, document::ValuePtr> states)
      : loop_(loop), files_(std::move(files)), states_(std::move(states)) {}

  document::ValuePtr find(const std::string& path) const override {
    const auto found = states_.find(path);
    return found == states_.end() ? nullptr : found->second;
  }
  void set(const std::string& path, document::ValuePtr state,
           std::function<void(const Result<void>&)> then) override {
    if (!writing_) writing_ = std::make_unique<net::WorkQueue>(loop_, 1);
    writing_->submit(
        [files = files_, path, state](const std::stop_token&) { return files.write(path, state); },
        [this, path, state, then = std::move(then)](const Result<void>& written) {
          if (written) states_[path] = state;
          then(written);
        });
  }

 private:
  net::Loop& loop_;
  StateFiles files_;
  std::map<std::string, document::ValuePtr> states_;
  std::unique_ptr<net::WorkQueue> writing_;  // From the first change on.
};

}  // namespace callboard::server
