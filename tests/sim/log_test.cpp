// What everything above a log relies on, asked of the one the simulation has and of the real one: the simulation's disk behaves
// as the real one, or what it proves is worth nothing.
#include <catch2/catch.hpp>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <random>

#include "base/document/edits.h"
#include "server/board/recovery.h"
#include "server/store/sqlite_log.h"
#include "tests/sim/memory_log.h"
#include "tests/unit/document/random_document.h"
#include "tests/unit/server/operations.h"
#include "tests/unit/server/small_disk.h"
#include "tests/unit/server/temporary_folder.h"

namespace callboard::sim::log_test {
namespace {

using namespace server;

// The disk of a World, with the program that writes to it.
class SimulatedDisk {
 public:
  SimulatedDisk() { start(); }
  ~SimulatedDisk() { stop(); }

  Log& log() { return *log_; }
  void start() {
    world_.on(machine_, [this] {
      loop_ = std::make_unique<net::Loop>();
      log_ = std::make_unique<MemoryLog>(disk_, *loop_);
    });
  }
  void stop() {
    world_.on(machine_, [this] {
      log_.reset();
      loop_.reset();
    });
  }
  void fill() { disk_.is_full = true; }
  void empty() { disk_.is_full = false; }
  bool run_until(const std::function<bool()>& is_reached) {
    for (int i = 0; i < 100'000 && !is_reached(); ++i) world_.run_until(world_.now() + 1ms);
    return is_reached();
  }

 private:
  World world_{1, false};
  Machine machine_;
  Disk disk_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<MemoryLog> log_;
};

// A folder with a database. The test's own thread is the loop.
class RealDisk {
 public:
  RealDisk() { start(); }

  Log& log() { return *log_; }
  void start() {
    auto opened = SqliteLog::open({folder_.path(), "Moria's Race", [this](std::function<void()> task) {
                                     const std::lock_guard lock(mutex_);
                                     tasks_.push_back(std::move(task));
                                     arrived_.notify_one();
                                   }});
    REQUIRE(opened);
    log_ = std::move(*opened);
  }
  void stop() {
    log_.reset();
    tasks_.clear();
  }
  void fill() { small_.emplace(64 * 1024); }
  void empty() { small_.reset(); }
  bool run_until(const std::function<bool()>& is_reached) {
    while (!is_reached()) {
      std::unique_lock lock(mutex_);
      if (!arrived_.wait_for(lock, 20s, [this] { return !tasks_.empty(); })) return false;
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    }
    return true;
  }

 private:
  TemporaryFolder folder_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> tasks_;
  std::optional<SmallDisk> small_;
  std::unique_ptr<SqliteLog> log_;
};

// What a caller asks, and waits for.
template <class Disk>
struct Place : Disk {
  Result<Appended> append_as_it_is(const Operation& operation) {
    std::optional<Result<Appended>> answer;
    this->log().append(operation, [&](Result<Appended> result) { answer = std::move(result); });
    CHECK_FALSE(answer);  // Never from within the call.
    REQUIRE(this->run_until([&] { return answer.has_value(); }));
    return *answer;
  }
  Result<Appended> append(OperationLike like) { return append_as_it_is(make_operation(std::move(like))); }
  template <class Ask>
  Result<void> done(Ask ask) {
    std::optional<Result<void>> answer;
    ask([&](Result<void> result) { answer = std::move(result); });
    CHECK_FALSE(answer);
    REQUIRE(this->run_until([&] { return answer.has_value(); }));
    return *answer;
  }
  Result<void> snapshot(std::uint64_t sequence, const std::string& state) {
    return done([&](Log::Done told) {
      this->log().snapshot(
          sequence, [state] { return Bytes(as_bytes(state).begin(), as_bytes(state).end()); }, told);
    });
  }
  std::vector<Committed> read_from(std::uint64_t sequence) {
    std::vector<Committed> all;
    REQUIRE(this->log().read_from(sequence, [&](Committed committed) {
      all.push_back(std::move(committed));
      return Result<void>();
    }));
    return all;
  }
  void restart() {
    this->stop();
    this->start();
  }
};

std::string large() { return '"' + std::string(200'000, 'x') + '"'; }

// As long whatever packs it.
std::string unpackable() {
  std::mt19937 random(1);
  std::string bytes(200'000, ' ');
  for (char& each : bytes) each = static_cast<char>(random());
  return bytes;
}

}  // namespace

TEMPLATE_TEST_CASE("a log tells what is committed in its order, and before it answers", "[log]",
                   SimulatedDisk, RealDisk) {
  Place<TestType> here;
  std::vector<std::string> told;
  here.log().on_commit([&](const Committed& committed) {
    told.push_back("committed " + std::to_string(committed.sequence) + *committed.operation.value);
    CHECK(committed.operation.edits != nullptr);
  });
  std::size_t answers = 0;
  for (std::uint64_t id = 1; id <= 3; ++id) {
    here.log().append(make_operation({.id = id, .value = "{}"}), [&](const Result<Appended>& place) {
      REQUIRE(place);
      CHECK_FALSE(place->repeated);
      told.push_back("answered " + std::to_string(place->sequence));
      ++answers;
    });
  }
  CHECK(told.empty());
  REQUIRE(here.run_until([&] { return answers == 3; }));
  const auto place_of = [&](const std::string& text) { return std::ranges::find(told, text) - told.begin(); };
  CHECK(told.size() == 6);
  for (const std::string number : {"1", "2", "3"})
    CHECK(place_of("committed " + number + "{}") < place_of("answered " + number));
  for (const auto& [first, second] : {std::pair{"1", "2"}, std::pair{"2", "3"}}) {
    CHECK(place_of(std::string("committed ") + first + "{}") <
          place_of(std::string("committed ") + second + "{}"));
    CHECK(place_of(std::string("answered ") + first) < place_of(std::string("answered ") + second));
  }
}

TEMPLATE_TEST_CASE(
    "an operation that comes again has its old place, in the same group, later, and after a start", "[log]",
    SimulatedDisk, RealDisk) {
  Place<TestType> here;
  int committed = 0;
  here.log().on_commit([&](const Committed&) { ++committed; });
  std::vector<Appended> places;
  for (int i = 0; i < 2; ++i) {
    here.log().append(make_operation({.id = 1}),
                      [&](const Result<Appended>& place) { places.push_back(*place); });
  }
  REQUIRE(here.run_until([&] { return places.size() == 2; }));
  CHECK((places[0].sequence == 1 && !places[0].repeated));
  CHECK((places[1].sequence == 1 && places[1].repeated));
  CHECK(here.append({.id = 2})->sequence == 2);
  CHECK(here.append({.id = 1})->repeated);
  CHECK(committed == 2);
  here.restart();
  here.log().on_commit([&](const Committed&) { ++committed; });
  const auto again = here.append({.id = 2, .value = "[]"});
  CHECK((again->sequence == 2 && again->repeated));
  CHECK(here.append({.id = 3})->sequence == 3);
  CHECK(committed == 3);
  CHECK(*here.read_from(2).front().operation.value == "{}");
}

TEMPLATE_TEST_CASE("everything about an operation comes back, but for what its value says", "[log]",
                   SimulatedDisk, RealDisk) {
  Place<TestType> here;
  Operation sent = make_operation({.id = 5,
                                   .session = ~0ULL,
                                   .timestamp_ms = -4,
                                   .record = Record::analytics,
                                   .value = R"([{"path":["a"],"value":1}])",
                                   .base = 17,
                                   .counter = 3,
                                   .settles = 2});
  sent.user = "Zoë | 日本";
  REQUIRE(here.append_as_it_is(sent));
  REQUIRE(here.append({.id = 6, .record = Record::messages, .value = std::string("a\0\xff", 3)}));
  here.restart();
  const auto all = here.read_from(1);
  REQUIRE(all.size() == 2);
  const Operation& back = all[0].operation;
  CHECK(all[0].sequence == 1);
  CHECK(stamp_of(back) == stamp_of(sent));
  CHECK(back.user == sent.user);
  CHECK(back.record == sent.record);
  CHECK(back.base == sent.base);
  CHECK(back.form == Form::edits);
  CHECK(back.settles == 2);
  CHECK(*back.value == *sent.value);
  CHECK(back.edits == nullptr);
  CHECK(*all[1].operation.value == std::string("a\0\xff", 3));
  CHECK(here.read_from(2).size() == 1);
  CHECK(here.read_from(3).empty());
  const auto stopped = here.log().read_from(1, [](const Committed&) -> Result<void> {
    return Error{Outcome::refused, "enough"};
  });
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().text == "enough");
}

TEMPLATE_TEST_CASE("the newest snapshot is there after a start, and places go on behind it", "[log]",
                   SimulatedDisk, RealDisk) {
  Place<TestType> here;
  CHECK(here.log().newest_snapshot()->sequence == 0);
  CHECK(here.log().newest_snapshot()->state.empty());
  for (std::uint64_t id = 1; id <= 3; ++id) REQUIRE(here.append({.id = id}));
  REQUIRE(here.snapshot(2, "two"));
  REQUIRE(here.snapshot(3, "three"));
  here.restart();
  CHECK(here.log().newest_snapshot()->sequence == 3);
  CHECK(as_text(here.log().newest_snapshot()->state) == "three");
  CHECK(here.append({.id = 4})->sequence == 4);
}

TEMPLATE_TEST_CASE("a snapshot is answered behind what was appended before it, and appends in their order",
                   "[log]", SimulatedDisk, RealDisk) {
  Place<TestType> here;
  std::string order;
  for (std::uint64_t id = 1; id <= 3; ++id)
    here.log().append(make_operation({.id = id}), [&](const Result<Appended>&) { order += 'a'; });
  here.log().snapshot(
      3, [] { return Bytes(); }, [&](const Result<void>&) { order += 's'; });
  here.log().append(make_operation({.id = 4}), [&](const Result<Appended>&) { order += 'b'; });
  REQUIRE(here.run_until([&] { return order.size() == 5; }));
  // What is appended behind it may be committed, and answered, with it.
  CHECK((order == "aaasb" || order == "aaabs"));
}

TEMPLATE_TEST_CASE("a snapshot from elsewhere is where a log goes on, unless the log is beyond it", "[log]",
                   SimulatedDisk, RealDisk) {
  Place<TestType> here;
  const auto install = [&](std::uint64_t sequence) {
    return here.done([&](Log::Done told) { here.log().install({sequence, Bytes(1)}, told); });
  };
  REQUIRE(here.append({.id = 1}));
  REQUIRE(install(40));
  CHECK(here.append({.id = 2})->sequence == 41);
  const auto refused = install(40);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome == Outcome::refused);
  CHECK(refused.error().text == "the log is at 41, beyond the snapshot's 40");
  here.restart();
  CHECK(here.append({.id = 3})->sequence == 42);
}

TEMPLATE_TEST_CASE("on a full disk everything fails, nothing is half there, and all goes on when it has room",
                   "[log]", SimulatedDisk, RealDisk) {
  Place<TestType> here;
  std::vector<std::uint64_t> committed;
  here.log().on_commit([&](const Committed& one) { committed.push_back(one.operation.id.low); });
  REQUIRE(here.append({.id = 1}));
  here.fill();
  for (std::uint64_t id = 2; id <= 3; ++id) {
    const auto failed = here.append({.id = id, .value = large()});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().outcome == Outcome::failed);
    CHECK(failed.error().text.starts_with("write to the project's log: "));
  }
  CHECK_FALSE(here.snapshot(1, unpackable()));
  here.empty();
  REQUIRE(here.snapshot(1, "one"));
  CHECK(here.append({.id = 3, .value = large()}));
  CHECK(here.append({.id = 2, .value = large()}));
  CHECK(committed == std::vector<std::uint64_t>{1, 3, 2});
  here.restart();
  std::vector<std::uint64_t> kept;
  for (const Committed& one : here.read_from(1)) kept.push_back(one.operation.id.low);
  CHECK(kept == committed);
  CHECK(as_text(here.log().newest_snapshot()->state) == "one");
}

TEMPLATE_TEST_CASE("a log that ends has all that was handed to it, and calls nobody any more", "[log]",
                   SimulatedDisk, RealDisk) {
  Place<TestType> here;
  int calls = 0;
  here.log().on_commit([&](const Committed&) { ++calls; });
  for (std::uint64_t id = 1; id <= 50; ++id)
    here.log().append(make_operation({.id = id}), [&](const Result<Appended>&) { ++calls; });
  here.restart();
  CHECK(here.read_from(1).size() == 50);
  CHECK(here.append({.id = 51})->sequence == 51);
  CHECK(calls == 0);
}

TEMPLATE_TEST_CASE("what a start needs is there however much of the history is forgotten", "[log]",
                   SimulatedDisk, RealDisk) {
  Place<TestType> here;
  Board board;
  here.log().on_commit([&](const Committed& one) { board.apply(one.sequence, one.operation); });
  const auto write = [&](std::uint64_t id) {
    REQUIRE(
        here.append({.id = id, .timestamp_ms = static_cast<std::int64_t>(id), .value = std::to_string(id)}));
  };
  for (std::uint64_t id = 1; id <= 30; ++id) write(id);
  const auto keyframe = [board] {
    Bytes bytes;
    ByteWriter writer(bytes);
    board.document(Record::story).append_to(writer);
    return bytes;
  };
  REQUIRE(here.done(
      [&](Log::Done told) { here.log().keyframe(Record::story, board.sequence(), keyframe, told); }));
  REQUIRE(here.snapshot(board.sequence(), std::string(as_text(board.encoded()))));
  for (std::uint64_t id = 31; id <= 40; ++id) write(id);
  const Retention little{std::chrono::milliseconds(0), 1, 1};
  REQUIRE(here.done([&](Log::Done told) {
    here.log().trim(little, Timestamp{1'000'000}, [told](const Result<std::uint64_t>& forgotten) {
      told(forgotten ? Result<void>() : Result<void>(forgotten.error()));
    });
  }));
  here.restart();
  const auto recovered = recover(here.log());
  REQUIRE(recovered);
  CHECK(recovered->snapshot_sequence == 30);
  CHECK(recovered->operations_replayed == 10);
  CHECK(recovered->newest_keyframes ==
        std::map<Record, std::uint64_t>{{Record::story, 30}, {Record::analytics, 0}});
  CHECK(recovered->board.encoded() == board.encoded());
  auto history = here.log().open_history();
  REQUIRE(history);
  CHECK(document::print(*(*history)->version(Record::story, 35)->value) == "35");
}

namespace {

// Some of them late, some based on what was there, some on nothing.
std::vector<Operation> random_operations(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Operation> all;
  Board board;
  const document::ValuePtr first = document::random_document(random);
  for (std::uint64_t id = 1; id <= 40; ++id) {
    const document::ValuePtr root = board.document(Record::story).root();
    OperationLike like{.id = id,
                       .session = 1 + random() % 3,
                       .timestamp_ms = static_cast<std::int64_t>(id * 10 - random() % 40),
                       .settles = random() % 10 == 0 ? 1U : 0U};
    if (id > 1 && random() % 8 == 0) {
      like.record = Record::messages;
      like.value = "hello";
    } else if (id == 1 || random() % 8 == 0) {
      like.value = document::print(*(id == 1 ? first : document::edited(root, random)));
    } else {
      like.base = 1 + random() % (id - 1);
      like.value = document::print(document::edits_between(root, document::edited(root, random)));
    }
    all.push_back(make_operation(like));
    board.apply(id, all.back());
  }
  return all;
}

std::string text_of(const Revision& revision) {
  return std::to_string(revision.number) + " " + to_text(revision.session) + " " + revision.user + " " +
         std::to_string(revision.timestamp.ms) + " " + std::to_string(revision.base) +
         (revision.stands ? " stands " : " lost ") + std::to_string(revision.size_bytes) + " " +
         std::to_string(revision.settles);
}

// Everything that is asked of a history, as text.
std::string told_by(History& history) {
  std::string all;
  const auto list = [&](const HistoryQuery& query) {
    const auto listed = history.list(query);
    REQUIRE(listed);
    for (const Revision& each : listed->revisions) all += text_of(each) + "\n";
    all += "--\n";
  };
  list({.count = 1000});
  list({.count = 7});
  list({.before = 20, .count = 5});
  list({.since = Timestamp{150}, .count = 1000});
  list({.record = Record::analytics, .count = 1000});
  list({.at = {"title"}, .count = 1000});
  for (std::uint64_t number = 0; number <= 45; ++number) {
    const auto version = history.version(Record::story, number);
    all += version ? text_of(version->revision) + document::print(*version->value)
                   : std::string(to_text(version.error().outcome));
    const auto document = history.document_at(Record::story, number);
    all += "\n" + (document ? document::print(**document) : std::string(to_text(document.error().outcome))) +
           "\n";
  }
  return all;
}

std::string history_on(Log& log, const std::function<void(const Operation&)>& append, unsigned seed) {
  for (const Operation& each : random_operations(seed)) append(each);
  auto history = log.open_history();
  REQUIRE(history);
  return told_by(**history);
}

}  // namespace

TEST_CASE("both logs tell the same history", "[log]") {
  const auto seed = GENERATE(range(1U, 8U));
  INFO("seed " << seed);
  const auto told = [&](auto& here) {
    return history_on(
        here.log(), [&](const Operation& each) { REQUIRE(here.append_as_it_is(each)); }, seed);
  };
  Place<SimulatedDisk> simulated;
  Place<RealDisk> real;
  CHECK(told(simulated) == told(real));
}

}  // namespace callboard::sim::log_test
