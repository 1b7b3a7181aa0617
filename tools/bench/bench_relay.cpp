// What relayed transfers cost everybody else: a real server, workstations in this process, loopback.
//
//   bench_relay CALLBOARD_PROGRAM [FOLDER]       FOLDER (default /dev/shm) takes about 4 GiB for a while
//
//   latency   a message from one session to another, while nothing moves and while a pull of 2 GiB takes all it can
//   memory    of the server: before, during that pull, and with 20 pulls at once
//   cancel    from Transfer::cancel() until the taker's report, and until the giver has heard
//   shares    ten pulls of equal files at once: the least and the most that had come when the first was complete; without
//             a limit and at 100 MiB/s
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "client/client.h"

namespace {

using namespace callboard;
namespace fs = std::filesystem;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr const char* kProject = "Relay";
constexpr std::uint64_t kLong = 2 * GiB;
constexpr std::uint64_t kShare = 64 * MiB;
constexpr int kSharers = 20;

Instant now() { return system_clock().monotonic(); }

// `serve` in a process of its own, with its data in `folder`.
class Server {
 public:
  Server(const std::string& program, const fs::path& folder, const std::string& relay_rate) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("make a pipe");
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      execl(program.c_str(), program.c_str(), "serve", "--project", kProject, "--data", folder.c_str(),
            "--listen", "127.0.0.1", "--announce", "127.255.255.255", "--port", "0", "--discovery-port",
            "54999", "--log-level", "error", "--relay-rate", relay_rate.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    close(ends[1]);
    std::string line;
    for (char c = 0; read(ends[0], &c, 1) == 1 && c != '\n';) line += c;
    output_ = ends[0];
    const std::string_view words = "listening on ";
    if (!line.starts_with(words)) throw std::runtime_error("the server did not start: " + line);
    address_ = line.substr(words.size());
  }
  ~Server() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    close(output_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::string& address() const { return address_; }
  // "VmRSS" is what it has now, "VmHWM" the most it ever had.
  std::uint64_t memory_bytes(const std::string& which) const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with(which + ":")) return std::stoull(line.substr(which.size() + 1)) * KiB;
    }
    return 0;
  }

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  std::string address_;
};

// A session that notes what it is told and when.
class Station : public client::Listener {
 public:
  Station(const Server& server, const std::string& user, const fs::path& folder) {
    client::Options options;
    options.project = kProject;
    options.user = user;
    options.server = server.address();
    if (!folder.empty()) {
      fs::create_directories(folder);
      options.folder = folder.string();
    }
    auto started = client::Client::start(options, this);
    if (!started) throw std::runtime_error(started.error().text);
    client_ = std::move(*started);
    if (const auto joined = client_->joined().get(); !joined) throw std::runtime_error(joined.error().text);
  }
  ~Station() override { client_.reset(); }

  client::Client& client() { return *client_; }
  Instant wait_message(const std::string& text) {
    std::unique_lock lock(mutex_);
    heard_.wait(lock, [&] { return message_ == text; });
    return at_;
  }
  Instant wait_given(int count) {
    std::unique_lock lock(mutex_);
    heard_.wait(lock, [&] { return given_ >= count; });
    return at_;
  }

 private:
  void on_messages(const std::vector<client::Message>& messages) override {
    const std::lock_guard lock(mutex_);
    at_ = now();
    message_ = messages.back().text;
    heard_.notify_all();
  }
  void on_given(std::uint64_t, Outcome, std::string_view, std::uint64_t) override {
    const std::lock_guard lock(mutex_);
    at_ = now();
    ++given_;
    heard_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable heard_;
  std::string message_;
  int given_ = 0;
  Instant at_;
  std::unique_ptr<client::Client> client_;
};

// Noise: what is all zeros or compresses is not sent.
void make_file(const fs::path& path, std::uint64_t size_bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  std::mt19937_64 noise(size_bytes);
  std::vector<std::uint64_t> block(MiB / sizeof(std::uint64_t));
  for (std::uint64_t done = 0; done < size_bytes; done += MiB) {
    std::generate(block.begin(), block.end(), std::ref(noise));
    file.write(reinterpret_cast<const char*>(block.data()), MiB);
  }
  if (!file.flush()) throw std::runtime_error("write " + path.string());
}

std::shared_ptr<client::Transfer> pull(Station& taker, const std::string& item) {
  client::PullRequest request{.items = {item}, .from = "giver"};
  request.sync = false;
  return taker.client().pull(request);
}

void check(const client::Transfer& transfer) {
  const auto report = transfer.report().get();
  if (!report || report->outcome != Outcome::done) {
    throw std::runtime_error("a pull failed: " + (report ? report->text : report.error().text));
  }
}

void print_latency(const char* when, std::vector<double> all) {
  if (all.empty()) return;
  std::sort(all.begin(), all.end());
  const auto at = [&](double share) {
    return all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))];
  };
  std::printf("latency %-18s p50 %6.2f ms  p99 %6.2f ms  most %6.2f ms  (%zu messages)\n", when, at(0.5),
              at(0.99), all.back(), all.size());
}

// Until `is_over`, or so many messages.
std::vector<double> measure_latency(Station& from, Station& to, const std::function<bool()>& is_over) {
  static int number = 0;
  std::vector<double> all;
  while (!is_over()) {
    const std::string text = "message " + std::to_string(++number);
    const Instant said = now();
    const auto answer = from.client().say(text);
    all.push_back(Milliseconds(to.wait_message(text) - said).count());
    static_cast<void>(answer.get());
    std::this_thread::sleep_for(5ms);
  }
  return all;
}

void print_memory(const Server& server, const char* when) {
  std::printf("memory  %-18s %s, most so far %s\n", when, human_bytes(server.memory_bytes("VmRSS")).c_str(),
              human_bytes(server.memory_bytes("VmHWM")).c_str());
}

void measure_long_pull(const Server& server, Station& taker, const fs::path& folder) {
  Station one(server, "one", {});
  Station two(server, "two", {});
  int count = 0;
  print_latency("idle", measure_latency(one, two, [&] { return ++count > 300; }));
  print_memory(server, "idle");
  const Instant begin = now();
  const auto transfer = pull(taker, "/long");
  const auto report = transfer->report();
  const auto all = measure_latency(one, two, [&] { return report.wait_for(Duration::zero()); });
  const double seconds = std::chrono::duration<double>(now() - begin).count();
  check(*transfer);
  print_latency("while 2 GiB move", all);
  print_memory(server, "after 2 GiB");
  std::printf("pull    2 GiB in %.1f s, %s/s\n", seconds,
              human_bytes(static_cast<std::uint64_t>(static_cast<double>(kLong) / seconds)).c_str());
  fs::remove(folder / "taker" / "long" / "file");
}

void measure_cancel(Station& giver, Station& taker) {
  std::vector<double> taker_ms;
  std::vector<double> giver_ms;
  for (int i = 0; i < 5; ++i) {
    const int given = 2 + i;  // One pull went through before.
    const auto transfer = pull(taker, "/long");
    while (transfer->progress().bytes_per_second == 0) std::this_thread::sleep_for(2ms);
    const Instant begin = now();
    transfer->cancel();
    static_cast<void>(transfer->report().get());
    taker_ms.push_back(Milliseconds(now() - begin).count());
    giver_ms.push_back(Milliseconds(giver.wait_given(given) - begin).count());
  }
  std::printf("cancel  ms until the taker was over, and the giver told:");
  for (std::size_t i = 0; i < taker_ms.size(); ++i) std::printf("  %.1f, %.1f", taker_ms[i], giver_ms[i]);
  std::printf("\n");
}

// `count` takers with one file each, all at once.
void measure_shares(const Server& server, const fs::path& folder, int count, const char* how) {
  std::vector<std::unique_ptr<Station>> takers;
  for (int i = 0; i < count; ++i) {
    const std::string name = "taker" + std::to_string(i);
    takers.push_back(std::make_unique<Station>(server, name, folder / name));
  }
  const std::uint64_t before = server.memory_bytes("VmRSS");
  std::vector<std::shared_ptr<client::Transfer>> transfers;
  for (auto& taker : takers) transfers.push_back(pull(*taker, "/share"));
  const auto is_any_over = [&] {
    return std::any_of(transfers.begin(), transfers.end(),
                       [](const auto& each) { return each->progress().bytes_done >= kShare; });
  };
  std::uint64_t most_memory = 0;
  while (!is_any_over()) {
    most_memory = std::max(most_memory, server.memory_bytes("VmRSS"));
    std::this_thread::sleep_for(5ms);
  }
  std::uint64_t least = kShare;
  for (const auto& each : transfers) least = std::min(least, each->progress().bytes_done);
  for (const auto& each : transfers) check(*each);
  std::printf("shares  %2d pulls, %-12s when the first had all of its 64 MiB, the last had %s (%.0f %%)\n",
              count, how, human_bytes(least).c_str(),
              static_cast<double>(least) * 100 / static_cast<double>(kShare));
  std::printf("memory  %d pulls: %s more at most\n", count,
              human_bytes(most_memory > before ? most_memory - before : 0).c_str());
  takers.clear();
  for (int i = 0; i < count; ++i) fs::remove_all(folder / ("taker" + std::to_string(i)));
}

void run(const std::string& program, const fs::path& folder) {
  make_file(folder / "giver/long/file", kLong);
  make_file(folder / "giver/share/file", kShare);
  {
    const Server server(program, folder / "data", "0");
    Station giver(server, "giver", folder / "giver");
    {
      Station taker(server, "taker", folder / "taker");
      measure_long_pull(server, taker, folder);
      measure_cancel(giver, taker);
    }
    fs::remove_all(folder / "taker");
    measure_shares(server, folder, 10, "no limit");
    measure_shares(server, folder, kSharers, "no limit");
    print_memory(server, "in the end");
  }
  const Server server(program, folder / "data", "100M");
  Station giver(server, "giver", folder / "giver");
  measure_shares(server, folder, 10, "at 100 MiB/s");
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) return std::fprintf(stderr, "usage: bench_relay CALLBOARD_PROGRAM [FOLDER]\n"), 2;
  std::string folder = (fs::path(count > 2 ? words[2] : "/dev/shm") / "bench_relay.XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return std::perror(folder.c_str()), 1;
  int code = 0;
  try {
    run(fs::absolute(words[1]).string(), folder);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_relay: %s\n", error.what());
    code = 1;
  }
  fs::remove_all(folder);
  return code;
}
