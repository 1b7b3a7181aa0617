#include "tests/unit/server/test_client.h"

#include <set>
#include <stdexcept>

#include "base/limits.h"
#include "protocol/server_asks.h"

namespace callboard::server {

TestClient::TestClient(net::Loop& loop, const net::Endpoint& server, const std::optional<AccessKey>& key)
    : loop_(loop) {
  connection_ = net::TcpConnection::connect(loop, server, 10s,
                                            {.on_connected = {},
                                             .on_bytes = [this](ByteView bytes) { on_bytes(bytes); },
                                             .on_drained = {},
                                             .on_ended =
                                                 [this](const Error& why) {
                                                   is_ended_ = true;
                                                   why_ended = why;
                                                 }});
  if (key) connection_->secure(net::TlsEngine::client(*key));
}

void TestClient::on_bytes(ByteView bytes) {
  if (is_data_) {
    data += as_text(bytes);
    return;
  }
  reader_.push(bytes);
  while (!is_data_) {
    auto frame = reader_.next();
    if (!frame) throw std::runtime_error(frame.error().text);
    if (!*frame) return;
    auto message = protocol::decode_server((*frame)->kind, (*frame)->body);
    if (!message) throw std::runtime_error(message.error().text);
    is_data_ = std::holds_alternative<protocol::Ready>(*message);
    arrived_.push_back(std::move(*message));
  }
  data += as_text(reader_.take_rest());
}

void TestClient::say(const protocol::ClientMessage& message) {
  const auto frame = protocol::encode(message);
  connection_->write(frame.head);
  if (frame.attachment) connection_->write(frame.attachment);
}

void TestClient::say_bytes(Bytes bytes) { connection_->write(std::move(bytes)); }

void TestClient::wait(const std::function<bool()>& condition) {
  if (!loop_.run_until(condition, kPatience)) throw std::runtime_error("waited in vain");
}

std::optional<protocol::ServerMessage> TestClient::next() {
  wait([this] { return !arrived_.empty() || is_ended_; });
  if (arrived_.empty()) return std::nullopt;
  auto message = std::move(arrived_.front());
  arrived_.erase(arrived_.begin());
  return message;
}

bool TestClient::join(const std::string& wanted_name, bool shares, const std::string& project) {
  say(protocol::Username{wanted_name, wall(), false, shares, host, "test", workstation, patches, resumable,
                         resumes_, resumes_ ? secret : std::nullopt, heard_messages_});
  expect<protocol::ProjectQuestion>();
  say(protocol::Project{project});
  auto answer = next();
  if (!answer || !std::holds_alternative<protocol::Welcome>(*answer)) return false;
  welcome = std::get<protocol::Welcome>(*answer);
  session = welcome.session;
  name = welcome.name;
  if (welcome.secret) secret = welcome.secret;
  expect<protocol::DocumentOffer>();
  say(protocol::DocumentClaim{});
  heard.push_back(expect<protocol::DocumentState>());
  say(protocol::JoinOk{});
  expect<protocol::AssetsOffer>();
  say(protocol::AssetsClaim{items});
  assets = expect<protocol::Assets>();
  say(protocol::JoinOk{});
  expect<protocol::DocumentOffer>();
  protocol::DocumentClaim analytics;
  analytics.record = protocol::DocumentRecord::analytics;
  say(analytics);
  expect<protocol::DocumentState>();
  say(protocol::JoinOk{});
  expect<protocol::Yours>();
  say(protocol::Yours{});
  return true;
}

bool TestClient::resume(const TestClient& lost, const std::string& asked_name, std::uint64_t heard_messages) {
  resumable = true;
  resumes_ = lost.session;
  secret = lost.secret;
  heard_messages_ = heard_messages;
  return join(asked_name);
}

bool TestClient::visit(const std::string& wanted_name) {
  say(protocol::Username{wanted_name, system_clock().wall(), true, false, host, "test"});
  expect<protocol::ProjectQuestion>();
  say(protocol::Project{"Moria's Race"});
  session = expect<protocol::Welcome>().session;
  expect<protocol::Yours>();
  say(protocol::Yours{});
  return true;
}

void TestClient::ask_all(std::vector<protocol::ClientMessage> messages) {
  for (std::size_t begun = 0; begun < messages.size();) {
    std::set<protocol::AskId> awaited;
    say(protocol::TurnRequest{wall()});
    expect<protocol::Yours>();
    for (; begun < messages.size() && awaited.size() < kAsksPerTurn; ++begun) {
      awaited.insert(++last_ask_);
      protocol::set_ask_id(messages[begun], last_ask_);
      say(messages[begun]);
    }
    say(protocol::Yours{});
    while (!awaited.empty()) {
      auto answer = next();
      if (!answer) throw std::runtime_error("the connection ended");
      const auto id = protocol::answered_id_of(*answer);
      if (!id || awaited.erase(*id) == 0) heard.push_back(std::move(*answer));
    }
  }
}

protocol::ServerMessage TestClient::ask(protocol::ClientMessage message) {
  const std::uint32_t id = ++last_ask_;
  protocol::set_ask_id(message, id);
  say(protocol::TurnRequest{wall()});
  expect<protocol::Yours>();
  say(message);
  say(protocol::Yours{});
  for (;;) {
    auto answer = next();
    if (!answer) throw std::runtime_error("the connection ended");
    if (protocol::answered_id_of(*answer) == id) return std::move(*answer);
    heard.push_back(std::move(*answer));
  }
}

}  // namespace callboard::server
