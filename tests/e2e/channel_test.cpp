// Channels through a real server: as the command line pipes through them, and as a program uses them.
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <sstream>

#include "client/client.h"
#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::channel_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using Catch::Matches;
using support::read_file;
using support::write_file;

struct Pair : Studio {
  explicit Pair(const std::vector<std::string>& more = {}) {
    add_user("rigging");
    add_user("lighting");
    serve(more);
  }
  // Once it waits.
  std::unique_ptr<Process> listen(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"channel", "--listen", "playblast"});
    auto listening = start("lighting", more);
    REQUIRE(listening->wait_for(Stream::err, "waiting for channel \"playblast\""));
    return listening;
  }
  client::Options options(const std::string& user) const {
    client::Options options;
    options.project = project();
    options.user = user;
    options.server = server_address();
    return options;
  }
};

std::unique_ptr<client::Client> started(client::Options options) {
  auto client = client::Client::start(std::move(options), nullptr);
  REQUIRE(client);
  REQUIRE((*client)->joined().get());
  return std::move(*client);
}

std::string content(std::size_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  for (std::size_t i = 0; i < size_bytes; ++i) bytes[i] = static_cast<char>(i * 31 + i / 253);
  return bytes;
}

TEST_CASE("a file goes through a channel from stdin to stdout, and both sides are done") {
  Pair pair;
  const fs::path sent = pair.home() / "sent.mp4";
  const fs::path received = pair.home() / "received.mp4";
  write_file(sent, content(5'000'003));
  const auto listening =
      pair.start("lighting", {"channel", "--listen", "playblast", "--output", received.string(), "--json"});
  CHECK(wait_for_event(*listening, "waiting").at("channel") == "playblast");
  listening->close_input();
  const auto opening = pair.run("rigging", {"channel", "lighting", "playblast", "--input", sent.string(),
                                            "--output", "/dev/null", "--json"});
  CHECK(opening.ending.exit_code == 0);
  CHECK(exit_code(*listening) == 0);
  CHECK(read_file(received) == read_file(sent));
  const auto opened = events(opening.out, "open");
  REQUIRE(opened.size() == 1);
  CHECK(opened[0].at("peer") == "lighting");
  CHECK(events(opening.out, "closed").at(0).at("sent_bytes") == 5'000'003);
  CHECK(events(listening->printed(Stream::out), "closed").at(0).at("received_bytes") == 5'000'003);
  CHECK(events(listening->printed(Stream::out), "open").at(0).at("peer") == "rigging");
}

TEST_CASE("a channel that ended in order is one that is done in the log, too, however soon its ends leave") {
  Pair pair;
  const std::string log = (pair.home() / "log").string();
  pair.kill_server();
  pair.serve({"--log-file", log});
  constexpr std::size_t kTimes = 10;
  for (std::size_t i = 0; i < kTimes; ++i) {
    const auto listening =
        pair.start("lighting", {"channel", "--listen", "playblast", "--json", "--output", "/dev/null"});
    wait_for_event(*listening, "waiting");
    listening->close_input();
    CHECK(pair.run("rigging", {"channel", "lighting", "playblast"}).ending.exit_code == 0);
    CHECK(exit_code(*listening) == 0);
  }
  std::istringstream lines(read_file(log));
  std::size_t done = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("transfer over") == std::string::npos) continue;
    CHECK_THAT(line, Contains(" outcome=done "));
    ++done;
  }
  CHECK(done == kTimes);
}

TEST_CASE("people type to one another through a channel, while a join runs under the same name") {
  Pair pair;
  const auto joined = pair.join("lighting");
  const auto listening = pair.listen();
  const auto opening = pair.start("rigging", {"channel", "lighting", "playblast"});
  opening->write_input("is it ready?\n");
  CHECK(listening->wait_for(Stream::out, "is it ready?"));
  listening->write_input("soon\n");
  CHECK(opening->wait_for(Stream::out, "soon"));
  const auto status = pair.run("rigging", {"status", "--json"});
  const auto transfers = events(status.out, "status").at(0).at("transfers");
  REQUIRE(transfers.size() == 1);
  CHECK(transfers[0].at("channel") == true);
  CHECK(transfers[0].at("item") == "/playblast");
  CHECK(transfers[0].at("taker") == "rigging");
  CHECK_THAT(pair.run("rigging", {"status"}).out,
             Matches("[^]*TRANSFER +ITEM +FROM +TO +[^]*channel playblast +rigging +lighting +[^]*"));
  const auto second = pair.run("rigging", {"channel", "lighting", "playblast"});
  CHECK(second.ending.exit_code == 4);
  CHECK_THAT(second.err, Contains("\"lighting\": has somebody on channel \"playblast\" already"));
  // One may have said all, and hear what is left.
  opening->close_input();
  listening->write_input("done\n");
  CHECK(opening->wait_for(Stream::out, "done"));
  listening->close_input();
  CHECK(exit_code(*opening) == 0);
  CHECK(exit_code(*listening) == 0);
}

TEST_CASE("a channel that is not to be had is refused by name, with an exit code of its own") {
  Pair pair;
  const auto open = [&](const std::string& user, const std::string& name) {
    return pair.run("rigging", {"channel", user, name});
  };
  const auto nobody = open("lighting", "playblast");
  CHECK(nobody.ending.exit_code == 3);
  CHECK_THAT(nobody.err, Contains("nobody named \"lighting\" is here"));
  const auto listening = pair.listen({"--from", "layout"});
  const auto other = open("lighting", "viewport");
  CHECK(other.ending.exit_code == 3);
  CHECK_THAT(other.err, Contains("\"lighting\" offers no channel \"viewport\""));
  const auto refused = open("lighting", "playblast");
  CHECK(refused.ending.exit_code == 4);
  CHECK_THAT(refused.err, Contains("\"lighting\": does not take it from you"));
  listening->send_signal(SIGINT);
  CHECK(exit_code(*listening) == 130);
}

TEST_CASE("a file that cannot be read or written is named before anybody is waited for or asked") {
  Pair pair;
  for (const std::string option : {"--input", "--output"}) {
    const auto file = (pair.home() / "no folder/film.mp4").string();
    const auto waiting = pair.run("lighting", {"channel", "--listen", "playblast", option, file});
    CHECK(waiting.ending.exit_code == 3);
    CHECK_THAT(waiting.err, Contains("error: " + option + " \"") && !Contains("waiting"));
    const auto asking = pair.run("rigging", {"channel", "nobody", "playblast", option, file});
    CHECK_THAT(asking.err, Contains("error: " + option + " \""));
    const auto none = pair.run("rigging", {"channel", "nobody", "playblast", option, ""});
    CHECK(none.ending.exit_code == 2);
    CHECK(none.err == "error: " + option + " \"\": expected a file\n");
  }
  const auto lost = pair.run("rigging", {"channel", "nobody", "playblast", "--output", "no folder/film.mp4"});
  CHECK_THAT(lost.err, Contains("\"no folder/film.mp4\": folder \"no folder\": no such file"));
  const fs::path made = pair.home() / "made.mp4";
  CHECK(pair.run("rigging", {"channel", "nobody", "playblast", "--output", made.string()}).ending.exit_code ==
        3);
  CHECK_FALSE(fs::exists(made));
}

TEST_CASE("a file that is to be made where we may not write is named, and why, before anybody is asked") {
  Pair pair;
  const fs::path folder = pair.home() / "closed";
  fs::create_directory(folder);
  fs::permissions(folder, fs::perms(0500));
  auto opening =
      pair.command(0, {"channel", "nobody", "playblast", "--output", (folder / "film.mp4").string()});
  opening.directory = pair.folder("rigging");
  // Root writes everywhere, but for one who has given that up.
  if (::geteuid() == 0)
    opening.words.insert(opening.words.begin(), {"setpriv", "--inh-caps=-all", "--bounding-set=-all"});
  CHECK_THAT(support::run(opening).err, Contains("error: --output \"") && Contains("film.mp4\": folder \"") &&
                                            Contains("closed\": permission denied"));
}

TEST_CASE("the channel command says what it expects") {
  Studio studio;
  studio.add_user("rigging");
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"channel"},
                                             {"channel", "lighting"},
                                             {"channel", "lighting", "playblast", "more"},
                                             {"channel", "lighting", "--listen", "playblast"},
                                             {"channel", "lighting", "playblast", "--from", "rigging"},
                                             {"channel", "lighting", "playblast", "--json"}}) {
    const auto wrong = studio.run("rigging", words);
    CHECK(wrong.ending.exit_code == 2);
    CHECK_THAT(wrong.err, Contains("expected"));
  }
}

TEST_CASE("when the other side is killed or the server stops, a channel ends as interrupted and says why") {
  Pair pair;
  const auto listening = pair.listen();
  const auto opening = pair.start("rigging", {"channel", "lighting", "playblast"});
  opening->write_input("here\n");
  REQUIRE(listening->wait_for(Stream::out, "here"));
  SECTION("the other side") {
    listening->send_signal(SIGKILL);
    CHECK(exit_code(*opening) == 9);
    CHECK_THAT(opening->printed(Stream::err), Contains("\"lighting\" left"));
  }
  SECTION("the server") {
    pair.server().send_signal(SIGTERM);
    CHECK(exit_code(*opening) == 9);
    CHECK(exit_code(*listening) == 9);
    CHECK_THAT(opening->printed(Stream::err), Contains("the server was stopped"));
  }
  SECTION("the server, killed") {
    pair.kill_server();
    CHECK(exit_code(*opening) == 9);
    CHECK(exit_code(*listening) == 9);
  }
  SECTION("the other side's output, which is full") {
    const auto full = pair.start("lighting", {"channel", "--listen", "other", "--output", "/dev/full"});
    REQUIRE(full->wait_for(Stream::err, "waiting"));
    const auto sending = pair.start("rigging", {"channel", "lighting", "other"});
    sending->write_input("too much\n");
    CHECK(exit_code(*full) == 1);
    CHECK(exit_code(*sending) == 9);
    CHECK_THAT(sending->printed(Stream::err), Contains("error: \"lighting\""));
  }
}

TEST_CASE("with keys a channel is carried beneath TLS from end to end") {
  Pair pair;
  for (const char* user : {"lighting", "rigging"}) {
    const auto made = support::run(pair.command(0, {"key", "add", user, "--project", pair.project()}));
    REQUIRE(made.ending.exit_code == 0);
    write_file(pair.folder(user) / ".callboard/key", made.out.substr(0, made.out.find('\n') + 1));
    fs::permissions(pair.folder(user) / ".callboard/key", fs::perms(0600));
  }
  const fs::path received = pair.home() / "received.mp4";
  const auto listening = pair.listen({"--output", received.string()});
  listening->close_input();
  const fs::path sent = pair.home() / "sent.mp4";
  write_file(sent, "frame " + content(3'000'000));
  const auto opening = pair.run("rigging", {"channel", "lighting", "playblast", "--input", sent.string()});
  CHECK(opening.ending.exit_code == 0);
  CHECK(exit_code(*listening) == 0);
  CHECK(read_file(received) == read_file(sent));
}

TEST_CASE("transfers and channels come to the data port that the server has chosen") {
  const std::uint16_t first = free_port();
  Pair pair({"--data-ports", std::to_string(first) + "-" + std::to_string(first + 50)});
  const auto listening = events(pair.server().printed(Stream::out), "listening").at(0);
  const int port = listening.at("data_port");
  CHECK(port >= first);
  CHECK(port <= first + 50);
  CHECK_THAT(pair.server().printed(Stream::err), Contains("data_port=" + std::to_string(port)));
  write_file(pair.folder("rigging") / "dev/chr/Moria/moria.blend", "BLENDER");
  const auto joined = pair.join("rigging");
  CHECK(pair.run("lighting", {"pull", "/dev", "--from", "rigging"}).ending.exit_code == 0);
  CHECK(read_file(pair.folder("lighting") / "dev/chr/Moria/moria.blend") == "BLENDER");
  const auto waiting = pair.listen();
  waiting->close_input();
  CHECK(pair.run("rigging", {"channel", "lighting", "playblast", "--input", "dev/chr/Moria/moria.blend"})
            .ending.exit_code == 0);
  CHECK(exit_code(*waiting) == 0);
  CHECK(waiting->printed(Stream::out) == "BLENDER");
  const auto wrong = support::run(pair.command(0, {"serve", "--project", "x", "--data-ports", "any"}));
  CHECK(wrong.ending.exit_code == 2);
  CHECK_THAT(wrong.err, Contains("4000-4010"));
}

// --- As a program uses them -----------------------------------------------------------------------------------------

// Sends back what comes, a message at a time.
client::ChannelOffer echo() {
  return {.name = "echo", .take = [](const std::shared_ptr<client::Channel>& channel) {
            for (;;) {
              const auto message = channel->receive();
              if (!message || !*message) return;
              if (!channel->send(**message)) return;
            }
          }};
}

TEST_CASE("a program sends a large buffer through a channel and hears of all of it") {
  Pair pair;
  const auto lighting = started(pair.options("lighting"));
  REQUIRE(lighting->offer_channel(echo()).get());
  const auto rigging = started(pair.options("rigging"));
  const std::vector<float> pixels(2'000'000, 0.5F);
  const auto opened = rigging->open_channel("lighting", "echo").get();
  REQUIRE(opened);
  const auto channel = *opened;
  CHECK(channel->peer() == "lighting");
  auto sending = std::async(std::launch::async,
                            [&] { return channel->send(std::as_bytes(std::span(pixels))).has_value(); });
  const auto back = channel->receive();
  CHECK(sending.get());
  REQUIRE((back && *back));
  CHECK((*back)->size() == pixels.size() * sizeof(float));
  CHECK(channel->close());
}

TEST_CASE("who waits for a channel waits on after the server was killed") {
  Pair pair;
  const auto listening = pair.listen();
  listening->close_input();
  pair.kill_server();
  pair.serve();
  // Until the offer is there again nobody knows of it.
  int code = -1;
  for (int i = 0; i < 100 && code != 0; ++i) {
    const auto sending = pair.start("rigging", {"channel", "lighting", "playblast"});
    sending->write_input("frames\n");
    sending->close_input();
    code = exit_code(*sending);
  }
  CHECK(code == 0);
  CHECK(exit_code(*listening) == 0);
  CHECK(listening->printed(Stream::out) == "frames\n");
}

TEST_CASE("an offer holds after the server was started anew, until it is withdrawn") {
  Pair pair;
  const std::string port = pair.server_address().substr(pair.server_address().find(':') + 1);
  const auto lighting = started(pair.options("lighting"));
  REQUIRE(lighting->offer_channel(echo()).get());
  pair.kill_server();
  pair.serve({"--port", port});
  const auto rigging = started(pair.options("rigging"));
  auto channel = rigging->open_channel("lighting", "echo").get();
  // It comes back by itself, some time.
  while (!channel && channel.error().outcome == Outcome::not_found)
    channel = rigging->open_channel("lighting", "echo").get();
  REQUIRE(channel);
  CHECK((*channel)->close());
  REQUIRE(lighting->withdraw_channel("echo").get());
  CHECK(rigging->open_channel("lighting", "echo").get().error().text ==
        "\"lighting\" offers no channel \"echo\"");
}

TEST_CASE("what cannot be offered or opened is said before anybody is asked") {
  Pair pair;
  const auto lighting = started(pair.options("lighting"));
  const auto wrong = lighting->offer_channel({.name = "two\nlines", .take = echo().take}).get();
  CHECK(wrong.error().outcome == Outcome::usage);
  CHECK(lighting->offer_channel({.name = "nobody takes it", .take = {}}).get().error().outcome ==
        Outcome::usage);
  for (int i = 0; i < 64; ++i) {
    auto offer = echo();
    offer.name = std::to_string(i);
    REQUIRE(lighting->offer_channel(offer).get());
  }
  CHECK(lighting->offer_channel(echo()).get().error().outcome == Outcome::usage);
  CHECK(lighting->open_channel("rigging", "").get().error().outcome == Outcome::usage);
}

TEST_CASE("a client that ends breaks its channels off, on both sides, and waits for who takes them") {
  Pair pair;
  auto lighting = started(pair.options("lighting"));
  std::promise<void> taken;
  std::promise<Error> seen;
  REQUIRE(lighting
              ->offer_channel({.name = "wait",
                               .take =
                                   [&](const std::shared_ptr<client::Channel>& channel) {
                                     taken.set_value();
                                     seen.set_value(channel->receive().error());
                                   }})
              .get());
  auto rigging = started(pair.options("rigging"));
  const auto channel = rigging->open_channel("lighting", "wait").get();
  REQUIRE(channel);
  // One that is over before its taker has it is never taken.
  taken.get_future().wait();
  const bool is_ours = GENERATE(true, false);
  if (is_ours) {
    rigging.reset();
    CHECK((*channel)->receive().error().outcome == Outcome::cancelled);
    CHECK(seen.get_future().get().text == "\"rigging\" left");
  } else {
    lighting.reset();
    CHECK(seen.get_future().get().outcome == Outcome::cancelled);
    CHECK((*channel)->receive().error().text == "\"lighting\" left");
  }
}

}  // namespace
}  // namespace callboard::e2e::channel_test
