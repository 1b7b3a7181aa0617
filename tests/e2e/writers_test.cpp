// kill -9 of the server, again and again, while clients that live on write to it. CALLBOARD_KILLS=N: how often.
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "client/client.h"
#include "server/store/sqlite_log.h"
#include "tests/e2e/moments.h"
#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::writers_test {
namespace {

using namespace std::chrono_literals;

constexpr int kWriters = 10;
constexpr int kUnderWay = 4;  // Of each writer's.
#ifdef CALLBOARD_ASAN
constexpr int kKills = 40;  // The server is slower to start; what is looked for shows in few.
#else
constexpr int kKills = 200;
#endif
// A random number of answers after everybody is back; some 15 ms of them.
constexpr std::uint64_t kAnswersMax = 100;

int kills_asked() {
  const char* asked = getenv("CALLBOARD_KILLS");
  return asked != nullptr ? std::atoi(asked) : kKills;
}

// What all writers have done together.
class Desk {
 public:
  void on_joined() {
    const std::lock_guard lock(mutex_);
    ++joined_;
    changed_.notify_all();
  }
  void on_left() {
    const std::lock_guard lock(mutex_);
    --joined_;
  }
  void on_begun(const std::string& token) {
    const std::lock_guard lock(mutex_);
    unanswered_.insert(token);
  }
  // `revision` 0: it was said, and is `number`.
  void on_answered(const std::string& token, std::uint64_t revision, std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    unanswered_.erase(token);
    acknowledged_[token] = {revision, number};
    changed_.notify_all();
  }
  void on_failed(const std::string& token, const Error& why) {
    const std::lock_guard lock(mutex_);
    unanswered_.erase(token);
    failed_.push_back(token + ": " + why.text);
    changed_.notify_all();
  }

  bool wait_until_all_are_there() {
    return wait([this] { return joined_ == kWriters; });
  }
  bool wait_for_answers(std::uint64_t count) {
    const std::size_t until = answered() + count;
    return wait([&] { return acknowledged_.size() >= until || !failed_.empty(); });
  }
  bool wait_until_all_is_answered() {
    return wait([this] { return unanswered_.empty(); });
  }

  struct Place {
    std::uint64_t revision = 0;
    std::uint64_t number = 0;
  };
  // When the writers are gone.
  const std::map<std::string, Place>& acknowledged() const { return acknowledged_; }
  const std::vector<std::string>& failed() const { return failed_; }

 private:
  std::size_t answered() {
    const std::lock_guard lock(mutex_);
    return acknowledged_.size();
  }
  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, support::kPatience, std::move(condition));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int joined_ = 0;
  std::set<std::string> unanswered_;
  std::map<std::string, Place> acknowledged_;
  std::vector<std::string> failed_;
};

// Writes as fast as the server acknowledges, several at a time: messages, its own part of the story, and patches of that
// from the revision it knows. Each holds a token that nothing else does.
class Writer final : public client::Listener {
 public:
  Writer(Desk& desk, const Studio& studio, std::uint16_t port, int number)
      : desk_(desk), name_("writer-" + std::to_string(number)) {
    client::Options options;
    options.project = studio.project();
    options.user = name_;
    options.server = "127.0.0.1:" + std::to_string(port);
    options.rejoin_pause = 10ms;
    auto started = client::Client::start(options, this);
    if (!started) throw std::runtime_error(started.error().text);
    client_ = std::move(*started);
  }

  void start() {
    for (int i = 0; i < kUnderWay; ++i) write();
  }
  void stop() { is_stopping_ = true; }

 private:
  void on_joined(std::string_view, const client::User&) override {
    if (!std::exchange(is_here_, true)) desk_.on_joined();
  }
  // Of an attempt that fails, too.
  void on_left(const Error&, bool) override {
    if (std::exchange(is_here_, false)) desk_.on_left();
  }

  // In the thread of whoever starts, or the client's own.
  void write() {
    const int number = ++last_;
    const std::string token = name_ + "." + std::to_string(number) + ".";
    desk_.on_begun(token);
    if (number % 3 == 0) return say(token);
    client::DocumentChange change;
    change.content = '"' + token + '"';
    if (number % 3 == 1) {
      change.at = "/" + name_;
    } else {
      change.patch = true;
      change.base = known_;
      change.content = R"([{"op":"add","path":"/)" + name_ + R"(","value":)" + change.content + "}]";
    }
    client_->change(std::move(change)).then([this, token](const Result<client::WriteResult>& result) {
      if (result) known_ = result->revision;
      on_answer(token, result ? nullptr : &result.error(), result ? result->revision : 0, 0);
    });
  }
  void say(const std::string& token) {
    client_->say(token).then([this, token](const Result<std::uint64_t>& number) {
      on_answer(token, number ? nullptr : &number.error(), 0, number ? *number : 0);
    });
  }
  void on_answer(const std::string& token, const Error* why, std::uint64_t revision, std::uint64_t number) {
    // Before it is over with this one: so something is unanswered until all is.
    if (why == nullptr && !is_stopping_) write();
    if (why != nullptr) {
      desk_.on_failed(token, *why);
    } else {
      desk_.on_answered(token, revision, number);
    }
  }

  Desk& desk_;
  std::string name_;
  bool is_here_ = false;  // The client's thread.
  std::atomic<int> last_ = 0;
  std::atomic<std::uint64_t> known_ = 0;
  std::atomic<bool> is_stopping_ = false;
  std::unique_ptr<client::Client> client_;  // The last: its thread ends before what it calls back is gone.
};

// Where in the log each token stands; a message also by its number. What stands there twice is told.
std::map<std::string, Desk::Place> tokens_in(const std::filesystem::path& data, const std::string& project) {
  auto log = server::SqliteLog::open({data, project, [](const std::function<void()>&) {}});
  REQUIRE(log);
  std::map<std::string, Desk::Place> found;
  std::uint64_t messages = 0;
  const auto read = (*log)->read_from(1, [&](const server::Committed& committed) {
    const std::string& value = *committed.operation.value;
    const bool is_message = committed.operation.record == server::Record::messages;
    if (is_message) ++messages;
    const auto begin = value.find("writer-");
    const auto end = value.rfind('.');
    if (begin == std::string::npos || end == std::string::npos) return Result<void>();
    // A change names the place before the token, and nothing behind it.
    const std::string token = value.substr(value.rfind("writer-"), end + 1 - value.rfind("writer-"));
    INFO(token);
    CHECK(
        found.try_emplace(token, Desk::Place{is_message ? 0 : committed.sequence, is_message ? messages : 0})
            .second);
    return Result<void>();
  });
  REQUIRE(read);
  return found;
}

TEST_CASE("a server killed at any moment has all that it acknowledged, once, while its clients live on",
          "[writers]") {
  Moments moments;
  Studio studio;
  const auto data = studio.home() / "board";
  const std::uint16_t port = free_port();
  const std::vector<std::string> where{"--data", data.string(), "--port", std::to_string(port)};
  support::write_file(studio.add_user("director") / "story.json", "{}");
  studio.serve(where);
  REQUIRE(studio.run("director", {"story", "set", "story.json"}).ending.exit_code == 0);
  Desk desk;
  std::vector<std::unique_ptr<Writer>> writers;
  for (int i = 0; i < kWriters; ++i) writers.push_back(std::make_unique<Writer>(desk, studio, port, i));
  for (const auto& each : writers) each->start();
  const int kills = kills_asked();
  for (int kill = 0; kill < kills; ++kill) {
    INFO("CALLBOARD_SEED=" << moments.seed() << " kill " << kill);
    // One in four does not wait until it has everybody back.
    if (moments.below(4) != 0) {
      REQUIRE(desk.wait_until_all_are_there());
      REQUIRE(desk.wait_for_answers(1 + moments.below(kAnswersMax)));
    } else {
      studio.server().wait(std::chrono::duration_cast<std::chrono::milliseconds>(moments.within(50ms)));
    }
    studio.kill_server();
    studio.serve(where);
  }
  INFO("CALLBOARD_SEED=" << moments.seed());
  for (const auto& each : writers) each->stop();
  REQUIRE(desk.wait_until_all_is_answered());
  writers.clear();
  studio.kill_server();

  CHECK(desk.failed() == std::vector<std::string>{});
  const auto kept = tokens_in(data, studio.project());
  CHECK(desk.acknowledged().size() >= static_cast<std::size_t>(kills));
  CHECK(kept.size() == desk.acknowledged().size());
  for (const auto& [token, place] : desk.acknowledged()) {
    INFO(token);
    const auto found = kept.find(token);
    REQUIRE(found != kept.end());
    CHECK(found->second.revision == place.revision);
    CHECK(found->second.number == place.number);
  }
}

}  // namespace
}  // namespace callboard::e2e::writers_test
