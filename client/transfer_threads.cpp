#include "client/transfer_threads.h"

#include <array>
#include <system_error>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "client/giver.h"
#include "client/pull_job.h"
#include "client/taker.h"
#include "protocol/data_connection.h"
#include "sync/relative_path.h"

namespace callboard::client {
namespace {

constexpr Duration kDataConnectLimit = 5s;

Result<Bytes> await_ready(net::DataSocket& socket, UniqueId ticket) {
  protocol::DataConnection machine(ticket, system_clock().monotonic());
  if (auto sent = socket.write(as_bytes(*machine.opening().head)); !sent) return sent.error();
  std::array<std::byte, 4 * KiB> buffer;
  for (;;) {
    const auto size_bytes = socket.read_some(buffer);
    if (!size_bytes) return size_bytes.error();
    if (*size_bytes == 0) return Error{Outcome::interrupted, "the server closed the connection"};
    const auto is_ready = machine.on_bytes(ByteView(buffer).first(*size_bytes));
    if (!is_ready) return is_ready.error();
    if (*is_ready) return machine.take_rest();
  }
}

// The taker speaks first, as it does beneath.
std::unique_ptr<net::TlsEngine> engine_for(const Granted& granted) {
  const bool is_giver = !granted.taker.empty();
  return is_giver ? net::TlsEngine::server(*granted.key) : net::TlsEngine::client(*granted.key);
}

}  // namespace

Result<Bytes> open_data_connection(net::DataSocket& socket, const Granted& granted) {
  const std::string doing = "data connection to " + net::to_text(granted.server);
  if (auto connected = socket.connect(granted.server, kDataConnectLimit); !connected) {
    return connected.error().prefixed("data connection");
  }
  if (auto set = socket.set_silence_limit(kTicketLife + kHandshakeLimit); !set)
    return set.error().prefixed(doing);
  auto rest = await_ready(socket, granted.ticket);
  if (!rest) return rest.error().prefixed(doing);
  if (granted.key) {
    if (auto secured = socket.secure(engine_for(granted), *rest); !secured)
      return secured.error().prefixed(doing);
    rest = Bytes{};
  }
  // From here on a side may be busy hashing for as long as it takes; the kernel's keep-alive finds dead peers.
  if (auto set = socket.set_silence_limit(std::nullopt); !set) return set.error().prefixed(doing);
  return rest;
}

namespace {

// The server grants fewer; one that grants without end is not one of ours.
constexpr std::size_t kThreadsMax = 16 * kTransfersPerSession;

}  // namespace

TransferThreads::~TransferThreads() {
  end_all(Error{Outcome::cancelled, "the client has stopped"});
  for (const auto& each : threads_) each->thread.join();
}

namespace {

// What is given, as the thread that gives and those that cancel it share it.
class Gift {
 public:
  void run(ProjectFolder& folder, const Granted& granted) {
    auto rest = open_data_connection(socket_, granted);
    // The server tells both sides how it ended, also when it never began.
    if (!rest) return;
    Giver giver({.socket = socket_,
                 .root = folder.root(),
                 .folder = folder.listing(),
                 .compress = granted.compress,
                 .while_reading = {}},
                std::move(*rest));
    set_giver(&giver);
    (void)giver.run();
    set_giver(nullptr);
  }

  WorkstationTransfer describe(const Granted& granted) {
    const std::lock_guard lock(mutex_);
    WorkstationTransfer transfer{.direction = WorkstationTransfer::Direction::giving,
                                 .item = granted.item,
                                 .peer = granted.taker,
                                 .progress = {}};
    if (giver_) transfer.progress.bytes_done = giver_->sent_bytes();
    return transfer;
  }

  void cancel() {
    const std::lock_guard lock(mutex_);
    is_cancelled_ = true;
    // A giver may be reading a large folder; the socket alone would not stop that.
    if (giver_) giver_->cancel();
    socket_.interrupt();
  }

 private:
  void set_giver(Giver* giver) {
    const std::lock_guard lock(mutex_);
    giver_ = giver;
    if (giver_ && is_cancelled_) giver_->cancel();
  }

  net::DataSocket socket_;
  std::mutex mutex_;  // Guards all below.
  bool is_cancelled_ = false;
  Giver* giver_ = nullptr;
};

}  // namespace

Result<void> TransferThreads::start(std::function<void()> work, std::function<void(const Error&)> end,
                                    std::function<WorkstationTransfer()> describe) {
  const std::lock_guard lock(mutex_);
  reap();
  if (threads_.size() >= kThreadsMax) return Error{Outcome::refused, "too many transfers at once"};
  auto entry = std::make_shared<Thread>();
  entry->end = std::move(end);
  entry->describe = std::move(describe);
  if (ended_by_) entry->end(*ended_by_);
  try {
    entry->thread = std::thread([entry, work = std::move(work)] {
      work();
      entry->is_done = true;
    });
  } catch (const std::system_error& error) {
    return os_error("start a thread", error.code().value());
  }
  threads_.push_back(std::move(entry));
  return {};
}

void TransferThreads::reap() {
  for (auto it = threads_.begin(); it != threads_.end();) {
    if (!(*it)->is_done) {
      ++it;
      continue;
    }
    (*it)->thread.join();
    it = threads_.erase(it);
  }
}

std::vector<WorkstationTransfer> TransferThreads::transfers() {
  const std::lock_guard lock(mutex_);
  std::vector<WorkstationTransfer> running;
  for (const auto& each : threads_) {
    if (each->describe && !each->is_done) running.push_back(each->describe());
  }
  return running;
}

void TransferThreads::end_all(const Error& why) {
  const std::lock_guard lock(mutex_);
  ended_by_ = why;
  for (const auto& each : threads_) each->end(why);
}

void TransferThreads::give(const Granted& granted) {
  if (!folder_) return;
  const auto gift = std::make_shared<Gift>();
  const auto work = [this, granted, gift] { gift->run(*folder_, granted); };
  // Both sides learn from the server when nobody comes.
  const auto describe = [granted, gift] { return gift->describe(granted); };
  if (!start(
          work, [gift](const Error&) { gift->cancel(); }, describe))
    desk_.cancel_on_server(granted.transfer);
}

std::shared_ptr<Transfer> TransferThreads::pull(PullRequest request) {
  ENSURE(folder_ != nullptr);
  auto job = std::make_shared<PullJob>(desk_, *folder_, std::move(request));
  const auto started = start([job] { job->run(); }, [job](const Error& why) { job->end(why); },
                             [job] { return job->describe(); });
  if (!started) job->refuse(started.error());
  return job;
}

Answer<std::vector<LookEntry>> TransferThreads::look(std::string item, std::string from) {
  ENSURE(folder_ != nullptr);
  const auto path = sync::RelativePath::from_item(item);
  if (!path) {
    Answer<std::vector<LookEntry>> refused;
    refused.set(Error{Outcome::usage, path.error().text});
    return refused;
  }
  struct State {
    net::DataSocket socket;
    std::atomic<bool> is_cancelled{false};
    Answer<Granted> granted;
  };
  const auto state = std::make_shared<State>();
  Answer<std::vector<LookEntry>> answer;
  protocol::GetAsk ask;
  ask.user = from;
  ask.newest = from.empty();
  ask.item = escaped(path->to_item(), 1000);
  ask.list = true;
  state->granted = desk_.get(std::move(ask));
  const auto look = [this, state, item = std::move(item)]() -> Result<std::vector<LookEntry>> {
    const auto granted = state->granted.get();
    if (!granted) return granted.error();
    auto rest = open_data_connection(state->socket, *granted);
    if (!rest) return rest.error();
    const TakerParts parts{.socket = state->socket,
                           .root = folder_->root(),
                           .folder = folder_->listing(),
                           .records = folder_->records(),
                           .ops = folder_->ops(),
                           .clock = system_clock(),
                           .transfer = to_text(make_unique_id(system_random())),
                           .giver = granted->giver};
    return client::look(parts, item, state->is_cancelled, std::move(*rest));
  };
  const auto end = [state](const Error& why) {
    state->is_cancelled = true;
    state->granted.set(why);
    state->socket.interrupt();
  };
  const auto started = start([answer, look] { answer.set(look()); }, end);
  if (!started) answer.set(started.error());
  return answer;
}

}  // namespace callboard::client
