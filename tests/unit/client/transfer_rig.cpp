#include "tests/unit/client/transfer_rig.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <stdexcept>
#include <thread>
#include <utility>

#include "net/data_socket.h"
#include "sync/index.h"
#include "sync/pull_records.h"
#include "sync/root.h"
#include "tests/support/tree.h"

namespace callboard::client {

namespace {

struct SocketPair {
  Fd one;
  Fd other;
};

SocketPair make_pair_of_sockets() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0)
    throw std::runtime_error("socketpair");
  return {Fd(fds[0]), Fd(fds[1])};
}

// One workstation's folder with everything a transfer needs.
struct Workstation {
  struct Folder final : ScannedFolder {
    explicit Folder(Workstation& its_workstation)
        : ScannedFolder(its_workstation.root, its_workstation.index, system_clock()),
          workstation(its_workstation) {}
    void on_pulled(const sync::RelativePath& path, const Entry& entry) override {
      if (workstation.on_pulled) workstation.on_pulled(path, entry);
    }
    Workstation& workstation;
  };

  explicit Workstation(const std::filesystem::path& folder)
      : root(*sync::Root::open(folder.string())),
        index(*sync::Index::open(root)),
        scanned(*this),
        records(root, index) {}

  sync::Root root;
  sync::Index index;
  Folder scanned;
  std::function<void(const sync::RelativePath&, const Entry&)> on_pulled;
  sync::IndexRecords records;
  sync::FileOps ops;
};

bool send_all(int to, const char* bytes, std::size_t size_bytes) {
  while (size_bytes > 0) {
    const ssize_t put = ::send(to, bytes, size_bytes, MSG_NOSIGNAL);
    if (put <= 0) return false;
    bytes += put;
    size_bytes -= static_cast<std::size_t>(put);
  }
  return true;
}

void copy_until_closed(int from, int to, std::uint64_t limit_bytes) {
  std::array<char, 65536> buffer{};
  bool is_read = true;
  while (limit_bytes > 0 && is_read) {
    const ssize_t got = ::read(from, buffer.data(), std::min<std::uint64_t>(buffer.size(), limit_bytes));
    if (got <= 0) break;
    limit_bytes -= static_cast<std::uint64_t>(got);
    is_read = send_all(to, buffer.data(), static_cast<std::size_t>(got));
  }
  // Where nobody reads any more, who writes has to hear of it.
  if (limit_bytes == 0 || !is_read) {
    ::shutdown(from, SHUT_RDWR);
    ::shutdown(to, SHUT_RDWR);
  } else {
    ::shutdown(to, SHUT_WR);
  }
}

// Stands between the two and breaks the connection after so many bytes to the taker.
class Proxy {
 public:
  Proxy(Fd giver, Fd taker, std::uint64_t limit_bytes)
      : giver_(std::move(giver)),
        taker_(std::move(taker)),
        down_([this, limit_bytes] { copy_until_closed(giver_.get(), taker_.get(), limit_bytes); }),
        up_([this] { copy_until_closed(taker_.get(), giver_.get(), ~std::uint64_t{0}); }) {}
  ~Proxy() {
    down_.join();
    up_.join();
  }

 private:
  Fd giver_;
  Fd taker_;
  std::thread down_;
  std::thread up_;
};

}  // namespace

RunOptions mirroring(bool agrees) {
  RunOptions options;
  options.request.mirror = true;
  options.request.agree_to_removals = agrees;
  return options;
}

void make_frames(const std::filesystem::path& folder, int count, std::uint64_t size_bytes) {
  for (int i = 0; i < count; ++i) {
    support::make_large_file({.path = folder / (std::to_string(1000 + i) + ".exr"),
                              .size_bytes = size_bytes,
                              .seed = static_cast<unsigned>(i)});
  }
}

TransferRig::TransferRig() : giver_(top_ / "giver"), taker_(top_ / "taker") {
  std::filesystem::create_directory(giver_);
  std::filesystem::create_directory(taker_);
}

Ends TransferRig::pull(const RunOptions& options) { return run(giver_, taker_, options); }
Ends TransferRig::push(const RunOptions& options) { return run(taker_, giver_, options); }

Ends TransferRig::run(const std::filesystem::path& from, const std::filesystem::path& to,
                      const RunOptions& options) {
  Workstation source(from);
  Workstation target(to);
  target.on_pulled = options.on_pulled;
  SocketPair giver_side = make_pair_of_sockets();
  std::unique_ptr<Proxy> proxy;
  Fd taker_end;
  if (options.cut_after_bytes) {
    SocketPair taker_side = make_pair_of_sockets();
    proxy = std::make_unique<Proxy>(std::move(giver_side.other), std::move(taker_side.one),
                                    *options.cut_after_bytes);
    taker_end = std::move(taker_side.other);
  } else {
    taker_end = std::move(giver_side.other);
  }

  Ends ends;
  {
    auto giver_socket = std::make_unique<net::DataSocket>(std::move(giver_side.one));
    std::thread giving([&] {
      Giver giver({.socket = *giver_socket,
                   .root = source.root,
                   .folder = source.scanned,
                   .compress = options.old_giver ? Compression::never : options.request.compress,
                   .while_reading = options.while_reading});
      ends.give = giver.run();
      giver_socket.reset();
    });
    {
      net::DataSocket socket(std::move(taker_end));
      const TakerParts parts{socket,
                             target.root,
                             target.scanned,
                             target.records,
                             options.ops != nullptr ? *options.ops : target.ops,
                             options.clock != nullptr ? *options.clock : system_clock(),
                             "pull-" + std::to_string(::getpid()) + "-" + std::to_string(pulls_++),
                             options.name_folding,
                             1ms};
      Taker taker(parts, options.request);
      std::thread beside;
      if (options.while_running) beside = std::thread([&] { options.while_running(taker); });
      ends.pull = taker.run();
      if (beside.joinable()) beside.join();
    }
    giving.join();
  }
  return ends;
}

Result<std::vector<LookEntry>> TransferRig::look(const std::string& item) {
  Workstation source(giver_);
  Workstation target(taker_);
  SocketPair sockets = make_pair_of_sockets();
  net::DataSocket giver_socket(std::move(sockets.one));
  std::thread giving([&] {
    Giver giver({.socket = giver_socket, .root = source.root, .folder = source.scanned});
    static_cast<void>(giver.run());
  });
  std::atomic<bool> cancelled{false};
  Result<std::vector<LookEntry>> found = Error{};
  {
    net::DataSocket socket(std::move(sockets.other));
    const TakerParts parts{socket,     target.root,    target.scanned, target.records,
                           target.ops, system_clock(), "look"};
    found = client::look(parts, item, cancelled);
  }
  giving.join();
  return found;
}

std::vector<std::string> TransferRig::differences() const { return support::differences(giver_, taker_); }

std::vector<std::string> TransferRig::temporary_files() const {
  std::vector<std::string> names;
  const std::filesystem::path folder = taker_ / ".callboard" / "tmp";
  if (!std::filesystem::exists(folder)) return names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) names.push_back(entry.path().string());
  }
  return names;
}

PullReport TransferRig::pull_from_script(const Bytes& script, const PullRequest& request) {
  Workstation target(taker_);
  SocketPair sockets = make_pair_of_sockets();
  std::thread giving([&, fd = sockets.one.get()] {
    std::array<char, 4096> buffer{};
    if (::read(fd, buffer.data(), buffer.size()) <= 0) return;
    for (std::size_t at = 0; at < script.size();) {
      const ssize_t put = ::send(fd, script.data() + at, script.size() - at, MSG_NOSIGNAL);
      if (put <= 0) break;
      at += static_cast<std::size_t>(put);
    }
    ::shutdown(fd, SHUT_WR);
    while (::read(fd, buffer.data(), buffer.size()) > 0) continue;
  });
  PullReport report;
  {
    net::DataSocket socket(std::move(sockets.other));
    const TakerParts parts{socket,
                           target.root,
                           target.scanned,
                           target.records,
                           target.ops,
                           system_clock(),
                           "script-" + std::to_string(pulls_++)};
    Taker taker(parts, request);
    report = taker.run();
  }
  giving.join();
  return report;
}

GiveReport TransferRig::give_to_script(const Bytes& script, Bytes* answered) {
  Workstation source(giver_);
  SocketPair sockets = make_pair_of_sockets();
  std::thread taking([&, fd = sockets.other.get()] {
    std::thread sending([&] {
      for (std::size_t at = 0; at < script.size();) {
        const ssize_t put = ::send(fd, script.data() + at, script.size() - at, MSG_NOSIGNAL);
        if (put <= 0) break;
        at += static_cast<std::size_t>(put);
      }
      ::shutdown(fd, SHUT_WR);
    });
    std::array<std::byte, 65536> buffer{};
    while (true) {
      const ssize_t got = ::read(fd, buffer.data(), buffer.size());
      if (got <= 0) break;
      if (answered != nullptr) answered->insert(answered->end(), buffer.begin(), buffer.begin() + got);
    }
    sending.join();
  });
  GiveReport report;
  {
    net::DataSocket socket(std::move(sockets.one));
    Giver giver({.socket = socket, .root = source.root, .folder = source.scanned});
    report = giver.run();
  }
  taking.join();
  return report;
}

}  // namespace callboard::client
