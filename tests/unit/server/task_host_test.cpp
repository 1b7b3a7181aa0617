// A task's program and its states, on a disk that takes its time.
#include "server/tasks/task_host.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/document/build.h"
#include "server/calls/call_desk.h"
#include "tests/unit/server/temporary_folder.h"

namespace callboard::server::task_host_test {
namespace {

using document::ValuePtr;

constexpr auto kTaskPatience = 20s;

struct SlowShelf final : OwnRecords {
  std::map<std::string, ValuePtr> records;
  std::map<std::string, std::uint64_t> revisions;
  std::vector<std::function<void()>> held;
  bool is_slow = false;
  Result<ValuePtr> find(std::string_view, const std::string& path) const override {
    const auto found = records.find(path);
    return found == records.end() ? ValuePtr() : found->second;
  }
  std::uint64_t revision(const std::string& path) const override {
    const auto found = revisions.find(path);
    return found == revisions.end() ? 0 : found->second;
  }
  void put(OwnRecord record, Then then) override {
    auto write = [this, record = std::move(record), then = std::move(then)] {
      if (record.base && *record.base != revision(record.path))
        return then(Error{Outcome::superseded, "it is not at that revision"});
      ++revisions[record.path];
      records[record.path] = record.fields;
      then({});
    };
    if (!is_slow) return write();
    held.emplace_back(std::move(write));
  }
  // Of a place "/bad" it takes nothing.
  void put_together(std::vector<OwnRecord> all, Then then) override {
    for (const OwnRecord& each : all) {
      if (each.path == "/bad") return then(Error{Outcome::usage, "it is bad"});
    }
    for (OwnRecord& each : all) put(std::move(each), [](const Result<void>&) {});
    then({});
  }
  std::string value(const std::string& path) {
    return records.contains(path) ? document::print(*records[path]->member("value")) : "none";
  }
};

// A task with the calls work (of the state /a), other (of /b) and count (of /c, an int), which does with each line what `does` says.
struct Workshop {
  net::Loop loop;
  CallDesk calls{loop};
  SlowShelf shelf;
  std::ostringstream log;
  EventLog events{
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log))};
  TemporaryFolder folder;
  std::unique_ptr<TaskHost> host;

  explicit Workshop(const std::string& does, TaskExitLimits limits = {}, bool is_slow = false) {
    shelf.is_slow = is_slow;
    const auto path = folder.path() / "task";
    std::ofstream(path) << "#!/bin/sh\nread init\n"
                           R"(echo '{"calls":[{"name":"work","state":"/a"},{"name":"other","state":"/b"},)"
                           R"({"name":"count","state":"/c","result":"int"}]}')"
                           "\nwhile read line; do case $line in\n"
                        << does << "\nesac; done\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    TaskHost::Outside outside{calls.registry(), shelf, events, [](const std::string&) { return true; },
                              limits};
    host = std::make_unique<TaskHost>(loop, path.native(), "p", std::move(outside));
    host->start();
    wait([&] { return is_slow ? shelf.held.size() == 3 : host->is_settled(); });
  }
  std::size_t told(const std::string& event) const {
    std::size_t count = 0;
    const std::string all = log.str();
    for (auto at = all.find(event); at != std::string::npos; at = all.find(event, at + 1)) ++count;
    return count;
  }
  // What the disk was asked for until now is done.
  void catch_up() {
    shelf.is_slow = false;
    for (const auto& write : std::exchange(shelf.held, {})) write();
  }
  void wait(const std::function<bool()>& condition) { REQUIRE(loop.run_until(condition, kTaskPatience)); }
  void stop() {
    bool is_over = false;
    host->stop([&] { is_over = true; });
    wait([&] { return is_over; });
  }
  std::shared_ptr<std::string> call(const std::string& name, std::chrono::milliseconds deadline = 0ms) {
    auto heard = std::make_shared<std::string>();
    CallRequest request;
    request.name = name;
    request.deadline = deadline;
    request.waiter.on_answer = [heard](const CallWaiter&, const Result<protocol::Document>& answer) {
      *heard = answer ? **answer : answer.error().text;
    };
    calls.begin({}, std::move(request));
    return heard;
  }
};

}  // namespace

TEST_CASE("a task tells what it leaves in its states in as many lines as it likes") {
  Workshop workshop(R"(*exit*) echo '{"states":{"/a":1}}'; echo '{"states":{"/b":2}}'
    echo '{"states":{"/a":3}}' ;;)");
  workshop.stop();
  CHECK(workshop.shelf.value("/a") == "3");
  CHECK(workshop.shelf.value("/b") == "2");
}

TEST_CASE("a task is told to end with its states as they are once the disk has them, however slow it is") {
  Workshop workshop(R"(*exit*) case $line in *'"/a":1'*) echo '{"states":{"/a":"seen"}}' ;; esac ;;
    *call*) echo '{"call":1,"result":0,"state":1}' ;;)",
                    {.commit = kTaskPatience, .exit = kTaskPatience});
  workshop.shelf.is_slow = true;
  const auto heard = workshop.call("work");
  workshop.wait([&] { return workshop.shelf.held.size() == 1; });
  bool is_over = false;
  workshop.host->stop([&] { is_over = true; });
  workshop.shelf.is_slow = false;
  workshop.shelf.held[0]();
  CHECK(*heard == "0");
  workshop.wait([&] { return is_over; });
  CHECK(workshop.shelf.value("/a") == R"("seen")");
}

TEST_CASE("a task whose disk takes too long is told to end without its states, and undoes nothing") {
  Workshop workshop(R"(*exit*) echo '{"states":{"/a":"undone"}}' ;;
    *call*) echo '{"call":1,"result":0,"state":1}' ;;)",
                    {.commit = 10ms, .exit = kTaskPatience});
  workshop.shelf.is_slow = true;
  const auto heard = workshop.call("work");
  workshop.wait([&] { return workshop.shelf.held.size() == 1; });
  bool is_over = false;
  bool is_told = false;
  const auto listening = workshop.events.subscribe([&](const std::shared_ptr<const Event>& event) {
    is_told = is_told || event->text == "state left by a task not kept";
  });
  workshop.host->stop([&] { is_over = true; });
  workshop.wait([&] { return is_told; });
  workshop.shelf.held[0]();
  workshop.wait([&] { return is_over; });
  CHECK(*heard == "0");
  CHECK(workshop.shelf.held.size() == 1);
  CHECK(workshop.shelf.value("/a") == "1");
}

TEST_CASE("what a task leaves in a state that is another by then is not kept, in however many lines") {
  Workshop workshop(R"(*exit*) echo '{"states":{"/a":1}}'; echo '{"states":{"/a":2}}' ;;)");
  workshop.shelf.is_slow = true;
  bool is_over = false;
  workshop.host->stop([&] { is_over = true; });
  workshop.wait([&] { return !workshop.shelf.held.empty(); });
  ++workshop.shelf.revisions["/a"];
  workshop.shelf.records["/a"] = document::make_object({{"value", document::make_number(7)}});
  workshop.catch_up();
  workshop.wait([&] { return is_over; });
  CHECK(workshop.shelf.value("/a") == "7");
}

TEST_CASE("what an answer writes into records is written with its state, or neither is") {
  Workshop workshop(R"(*'"call":1,'*) echo '{"call":1,"result":0,"state":1,"records":[
      {"path":"/r/1","class":"review","fields":{"value":7}}]}' | tr -d '\n'; echo ;;
    *'"call":2,'*) echo '{"call":2,"state":2,"records":[{"path":"/bad","class":"review","fields":{}}]}' ;;
    *'"call":3,'*) echo '{"call":3,"state":3,"records":[{"path":"/a","class":"state","fields":{"value":9}}]}' ;;)");
  const auto work = [&] {
    const auto heard = workshop.call("work");
    workshop.wait([&] { return !heard->empty(); });
    return *heard;
  };
  CHECK(work() == "0");
  CHECK(workshop.shelf.value("/a") == "1");
  CHECK(workshop.shelf.value("/r/1") == "7");
  CHECK(work() == "work: its task's records: it is bad");
  CHECK(work() == "it wrote \"/a\", of class \"state\": that is the server's own");
  CHECK(workshop.shelf.value("/a") == "1");
}

TEST_CASE("how a task is can be seen, and why it is not ready") {
  Workshop workshop(R"(*call*) exit 3 ;;)");
  CHECK(workshop.host->health().name == "task");
  CHECK(workshop.host->health().state == "ready");
  CHECK(workshop.host->health().why.empty());
  const auto heard = workshop.call("work");
  workshop.wait([&] { return !heard->empty(); });
  CHECK(workshop.host->health().state == "failing");
  CHECK(workshop.host->health().why == "it has ended (exit code 3)");
  workshop.wait([&] { return workshop.host->health().state == "ready"; });
}

TEST_CASE("a task that makes no sense is failing with what it said, as its callers are told") {
  Workshop workshop(R"(*call*) echo '{"call":"x"}' ;;)");
  const auto heard = workshop.call("work");
  workshop.wait([&] { return !heard->empty(); });
  const std::string why = "it made no sense, and was killed: call: expected the number of a call";
  CHECK(workshop.host->health().why == why);
  CHECK(*heard == "work: the task that does it is started again: " + why);
}

TEST_CASE("a task that closes its output and goes on is ended, and started again") {
  Workshop workshop(R"(*call*) exec >&-; read line ;;)", {.closed = 10ms});
  const auto heard = workshop.call("work");
  workshop.wait([&] { return !heard->empty(); });
  CHECK(*heard ==
        "work: the task that does it is started again: it made no sense, and was killed: it has "
        "closed its output");
  CHECK(workshop.host->health().state == "failing");
  workshop.wait([&] { return workshop.host->health().state == "ready"; });
}

TEST_CASE("nothing counts that a task says after what made no sense, and that is told once") {
  Workshop workshop(R"(*call*) printf '{}\n{}\n{"call":1,"result":0,"state":1}\n' ;;)");
  const auto heard = workshop.call("work");
  workshop.wait([&] { return !heard->empty(); });
  CHECK(heard->find("expected calls, call or states") != std::string::npos);
  CHECK(workshop.shelf.value("/a") == "null");
}

TEST_CASE("a line that is too long is told once, and to whoever waits for the call") {
  Workshop workshop(R"(*call*) head -c 4000000 /dev/zero | tr '\0' x ;;)");
  const auto heard = workshop.call("work");
  workshop.wait([&] { return !heard->empty(); });
  CHECK(heard->find("a line of more than 2.00 MiB") != std::string::npos);
  CHECK(workshop.told("task makes no sense, killed") == 1);
}

TEST_CASE("a task's error without a text is an error all the same") {
  Workshop workshop(R"(*call*) echo '{"call":1,"error":""}' ;;)");
  const auto heard = workshop.call("work");
  workshop.wait([&] { return !heard->empty(); });
  CHECK(*heard == "it gave no reason");
}

TEST_CASE("a task's answer that is not what its call describes is an error, and leaves the state as it was") {
  Workshop workshop(
      R"(*1,*) echo '{"call":1,"result":"one","state":1}' ;; *2,*) echo '{"call":2,"state":2}' ;;
         *3,*) echo '{"call":3,"result":3,"state":3}' ;;)");
  const auto count = [&] {
    const auto heard = workshop.call("count");
    workshop.wait([&] { return !heard->empty(); });
    return *heard;
  };
  CHECK(count() == R"(count: result: expected int, got "one")");
  CHECK(count() == "count: result: expected int, got null");
  CHECK(workshop.shelf.value("/c") == "null");
  CHECK(count() == "3");
  CHECK(workshop.shelf.value("/c") == "3");
}

TEST_CASE("a call of a task waits for its state to be made") {
  Workshop workshop(R"(*call*) echo '{"call":1,"result":0,"state":1}' ;;)", {}, true);
  const auto heard = workshop.call("work");
  workshop.catch_up();
  workshop.wait([&] { return !heard->empty(); });
  CHECK(*heard == "0");
  CHECK(workshop.shelf.value("/a") == "1");
  workshop.stop();
}

}  // namespace callboard::server::task_host_test
