#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/rate_meter.h"
#include "client/client.h"
#include "client/project_folder.h"
#include "client/taker.h"
#include "client/transfer_threads.h"

namespace callboard::client {

// One pull as its user sees it: asks the server for the giver (for each item, when the newest copy is wanted), connects,
// takes, and says how it ended. run() blocks on a thread of its own; the rest may be called from any.
class PullJob : public Transfer {
 public:
  PullJob(TransferDesk& desk, ProjectFolder& folder, PullRequest request);

  void run();
  // Instead of run().
  void refuse(const Error& why) { report_.set(why); }

  PullProgress progress() const override;
  void cancel() override;
  // Stops it for this reason, which is what its report says.
  void end(const Error& why);
  Answer<PullReport> report() const override { return report_; }
  // As the workstation's status tells it.
  WorkstationTransfer describe() const;

 private:
  bool is_ended() const;
  // From one giver.
  PullReport take(const PullRequest& request);
  PullReport take_granted(const PullRequest& request, const Granted& granted);
  Result<Granted> ask_server(const PullRequest& request);
  // Waits until the server says how it ended: why it was interrupted; "" when it was not, or nothing is said in time.
  std::string cause_of_end(protocol::TransferId transfer);
  // A pull that was stopped says why, however that showed in the end.
  PullReport mark_ended(PullReport report) const;

  TransferDesk& desk_;
  ProjectFolder& folder_;
  PullRequest request_;
  Answer<PullReport> report_;

  mutable std::mutex mutex_;  // Guards all below.
  std::optional<Error> ended_by_;
  std::optional<Answer<Granted>> asked_;
  std::optional<Answer<protocol::TransferOver>> ending_;
  net::DataSocket* socket_ = nullptr;
  Taker* taker_ = nullptr;
  protocol::TransferId transfer_ = 0;
  std::string giver_;       // Of the present transfer.
  mutable RateMeter rate_;  // Of what progress() saw.
  PullProgress finished_;   // Of the givers before the present one.
};

}  // namespace callboard::client
