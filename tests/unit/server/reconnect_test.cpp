// The client's half and the server's over connections that are cut after any number of bytes, and what is told again then.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "client/session_keeper.h"
#include "net/tcp_listener.h"
#include "tests/unit/server/studio.h"

namespace callboard::reconnect_test {
using namespace callboard::server;

namespace {

namespace action = protocol::client_action;

// A way to the server that breaks each connection after a number of bytes, of both directions together.
class Cutter {
 public:
  Cutter(net::Loop& loop, net::Endpoint server, std::uint64_t seed, int cuts)
      : loop_(loop), server_(std::move(server)), random_(seed), cuts_left_(cuts) {
    auto opened = net::TcpListener::listen(
        loop, {"127.0.0.1", 0},
        {.on_connection = [this](auto connection) { on_connection(std::move(connection)); },
         .on_trouble = {}});
    listener_ = std::move(*opened);
  }
  net::Endpoint at() const { return listener_->local(); }
  int cuts_left() const { return cuts_left_; }

 private:
  struct Way {
    std::unique_ptr<net::TcpConnection> client;
    std::unique_ptr<net::TcpConnection> server;
    std::int64_t bytes_left = 0;
  };

  void on_connection(std::unique_ptr<net::TcpConnection> connection) {
    ways_.push_back(std::make_unique<Way>());
    Way& way = *ways_.back();
    // A join takes about 2,000 bytes, and a round of asks as many.
    way.bytes_left = cuts_left_ > 0 ? static_cast<std::int64_t>(random_() % 8000) : INT64_MAX;
    way.client = std::move(connection);
    way.server = net::TcpConnection::connect(loop_, server_, 5s,
                                             handlers(way, [&way](ByteView b) { pass(b, *way.client); }));
    way.client->start(handlers(way, [&way](ByteView b) { pass(b, *way.server); }));
  }
  net::TcpConnection::Handlers handlers(Way& way, std::function<void(ByteView)> pass) {
    return {.on_connected = {},
            .on_bytes =
                [this, &way, pass = std::move(pass)](ByteView bytes) {
                  const auto size = std::min<std::int64_t>(way.bytes_left, std::ssize(bytes));
                  pass(bytes.first(static_cast<std::size_t>(size)));
                  way.bytes_left -= size;
                  if (way.bytes_left == 0) cut(way);
                },
            .on_drained = {},
            .on_ended = [&way](const Error&) { end(way); }};
  }
  static void pass(ByteView bytes, net::TcpConnection& to) { to.write(Bytes(bytes.begin(), bytes.end())); }
  void cut(Way& way) {
    if (way.client->is_closing()) return;
    --cuts_left_;
    end(way);
  }
  // What was passed before still arrives; nothing after it does.
  static void end(Way& way) {
    way.client->close_after_flush(1ms);
    way.server->close_after_flush(1ms);
  }

  net::Loop& loop_;
  net::Endpoint server_;
  std::mt19937_64 random_;
  int cuts_left_;
  std::vector<std::unique_ptr<Way>> ways_;
  std::unique_ptr<net::TcpListener> listener_;
};

// A workstation behind it that asks, and counts what it is told and answered.
struct Workstation {
  net::Loop& loop;
  std::unique_ptr<client::SessionKeeper> keeper;
  SessionId admitted;
  std::set<SessionId> sessions;  // As which it has joined.
  int joins = 0;
  int resumes = 0;
  std::map<int, int> answers;
  std::vector<std::string> errors;
  std::vector<std::string> told;

  Workstation(net::Loop& on, const net::Endpoint& server) : loop(on) {
    client::SessionKeeper::Options options;
    options.identity.name = "rigging";
    options.identity.project = "Moria's Race";
    options.identity.patches = true;
    options.server = server;
    options.pause_min = 1ms;
    client::SessionKeeper::Handlers handlers;
    handlers.on_action = [this](const protocol::ClientAction& next) { act(next); };
    handlers.on_searching = [](const Error&) {};
    handlers.on_lost = [](const Error&, bool) {};
    keeper = std::make_unique<client::SessionKeeper>(loop, options, std::move(handlers));
    keeper->start();
  }
  void act(const protocol::ClientAction& next) {
    if (const auto* wanted = std::get_if<action::DocumentWanted>(&next)) {
      protocol::DocumentClaim claim;
      claim.record = wanted->record;
      keeper->connection()->claim(claim);
    } else if (std::holds_alternative<action::AssetsWanted>(next)) {
      keeper->connection()->claim(protocol::AssetsClaim{{{"/dev/chr/Moria", Timestamp{1}}}});
    } else if (const auto* let_in = std::get_if<action::Admitted>(&next)) {
      admitted = let_in->welcome.session;
      resumes += let_in->welcome.resumed ? 1 : 0;
    } else if (std::holds_alternative<action::Joined>(next)) {
      ++joins;
      sessions.insert(admitted);
    } else if (const auto* tell = std::get_if<action::Told>(&next)) {
      const auto* messages = std::get_if<protocol::Messages>(&tell->message);
      if (messages == nullptr) return;
      for (const auto& each : messages->messages) told.push_back(each.text);
    }
  }
  void ask(int number, const protocol::ClientMessage& message) {
    keeper->ask(message, [this, number](Result<protocol::ServerMessage> answer) {
      ++answers[number];
      if (!answer) errors.push_back(answer.error().text);
    });
  }
};

constexpr int kWrites = 60;

void ask_for_all(Workstation& here, int round) {
  const int first = round * kWrites;
  for (int i = first; i < first + kWrites; i += 2) {
    here.ask(i, protocol::MessageAsk{0, std::to_string(i), UniqueId{1, static_cast<std::uint64_t>(i)}});
    protocol::DocumentWrite add;
    add.timestamp = system_clock().wall();
    add.op = UniqueId{2, static_cast<std::uint64_t>(i)};
    add.at = "/" + std::to_string(i);
    add.document = std::make_shared<const std::string>(std::to_string(i));
    here.ask(i + 1, add);
  }
}

std::vector<std::uint64_t> seeds(std::uint64_t count) {
  if (const char* given = std::getenv("CALLBOARD_SEED")) return {std::strtoull(given, nullptr, 10)};
  std::vector<std::uint64_t> all;
  for (std::uint64_t seed = 1; seed <= count; ++seed) all.push_back(seed);
  return all;
}

std::vector<std::string> said_by_witness(const std::vector<std::string>& told) {
  std::vector<std::string> result;
  for (const auto& each : told) {
    if (each.starts_with("w")) result.push_back(each);
  }
  return result;
}

}  // namespace

TEST_CASE("wherever connections are cut, each write is done once and answered once, and nobody is told") {
  constexpr int kRounds = 3;
  for (const auto seed : seeds(8)) {
    INFO("replay with CALLBOARD_SEED=" << seed);
    Studio studio;
    auto witness = studio.join("lighting");
    protocol::DocumentWrite begin;
    begin.timestamp = {1};
    begin.op = UniqueId{3, 1};
    begin.document = std::make_shared<const std::string>("{}");
    static_cast<void>(witness->ask(begin));
    Cutter cutter(studio.loop, studio.server->listening(), seed, 12);
    Workstation here(studio.loop, cutter.at());
    witness->wait([&] { return here.joins > 0; });
    std::vector<std::string> said;
    for (int round = 0; round < kRounds; ++round) {
      ask_for_all(here, round);
      said.push_back("w" + std::to_string(round));
      protocol::MessageAsk message;
      message.text = said.back();
      message.op = UniqueId{4, static_cast<std::uint64_t>(round)};
      static_cast<void>(witness->ask(message));
      witness->wait([&] { return std::ssize(here.answers) == (round + 1) * kWrites; });
    }
    witness->wait([&] { return said_by_witness(here.told).size() == said.size(); });
    CHECK(here.errors == std::vector<std::string>{});
    for (const auto& [number, count] : here.answers) CHECK(count == 1);
    CHECK(cutter.cuts_left() < 12);

    std::map<std::string, int> messages;
    std::uint64_t since = 0;
    for (;;) {
      const auto more = witness->ask_for<protocol::Messages>(protocol::MessagesAsk{0, since});
      if (more.messages.empty()) break;
      for (const auto& each : more.messages) ++messages[each.text];
      since = more.messages.back().number;
    }
    CHECK(messages.size() == kRounds * kWrites / 2 + said.size());
    for (const auto& [text, count] : messages) {
      INFO(text);
      CHECK(count == 1);
    }
    const auto story = witness->ask_for<protocol::DocumentState>(protocol::DocumentRead{});
    for (int i = 0; i < kRounds * kWrites; i += 2) {
      const std::string number = std::to_string(i);
      CHECK_THAT(*story.document, Catch::Contains("\"" + number + "\":" + number));
    }
    protocol::HistoryAsk history;
    CHECK(witness->ask_for<protocol::Revisions>(history).revisions.size() == 1 + kRounds * kWrites / 2);

    // What was said to it, each once, in order; and its session was one from its first join on.
    CHECK(said_by_witness(here.told) == said);
    REQUIRE(here.sessions.size() == 1);
    CHECK(here.joins > 1);
    for (const auto& tell : witness->told<protocol::Users>()) {
      for (const auto& each : tell.left) CHECK_FALSE(here.sessions.contains(each.session));
    }
  }
}

TEST_CASE("who speaks without waiting is told again what it has not surely heard, and no more") {
  const bool asks_again = GENERATE(false, true);
  Studio studio;
  auto rigging = studio.join("rigging");
  auto lost = studio.join_resumable("lighting");
  lost->told<protocol::Users>();
  protocol::AtAsk at;
  at.item = "/pln";
  rigging->ask_for<protocol::Ok>(at);
  lost->expect<protocol::AtTell>();
  const auto speak = [&](protocol::AskId id) {
    lost->say(protocol::TurnRequest{.speaks = true});
    lost->say(protocol::UsersAsk{id});
    lost->say(protocol::Yours{});
    lost->expect<protocol::Users>();
  };
  speak(7001);
  if (asks_again) speak(7002);
  studio.lose(*lost, *rigging);
  auto back = studio.connect();
  REQUIRE(back->resume(*lost, "lighting"));
  CHECK(back->told<protocol::AtTell>().size() == (asks_again ? 0 : 1));
}

}  // namespace callboard::reconnect_test
