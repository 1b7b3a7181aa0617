// The times that changes of documents get, and what they decide, while the server's clock is set.
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>

#include <limits>
#include <memory>
#include <optional>

#include "net/loop.h"
#include "server/board/recovery.h"
#include "server/newest_then.h"
#include "server/records.h"
#include "server/store/sqlite_log.h"
#include "tests/unit/server/operations.h"
#include "tests/unit/server/temporary_folder.h"

namespace callboard::stamps_test {
using namespace callboard::server;

namespace {

constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kDay = 24 * kHour;

class SettableClock final : public Clock {
 public:
  Timestamp wall() const override { return wall_; }
  Instant monotonic() const override { return monotonic_; }
  void pass(std::int64_t ms) {
    wall_.ms += ms;
    monotonic_ += std::chrono::milliseconds(ms);
  }
  void set_by(std::int64_t ms) { wall_.ms += ms; }

 private:
  Timestamp wall_{1'700'000'000'000};
  Instant monotonic_{std::chrono::hours(100)};
};

// The records of a server whose clock can be set, and two people who write whole stories without a word about what they have seen.
class Desk {
 public:
  Desk() { start(); }

  void start() {
    records_.reset();
    auto log = SqliteLog::open({folder_.path(), "Moria's Race",
                                [this](std::function<void()> task) { loop_.post(std::move(task)); }});
    REQUIRE(log);
    auto recovered = recover(**log);
    REQUIRE(recovered);
    records_ = std::make_unique<Records>(loop_, std::move(*log), std::move(*recovered), events_,
                                         Records::Options{{}, clock, kDiskProbePeriod},
                                         Records::Handlers{[] {}, [](const Operation&, const Applied&) {},
                                                           [](const Conflict&) {}, [](const Error*) {}});
  }

  // Made so long ago.
  Applied write(std::uint64_t session, std::int64_t ago_ms = 0, Record record = Record::story) {
    Draft draft;
    ++id_;
    draft.operation = make_operation({.id = id_,
                                      .session = session,
                                      .timestamp_ms = clock.wall().ms - ago_ms,
                                      .record = record,
                                      .value = "[" + std::to_string(id_) + "]"});
    std::optional<Result<Applied>> answer;
    records_->write(std::move(draft), [&](const Result<Applied>& applied) { answer = applied; });
    REQUIRE(loop_.run_until([&] { return answer.has_value(); }, 20s));
    REQUIRE(*answer);
    clock.pass(10);
    return **answer;
  }

  SettableClock clock;

 private:
  TemporaryFolder folder_;
  net::Loop loop_;
  EventLog events_{std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>()),
                   clock};
  std::unique_ptr<Records> records_;
  std::uint64_t id_ = 0;
};

Stamp at_ms(std::int64_t ms, std::uint32_t counter = 0) { return {{ms}, counter, {}, {}}; }

}  // namespace

TEST_CASE("after the server's clock was set back each write is later than those before it, also the first") {
  Desk desk;
  CHECK(desk.write(1).won);
  for (std::uint64_t i = 0; i < 4; ++i) {
    desk.clock.set_by(-2 * kHour);
    CHECK(desk.write(2).won);
    CHECK(desk.write(1).won);
    CHECK(desk.write(3).won);
  }
}

TEST_CASE("a time that the server's clock had by mistake is nobody's once it is later than that") {
  Desk desk;
  const std::int64_t before = desk.write(1).timestamp.ms;
  desk.clock.set_by(kDay);
  const std::int64_t ahead = desk.write(1).timestamp.ms;
  CHECK(ahead == before + kDay + 10);
  desk.clock.set_by(-kDay);
  for (std::uint64_t i = 0; i < 10; ++i) {
    const auto written = desk.write(1 + i % 3);
    CHECK(written.won);
    CHECK(written.timestamp.ms == ahead);
  }
  // The other document has nothing to do with it.
  CHECK(desk.write(1, 0, Record::analytics).timestamp.ms < before + kHour);
  // What is made before and arrives late is as old as it is.
  CHECK_FALSE(desk.write(4, 1000).won);
  // Later than its author's own, and not than what others wrote after that.
  CHECK(desk.write(5).won);
  CHECK(desk.write(1).won);
  CHECK_FALSE(desk.write(5, 1000).won);
  desk.clock.pass(kDay + kHour);
  const Timestamp right = desk.clock.wall();
  CHECK(desk.write(2).timestamp == right);
  CHECK(desk.write(1).won);
}

TEST_CASE("a day that was a mistake stays one when the server is started anew, and such days do not add up") {
  Desk desk;
  const std::int64_t before = desk.write(1).timestamp.ms;
  for (int i = 0; i < 3; ++i) {
    desk.clock.set_by(kDay);
    CHECK(desk.write(1).won);
    desk.clock.set_by(-kDay);
    if (i == 1) desk.start();
    const auto written = desk.write(2);
    CHECK(written.won);
    CHECK(written.timestamp.ms < before + kDay + kHour);
  }
}

TEST_CASE(
    "what was made before another one came, and arrives after it, is older, though the clock was set back "
    "between") {
  Desk desk;
  desk.write(1);
  desk.clock.pass(kHour);
  desk.write(1);
  desk.clock.set_by(-5 * kHour);
  desk.clock.pass(kHour);
  // Half an hour before that, and half an hour after it.
  CHECK_FALSE(desk.write(2, kHour + kHour / 2).won);
  CHECK(desk.write(3, kHour / 2).won);
}

TEST_CASE(
    "what was made before the server started is as much older than what it found as it was made earlier") {
  Desk desk;
  const std::int64_t before = desk.write(1).timestamp.ms;
  desk.clock.set_by(-kDay);
  desk.start();
  const auto late = desk.write(2, kHour);
  CHECK_FALSE(late.won);
  CHECK(std::abs(late.timestamp.ms - (before - kHour)) < 1000);
  CHECK(desk.write(3).won);
}

TEST_CASE("in a millisecond of its own a write is not later because of when it came") {
  NewestThen then;
  const Instant start{std::chrono::seconds(10)};
  then.start(start, at_ms(5000));
  CHECK(then.at(start) == at_ms(5000));
  CHECK(then.at(start - 2s) == at_ms(3000));
  then.note(start + 1s, at_ms(6000));
  then.note(start + 2s, at_ms(5500));
  then.note(start + 3s, at_ms(6000, 1));
  CHECK(then.at(start + 999ms) == at_ms(5000));
  CHECK(then.at(start + 1s) == at_ms(6000));
  CHECK(then.at(start + 2s) == at_ms(6000));
  CHECK(then.at(start + 1h) == at_ms(6000, 1));
  CHECK(NewestThen().at(start) == Stamp{});
}

TEST_CASE("of what came long ago a moment each second is remembered, and at last none") {
  NewestThen then;
  const Instant start{std::chrono::hours(10)};
  then.start(start, at_ms(1));
  for (std::int64_t i = 1; i <= 2 * std::int64_t{NewestThen::kRemembered}; ++i)
    then.note(start + i * 1ms, at_ms(i + 1));
  const auto last = std::int64_t{2 * NewestThen::kRemembered};
  CHECK(then.at(start + last * 1ms) == at_ms(last + 1));
  CHECK(then.at(start + last * 1ms - 1s) == at_ms(last - 999));
  for (std::int64_t second = 1; second * 1000 < last; ++second) {
    const Stamp found = then.at(start + second * 1s);
    CHECK(found <= at_ms(second * 1000 + 1));
    CHECK(found.time.ms > second * 1000 - 1001);
  }
  CHECK(then.at(start) == at_ms(1));
  for (std::int64_t i = 1; i <= 2 * std::int64_t{NewestThen::kRemembered}; ++i)
    then.note(start + 1h + i * 1s, at_ms(4'000'000 + i));
  CHECK(then.at(start + 1h) == Stamp{});
  CHECK(then.at(start) == Stamp{});
}

}  // namespace callboard::stamps_test
