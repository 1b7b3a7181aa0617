#include "server/calls/call_desk.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <optional>
#include <semaphore>
#include <string>
#include <vector>

#include "base/document/build.h"
#include "base/document/parse.h"
#include "base/limits.h"
#include "server/roles.h"

namespace callboard::server::call_desk_test {
namespace {

using Catch::Contains;
using protocol::Document;

constexpr auto kLimit = 20s;

// What one who waits hears.
struct Heard {
  std::vector<std::string> answers;  // JSON, or "outcome: text".
  std::vector<std::string> progress;
};

struct Desk {
  net::Loop loop;
  CallDesk desk{loop};
  std::vector<std::shared_ptr<CallRun>> runs;  // Of the call "later".
  int inline_runs = 0;
  std::vector<std::string> ends;

  Desk() {
    desk.registry().add_built_in(
        {.description = {.name = "echo", .arguments = {{.name = "word"}}, .result = ValueType::text},
         .run = InlineRun([this](const Caller& caller, const CallArguments& arguments) -> CallValue {
           ++inline_runs;
           if (arguments.text("word") == "fail") return Error{Outcome::locked, "no"};
           return document::make_text(caller.identity.name + ":" + arguments.text("word"));
         })});
    desk.registry().add_built_in(
        {.description = {.name = "later"},
         .run = LaterRun([this](const Caller&, const CallArguments&, std::shared_ptr<CallRun> run) {
           run->on_end([this](const Error& why) { ends.push_back(why.text); });
           runs.push_back(std::move(run));
         })});
    desk.registry().add_built_in({.description = {.name = "secret", .permission = "vault.open"},
                                  .run = InlineRun([](const Caller&, const CallArguments&) -> CallValue {
                                    return document::make_null();
                                  })});
  }

  std::shared_ptr<Heard> call(const std::string& name, const std::string& arguments = "",
                              std::optional<UniqueId> op = {}, std::chrono::milliseconds deadline = 0ms,
                              std::uint64_t connection = 1, protocol::AskId ask = 1) {
    auto heard = std::make_shared<Heard>();
    Caller caller;
    caller.identity.name = person;
    caller.identity.permissions = permissions;
    caller.identity.origin = origin;
    CallRequest request;
    request.name = name;
    request.op = op;
    request.deadline = deadline;
    if (!arguments.empty()) request.arguments = std::make_shared<const std::string>(arguments);
    request.waiter = {
        connection, ask,
        [heard](const CallWaiter&, const Result<Document>& answer) {
          heard->answers.push_back(
              answer ? **answer : std::string(to_text(answer.error().outcome)) + ": " + answer.error().text);
        },
        [heard](const CallWaiter&, const Document& progress) { heard->progress.push_back(*progress); }};
    desk.begin(caller, std::move(request));
    return heard;
  }
  void wait(const std::function<bool()>& condition) { REQUIRE(loop.run_until(condition, kLimit)); }

  Permissions permissions = Permissions::all();
  std::string origin;  // Whose limits it counts in.
  std::string person = "rigging";
};

using Answers = std::vector<std::string>;

}  // namespace

TEST_CASE("an inline call is answered at once with what it returns") {
  Desk desk;
  CHECK(desk.call("echo", R"(["hi"])")->answers == Answers{R"("rigging:hi")"});
  CHECK(desk.call("echo", R"({"word":"fail"})")->answers == Answers{"locked: no"});
  CHECK(desk.desk.running() == 0);
}

TEST_CASE("what cannot be called is answered with why, and nothing runs") {
  Desk desk;
  CHECK_THAT(desk.call("ecko")->answers.at(0), Contains("not_found: there is no call named \"ecko\""));
  CHECK(desk.call("echo")->answers == Answers{"usage: echo: word: expected text, got nothing"});
  CHECK_THAT(desk.call("echo", "[\"a\"")->answers.at(0), Contains("usage: echo: arguments: "));
  CHECK_THAT(desk.call("echo", "\"" + std::string(kCallArgumentsMax, 'a') + "\"")->answers.at(0),
             Contains("usage: echo: arguments: expected at most 64.0 KiB"));
  CHECK_THAT(desk.call("echo", "[\"a\"]", {}, 25h)->answers.at(0),
             Contains("usage: echo: deadline: expected at most 24 h"));
  CHECK(desk.inline_runs == 0);
}

TEST_CASE("a call is for those whose permissions include what it needs") {
  Desk desk;
  CHECK(desk.call("secret")->answers == Answers{"null"});
  desk.permissions = Roles().permissions_of("artist");
  CHECK_THAT(desk.call("secret")->answers.at(0), Contains("refused: you lack the permission vault.open"));
  CHECK(check_call(Roles().permissions_of("artist"), "story.write"));
  CHECK_FALSE(check_call(Roles().permissions_of("viewer"), "story.write"));
  CHECK(check_call({Permission::call}, ""));
  CHECK_FALSE(check_call({}, ""));
}

TEST_CASE("a later call is answered when its work is done, once") {
  Desk desk;
  const auto heard = desk.call("later");
  CHECK(heard->answers.empty());
  CHECK(desk.desk.running() == 1);
  desk.runs[0]->progress(document::make_number(50));
  desk.runs[0]->answer(document::make_text("done"));
  desk.runs[0]->answer(document::make_text("again"));
  desk.runs[0]->progress(document::make_number(60));
  CHECK(heard->answers == Answers{"\"done\""});
  CHECK(heard->progress == Answers{"50"});
  CHECK(desk.runs[0]->is_over());
  CHECK(desk.ends.empty());
}

TEST_CASE("what is not of the type that a call describes is an error, whoever answers it") {
  Desk desk;
  std::vector<std::shared_ptr<CallRun>> runs;
  const auto describe = [&](const std::string& name, ValueType type) {
    desk.desk.registry().add_built_in(
        {.description = {.name = name, .result = type},
         .run = LaterRun([&runs](const Caller&, const CallArguments&, std::shared_ptr<CallRun> run) {
           runs.push_back(std::move(run));
         })});
  };
  describe("number", ValueType::integer);
  describe("all", ValueType::list);
  describe("any", ValueType::json);
  const auto answer = [&](const std::string& name, const std::string& json) {
    const auto heard = desk.call(name);
    runs.back()->answer_json(json.empty() ? Document() : std::make_shared<const std::string>(json));
    return heard->answers;
  };
  CHECK(answer("number", "12") == Answers{"12"});
  CHECK(answer("number", R"("12")") == Answers{R"(failed: number: result: expected int, got "12")"});
  CHECK(answer("number", "") == Answers{"failed: number: result: expected int, got null"});
  CHECK(answer("number", "{\"a\":1}") == Answers{"failed: number: result: expected int, got map"});
  CHECK(answer("all", " [1]") == Answers{" [1]"});
  CHECK(answer("all", "{}") == Answers{"failed: all: result: expected list, got map"});
  CHECK(answer("any", "null") == Answers{"null"});
}

TEST_CASE("an error without a text says that there is none") {
  Desk desk;
  const auto heard = desk.call("later");
  desk.runs[0]->answer(Error{Outcome::locked, ""});
  CHECK(heard->answers == Answers{"locked: it gave no reason"});
}

TEST_CASE("a call whose work is dropped is answered as failed, not left waiting") {
  Desk desk;
  const auto heard = desk.call("later");
  desk.runs.clear();
  CHECK(heard->answers == Answers{"failed: it ended without an answer"});
}

TEST_CASE("the same op is the same call: it runs once, and all who ask get its answer") {
  Desk desk;
  const UniqueId op{1, 2};
  CHECK(desk.call("echo", R"(["hi"])", op)->answers == desk.call("echo", R"(["hi"])", op)->answers);
  CHECK(desk.inline_runs == 1);
  CHECK_THAT(desk.call("later", "", op)->answers.at(0), Contains("usage: op 0000"));

  const auto first = desk.call("later", "", UniqueId{3, 4});
  const auto second = desk.call("later", "", UniqueId{3, 4}, 0ms, 2, 7);
  CHECK(desk.runs.size() == 1);
  CHECK_THAT(desk.call("echo", R"(["hi"])", UniqueId{3, 4})->answers.at(0),
             Contains("that of a call of \"later\""));
  desk.runs[0]->progress(document::make_bool(true));
  desk.runs[0]->answer(Error{Outcome::failed, "broken"});
  CHECK(first->answers == Answers{"failed: broken"});
  CHECK(second->answers == first->answers);
  CHECK(second->progress == Answers{"true"});
  CHECK(desk.call("later", "", UniqueId{3, 4})->answers == first->answers);
  CHECK(desk.runs.size() == 1);
  // Also when who did it has gone.
  desk.desk.registry().remove("later");
  CHECK(desk.call("later", "", UniqueId{3, 4})->answers == first->answers);
  CHECK_THAT(desk.call("later", "", UniqueId{5, 6})->answers.at(0), Contains("not_found"));
}

TEST_CASE("what a call of the server before was answered is the answer of the same op") {
  Desk desk;
  desk.desk.remember({UniqueId{5, 6}, "later"}, document::make_text("done"));
  CHECK(desk.call("later", "", UniqueId{5, 6})->answers == Answers{"\"done\""});
  CHECK(desk.runs.empty());
  CHECK_THAT(desk.call("echo", R"(["hi"])", UniqueId{5, 6})->answers.at(0),
             Contains("that of a call of \"later\""));
  desk.call("later", "", UniqueId{7, 8});
  REQUIRE(desk.runs.size() == 1);
  CHECK(desk.runs[0]->op() == UniqueId{7, 8});
  desk.runs[0]->answer(document::make_null());
  CHECK(desk.runs[0]->op() == std::nullopt);
}

TEST_CASE("one op is one call of one person: with other arguments, or by another, it is refused") {
  Desk desk;
  const UniqueId op{1, 2};
  CHECK(desk.call("echo", R"(["hi"])", op)->answers == Answers{R"("rigging:hi")"});
  const std::string other =
      "usage: op 00000000000000010000000000000002 is that of a call of \"echo\" by somebody else or "
      "with other arguments; another call has its own op";
  CHECK(desk.call("echo", R"(["ho"])", op)->answers == Answers{other});
  const auto later = desk.call("later", "", UniqueId{3, 4});
  desk.person = "lighting";
  CHECK(desk.call("echo", R"(["hi"])", op)->answers == Answers{other});
  CHECK_THAT(desk.call("later", "", UniqueId{3, 4})->answers.at(0), Contains("by somebody else"));
  CHECK(desk.inline_runs == 1);
  CHECK(desk.runs.size() == 1);
  desk.runs[0]->answer(document::make_null());
  CHECK(later->answers == Answers{"null"});
}

TEST_CASE("a call that was not begun is tried again when it is asked for by the same op") {
  Desk desk;
  const auto first = desk.call("later", "", UniqueId{1, 1});
  desk.runs[0]->refuse({Outcome::refused, "busy; try again in a moment"});
  CHECK(first->answers == Answers{"refused: busy; try again in a moment"});
  const auto second = desk.call("later", "", UniqueId{1, 1});
  REQUIRE(desk.runs.size() == 2);
  desk.runs[1]->answer(document::make_number(1));
  CHECK(second->answers == Answers{"1"});
  CHECK(desk.call("later", "", UniqueId{1, 1})->answers == Answers{"1"});
}

TEST_CASE("those who wait for one call are limited") {
  Desk desk;
  for (std::size_t i = 0; i < kCallWaitersMax; ++i)
    CHECK(desk.call("later", "", UniqueId{1, 1})->answers.empty());
  CHECK_THAT(desk.call("later", "", UniqueId{1, 1})->answers.at(0),
             Contains("refused: 8 wait for this call"));
}

TEST_CASE("a call ends at its deadline, and whoever works on it is told") {
  Desk desk;
  const auto heard = desk.call("later", "", UniqueId{1, 1}, 1ms);
  desk.wait([&] { return !heard->answers.empty(); });
  CHECK(heard->answers == Answers{"timed_out: later: its time is over"});
  CHECK(desk.ends == Answers{"later: its time is over"});
  desk.runs[0]->answer(document::make_null());
  CHECK(heard->answers.size() == 1);
  CHECK(desk.call("later", "", UniqueId{1, 1})->answers == heard->answers);
}

TEST_CASE("a call that is being written down is answered with what became of it, whatever its deadline") {
  Desk desk;
  const auto heard = desk.call("later", "", UniqueId{1, 1}, 1ms);
  desk.runs[0]->set_committing();
  const auto other = desk.call("later", "", UniqueId{1, 2}, 2ms);
  desk.wait([&] { return !other->answers.empty(); });
  CHECK(desk.desk.cancel(1, UniqueId{1, 1}).error().outcome == Outcome::refused);
  desk.desk.leave(1);
  desk.desk.stop("bedtime");
  CHECK(heard->answers.empty());
  desk.runs[0]->answer(document::make_text("done"));
  CHECK(heard->answers == Answers{"\"done\""});
  CHECK(desk.ends.size() == 1);
}

TEST_CASE("a call is cancelled by its ask or its op, by those alone who wait for it") {
  Desk desk;
  const auto heard = desk.call("later", "", UniqueId{1, 1}, 0ms, 5, 9);
  CHECK(desk.desk.cancel(5, protocol::AskId{8}).error().outcome == Outcome::not_found);
  CHECK(desk.desk.cancel(6, protocol::AskId{9}).error().outcome == Outcome::not_found);
  CHECK(desk.desk.cancel(6, UniqueId{1, 1}).error().outcome == Outcome::not_found);
  CHECK(desk.desk.cancel(5, protocol::AskId{9}));
  CHECK(heard->answers == Answers{"cancelled: later: it was cancelled"});
  CHECK(desk.ends.size() == 1);
  const auto other = desk.call("later", "", UniqueId{1, 2});
  CHECK(desk.desk.cancel(1, UniqueId{1, 2}));
  CHECK(other->answers.size() == 1);
  CHECK(desk.desk.cancel(1, UniqueId{1, 2}).error().outcome == Outcome::not_found);
}

TEST_CASE("who says goodbye cancels what nobody else waits for") {
  Desk desk;
  const auto own = desk.call("later", "", UniqueId{1, 1}, 0ms, 5);
  const auto shared = desk.call("later", "", UniqueId{1, 2}, 0ms, 5);
  desk.call("later", "", UniqueId{1, 2}, 0ms, 6);
  desk.desk.leave(5);
  CHECK(own->answers.size() == 1);
  CHECK(shared->answers.empty());
  CHECK(desk.desk.running() == 1);
}

TEST_CASE("calls under way are limited, and beyond that refused") {
  Desk desk;
  for (std::size_t i = 0; i < kCallsRunningMax; ++i) desk.call("later");
  CHECK_THAT(desk.call("later")->answers.at(0), Contains("refused: the server has 1024 calls under way"));
  CHECK(desk.call("echo", R"(["hi"])")->answers.size() == 1);
  desk.runs[0]->answer(document::make_null());
  CHECK(desk.call("later")->answers.empty());
}

TEST_CASE("one person alone does not fill the calls under way, with however many sessions") {
  Desk desk;
  desk.origin = "10.0.0.5";
  std::size_t taken = 0;
  for (std::uint64_t connection = 1; connection <= 40; ++connection) {
    for (std::size_t i = 0; i <= kCallsRunningPerSession; ++i) {
      const auto heard = desk.call("later", "", {}, 0ms, connection);
      if (heard->answers.empty()) {
        ++taken;
        continue;
      }
      const bool is_session_full = connection <= kCallsRunningPerOrigin / kCallsRunningPerSession;
      CHECK_THAT(heard->answers.at(0),
                 Contains(is_session_full ? "refused: this session has 128 calls under way"
                                          : "refused: your sessions have 256 calls"));
    }
  }
  CHECK(taken == kCallsRunningPerOrigin);
  // What takes no time, others, and the server's own go on.
  CHECK(desk.call("echo", R"(["hi"])")->answers.size() == 1);
  desk.origin = "10.0.0.6";
  CHECK(desk.call("later", "", {}, 0ms, 100)->answers.empty());
  desk.origin = "";
  for (std::size_t i = 0; i <= kCallsRunningPerSession; ++i)
    CHECK(desk.call("later", "", {}, 0ms, 0)->answers.empty());
  // One that ended leaves its place.
  desk.origin = "10.0.0.5";
  desk.runs[0]->answer(document::make_null());
  CHECK(desk.call("later", "", {}, 0ms, 41)->answers.empty());
  CHECK(desk.call("later", "", {}, 0ms, 41)->answers.size() == 1);
}

TEST_CASE("what everybody may ask for takes no permission, and everything else does") {
  Desk desk;
  desk.desk.registry().add_built_in({.description = {.name = "how"},
                                     .run = InlineRun([](const Caller&, const CallArguments&) -> CallValue {
                                       return document::make_text("well");
                                     }),
                                     .is_for_everybody = true});
  desk.permissions = Roles().permissions_of("viewer");
  CHECK(desk.call("how")->answers == Answers{R"("well")"});
  CHECK_THAT(desk.call("later")->answers.at(0), Contains("lack the permission call"));
  CHECK_THAT(desk.call("echo", R"(["hi"])")->answers.at(0), Contains("lack the permission call"));
}

TEST_CASE("a call on a worker tells how far it is, and hears that nobody waits any more") {
  Desk desk;
  std::binary_semaphore go_on(0);
  std::atomic<bool> was_stopped{false};
  desk.desk.registry().add_built_in(
      {.description = {.name = "work"},
       .run = WorkerRun([&](const Caller&, const CallArguments&, const WorkerRoom& room) -> CallValue {
         room.progress(document::make_number(1));
         go_on.acquire();
         was_stopped = room.stop.stop_requested();
         return document::make_number(2);
       })});
  const auto heard = desk.call("work", "", UniqueId{1, 1});
  desk.wait([&] { return !heard->progress.empty(); });
  go_on.release();
  desk.wait([&] { return !heard->answers.empty(); });
  CHECK(heard->answers == Answers{"2"});
  CHECK_FALSE(was_stopped);

  const auto cancelled = desk.call("work", "", UniqueId{1, 2});
  desk.wait([&] { return !cancelled->progress.empty(); });
  CHECK(desk.desk.cancel(1, UniqueId{1, 2}));
  CHECK(cancelled->answers.size() == 1);
  go_on.release();
  desk.desk.stop("the test is over");
  CHECK(was_stopped);
}

TEST_CASE("a server that stops answers all calls, and takes no more") {
  Desk desk;
  const auto heard = desk.call("later");
  desk.desk.stop("bedtime");
  CHECK(heard->answers == Answers{"interrupted: the server stops: bedtime"});
  CHECK(desk.call("echo", R"(["hi"])")->answers == Answers{"interrupted: the server stops: bedtime"});
}

TEST_CASE("a result that is too long is an error, and progress that is too long is not told") {
  Desk desk;
  const auto heard = desk.call("later");
  desk.runs[0]->progress(document::make_text(std::string(kCallProgressMax, 'a')));
  desk.runs[0]->answer(document::make_text(std::string(kCallResultMax, 'a')));
  CHECK(heard->progress.empty());
  CHECK_THAT(heard->answers.at(0), Contains("failed: the result is"));
}

TEST_CASE("answers are kept for those who ask again, the newest of them") {
  CallAnswers answers;
  for (std::uint64_t i = 1; i <= kCallAnswersKept + 1; ++i)
    answers.keep({{i, i}, "x"}, Error{Outcome::failed, "no"});
  CHECK(answers.find({1, 1}) == nullptr);
  REQUIRE(answers.find({2, 2}) != nullptr);
  CHECK(answers.find({2, 2})->mark.name == "x");
  const auto large = std::make_shared<const std::string>(kCallResultMax, 'a');
  for (std::uint64_t i = 1; i <= 17; ++i) answers.keep({{i, 0}, "y"}, Document(large));
  CHECK(answers.find({1, 0}) == nullptr);
  CHECK(answers.find({2, 2}) == nullptr);
  CHECK(answers.find({17, 0}) != nullptr);
}

TEST_CASE("a call's name is there once, and a removed call is found no more") {
  CallRegistry registry;
  const auto call = [](const std::string& name) {
    return Call{{.name = name}, InlineRun([](const Caller&, const CallArguments&) -> CallValue {
                  return document::make_null();
                })};
  };
  CHECK(*registry.list() == "[]");
  REQUIRE(registry.add(call("b")));
  REQUIRE(registry.add(call("a")));
  CHECK(registry.add(call("a")).error().outcome == Outcome::refused);
  CHECK(registry.add(call("not a name")).error().outcome == Outcome::usage);
  CHECK(*registry.list() == R"([{"name":"a","args":[]},{"name":"b","args":[]}])");
  registry.remove("a");
  CHECK(*registry.list() == R"([{"name":"b","args":[]}])");
  CHECK_FALSE(registry.find("a"));
}

}  // namespace callboard::server::call_desk_test
