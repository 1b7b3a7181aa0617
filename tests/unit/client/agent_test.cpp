#include "client/agent.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "client/agent_client.h"
#include "client/client.h"
#include "net/local_socket.h"
#include "tests/support/temp_dir.h"

namespace callboard::client::agent_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

constexpr Duration kTestLimit = 20s;

// Pulls end when the test says so.
struct FakeTransfer : Transfer {
  PullProgress progress() const override {
    return {.files_wanted = 7, .files_done = 3, .listed = true, .current = {}};
  }
  void cancel() override {
    cancelled.set(true);
    PullReport report;
    report.outcome = Outcome::cancelled;
    report.files = 2;
    answer.set(report);
  }
  Answer<PullReport> report() const override { return answer; }

  Answer<PullReport> answer;
  Answer<bool> cancelled;
};

// Answers at once, but for what a test wants to answer itself.
class FakeAccess : public Access {
 public:
  Answer<Document> read(DocumentQuery) override { return document; }
  Answer<WriteResult> change(DocumentChange change) override {
    if (is_refused) return stopped<WriteResult>();
    WriteResult result;
    result.won = true;
    result.current.revision = change.base + change.content.size();
    return now(result);
  }
  Answer<History> history(HistoryQuery query) override {
    History history;
    history.revisions.resize(1);
    history.revisions[0].revision = query.before;
    history.revisions[0].at = query.at;
    history.more = true;
    return now(history);
  }
  Answer<std::vector<Conflict>> conflicts(std::uint64_t since) override {
    std::vector<Conflict> conflicts(1);
    conflicts[0].number = since;
    conflicts[0].winner.user = "a";
    conflicts[0].loser.value = "1";
    return now(conflicts);
  }
  Answer<Assets> assets() override { return now(Assets{}); }
  Answer<std::vector<User>> users() override { return now(std::vector<User>(2)); }
  Answer<std::vector<Message>> messages(std::uint64_t) override { return now(std::vector<Message>{}); }
  Answer<std::uint64_t> say(std::string text) override { return now<std::uint64_t>(text.size()); }
  Answer<bool> at(std::string) override { return now(true); }
  Answer<std::vector<Record>> records(std::string zone) override {
    std::vector<Record> records(1);
    records[0].path = zone + "/sc01";
    records[0].fields = R"({"status":"ok"})";
    return now(records);
  }
  Answer<std::uint64_t> record(RecordChange change) override {
    return now<std::uint64_t>(change.action == RecordAction::put ? change.base + 1 : 0);
  }
  Answer<ServerStatus> status() override { return now(ServerStatus{}); }
  Answer<std::vector<AuditEntry>> audit(std::uint64_t since) override {
    AuditEntry entry;
    entry.number = since + 1;
    entry.what = "kick";
    entry.about = "rigging";
    return now(std::vector<AuditEntry>{entry});
  }
  Answer<WorkstationStatus> workstation() override {
    WorkstationStatus status;
    status.is_joined = is_joined;
    status.is_refused = is_refused;
    status.why = "nobody answered";
    return now(status);
  }
  std::shared_ptr<Transfer> pull(PullRequest request) override {
    auto transfer = std::make_shared<FakeTransfer>();
    const std::lock_guard lock(mutex);
    pulls[request.items.at(0)] = transfer;
    return transfer;
  }
  Answer<std::vector<LookEntry>> look(std::string, std::string) override {
    return now(std::vector<LookEntry>(1));
  }
  Answer<std::string> call(std::string name, std::string arguments, CallOptions options) override {
    if (options.on_progress) options.on_progress("\"half\"");
    if (name == "endless") return endless;
    return now(name + arguments + to_text(options.op));
  }
  void cancel_call(UniqueId op) override { endless.set(Error{Outcome::cancelled, to_text(op)}); }
  Answer<std::string> calls() override { return now(std::string("[]")); }
  void leave() override {}

  // A client that is not let in ends.
  template <class T>
  static Answer<T> stopped() {
    Answer<T> answer;
    answer.set(Error{Outcome::cancelled, "the client has stopped"});
    return answer;
  }
  template <class T>
  static Answer<T> now(T value) {
    Answer<T> answer;
    answer.set(std::move(value));
    return answer;
  }
  std::shared_ptr<FakeTransfer> pull_of(const std::string& item) {
    const std::lock_guard lock(mutex);
    return pulls[item];
  }

  std::atomic<bool> is_joined{true};
  std::atomic<bool> is_refused{false};
  Answer<Document> document;
  Answer<std::string> endless;
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<FakeTransfer>> pulls;
};

struct Place {
  support::TempDir top;
  FakeAccess access;
  std::optional<Agent> agent;

  std::string folder() const { return top.path().string(); }
  void start(Duration farewell = Agent::kFarewell) {
    auto place = AgentPlace::take(folder());
    REQUIRE(place.has_value());
    agent.emplace(std::move(*place), agent::Hello{.software = "t", .process = 5, .project = "p"}, access,
                  nullptr, farewell);
  }
  std::unique_ptr<AgentClient> connect() {
    auto client = AgentClient::connect(folder());
    REQUIRE(client.has_value());
    return std::move(*client);
  }
};

// Waits until `what` holds; the agent works on a thread of its own.
bool eventually(const std::function<bool()>& what) {
  const Instant deadline = system_clock().monotonic() + kTestLimit;
  while (!what()) {
    if (system_clock().monotonic() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST_CASE("a command's asks are carried out by the agent's client") {
  Place place;
  place.start();
  const auto client = place.connect();
  CHECK(client->hello().project == "p");
  CHECK(client->say("hello").get().value() == 5);
  CHECK(client->change({.content = "{}", .base = 40}).get().value().current.revision == 42);
  const History history = client->history({.at = "/c", .before = 8}).get().value();
  CHECK((history.more && history.revisions.at(0).at == "/c" && history.revisions.at(0).revision == 8));
  const Conflict conflict = client->conflicts(17).get().value().at(0);
  CHECK((conflict.number == 17 && conflict.winner.user == "a" && conflict.loser.value == "1"));
  CHECK(client->users().get().value().size() == 2);
  const auto records = client->records("/reviews").get();
  REQUIRE(records);
  CHECK(records->at(0).path == "/reviews/sc01");
  CHECK(records->at(0).fields == R"({"status":"ok"})");
  CHECK(client->record({.action = RecordAction::put, .path = "/a", .base = 6}).get().value() == 7);
  CHECK(client->workstation().get().value().is_joined);
  CHECK(client->look("/", "").get().value().size() == 1);
  const auto story = client->read({});
  CHECK(client->at("/pln").get().value());  // Answers need not come in order.
  place.access.document.set(Error{Outcome::timed_out, "late"});
  CHECK(story.get().error().outcome == Outcome::timed_out);
}

TEST_CASE("a call through the agent has its op, its progress and its answer, and ends when it is cancelled") {
  Place place;
  place.start();
  const auto client = place.connect();
  CHECK(client->calls().get().value() == "[]");
  CallOptions options;
  options.op = UniqueId{1, 2};
  Answer<std::string> progress;
  options.on_progress = [progress](std::string_view json) { progress.set(std::string(json)); };
  CHECK(client->call("render", "[1]", options).get().value() == "render[1]" + to_text(options.op));
  CHECK(client->call("render", "", {}).get().value() != "render" + to_text(UniqueId()));
  const auto endless = client->call("endless", "", options);
  REQUIRE(progress.wait_for(kTestLimit));
  CHECK(progress.get().value() == "\"half\"");
  client->cancel_call(options.op);
  CHECK(endless.get().error().outcome == Outcome::cancelled);
  CHECK(endless.get().error().text == to_text(options.op));
}

TEST_CASE("a command that leaves has its calls cancelled") {
  Place place;
  place.start();
  const auto client = place.connect();
  CallOptions options;
  options.op = UniqueId{1, 2};
  Answer<std::string> progress;
  options.on_progress = [progress](std::string_view json) { progress.set(std::string(json)); };
  const auto call = client->call("endless", "", options);
  REQUIRE(progress.wait_for(kTestLimit));
  client->leave();
  CHECK(call.get().error().outcome == Outcome::cancelled);
  REQUIRE(place.access.endless.wait_for(kTestLimit));
  CHECK(place.access.endless.get().error().text == to_text(options.op));
}

TEST_CASE("a command that is gone has its calls cancelled: nobody would have the lock that it waits for") {
  Place place;
  place.start();
  auto client = place.connect();
  CallOptions options;
  options.op = UniqueId{1, 2};
  Answer<std::string> progress;
  options.on_progress = [progress](std::string_view json) { progress.set(std::string(json)); };
  (void)client->call("endless", "", options);
  REQUIRE(progress.wait_for(kTestLimit));
  client.reset();
  CHECK(place.access.endless.wait_for(kTestLimit));
}

// What a join would print.
struct Heard : Listener {
  void on_messages(const std::vector<Message>& messages) override { message.set(messages.at(0)); }
  void on_story(const Document& document) override { story.set(document.revision); }
  Answer<Message> message;
  Answer<std::uint64_t> story;
};

TEST_CASE("what a command says and writes is told to the agent's own listener, whom the server leaves out") {
  Heard heard;
  Place place;
  auto taken = AgentPlace::take(place.folder());
  REQUIRE(taken.has_value());
  const Agent agent(std::move(*taken), {}, place.access, &heard);
  const auto client = place.connect();
  CHECK(client->say("hello").get().has_value());
  REQUIRE(heard.message.wait_for(kTestLimit));
  CHECK((heard.message.get().value().number == 5 && heard.message.get().value().text == "hello"));
  CHECK(client->change({.content = "{}", .base = 40}).get().has_value());
  REQUIRE(heard.story.wait_for(kTestLimit));
  CHECK(heard.story.get().value() == 42);
}

TEST_CASE("a pull tells how far it is and how it ended") {
  Place place;
  place.start();
  const auto client = place.connect();
  const auto transfer = client->pull({.items = {"/a"}, .from = {}});
  CHECK(eventually([&] { return transfer->progress().files_done == 3; }));
  PullReport report;
  report.files = 7;
  place.access.pull_of("/a")->answer.set(report);
  CHECK(transfer->report().get().value().files == 7);
}

TEST_CASE("a command that leaves has its pulls cancelled and hears how far they came; the others go on") {
  Place place;
  place.start();
  const auto first = place.connect();
  const auto second = place.connect();
  const auto stopped = first->pull({.items = {"/a"}, .from = {}});
  const auto asked = first->read({});
  const auto going = second->pull({.items = {"/b"}, .from = {}});
  REQUIRE(eventually([&] { return place.access.pull_of("/a") && place.access.pull_of("/b"); }));
  first->leave();
  CHECK(asked.get().error().outcome == Outcome::cancelled);
  CHECK(stopped->report().get().value().files == 2);
  CHECK(first->users().get().error().outcome == Outcome::cancelled);
  place.access.pull_of("/b")->answer.set(PullReport{});
  CHECK(going->report().get().value().outcome == Outcome::done);
}

TEST_CASE("a command that is gone takes its pulls with it") {
  Place place;
  place.start();
  auto client = place.connect();
  (void)client->pull({.items = {"/a"}, .from = {}});
  REQUIRE(eventually([&] { return place.access.pull_of("/a") != nullptr; }));
  client.reset();
  CHECK(place.access.pull_of("/a")->cancelled.wait_for(kTestLimit));
}

TEST_CASE("what waits for an agent that goes is interrupted and says who went") {
  Place place;
  place.start();
  const auto client = place.connect();
  const auto transfer = client->pull({.items = {"/a"}, .from = {}});
  const auto story = client->read({});
  REQUIRE(eventually([&] { return place.access.pull_of("/a") != nullptr; }));
  place.agent.reset();
  CHECK(transfer->report().get().error().outcome == Outcome::interrupted);
  CHECK_THAT(story.get().error().text, Contains("process 5"));
  CHECK(place.access.pull_of("/a")->cancelled.wait_for(kTestLimit));
  CHECK(client->users().get().error().outcome == Outcome::interrupted);
  CHECK(AgentClient::connect(place.folder()).error().outcome == Outcome::not_found);
}

TEST_CASE("what ends because the agent's client stops is interrupted, not stopped by the command") {
  Place place;
  place.start();
  const auto client = place.connect();
  const auto transfer = client->pull({.items = {"/a"}, .from = {}});
  const auto story = client->read({});
  REQUIRE(eventually([&] { return place.access.pull_of("/a") != nullptr; }));
  place.access.pull_of("/a")->cancel();
  place.access.document.set(Error{Outcome::cancelled, "the client has stopped"});
  CHECK(transfer->report().get().value().outcome == Outcome::interrupted);
  CHECK(transfer->report().get().value().files == 2);
  CHECK(story.get().error().outcome == Outcome::interrupted);
}

TEST_CASE("what waits for a server when the agent ends since that does not let it in is told so") {
  Place place;
  place.access.is_joined = false;
  place.access.is_refused = true;
  place.start();
  const auto client = place.connect();
  const auto users = client->users();
  // Answered at once, and taken behind the other.
  REQUIRE(client->workstation().get().has_value());
  place.agent.reset();
  const auto answer = users.get();
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().outcome == Outcome::refused);
  CHECK(answer.error().text == "not joined at the moment: nobody answered");
}

TEST_CASE("who was greeted when the agent began to end, since it is not let in, is told so when it asks") {
  Place place;
  place.access.is_joined = false;
  place.access.is_refused = true;
  place.start(kTestLimit);
  const auto reader = place.connect();
  const auto writer = place.connect();
  std::thread ending([&] { place.agent.reset(); });
  // Its door is closed first.
  const bool has_begun = eventually([&] { return !AgentClient::connect(place.folder()); });
  const auto users = reader->users();
  const auto written = writer->change({});
  ending.join();
  CHECK(has_begun);
  REQUIRE_FALSE(users.get().has_value());
  CHECK(users.get().error().outcome == Outcome::refused);
  REQUIRE_FALSE(written.get().has_value());
  CHECK(written.get().error().outcome == Outcome::refused);
}

TEST_CASE("without a server asks wait a little for one, then are told that there is none") {
  Place place;
  place.access.is_joined = false;
  place.start();
  const auto client = place.connect();
  SECTION("none comes") {
    const auto transfer = client->pull({.items = {"/a"}, .from = {}});
    const auto users = client->users().get();
    REQUIRE_FALSE(users.has_value());
    CHECK(users.error().outcome == Outcome::not_found);
    CHECK(users.error().text == "not joined at the moment: nobody answered");
    CHECK(transfer->report().get().error().outcome == Outcome::not_found);
    CHECK(place.access.pull_of("/a") == nullptr);
  }
  SECTION("one comes") {
    const auto users = client->users();
    CHECK(client->workstation().get().has_value());  // Needs none.
    place.access.is_joined = true;
    CHECK(users.get().has_value());
  }
  SECTION("writes do not wait: whoever has no server keeps them") {
    CHECK(client->say("xyz").get().value() == 3);
  }
}

TEST_CASE("garbage costs its own connection and nobody else's") {
  Place place;
  place.start();
  const auto client = place.connect();
  const Fd directory(::open((place.folder() + "/.callboard").c_str(), O_PATH));
  net::DataSocket garbage(net::connect_local(directory.get(), AgentPlace::kSocket).value());
  REQUIRE(garbage.write(as_bytes("GET / HTTP/1.1\r\n\r\n")).has_value());
  std::array<std::byte, 1024> buffer;
  for (Result<std::size_t> got = 1; got && *got > 0;) got = garbage.read_some(buffer);
  CHECK(client->users().get().has_value());
}

TEST_CASE("the socket is for its owner alone, and lies deeper than a socket's address can say") {
  Place place;
  std::string deep = place.folder();
  while (deep.size() < 300) deep += "/a folder with a name of some length";
  fs::create_directories(deep);
  auto taken = AgentPlace::take(deep);
  REQUIRE(taken.has_value());
  struct stat status {};
  REQUIRE(::stat((deep + "/.callboard/agent.sock").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  const Agent agent(std::move(*taken), {}, place.access);
  const auto client = AgentClient::connect(deep);
  REQUIRE(client.has_value());
  CHECK((*client)->users().get().has_value());
}

TEST_CASE(
    "a folder has one agent; a second is told the first one's process, and a dead one's socket is replaced") {
  support::TempDir top;
  const std::string folder = top.path().string();
  {
    const auto first = AgentPlace::take(folder);
    REQUIRE(first.has_value());
    const auto second = AgentPlace::take(folder);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().outcome == Outcome::locked);
    CHECK_THAT(second.error().text, Contains("process " + std::to_string(::getpid())));
    CHECK(fs::exists(top / ".callboard/agent.sock"));
  }
  CHECK_FALSE(fs::exists(top / ".callboard/agent.sock"));
  // As a killed one leaves it: a socket that nobody listens on.
  {
    const Fd directory(::open((folder + "/.callboard").c_str(), O_PATH));
    REQUIRE(net::listen_local(directory.get(), AgentPlace::kSocket).has_value());
  }
  CHECK(AgentClient::connect(folder).error().outcome == Outcome::not_found);
  CHECK(AgentPlace::take(folder).has_value());
}

TEST_CASE("where nothing can be written there is no agent, and that is said") {
  if (::geteuid() == 0) return;
  support::TempDir top;
  fs::permissions(top.path(), fs::perms(0500));
  const auto place = AgentPlace::take(top.path().string());
  REQUIRE_FALSE(place.has_value());
  CHECK(place.error().outcome != Outcome::locked);
}

}  // namespace
}  // namespace callboard::client::agent_test
