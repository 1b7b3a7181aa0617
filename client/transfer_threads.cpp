#include "client/transfer_threads.h"

#include <array>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "client/giver.h"
#include "client/pull_job.h"
#include "client/taker.h"
#include "protocol/data_connection.h"

namespace callboard::client {
namespace {

constexpr Duration kConnectLimit = 5s;

Result<Bytes> await_ready(net::DataSocket& socket, UniqueId ticket) {
  protocol::DataConnection machine(ticket, system_clock().monotonic());
  if (auto sent = socket.write(*machine.opening().head); !sent) return sent.error();
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

}  // namespace

Result<Bytes> open_data_connection(net::DataSocket& socket, const Granted& granted) {
  const std::string doing = "data connection to " + net::to_text(granted.server);
  if (auto connected = socket.connect(granted.server, kConnectLimit); !connected) {
    return connected.error().prefixed(doing);
  }
  if (auto set = socket.set_silence_limit(kTicketLife + kHandshakeLimit); !set)
    return set.error().prefixed(doing);
  auto rest = await_ready(socket, granted.ticket);
  if (!rest) return rest.error().prefixed(doing);
  // From here on a side may be busy hashing for as long as it takes; the kernel's keep-alive finds dead peers.
  if (auto set = socket.set_silence_limit(std::nullopt); !set) return set.error().prefixed(doing);
  return rest;
}

TransferThreads::~TransferThreads() {
  cancel_all();
  for (const auto& each : threads_) each->thread.join();
}

void TransferThreads::start(std::function<void()> work, std::function<void()> cancel) {
  const std::lock_guard lock(mutex_);
  reap();
  if (is_cancelled_) cancel();
  auto entry = std::make_shared<Thread>();
  entry->cancel = std::move(cancel);
  entry->thread = std::thread([entry, work = std::move(work)] {
    work();
    entry->is_done = true;
  });
  threads_.push_back(std::move(entry));
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

void TransferThreads::cancel_all() {
  const std::lock_guard lock(mutex_);
  is_cancelled_ = true;
  for (const auto& each : threads_) each->cancel();
}

void TransferThreads::give(const Granted& granted) {
  if (!folder_) return;
  // Shared by the thread and whoever cancels it.
  const auto socket = std::make_shared<net::DataSocket>();
  const auto work = [this, granted, socket] {
    auto rest = open_data_connection(*socket, granted);
    // The server tells both sides how it ended, also when it never began.
    if (!rest) return;
    Giver giver(
        {.socket = *socket, .root = folder_->root(), .folder = folder_->listing(), .while_reading = {}},
        std::move(*rest));
    (void)giver.run();
  };
  start(work, [socket] { socket->interrupt(); });
}

std::shared_ptr<Transfer> TransferThreads::pull(PullRequest request) {
  ENSURE(folder_ != nullptr);
  auto job = std::make_shared<PullJob>(desk_, *folder_, std::move(request));
  start([job] { job->run(); }, [job] { job->cancel(); });
  return job;
}

Answer<std::vector<LookEntry>> TransferThreads::look(std::string item, std::string from) {
  ENSURE(folder_ != nullptr);
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
  ask.item = escaped(item, 1000);
  ask.list = true;
  state->granted = desk_.get(std::move(ask));
  const auto work = [this, state, answer, item = std::move(item)] {
    const auto granted = state->granted.get();
    if (!granted) return answer.set(granted.error());
    auto rest = open_data_connection(state->socket, *granted);
    if (!rest) return answer.set(rest.error());
    const TakerParts parts{state->socket,
                           folder_->root(),
                           folder_->listing(),
                           folder_->records(),
                           folder_->ops(),
                           system_clock(),
                           to_text(make_unique_id(system_random()))};
    answer.set(client::look(parts, item, state->is_cancelled, std::move(*rest)));
  };
  start(work, [state] {
    state->is_cancelled = true;
    state->granted.set(Error{Outcome::cancelled, "cancelled"});
    state->socket.interrupt();
  });
  return answer;
}

}  // namespace callboard::client
