#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/access_key.h"
#include "client/answer.h"
#include "client/client.h"
#include "client/project_folder.h"
#include "net/data_socket.h"
#include "net/endpoint.h"
#include "protocol/message.h"

namespace callboard::channel {
class ChannelLine;
}

namespace callboard::client {

// A transfer the server agreed to: where to connect and what to show there.
struct Granted {
  net::Endpoint server;
  protocol::TransferId transfer = 0;
  UniqueId ticket;
  std::string giver;
  // Of what is given.
  std::string taker = {};  // Empty: that is us.
  std::string item = {};
  Compression compress = Compression::never;
  std::optional<AccessKey> key = {};  // What both sides prove to each other; none on an open server.
};

// What the threads of transfers need of the session. Thread: any.
class TransferDesk {
 public:
  virtual ~TransferDesk() = default;
  // Asks the server for a transfer.
  virtual Answer<Granted> get(protocol::GetAsk ask) = 0;
  // The same for a channel; the line hears how it ends.
  virtual Answer<Granted> open_channel(protocol::ChannelAsk ask,
                                       std::shared_ptr<channel::ChannelLine> line) = 0;
  // `why`, unless it is merely cancelled: its outcome is not done.
  virtual void cancel_on_server(protocol::TransferId transfer,
                                const std::optional<Error>& why = std::nullopt) = 0;
  // How the server says that a transfer ended.
  virtual Answer<protocol::TransferOver> over(protocol::TransferId transfer) = 0;
};

// Connects to the server's data port with the ticket and waits until the other side is there, too. What came after
// `ready` is returned: it belongs to the transfer. Blocks; socket.interrupt() ends it.
Result<Bytes> open_data_connection(net::DataSocket& socket, const Granted& granted);

// The threads of all transfers of one client, each with a connection of its own. Destroying it cancels and waits.
// Thread: any, but the destructor after everything else.
class TransferThreads {
 public:
  TransferThreads(TransferDesk& desk, ProjectFolder* folder) : desk_(desk), folder_(folder) {}
  ~TransferThreads();

  // Serves a taker, on a thread of its own.
  void give(const Granted& granted);
  std::shared_ptr<Transfer> pull(PullRequest request);
  Answer<std::vector<LookEntry>> look(std::string item, std::string from);
  // Those that run, looks left out.
  std::vector<WorkstationTransfer> transfers();
  // Ends all that run, and everything that is begun later. Pulls tell why.
  void end_all(const Error& why);

  // Runs `work` on a new thread; `end` may be called from any thread until it has ended. Fails when there is no thread
  // to be had; then neither is called.
  Result<void> start(std::function<void()> work, std::function<void(const Error&)> end,
                     std::function<WorkstationTransfer()> describe = {});

 private:
  struct Thread {
    std::thread thread;
    std::function<void(const Error& why)> end;
    std::function<WorkstationTransfer()> describe;  // Empty for a look.
    std::atomic<bool> is_done{false};
  };

  void reap();

  TransferDesk& desk_;
  ProjectFolder* folder_;  // Null: gives and takes nothing.
  std::mutex mutex_;
  std::optional<Error> ended_by_;
  std::list<std::shared_ptr<Thread>> threads_;
};

}  // namespace callboard::client
