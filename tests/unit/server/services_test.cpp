#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>

#include <map>
#include <string>

#include "base/document/build.h"
#include "base/document/parse.h"
#include "server/services/service_desk.h"
#include "server/services/service_list.h"

namespace callboard::server::services_test {
namespace {

using document::ValuePtr;

constexpr auto kLimit = 20s;

// On a disk that takes everything at once, or nothing.
struct Shelf final : OwnRecords {
  std::map<std::string, OwnRecord> records;
  bool is_broken = false;
  bool is_slow = false;
  std::vector<std::function<void()>> held;
  Result<ValuePtr> find(std::string_view record_class, const std::string& path) const override {
    const auto found = records.find(path);
    if (found == records.end()) return ValuePtr();
    if (found->second.record_class != record_class) return Error{Outcome::usage, "of another class"};
    return found->second.fields;
  }
  std::uint64_t revision(const std::string&) const override { return 0; }
  void put(OwnRecord record, Then then) override {
    if (is_broken) return then(Error{Outcome::failed, "the disk is broken"});
    auto write = [this, record = std::move(record), then = std::move(then)] {
      records[record.path] = record;
      then({});
    };
    if (!is_slow) return write();
    held.emplace_back(std::move(write));
  }
  void put_together(std::vector<OwnRecord>, Then then) override { then(Error{Outcome::failed, "none does"}); }
  void write_held() {
    for (const auto& write : std::exchange(held, {})) write();
  }
};

struct Room {
  net::Loop loop;
  CallDesk calls{loop};
  Shelf shelf;
  EventLog events{std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>())};
  std::unique_ptr<ServiceDesk> desk;
  int runs = 0;
  bool fails = false;
  std::vector<std::shared_ptr<CallRun>> waiting;

  Room() {
    calls.registry().add_built_in(
        {{.name = "tick"}, InlineRun([this](const Caller&, const CallArguments&) -> CallValue {
           ++runs;
           if (fails) return Error{Outcome::failed, "no tick"};
           return document::make_null();
         })});
    calls.registry().add_built_in(
        {{.name = "slow"},
         LaterRun([this](const Caller&, const CallArguments&, std::shared_ptr<CallRun> run) {
           ++runs;
           waiting.push_back(std::move(run));
         })});
    open();
    desk->add_calls();
  }
  void open() {
    desk = std::make_unique<ServiceDesk>(
        loop, ServiceDesk::Outside{calls, shelf, events, system_clock(), system_random()});
  }
  Result<void> add(const std::string& name, const std::string& call, Duration period = 1ms,
                   Service::Overlap overlap = Service::Overlap::skip) {
    Service service;
    service.name = name;
    service.call = call;
    service.period = period;
    service.overlap = overlap;
    return desk->add(std::move(service));
  }
  std::string call(const std::string& name, const std::string& arguments = "") {
    std::string answer = "none";
    CallRequest request;
    request.name = name;
    if (!arguments.empty()) request.arguments = std::make_shared<const std::string>(arguments);
    request.waiter.on_answer = [&](const CallWaiter&, const Result<protocol::Document>& given) {
      answer = given ? **given : given.error().text;
    };
    calls.begin({}, std::move(request));
    return answer;
  }
  ValuePtr told(const std::string& name) {
    const ValuePtr list = document::parse(call("services")).value();
    for (const ValuePtr& each : *list->array()) {
      if (*each->member("name")->string() == name) return each;
    }
    return nullptr;
  }
  std::string told(const std::string& name, const char* key) {
    const ValuePtr member = told(name)->member(key);
    return member ? document::print(*member) : "nothing";
  }
  // Of its record.
  std::string seen(const std::string& name, const char* key) {
    const ValuePtr fields = shelf.find("service", "/services/" + name).value();
    const ValuePtr member = fields ? fields->member(key) : nullptr;
    return member ? document::print(*member) : "nothing";
  }
  // As if the server were started anew.
  void reopen() {
    desk = nullptr;
    for (const char* name : {"services", "services.enable", "services.disable", "services.run"})
      calls.registry().remove(name);
    open();
    desk->add_calls();
  }
  void wait(const std::function<bool()>& condition) { REQUIRE(loop.run_until(condition, kLimit)); }
};

std::string refusal_of(const std::string& services) {
  const auto read = services_from(services);
  return read ? "" : read.error().text;
}
// Of the file's only service, with these members beside its name.
std::string refusal_with(const std::string& members) {
  return refusal_of(R"({"services": [{"name": "sweep", )" + members + "}]}");
}

}  // namespace

TEST_CASE("services of a studio's own are read with all they say, or with what stands for it") {
  const auto read = services_from(R"({"services": [
    {"name": "sweep", "call": "queue.sweep", "period_s": 60},
    {"name": "report", "call": "queue.report", "arguments": {"to": "boss"}, "period_s": 31622400, "jitter_s": 5,
     "overlap": "wait", "enabled": false}]})");
  REQUIRE(read);
  REQUIRE(read->size() == 2);
  const Service& sweep = (*read)[0];
  CHECK((sweep.name == "sweep" && sweep.call == "queue.sweep" && !sweep.arguments));
  CHECK((sweep.period == 60s && sweep.jitter == 0s));
  CHECK((sweep.overlap == Service::Overlap::skip && sweep.is_enabled));
  const Service& report = (*read)[1];
  CHECK(document::print(*report.arguments) == R"({"to":"boss"})");
  CHECK((report.period == 366 * 24h && report.jitter == 5s));
  CHECK((report.overlap == Service::Overlap::wait && !report.is_enabled));
}

TEST_CASE("a services file that makes no sense is refused with the service and the key") {
  CHECK(refusal_of("[") != "");
  CHECK(refusal_of("[]") != "");
  CHECK(refusal_of(R"({"services": {}})") != "");
  CHECK(refusal_of(R"({"services": [], "service": []})") != "");
  CHECK(refusal_of(R"({"services": [1]})") == "services: expected objects, got 1");
  CHECK(refusal_of(R"({"services": [{"call": "a"}]})") ==
        "name: expected a name that can stand in a path, got nothing");
  CHECK(refusal_of(R"({"services": [{"name": "a/b"}]})") ==
        R"(service "a/b": name: expected one that can stand in a path)");
  CHECK(refusal_with(R"("period_s": 1)") ==
        R"(service "sweep": call: expected the name of a call, got nothing)");
  for (const char* period : {"0", "31622401", "1.5", "-1", "\"1\"", "null"}) {
    INFO(period);
    CHECK(refusal_with(R"("call": "a", "period_s": )" + std::string(period)) ==
          R"(service "sweep": period_s: expected 1-31622400, got )" + std::string(period));
  }
  CHECK(refusal_with(R"("call": "a")") == R"(service "sweep": period_s: expected 1-31622400, got nothing)");
  CHECK(refusal_with(R"("call": "a", "period_s": 1, "jitter_s": -1)") != "");
  CHECK(refusal_with(R"("call": "a", "period_s": 1, "overlap": "both")") ==
        R"(service "sweep": overlap: expected "skip" or "wait", got "both")");
  CHECK(refusal_with(R"("call": "a", "period_s": 1, "arguments": [])") ==
        R"(service "sweep": arguments: expected an object, got [])");
  CHECK(refusal_with(R"("call": "a", "period_s": 1, "enabled": 1)") ==
        R"(service "sweep": enabled: expected true or false, got 1)");
  CHECK_THAT(refusal_with(R"("call": "a", "period_s": 1, "periods": 1)"),
             Catch::Contains("periods: no such key"));
  const std::string one = R"({"name": "sweep", "call": "a", "period_s": 1})";
  CHECK(refusal_of(R"({"services": [)" + one + "," + one + "]}") ==
        R"(service "sweep": there is one of this name already)");
  CHECK(refusal_of(R"({"services": [{"name": "backup", "call": "a", "period_s": 1}]})") ==
        R"(service "backup": there is one of this name already)");
}

TEST_CASE("as many services are read as there may be, and no more") {
  const auto file = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      text +=
          (i == 0 ? "" : ",") + (R"({"name": ")" + std::to_string(i) + R"(", "call": "a", "period_s": 1})");
    }
    return R"({"services": [)" + text + "]}";
  };
  const auto most = services_from(file(kOwnServicesMax));
  REQUIRE(most);
  CHECK(refusal_of(file(kOwnServicesMax + 1)) == "expected at most 252 services, got 253");
  // All of them can be put on a schedule beside the built-in ones.
  Room room;
  for (const std::string_view name : kBuiltInServices) CHECK(room.add(std::string(name), "tick"));
  for (const Service& each : *most) CHECK(room.add(each.name, "tick"));
  CHECK_FALSE(room.add("one more", "tick"));
}

TEST_CASE("a service runs again and again, and says how it went") {
  Room room;
  REQUIRE(room.add("ticking", "tick"));
  CHECK(room.told("ticking", "runs") == "0");
  room.wait([&] { return room.runs >= 3; });
  CHECK(std::stoi(room.told("ticking", "runs")) >= 3);
  CHECK(room.told("ticking", "failures") == "0");
  CHECK(room.told("ticking", "error") == "nothing");
  CHECK(room.told("ticking", "last_run") != "nothing");
}

TEST_CASE("a service that fails goes on, more seldom, and its error is seen until it works again") {
  Room room;
  room.fails = true;
  REQUIRE(room.add("ticking", "tick"));
  room.wait([&] { return room.runs >= 3; });
  CHECK(room.told("ticking", "failures") == "3");
  CHECK(room.told("ticking", "error") == "\"no tick\"");
  CHECK(room.told("ticking", "enabled") == "true");
  room.fails = false;
  room.wait([&] { return room.runs >= 4; });
  CHECK(room.told("ticking", "failures") == "0");
  CHECK(room.told("ticking", "error") == "nothing");
}

TEST_CASE("pauses double with each failure, up to an hour or the period") {
  Service service;
  service.period = 1min;
  CHECK(pause_of(service, 0) == 1min);
  CHECK(pause_of(service, 1) == 2min);
  CHECK(pause_of(service, 5) == 32min);
  CHECK(pause_of(service, 6) == 1h);
  CHECK(pause_of(service, 1'000'000'000) == 1h);
  service.period = 24h;
  CHECK(pause_of(service, 9) == 24h);
}

TEST_CASE("a run that is due while one is under way is left out, or waits for its end") {
  Room room;
  REQUIRE(room.add("skipping", "slow"));
  room.wait([&] { return std::stoi(room.told("skipping", "left_out")) >= 2; });
  CHECK(room.runs == 1);
  CHECK(room.told("skipping", "running") == "true");
  room.waiting[0]->answer(document::make_null());
  room.wait([&] { return room.runs == 2; });

  Room other;
  REQUIRE(other.add("waiting", "slow", 1h, Service::Overlap::wait));
  CHECK(other.call("services.run", R"(["waiting"])") == "null");
  CHECK(other.call("services.run", R"(["waiting"])") == "it is under way");
  CHECK(other.runs == 1);
}

TEST_CASE("who runs a service and waits hears how it went, and not what came of it") {
  Room room;
  REQUIRE(room.add("ticking", "tick", 1h));
  CHECK(room.call("services.run", R"({"name":"ticking","wait":true})") == "null");
  room.fails = true;
  CHECK(room.call("services.run", R"({"name":"ticking","wait":true})") == "no tick");
  CHECK(room.call("services.run", R"({"name":"ticking"})") == "null");
  CHECK(room.told("ticking", "failures") == "2");
  REQUIRE(room.add("waiting", "slow", 1h));
  std::string answer;
  CallRequest request;
  request.name = "services.run";
  request.arguments = std::make_shared<const std::string>(R"({"name":"waiting","wait":true})");
  request.waiter.on_answer = [&](const CallWaiter&, const Result<protocol::Document>& given) {
    answer = **given;
  };
  room.calls.begin({}, std::move(request));
  CHECK(answer.empty());
  room.waiting[0]->answer(document::make_number(7));
  CHECK(answer == "null");
}

TEST_CASE("a service is switched off by somebody's word alone, and stays so in the next server") {
  Room room;
  REQUIRE(room.add("ticking", "tick", 1h));
  CHECK(room.call("services.disable", R"(["ticking"])") == "null");
  CHECK(room.told("ticking", "enabled") == "false");
  room.reopen();
  REQUIRE(room.add("ticking", "tick"));
  CHECK(room.told("ticking", "enabled") == "false");
  CHECK(room.seen("ticking", "enabled") == "false");
  CHECK(room.seen("ticking", "next_run") == "nothing");
  CHECK(room.call("services.enable", R"(["ticking"])") == "null");
  room.wait([&] { return room.runs >= 1; });
}

TEST_CASE("a service that failed says how often and why until it is enabled again") {
  Room room;
  room.fails = true;
  REQUIRE(room.add("ticking", "tick"));
  room.wait([&] { return room.runs >= 2; });
  const std::string failures = room.told("ticking", "failures");
  CHECK(room.call("services.disable", R"(["ticking"])") == "null");
  CHECK(room.told("ticking", "failures") == failures);
  CHECK(room.told("ticking", "error") == "\"no tick\"");
  CHECK(room.call("services.enable", R"(["ticking"])") == "null");
  CHECK(room.told("ticking", "failures") == "0");
  CHECK(room.told("ticking", "error") == "nothing");
  CHECK(room.seen("ticking", "error") == "nothing");
}

TEST_CASE("how a service goes is seen in its record while it goes") {
  Room room;
  REQUIRE(room.add("waiting", "slow", 1h));
  CHECK(room.seen("waiting", "call") == "\"slow\"");
  CHECK(room.seen("waiting", "enabled") == "true");
  CHECK(room.seen("waiting", "running") == "false");
  CHECK(room.seen("waiting", "period_ms") == "3600000");
  CHECK(room.seen("waiting", "last_run") == "nothing");
  CHECK(room.seen("waiting", "next_run") != "nothing");
  CHECK(room.call("services.run", R"(["waiting"])") == "null");
  CHECK(room.seen("waiting", "running") == "true");
  CHECK(room.seen("waiting", "last_run") != "nothing");
  room.waiting[0]->answer(Error{Outcome::failed, "no luck"});
  CHECK(room.seen("waiting", "running") == "false");
  CHECK(room.seen("waiting", "runs") == "1");
  CHECK(room.seen("waiting", "failures") == "1");
  CHECK(room.seen("waiting", "error") == "\"no luck\"");
}

TEST_CASE("the next server knows how a service went, and when it is due") {
  Room room;
  REQUIRE(room.add("ticking", "tick", 24h));
  CHECK(room.call("services.run", R"(["ticking"])") == "null");
  const std::string last_run = room.seen("ticking", "last_run");
  room.reopen();
  REQUIRE(room.add("ticking", "tick", 24h));
  CHECK(room.seen("ticking", "runs") == "1");
  CHECK(room.seen("ticking", "last_run") == last_run);
  // A day later the run that was missed is made up for at once, and one from the future is waited for no longer than a period.
  const auto age = [&](std::int64_t ms) {
    const std::string state = R"({"value":{"enabled":true,"runs":7,"last_run":)" +
                              std::to_string(system_clock().wall().ms + ms) + "}}";
    room.shelf.records["/services/ticking/state"].fields = document::parse(state).value();
    room.reopen();
  };
  age(-100'000'000);
  REQUIRE(room.add("ticking", "tick", 24h));
  room.wait([&] { return room.runs == 2; });
  CHECK(room.seen("ticking", "runs") == "8");
  age(100'000'000);
  REQUIRE(room.add("ticking", "tick", 24h));
  CHECK(std::stoll(room.seen("ticking", "next_run")) <= system_clock().wall().ms + 86'400'000);
}

TEST_CASE("after an orderly stop the next server knows of the last run of each service") {
  Room room;
  REQUIRE(room.add("ticking", "tick", 24h));
  for (int i = 0; i < 3; ++i) CHECK(room.call("services.run", R"(["ticking"])") == "null");
  room.desk->stop();
  room.reopen();
  REQUIRE(room.add("ticking", "tick", 24h));
  CHECK(room.seen("ticking", "runs") == "3");
}

TEST_CASE("a word that did not reach the disk changes nothing") {
  Room room;
  REQUIRE(room.add("ticking", "tick", 1h));
  room.shelf.is_broken = true;
  CHECK(room.call("services.disable", R"(["ticking"])") == "the disk is broken");
  CHECK(room.told("ticking", "enabled") == "true");
}

TEST_CASE("a service that is switched off while it runs stays so on disk, whatever is kept of the run") {
  Room room;
  REQUIRE(room.add("waiting", "slow", 1h));
  CHECK(room.call("services.run", R"(["waiting"])") == "null");
  room.shelf.is_slow = true;
  std::string answer;
  CallRequest disable;
  disable.name = "services.disable";
  disable.arguments = std::make_shared<const std::string>(R"(["waiting"])");
  disable.waiter.on_answer = [&](const CallWaiter&, const Result<protocol::Document>& given) {
    answer = given ? **given : "no";
  };
  room.calls.begin({}, std::move(disable));
  room.waiting[0]->answer(document::make_null());
  room.shelf.is_slow = false;
  room.shelf.write_held();
  CHECK(answer == "null");
  room.reopen();
  REQUIRE(room.add("waiting", "slow", 1h));
  CHECK(room.told("waiting", "enabled") == "false");
  CHECK(room.told("waiting", "runs") == "1");
}

TEST_CASE("a run that ends the server has failed, and is not made again before its time") {
  Room room;
  REQUIRE(room.add("waiting", "slow", 1h));
  CHECK(room.call("services.run", R"(["waiting"])") == "null");
  const std::string last_run = room.seen("waiting", "last_run");
  room.reopen();
  REQUIRE(room.add("waiting", "slow", 1h));
  CHECK(room.told("waiting", "last_run") == last_run);
  CHECK(room.told("waiting", "failures") == "1");
  CHECK(room.told("waiting", "error") == "\"the server ended while it ran\"");
  CHECK(room.told("waiting", "running") == "false");
  CHECK(std::stoll(room.told("waiting", "next_run")) > system_clock().wall().ms + 1'800'000);
}

TEST_CASE("a run does not begin before that is on disk") {
  Room room;
  REQUIRE(room.add("ticking", "tick", 1h));
  room.shelf.is_slow = true;
  CHECK(room.call("services.run", R"(["ticking"])") == "null");
  CHECK(room.runs == 0);
  room.shelf.is_slow = false;
  room.shelf.write_held();
  CHECK(room.runs == 1);
}

TEST_CASE("a run that an orderly stop cuts short is made by the next server") {
  Room room;
  REQUIRE(room.add("waiting", "slow", 1h));
  CHECK(room.call("services.run", R"(["waiting"])") == "null");
  room.desk->stop();
  room.waiting[0]->answer(Error{Outcome::interrupted, "the server stops"});
  room.reopen();
  REQUIRE(room.add("waiting", "slow", 1h));
  CHECK(room.told("waiting", "failures") == "0");
  CHECK(room.told("waiting", "last_run") == "nothing");
}

TEST_CASE("services have names of their own, and of one that is not there that is said") {
  Room room;
  REQUIRE(room.add("ticking", "tick", 1h));
  CHECK(room.add("ticking", "tick").error().outcome == Outcome::refused);
  for (const char* name : {"", "a/b", "..", "*"}) {
    INFO(name);
    CHECK(room.add(name, "tick").error().outcome == Outcome::refused);
  }
  CHECK(room.call("services.run", R"(["tocking"])") == "there is no service named \"tocking\"");
  CHECK(room.call("services.enable", R"(["tocking"])") == "there is no service named \"tocking\"");
}

}  // namespace callboard::server::services_test
