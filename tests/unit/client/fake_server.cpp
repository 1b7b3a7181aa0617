#include "tests/unit/client/fake_server.h"

#include <utility>

#include "protocol/codec.h"
#include "protocol/datagram_signature.h"

namespace callboard::client {

FakeServer::FakeServer(net::Loop& loop) {
  auto listening = net::TcpListener::listen(
      loop, {"127.0.0.1", 0},
      {.on_connection = [this](auto connection) { on_connection(std::move(connection)); }, .on_trouble = {}});
  listener_ = std::move(listening).value();
}

void FakeServer::on_connection(std::unique_ptr<net::TcpConnection> connection) {
  sessions_.push_back(std::make_unique<FakeSession>());
  FakeSession* session = sessions_.back().get();
  session->connection = std::move(connection);
  net::TcpConnection::Handlers handlers;
  handlers.on_bytes = [this, session](ByteView bytes) { on_bytes(*session, bytes); };
  handlers.on_ended = [session](const Error&) { session->has_ended = true; };
  session->connection->start(std::move(handlers));
  if (greets) say(*session, protocol::Greeting{.proto = 1, .software = "fake", .server = run});
}

void FakeServer::say(FakeSession& to, const protocol::ServerMessage& message) {
  const protocol::EncodedFrame frame = encode(message);
  to.connection->write(frame.head);
  if (frame.attachment) to.connection->write(frame.attachment);
}

void FakeServer::on_bytes(FakeSession& session, ByteView bytes) {
  session.reader.push(bytes);
  for (;;) {
    const auto frame = session.reader.next();
    if (!frame || !*frame) return;
    auto message = protocol::decode_client((*frame)->kind, (*frame)->body);
    if (message) on_message(session, std::move(*message));
  }
}

void FakeServer::on_message(FakeSession& session, protocol::ClientMessage message) {
  if (std::holds_alternative<protocol::TurnRequest>(message)) return say(session, protocol::Yours{});
  if (std::holds_alternative<protocol::Yours>(message)) return;
  if (std::holds_alternative<protocol::UnknownTell>(message)) {
    session.has_knocked = true;
    return;
  }
  session.heard.push_back(message);
  if (const auto* username = std::get_if<protocol::Username>(&message)) {
    session.is_visit = username->visit;
    say(session, protocol::ProjectQuestion{});
  } else if (std::holds_alternative<protocol::Project>(message)) {
    welcome(session);
  } else if (const auto* claim = std::get_if<protocol::DocumentClaim>(&message)) {
    protocol::DocumentState state =
        claim->record == protocol::DocumentRecord::story ? story : protocol::DocumentState();
    state.record = claim->record;
    say(session, state);
  } else if (std::holds_alternative<protocol::AssetsClaim>(message)) {
    protocol::Assets assets;
    assets.full = true;
    if (!joins_find.empty()) {
      assets = joins_find.front();
      joins_find.erase(joins_find.begin());
    }
    say(session, assets);
  } else if (std::holds_alternative<protocol::JoinOk>(message)) {
    offer_next(session);
  } else if (std::holds_alternative<protocol::Bye>(message)) {
    session.connection->close_after_flush(kTestLimit);
  } else if (on_ask) {
    on_ask(session, message);
  }
}

void FakeServer::welcome(FakeSession& session) {
  if (is_other_project) return say(session, protocol::WrongProject{.project = "Moria's Race"});
  session.reader.set_frame_max(kFrameMax);
  protocol::Welcome welcome;
  welcome.session = SessionId{7};
  welcome.name = "rigging";
  welcome.frame_max = kFrameMax;
  welcome.heartbeat = kHeartbeat;
  welcome.silence = 45s;
  const auto* username = session.last<protocol::Username>();
  if (secret && username != nullptr && username->resumable) {
    welcome.grace = 60s;
    welcome.resumed = username->resume == welcome.session && username->secret == secret;
    if (!welcome.resumed) welcome.secret = secret;
  }
  say(session, welcome);
  offer_next(session);
}

void FakeServer::offer_next(FakeSession& session) {
  const int exchange = session.is_visit ? 3 : session.exchange++;
  if (exchange == 0) return say(session, protocol::DocumentOffer{protocol::DocumentRecord::story});
  if (exchange == 1) {
    if (offers_assets) say(session, protocol::AssetsOffer{});
    return;
  }
  if (exchange == 2) return say(session, protocol::DocumentOffer{protocol::DocumentRecord::analytics});
  if (joins_cut > 0) {
    --joins_cut;
    return session.connection->close();
  }
  session.is_joined = true;
  say(session, protocol::Yours{});
}

FakeAnnouncer::FakeAnnouncer(net::Loop& loop, std::vector<protocol::Announcement> says)
    : says_(std::move(says)) {
  const auto hear = [this](ByteView bytes, const net::Endpoint& from) {
    const auto datagram = protocol::parse_datagram(bytes);
    if (const auto* abort = datagram ? std::get_if<protocol::Abort>(&*datagram) : nullptr;
        abort != nullptr && on_abort) {
      for (const std::string& line : on_abort(*abort)) (void)socket_->send(from, as_bytes(line));
    }
    if (!datagram || !std::holds_alternative<protocol::Search>(*datagram)) return;
    ++searches_;
    const auto& challenge = std::get<protocol::Search>(*datagram).challenge;
    for (const std::string& line : lines) (void)socket_->send(from, as_bytes(line));
    for (std::size_t i = 0; i < says_.size(); ++i) {
      protocol::Announcement each = says_[i];
      const bool is_proving = key && challenge && i + 1 == says_.size();
      if (is_proving)
        each.signature = {system_clock().wall(), challenge->by, nonce.value_or(challenge->nonce)};
      (void)socket_->send(from, as_bytes(is_proving ? format_signed(each, key->secret) : format(each)));
    }
  };
  auto opened = net::UdpSocket::open(loop, {.at = {"0.0.0.0", 0}, .shares_port = true},
                                     {.on_datagram = hear, .on_trouble = {}});
  socket_ = std::move(opened).value();
}

protocol::Announcement announcement(const net::Endpoint& server, std::uint64_t id) {
  protocol::Announcement says;
  says.address = server.host;
  says.port = server.port;
  says.project = "Moria's Race";
  says.id = UniqueId{id, id};
  return says;
}

}  // namespace callboard::client
