// kill -9 at any moment: of the giver, the taker, the server. The next try succeeds, what had arrived is whole, and what was
// acknowledged is there. Moments come from a seed, which is printed; CALLBOARD_SEED=N repeats them.
#include <signal.h>
#include <stdlib.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>

#include "client/client.h"
#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e {
namespace {

namespace fs = std::filesystem;

constexpr int kMoments = 20;

class Moments {
 public:
  Moments() {
    const char* given = getenv("CALLBOARD_SEED");
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    random_.seed(seed_);
    std::printf("seed: CALLBOARD_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  }
  std::uint64_t seed() const { return seed_; }
  // Evenly between nothing and all of it.
  std::chrono::microseconds within(std::chrono::microseconds all) {
    return std::chrono::microseconds(random_() % static_cast<std::uint64_t>(all.count() + 1));
  }
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

 private:
  std::uint64_t seed_ = 0;
  std::mt19937_64 random_;
};

const std::vector<std::string> kPull{"pull", "/dev", "--from", "rigging", "--json"};

// A pull of small and large files, of about a tenth of a second.
struct Pair : Studio {
  fs::path giver = add_user("rigging");
  fs::path taker = add_user("lighting");
  std::unique_ptr<Process> joined;
  std::chrono::microseconds pull_time{};

  Pair() {
    support::make_tree(giver / "dev",
                       {.seed = 1, .files = 200, .files_per_directory = 20, .size_max_bytes = 40'000});
    // Two of one content: what a try left of it can serve one of them alone.
    for (const auto& [name, seed] : {std::pair{"a", 2u}, std::pair{"m", 2u}, std::pair{"z", 3u}}) {
      support::make_large_file({.path = giver / "dev" / name, .size_bytes = 12 << 20, .seed = seed});
    }
    serve();
    joined = join("rigging");
    const auto started = std::chrono::steady_clock::now();
    check_pull();
    pull_time =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started);
    forget();
  }
  void check_pull() {
    const auto pulled = run("lighting", kPull);
    CAPTURE(pulled.out, pulled.err);
    CHECK(pulled.ending.exit_code == 0);
    CHECK(support::differences(giver, taker).empty());
    CHECK(leftovers().empty());
  }
  // Files that still wait for their name.
  std::vector<std::string> leftovers() const {
    std::vector<std::string> found;
    const auto folder = taker / ".callboard/tmp";
    if (!fs::exists(folder)) return found;
    for (const auto& each : fs::recursive_directory_iterator(folder)) {
      if (!each.is_directory()) found.push_back(each.path().lexically_relative(folder));
    }
    return found;
  }
  // The taker has nothing again.
  void forget() const {
    fs::remove_all(taker / "dev");
    for (const auto& each : fs::directory_iterator(taker / ".callboard")) {
      if (each.path().filename() != "config" && each.path().filename() != "last_server")
        fs::remove_all(each.path());
    }
  }
  // Lets a pull run until the moment; whether it was still running then.
  std::unique_ptr<Process> pull_until(std::chrono::microseconds moment) const {
    auto pulling = start("lighting", kPull);
    pulling->wait(std::chrono::duration_cast<std::chrono::milliseconds>(moment));
    return pulling;
  }
};

TEST_CASE("a giver killed at any moment ends the pull by name, and the next try finishes it", "[giver]") {
  Moments moments;
  Pair pair;
  int interrupted = 0;
  for (int i = 0; i < kMoments; ++i) {
    const auto moment = moments.within(pair.pull_time);
    CAPTURE(moments.seed(), i, moment.count());
    const auto pulling = pair.pull_until(moment);
    pair.joined->send_signal(SIGKILL);
    // Only when all of it is gone is its name free again.
    REQUIRE(pair.joined->wait());
    const int code = exit_code(*pulling);
    CAPTURE(pulling->printed(Stream::out), pulling->printed(Stream::err));
    // 3: it was gone before it was asked.
    CHECK((code == 0 || code == 3 || code == 9));
    if (code != 0) CHECK_FALSE(pulling->printed(Stream::err).empty());
    interrupted += code == 9 ? 1 : 0;
    CHECK(wrong_files(pair.giver, pair.taker).empty());
    pair.joined = pair.join("rigging");
    pair.check_pull();
    pair.forget();
  }
  CHECK(interrupted > 0);
}

TEST_CASE("a taker killed at any moment leaves whole files only, and the next try finishes it", "[taker]") {
  Moments moments;
  Pair pair;
  int killed = 0;
  for (int i = 0; i < kMoments; ++i) {
    const auto moment = moments.within(pair.pull_time);
    CAPTURE(moments.seed(), i, moment.count());
    const auto pulling = pair.pull_until(moment);
    pulling->send_signal(SIGKILL);
    const auto ending = pulling->wait();
    REQUIRE(ending);
    killed += ending->signal == SIGKILL ? 1 : 0;
    CHECK(wrong_files(pair.giver, pair.taker).empty());
    pair.check_pull();
    pair.forget();
  }
  CHECK(killed > 0);
  // The giver has learnt of each, and gives on.
  for (const auto& each : events(pair.joined->printed(Stream::out), "given")) {
    CHECK((each.at("outcome") == "done" || each.at("outcome") == "interrupted"));
  }
}

TEST_CASE("a server killed at any moment ends the pull by name, and the next try finishes it", "[server]") {
  Moments moments;
  Pair pair;
  int interrupted = 0;
  for (int i = 0; i < kMoments; ++i) {
    const auto moment = moments.within(pair.pull_time);
    CAPTURE(moments.seed(), i, moment.count());
    const auto pulling = pair.pull_until(moment);
    pair.kill_server();
    const int code = exit_code(*pulling);
    CAPTURE(pulling->printed(Stream::out), pulling->printed(Stream::err));
    CHECK((code == 0 || code == 3 || code == 9));
    interrupted += code == 9 ? 1 : 0;
    CHECK(wrong_files(pair.giver, pair.taker).empty());
    pair.serve();
    // Nobody starts the giver anew: it comes back by itself.
    wait_for_event(*pair.joined, "joined");
    pair.check_pull();
    pair.forget();
  }
  CHECK(interrupted > 0);
}

// Speaks as fast as the server acknowledges, with several messages under way; remembers what was acknowledged.
class Writer {
 public:
  Writer(const Studio& studio, const std::string& name) : name_(name) {
    client::Options options;
    options.project = studio.project();
    options.user = name;
    options.discovery_port = studio.discovery_port();
    options.ask_addresses = {"127.255.255.255"};
    auto started = client::Client::start(options, nullptr);
    if (!started) throw std::runtime_error(started.error().text);
    client_ = std::move(*started);
    if (const auto joined = client_->joined().get(); !joined) throw std::runtime_error(joined.error().text);
  }

  void say(int round, int count) {
    for (int i = 0; i < count; ++i) {
      const auto text = name_ + " " + std::to_string(round) + "." + std::to_string(i);
      client_->say(text).then([this, text](const Result<std::uint64_t>& number) {
        const std::lock_guard lock(mutex_);
        if (number) acknowledged_.emplace_back(*number, text);
        ++answered_;
        changed_.notify_all();
      });
    }
  }
  bool wait_for_answers(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, support::kPatience, [&] { return answered_ >= count; });
  }
  std::vector<std::pair<std::uint64_t, std::string>> acknowledged() {
    const std::lock_guard lock(mutex_);
    return acknowledged_;
  }

 private:
  std::string name_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t answered_ = 0;
  std::vector<std::pair<std::uint64_t, std::string>> acknowledged_;
  std::unique_ptr<client::Client> client_;  // The last: its thread ends before what it calls back is gone.
};

TEST_CASE("a server killed while people speak has everything that it acknowledged", "[writers]") {
  Moments moments;
  Studio studio;
  studio.add_user("reader");
  std::map<std::uint64_t, std::string> acknowledged;
  constexpr int kSaid = 150;
  for (int round = 0; round < kMoments; ++round) {
    const auto enough = 1 + moments.below(kSaid);
    CAPTURE(moments.seed(), round, enough);
    studio.serve();
    Writer first(studio, "first");
    Writer second(studio, "second");
    first.say(round, kSaid);
    second.say(round, kSaid);
    REQUIRE(first.wait_for_answers(enough));
    studio.kill_server();
    for (auto* each : {&first, &second}) {
      for (const auto& [number, text] : each->acknowledged()) {
        CHECK(acknowledged.try_emplace(number, text).second);
      }
    }
  }
  studio.serve();
  std::map<std::uint64_t, std::string> kept;
  std::uint64_t last = 0;
  for (const auto& each : objects(studio.run("reader", {"messages", "--json"}).out)) {
    CHECK(each.at("number") == last + 1);
    last = each.at("number");
    kept[last] = each.at("text");
  }
  CHECK(acknowledged.size() >= kMoments);
  for (const auto& [number, text] : acknowledged) {
    INFO(number);
    CHECK(kept[number] == text);
  }
}

}  // namespace
}  // namespace callboard::e2e
