#include "tests/sim/link.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "protocol/server_asks.h"

namespace callboard::protocol::sim {

namespace {

std::uint64_t below(Random& random, std::uint64_t bound) { return bound == 0 ? 0 : random() % bound; }

Duration up_to(Random& random, Duration most) {
  return Duration(static_cast<Duration::rep>(below(random, static_cast<std::uint64_t>(most.count()) + 1)));
}

ServerSessionConfig server_config() {
  ServerSessionConfig config;
  config.project = "Moria's Race";
  config.server = {1, 2};
  config.software = "sim";
  config.wall = {1'000'000};
  return config;
}

ClientIdentity identity(bool visit) {
  return {.name = "rigging",
          .project = "Moria's Race",
          .visit = visit,
          .shares = true,
          .host = "pc7",
          .software = "sim",
          .workstation = UniqueId{3, 4},
          .wall = {900'000}};
}

Document document() { return std::make_shared<const std::string>(R"({"shots":[1,2,3]})"); }

}  // namespace

// --- Wire -----------------------------------------------------------------------------------------------------------

void Wire::send(const EncodedFrame& frame, Instant now, Random& random) {
  const Bytes bytes = bytes_of(frame);
  auto rest = ByteView(bytes);
  while (!rest.empty()) {
    const auto size = std::min<std::size_t>(rest.size(), 1 + below(random, piece_max));
    last_arrival_ = std::max(last_arrival_, now) + up_to(random, delay_max);
    pieces_.push_back({last_arrival_, Bytes(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size))});
    rest = rest.subspan(size);
  }
}

std::optional<Instant> Wire::next_arrival() const {
  if (pieces_.empty()) return std::nullopt;
  return pieces_.front().arrival;
}

Bytes Wire::receive() {
  auto bytes = std::move(pieces_.front().bytes);
  pieces_.pop_front();
  return bytes;
}

// --- Link -----------------------------------------------------------------------------------------------------------

Link::Link(LinkConfig config)
    : config_(config),
      random_(config.seed),
      server_(server_config(), now_),
      client_(identity(config.visit), now_) {
  for (auto* wire : {&to_server_, &to_client_}) {
    wire->piece_max = config.piece_max;
    wire->delay_max = config.delay_max;
  }
  pump();
}

bool Link::step(Instant until) {
  auto due = until;
  const auto consider = [&](std::optional<Instant> instant) {
    if (instant && *instant < due) due = *instant;
  };
  if (connected_) {
    consider(to_server_.next_arrival());
    consider(to_client_.next_arrival());
  }
  consider(server_.next_deadline());
  consider(client_.next_deadline());
  if (!jobs_.empty()) consider(jobs_.begin()->first);
  now_ = std::max(now_, due);
  if (due == until) return false;

  if (!jobs_.empty() && jobs_.begin()->first <= now_) {
    const auto job = std::move(jobs_.begin()->second);
    jobs_.erase(jobs_.begin());
    job();
  } else if (connected_ && to_server_.next_arrival() && *to_server_.next_arrival() <= now_) {
    deliver_to_server();
  } else if (connected_ && to_client_.next_arrival() && *to_client_.next_arrival() <= now_) {
    deliver_to_client();
  } else {
    server_.on_time(now_);
    client_.on_time(now_);
  }
  pump();
  return true;
}

AskId Link::ask(ClientMessage message) {
  const auto id = client_.ask(std::move(message), now_);
  pump();
  return id;
}

void Link::tell(std::string item) {
  mailbox_.push_back(std::move(item));
  pump();
}

void Link::break_connection() {
  connected_ = false;
  server_.on_disconnected({Outcome::interrupted, "the connection broke"});
  client_.on_disconnected({Outcome::interrupted, "the connection broke"});
  pump();
}

void Link::leave(bool is_server) {
  if (is_server) {
    server_.close(Outcome::cancelled, "the server stops");
  } else {
    client_.close(Outcome::done, "going home");
  }
  pump();
}

void Link::pump() {
  bool busy = true;
  while (busy) {
    busy = pump_server();
    if (pump_client()) busy = true;
    if (!mailbox_.empty() && server_.may_tell()) {
      server_.tell(AtTell{.session = {9}, .user = "lighting", .item = mailbox_.front(), .since = {1}});
      mailbox_.pop_front();
      busy = true;
    }
  }
}

bool Link::pump_server() {
  bool busy = false;
  while (auto action = server_.next_action()) {
    perform(std::move(*action));
    busy = true;
  }
  return busy;
}

bool Link::pump_client() {
  bool busy = false;
  while (auto action = client_.next_action()) {
    perform(std::move(*action));
    busy = true;
  }
  return busy;
}

void Link::later(std::function<void()> job) {
  jobs_.emplace(now_ + up_to(random_, config_.work_max), std::move(job));
}

void Link::perform(ServerAction action) {
  using namespace server_action;
  if (auto* send = std::get_if<Send>(&action)) {
    watch(send->message);
    to_client_.send(encode(send->message), now_, random_);
  } else if (auto* answers = std::get_if<SendEncoded>(&action)) {
    if (holder_ == Holder::client) observed_.violations.emplace_back("server: answers");
    to_client_.send(answers->frame, now_, random_);
  } else if (std::holds_alternative<Admission>(action)) {
    later([this] { server_.admit({.session = {77}, .name = "rigging", .clock = {1'000'000}}); });
  } else if (auto* claimed = std::get_if<DocumentClaimed>(&action)) {
    DocumentState state;
    state.record = claimed->claim.record;
    state.revision = 5;
    state.document = document();
    later([this, state] { server_.settle(state); });
  } else if (std::holds_alternative<AssetsClaimed>(action)) {
    Assets assets;
    assets.full = true;
    later([this, assets] { server_.settle(assets); });
  } else if (std::holds_alternative<server_action::Joined>(action)) {
    ++observed_.server_joined;
  } else if (auto* asked = std::get_if<Asked>(&action)) {
    observed_.asked.push_back(*ask_id_of(*asked->ask));
    auto answer = answer_to(*asked->ask);
    // Some owners answer from memory, others when the disk has it.
    if (below(random_, 2) == 0) {
      server_.answer(std::move(answer));
    } else {
      later([this, answer] { server_.answer(answer); });
    }
  } else if (auto* closed = std::get_if<server_action::Closed>(&action)) {
    ++observed_.server_closed;
    observed_.reasons += "server: " + closed->reason + "\n";
  }
}

ServerMessage Link::answer_to(const ClientMessage& ask) {
  const auto id = *ask_id_of(ask);
  if (std::holds_alternative<UsersAsk>(ask)) return Users{.re = id, .full = true, .users = {}, .left = {}};
  if (const auto* read = std::get_if<DocumentRead>(&ask)) {
    DocumentState state;
    state.re = id;
    state.record = read->record;
    state.revision = 5;
    state.document = document();
    return state;
  }
  return Ok{id, {}};
}

void Link::perform(ClientAction action) {
  using namespace client_action;
  if (auto* send = std::get_if<client_action::Send>(&action)) {
    to_server_.send(encode(send->message), now_, random_);
  } else if (auto* wanted = std::get_if<DocumentWanted>(&action)) {
    const auto record = wanted->record;
    later([this, record] {
      client_.claim(DocumentClaim{
          .record = record, .timestamp = {4}, .base = 1, .op = UniqueId{3, 3}, .document = document()});
    });
  } else if (std::holds_alternative<AssetsWanted>(action)) {
    client_.claim(AssetsClaim{{{"/dev/chr/Moria", Timestamp{4}}}});
  } else if (std::holds_alternative<client_action::Joined>(action)) {
    ++observed_.client_joined;
  } else if (auto* told = std::get_if<Told>(&action)) {
    if (const auto* at = std::get_if<AtTell>(&told->message)) observed_.told.push_back(at->item);
  } else if (auto* answered = std::get_if<Answered>(&action)) {
    ++observed_.answers[answered->id];
    observed_.has_answer[answered->id] = answered->answer.has_value();
  } else if (auto* closed = std::get_if<client_action::Closed>(&action)) {
    ++observed_.client_closed;
    observed_.reasons += "client: " + closed->reason + "\n";
  }
}

void Link::deliver_to_server() {
  server_reader_.push(to_server_.receive());
  while (true) {
    const auto frame = server_reader_.next();
    if (!frame) return server_.on_garbage(frame.error());
    if (!*frame) return server_.on_progress(now_);
    auto message = decode_client((*frame)->kind, (*frame)->body);
    if (!message) return server_.on_garbage(message.error());
    watch(*message);
    server_.on_message(std::move(*message), now_);
    pump_server();
  }
}

void Link::deliver_to_client() {
  client_reader_.push(to_client_.receive());
  while (true) {
    const auto frame = client_reader_.next();
    if (!frame) return client_.on_garbage(frame.error());
    if (!*frame) return client_.on_progress(now_);
    auto message = decode_server((*frame)->kind, (*frame)->body);
    if (!message) return client_.on_garbage(message.error());
    client_.on_message(std::move(*message), now_);
    pump_client();
  }
}

// --- The rule of the turn, written down a second time ---------------------------------------------------------------

void Link::watch(const ClientMessage& message) {
  // What comes when the server has said goodbye was on its way.
  if (holder_ == Holder::joining || observed_.server_closed > 0 ||
      std::holds_alternative<TurnRequest>(message) || std::holds_alternative<Bye>(message)) {
    return;
  }
  if (holder_ != Holder::client) observed_.violations.push_back("client: " + std::string(verb_of(message)));
  if (std::holds_alternative<Yours>(message)) holder_ = Holder::server;
}

void Link::watch(const ServerMessage& message) {
  if (std::holds_alternative<Bye>(message)) return;
  if (holder_ == Holder::client) observed_.violations.push_back("server: " + std::string(verb_of(message)));
  if (std::holds_alternative<Yours>(message)) {
    holder_ = Holder::client;
    ++observed_.beats;
  }
}

}  // namespace callboard::protocol::sim
