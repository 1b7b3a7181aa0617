// Channels between a client and the server, which a plugin takes; and plugins that do not end.
#include <signal.h>

#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>

#include "client/client.h"
#include "tests/e2e/keyed_studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::plugin_channels_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using support::read_file;
using support::write_file;

struct Library : Studio {
  explicit Library(const std::vector<std::string>& more = {}) {
    add_user("rigging");
    std::vector<std::string> words{"--plugin", WORDS_PLUGIN, "--plugin", STUBBORN_PLUGIN};
    words.insert(words.end(), more.begin(), more.end());
    serve(words);
  }
  Finished channel(std::vector<std::string> words) const {
    words.insert(words.begin(), {"channel", "--to-server"});
    return run("rigging", words);
  }
  std::unique_ptr<client::Client> client() const {
    client::Options options;
    options.project = project();
    options.user = "rigging";
    options.server = server_address();
    auto client = client::Client::start(std::move(options), nullptr);
    REQUIRE(client);
    REQUIRE((*client)->joined().get());
    return std::move(*client);
  }
};

std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of('\n');
  const auto begin = text.find_last_of('\n', end);
  return text.substr(begin + 1, end - begin);
}

TEST_CASE("what is sent to the server on a channel a plugin reads, and answers") {
  Library library;
  const fs::path script = library.home() / "script.txt";
  std::string words;
  for (int i = 0; i < 200'000; ++i) words += "Moria\n";
  write_file(script, words);
  const auto counted = library.channel({"words", "--input", script.string()});
  CHECK(counted.ending.exit_code == 0);
  CHECK(last_line(counted.out) == "200000");
  CHECK_THAT(counted.err, Contains("channel \"words\" with the server is open"));
  const auto counted_json =
      library.channel({"words", "--input", script.string(), "--output", "/dev/null", "--json"});
  CHECK(events(counted_json.out, "closed").at(0).at("sent_bytes") == words.size());
  CHECK_FALSE(events(counted_json.out, "open").at(0).contains("peer"));
}

TEST_CASE("the plugin in the documents is the one that is tested") {
  const fs::path docs = DOCS_FOLDER;
  CHECK_THAT(read_file(docs / "calls.md"), Contains(read_file(docs / "words_plugin.cpp")));
}

TEST_CASE("a program sends the server's plugin a large buffer as a message, and gets it back") {
  Library library;
  const auto client = library.client();
  const auto opened = client->open_channel("", "echo").get();
  REQUIRE(opened);
  const auto& channel = *opened;
  CHECK(channel->peer().empty());
  const std::vector<float> pixels(3'000'000, 0.5F);
  REQUIRE(channel->send(std::as_bytes(std::span(pixels))));
  const auto back = channel->receive();
  REQUIRE((back && *back));
  CHECK((*back)->size() == pixels.size() * sizeof(float));
  CHECK(channel->close());
}

TEST_CASE("a message that is longer than the plugin takes ends its channel, and is never held") {
  Library library;
  const auto client = library.client();
  const auto channel = client->open_channel("", "echo").get();
  REQUIRE(channel);
  (void)(*channel)->send(Bytes(17 * 1024 * 1024));
  const auto back = (*channel)->receive();
  REQUIRE_FALSE(back);
  CHECK(back.error().outcome == Outcome::refused);
  CHECK_THAT(back.error().text, Contains("the server: ") && Contains("16.0 MiB"));
}

TEST_CASE("a channel to the server is in the status, and what is not to be had is said by name") {
  Library library;
  const auto client = library.client();
  const auto channel = client->open_channel("", "echo").get();
  REQUIRE(channel);
  CHECK_THAT(library.run("rigging", {"status"}).out, Contains("channel echo") && Contains("the server"));
  const auto status = events(library.run("rigging", {"status", "--json"}).out, "status").at(0);
  CHECK(status.at("transfers").at(0).at("giver") == "");
  const auto unknown = library.channel({"playblast"});
  CHECK(unknown.ending.exit_code == 3);
  CHECK_THAT(unknown.err, Contains("the server takes no channel \"playblast\""));
  const auto picky = library.channel({"picky"});
  CHECK(picky.ending.exit_code == 4);
  CHECK_THAT(picky.err, Contains("the server: is picky"));
  const auto broken = library.channel({"broken"});
  CHECK(broken.ending.exit_code == 1);
  CHECK_THAT(broken.err, Contains("the server: its plugin failed: it was asked to"));
  CHECK((*channel)->close());
}

TEST_CASE("a plugin that does not read holds up its own channel alone") {
  Library library;
  auto client = library.client();
  const auto stuck = client->open_channel("", "stubborn").get();
  REQUIRE(stuck);
  REQUIRE((*stuck)->receive());
  // More than all buffers on the way hold.
  const Bytes much(64 * 1024 * 1024);
  CHECK((*stuck)->write(much, 200ms).error().outcome == Outcome::timed_out);
  CHECK(library.run("rigging", {"call", "word.length", "Moria"}).out == "5\n");
  const auto other = client->open_channel("", "echo").get();
  REQUIRE(other);
  REQUIRE((*other)->send(Bytes(3)));
  CHECK((*other)->receive().value()->size() == 3);
}

TEST_CASE("a client that leaves, or is killed, ends its channel to the server") {
  Library library;
  const auto leaving = library.start("rigging", {"channel", "--to-server", "parrot"});
  leaving->write_input("here\n");
  REQUIRE(leaving->wait_for(Stream::out, "here"));
  leaving->send_signal(SIGKILL);
  const auto over = [&] {
    const auto status = events(library.run("rigging", {"status", "--json"}).out, "status").at(0);
    return status.at("transfers").empty();
  };
  bool is_over = false;
  for (int i = 0; i < 1000 && !is_over; ++i) is_over = over();
  CHECK(is_over);
  CHECK(library.channel({"parrot", "--input", "/dev/null"}).ending.exit_code == 0);
}

TEST_CASE("with keys a channel to the server is beneath TLS, and takes the permission that it names") {
  KeyedStudio studio;
  studio.keep("rigging", studio.add("rigging"));
  studio.keep("lighting", studio.add("lighting", {"--role", "viewer"}));
  studio.serve({"--plugin", WORDS_PLUGIN, "--plugin", STUBBORN_PLUGIN});
  write_file(studio.home() / "script.txt", "speak friend and enter\n");
  const auto open = [&](const std::string& user, const std::string& name) {
    return studio.run(user,
                      {"channel", "--to-server", name, "--input", (studio.home() / "script.txt").string()});
  };
  const auto counted = open("rigging", "words");
  CHECK(counted.ending.exit_code == 0);
  CHECK(counted.out == "4\n");
  const auto viewer = open("lighting", "words");
  CHECK(viewer.ending.exit_code == 4);
  CHECK_THAT(viewer.err, Contains("messages.write"));
  const auto secret = open("rigging", "secret");
  CHECK(secret.ending.exit_code == 4);
  CHECK_THAT(secret.err, Contains("words.count"));
}

// --- The end --------------------------------------------------------------------------------------------------------

TEST_CASE("a server that stops breaks its channels off, and waits for plugins that end") {
  Library library;
  const auto talking = library.start("rigging", {"channel", "--to-server", "parrot"});
  talking->write_input("here\n");
  REQUIRE(talking->wait_for(Stream::out, "here"));
  library.server().send_signal(SIGTERM);
  CHECK(exit_code(library.server()) == 0);
  CHECK(exit_code(*talking) == 9);
  CHECK_THAT(talking->printed(Stream::err), Contains("the server stops"));
  CHECK_THAT(library.server().printed(Stream::err), !Contains("does not end"));
}

// What a plugin does not end in, and whoever waits for that; each with a server of its own.
struct Stuck {
  Library library;
  std::string in;
  std::unique_ptr<Process> waiting;

  void call() {
    waiting = library.start("rigging", {"call", "stubborn.call"});
    REQUIRE(waiting->wait_for(Stream::err, "here"));
    in = "in=\"call stubborn.call\"";
  }
  void open_channel() {
    waiting = library.start("rigging", {"channel", "--to-server", "stubborn"});
    REQUIRE(waiting->wait_for(Stream::out, "here"));
    in = "in=\"channel stubborn\"";
  }
  void have_it_stay() {
    REQUIRE(library.run("rigging", {"call", "stubborn.stay"}).ending.exit_code == 0);
    in = "in=\"its end\"";
  }
};

TEST_CASE("a plugin that does not end is named, and the server ends without it") {
  // Side by side: each server waits for its plugin.
  std::array<Stuck, 3> all;
  all[0].call();
  all[1].open_channel();
  all[2].have_it_stay();
  for (Stuck& each : all) each.library.server().send_signal(SIGTERM);
  for (Stuck& each : all) {
    INFO(each.in);
    if (each.waiting) CHECK(exit_code(*each.waiting) == 9);
    CHECK(exit_code(each.library.server()) == 0);
    const std::string log = each.library.server().printed(Stream::err);
    CHECK_THAT(log, Contains("a plugin does not end, the server does without it") &&
                        Contains("stubborn_plugin") && Contains(each.in));
    // After the board was closed in order, as the next server sees: nothing is left of the one before.
    CHECK_FALSE(events(each.library.server().printed(Stream::out), "stopped").empty());
    each.library.serve();
    CHECK(each.library.run("rigging", {"say", "on it goes"}).ending.exit_code == 0);
  }
}

TEST_CASE("a server with a plugin that does not end starts anew all the same") {
  Library library;
  REQUIRE(library.run("rigging", {"call", "stubborn.stay"}).ending.exit_code == 0);
  REQUIRE(library.run("rigging", {"call", "server.restart", "an upgrade"}).ending.exit_code == 0);
  wait_for_event(library.server(), "restarting");
  CHECK(library.run("rigging", {"call", "word.length", "Moria"}).out == "5\n");
}

}  // namespace
}  // namespace callboard::e2e::plugin_channels_test
