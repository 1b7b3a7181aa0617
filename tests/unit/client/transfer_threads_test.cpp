#include "client/transfer_threads.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "client/pull_job.h"
#include "protocol/codec.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/client/fake_server.h"

namespace callboard::client::transfer_threads_test {
namespace {

// A desk that answers only what a test tells it to.
class FakeDesk : public TransferDesk {
 public:
  Answer<Granted> get(protocol::GetAsk ask) override {
    asked_for.push_back(ask.item);
    // All but the first are nobody's where only one is granted.
    Answer<Granted> none;
    none.set(Error{Outcome::not_found, "nobody has " + ask.item});
    return grants_one && asked_for.size() > 1 ? none : granted;
  }
  Answer<Granted> open_channel(protocol::ChannelAsk, std::shared_ptr<channel::ChannelLine>) override {
    return granted;
  }
  void cancel_on_server(protocol::TransferId transfer, const std::optional<Error>&) override {
    cancelled.set(transfer);
  }
  Answer<protocol::TransferOver> over(protocol::TransferId) override {
    asked_for_end.set(true);
    return ended;
  }

  std::vector<std::string> asked_for;
  bool grants_one = false;
  Answer<Granted> granted;
  Answer<protocol::TransferOver> ended;
  Answer<bool> asked_for_end;
  Answer<protocol::TransferId> cancelled;
};

// A port that takes connections and says nothing.
struct SilentServer {
  net::Loop loop;
  std::vector<std::unique_ptr<net::TcpConnection>> connections;
  std::size_t ended = 0;
  std::unique_ptr<net::TcpListener> listener;

  SilentServer() {
    net::TcpListener::Handlers handlers;
    handlers.on_connection = [this](std::unique_ptr<net::TcpConnection> connection) {
      net::TcpConnection::Handlers own;
      own.on_bytes = [](ByteView) {};
      own.on_ended = [this](const Error&) { ++ended; };
      connection->start(std::move(own));
      connections.push_back(std::move(connection));
    };
    listener = net::TcpListener::listen(loop, {"127.0.0.1", 0}, std::move(handlers)).value();
  }
  Granted grant() const { return {listener->local(), 5, UniqueId{1, 2}, "lighting"}; }
  void say(const protocol::ServerMessage& message) {
    connections.at(0)->write(protocol::encode(message).head);
  }
  void await_connection() {
    REQUIRE(loop.run_until([this] { return !connections.empty(); }, kTestLimit));
  }
};

struct Taking {
  support::TempDir top;
  std::unique_ptr<ProjectFolder> folder = ProjectFolder::open(top.path().string()).value();
  FakeDesk desk;
};

PullRequest request() {
  PullRequest wanted;
  wanted.items = {"/dev/chr/Moria"};
  wanted.from = "lighting";
  return wanted;
}

TEST_CASE("a pull cancelled while the server is asked is over") {
  Taking here;
  TransferThreads threads(here.desk, here.folder.get());
  const auto pull = threads.pull(request());
  pull->cancel();
  const auto report = pull->report().get();
  REQUIRE(report);
  CHECK(report->outcome == Outcome::cancelled);
}

TEST_CASE("a pull cancelled while it waits for the giver is over, and the server learns it") {
  Taking here;
  SilentServer server;
  here.desk.granted.set(server.grant());
  TransferThreads threads(here.desk, here.folder.get());
  const auto pull = threads.pull(request());
  server.await_connection();
  pull->cancel();
  const auto report = pull->report().get();
  REQUIRE(report);
  CHECK(report->outcome == Outcome::cancelled);
  CHECK(*here.desk.cancelled.get() == 5);
}

TEST_CASE("a pull cancelled while it waits to hear why it broke is over") {
  Taking here;
  SilentServer server;
  here.desk.granted.set(server.grant());
  TransferThreads threads(here.desk, here.folder.get());
  const auto pull = threads.pull(request());
  server.await_connection();
  server.connections.clear();
  REQUIRE(server.loop.run_until([] { return true; }, kTestLimit));
  REQUIRE(here.desk.asked_for_end.get());
  pull->cancel();
  CHECK(pull->report().get()->outcome == Outcome::cancelled);
}

TEST_CASE("a pull that broke says why as the server tells it") {
  Taking here;
  SilentServer server;
  here.desk.granted.set(server.grant());
  here.desk.ended.set(protocol::TransferOver{5, Outcome::interrupted, "lighting left", 0});
  TransferThreads threads(here.desk, here.folder.get());
  const auto pull = threads.pull(request());
  server.await_connection();
  server.connections.clear();
  const auto report = pull->report().get();
  CHECK(report->outcome == Outcome::interrupted);
  CHECK(report->text == "lighting left");
}

TEST_CASE("a pull whose data connection finds nobody may be run again") {
  Taking here;
  {
    SilentServer gone;
    here.desk.granted.set(gone.grant());
  }
  here.desk.ended.set(Error{Outcome::cancelled, "the session is over"});
  TransferThreads threads(here.desk, here.folder.get());
  const auto report = threads.pull(request())->report().get();
  REQUIRE(report);
  CHECK(report->outcome == Outcome::interrupted);
}

TEST_CASE(
    "a pull whose data connection is answered by something else says so, and not that it may be run again") {
  Taking here;
  SilentServer server;
  here.desk.granted.set(server.grant());
  here.desk.ended.set(Error{Outcome::cancelled, "the session is over"});
  TransferThreads threads(here.desk, here.folder.get());
  const auto pull = threads.pull(request());
  server.await_connection();
  server.say(protocol::Yours{});
  REQUIRE(server.loop.run_until([&] { return server.ended == 1; }, kTestLimit));
  const auto report = pull->report().get();
  REQUIRE(report);
  CHECK(report->outcome == Outcome::usage);
  CHECK_THAT(report->text, Catch::Contains("expected \"ready\", got \"yours\""));
}

TEST_CASE("a pull of several items that is cancelled at the second is cancelled, whatever the first was") {
  Taking here;
  SilentServer server;
  PullRequest newest = request();
  newest.from.clear();
  newest.items = {"/a", "/b"};
  here.desk.granted.set(Error{Outcome::not_found, "nobody has it"});
  PullJob job(here.desk, *here.folder, newest);
  job.cancel();
  job.run();
  CHECK(job.report().get()->outcome == Outcome::cancelled);
}

TEST_CASE("of several items one whose giver leaves, or that nobody has, stops none of the others") {
  Taking here;
  {
    SilentServer gone;
    here.desk.granted.set(gone.grant());
  }
  here.desk.grants_one = true;
  here.desk.ended.set(protocol::TransferOver{5, Outcome::interrupted, "lighting left", 0});
  PullRequest newest = request();
  newest.from.clear();
  newest.items = {"/a", "/b", "/c"};
  PullJob job(here.desk, *here.folder, newest);
  job.run();
  const auto report = job.report().get();
  CHECK(here.desk.asked_for == newest.items);
  CHECK(report->outcome == Outcome::interrupted);
  CHECK(report->text == "\"/a\": lighting left");
  REQUIRE(report->problems.size() == 3);
  CHECK(report->problems[0].path == "a");
  CHECK(report->problems[0].error.text == report->text);
  CHECK(report->problems[2].path == "c");
  CHECK(report->problems[2].error.outcome == Outcome::not_found);
}

TEST_CASE("transfers that wait end with their threads, each answered") {
  Taking here;
  SilentServer server;
  std::shared_ptr<Transfer> pull;
  Answer<std::vector<LookEntry>> look;
  {
    TransferThreads threads(here.desk, here.folder.get());
    pull = threads.pull(request());
    look = threads.look("/dev", "lighting");
    threads.give(server.grant());
    server.await_connection();
  }
  CHECK(pull->report().get()->outcome == Outcome::cancelled);
  CHECK(look.get().error().outcome == Outcome::cancelled);
}

TEST_CASE("what is begun after the end is over at once") {
  Taking here;
  TransferThreads threads(here.desk, here.folder.get());
  threads.end_all(Error{Outcome::cancelled, "cancelled"});
  CHECK(threads.pull(request())->report().get()->outcome == Outcome::cancelled);
  CHECK(threads.look("/dev", "lighting").get().error().outcome == Outcome::cancelled);
}

}  // namespace
}  // namespace callboard::client::transfer_threads_test
