#include "tests/sim/hall.h"

#include <utility>

#include "base/ensure.h"
#include "tests/sim/person.h"

namespace callboard::sim {

Caller::Caller(World& world, std::string name, Kind kind) : world_(world) {
  machine_.name = std::move(name);
  world_.on(machine_, [this, kind] {
    loop_ = std::make_unique<net::Loop>();
    connection_ = net::TcpConnection::connect(*loop_, Person::kServer, 10s,
                                              {.on_connected = {},
                                               .on_bytes = [this](ByteView bytes) { on_bytes(bytes); },
                                               .on_drained = {},
                                               .on_ended = [this](const Error&) { is_ended = true; }});
    protocol::Username username;
    username.name = machine_.name;
    username.resumable = kind == Kind::resumable;
    say(username);
  });
}

Caller::~Caller() {
  world_.on(machine_, [this] {
    connection_.reset();
    loop_.reset();
  });
}

void Caller::ask(protocol::ClientMessage message) {
  wishes_.push_back(std::move(message));
  ask_for_turn();
}

void Caller::call(const std::string& name, const std::string& arguments) {
  protocol::CallAsk ask;
  ask.id = ++last_ask_;
  ask.name = name;
  ask.arguments = std::make_shared<const std::string>(arguments);
  this->ask(ask);
}

void Caller::ask_for_turn() {
  world_.on(machine_, [this] { say(protocol::TurnRequest{}); });
}
void Caller::pause_reading() {
  world_.on(machine_, [this] { connection_->pause_reading(); });
}
void Caller::resume_reading() {
  world_.on(machine_, [this] { connection_->resume_reading(); });
}
void Caller::hang_up() {
  world_.on(machine_, [this] { connection_.reset(); });
}

void Caller::say(const protocol::ClientMessage& message) {
  const auto frame = protocol::encode(message);
  connection_->write(frame.head);
  if (frame.attachment) connection_->write(frame.attachment);
}

void Caller::on_bytes(ByteView bytes) {
  reader_.push(bytes);
  for (;;) {
    const auto frame = reader_.next();
    if (!frame || !*frame) return;
    const auto message = protocol::decode_server((*frame)->kind, (*frame)->body);
    if (message) on_message(*message);
  }
}

void Caller::on_message(const protocol::ServerMessage& message) {
  if (std::holds_alternative<protocol::ProjectQuestion>(message)) say(protocol::Project{"Moria"});
  if (const auto* offer = std::get_if<protocol::DocumentOffer>(&message)) {
    protocol::DocumentClaim claim;
    claim.record = offer->record;
    say(claim);
  }
  if (std::holds_alternative<protocol::AssetsOffer>(message)) say(protocol::AssetsClaim{});
  const bool is_settled = std::holds_alternative<protocol::DocumentState>(message) ||
                          std::holds_alternative<protocol::Assets>(message);
  if (is_settled && !is_joined) say(protocol::JoinOk{});
  if (const auto* users = std::get_if<protocol::Users>(&message)) {
    for (const protocol::UserLeft& each : users->left) left.push_back(each.reason);
  }
  if (const auto* result = std::get_if<protocol::CallResult>(&message)) answers.push_back(*result->value);
  if (const auto* error = std::get_if<protocol::ErrorAnswer>(&message)) answers.push_back(error->text);
  if (!std::holds_alternative<protocol::Yours>(message)) return;
  is_joined = true;
  for (const auto& wish : std::exchange(wishes_, {})) say(wish);
  say(protocol::Yours{});
}

Hall::Hall() {
  machine_.name = "server";
  world.addresses[Person::kServer] = &machine_;
  start();
}

Hall::~Hall() { kill(); }

void Hall::start() {
  disk.is_cut_off = false;
  server_ =
      world.on(machine_, [this] { return std::make_unique<ServerRun>(disk, server::Stage::Options(), ""); });
}

void Hall::kill() {
  disk.is_cut_off = true;
  world.on(machine_, [this] { server_.reset(); });
}

void Hall::on_server(const std::function<void(server::Stage&)>& code) {
  world.on(machine_, [&] { code(server_->stage()); });
}

Caller& Hall::join(const std::string& name, Caller::Kind kind) {
  Caller& caller = *callers_.emplace_back(std::make_unique<Caller>(world, name, kind));
  for (int tries = 0; tries < 100 && !caller.is_joined; ++tries) pass(100ms);
  ENSURE(caller.is_joined);
  return caller;
}

std::vector<std::string> Hall::closed() const {
  std::vector<std::string> reasons;
  for (const auto& each : server_->events().after(0, server::Event::Level::info, 1000)) {
    if (each->text != "session closed") continue;
    for (const auto& [key, value] : each->fields) {
      if (key == "reason") reasons.push_back(std::get<std::string>(value));
    }
  }
  return reasons;
}

}  // namespace callboard::sim
