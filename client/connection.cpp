#include "client/connection.h"

#include <type_traits>
#include <utility>

#include "base/ensure.h"
#include "base/limits.h"
#include "protocol/codec.h"

namespace callboard::client {
namespace {

namespace action = protocol::client_action;

// A server on the LAN answers in milliseconds; one that does not within this is not there.
constexpr Duration kConnectLimit = 3s;
// For the last words of a session.
constexpr Duration kFlushLimit = 500ms;

// What hands the turn over says what time it is here at that moment.
protocol::ClientMessage with_clock(protocol::ClientMessage message) {
  if (auto* yours = std::get_if<protocol::Yours>(&message)) yours->clock = system_clock().wall();
  if (auto* request = std::get_if<protocol::TurnRequest>(&message)) request->clock = system_clock().wall();
  return message;
}

}  // namespace

Error open_with_key(const net::Endpoint& server) {
  return {Outcome::refused,
          "the server at " + net::to_text(server) +
              " is open, it has no keys, and this workstation has one: ask whoever runs it; to join "
              "it all the same, take the key away"};
}

Connection::Connection(net::Loop& loop, const net::Endpoint& to, protocol::ClientIdentity identity,
                       Handlers handlers, const std::optional<AccessKey>& key)
    : loop_(loop),
      server_(to),
      handlers_(std::move(handlers)),
      session_(std::move(identity), loop.now()),
      deadline_(loop, [this] {
        session_.on_time(loop_.now());
        pump();
      }) {
  net::TcpConnection::Handlers socket_handlers;
  socket_handlers.on_connected = [this, knocks = !key] {
    is_connected_ = true;
    // A server with keys waits for the first byte, and answers this one with why nobody is let in; an open one skips it.
    if (knocks) send(protocol::UnknownTell{"knock"});
  };
  socket_handlers.on_bytes = [this](ByteView bytes) { on_bytes(bytes); };
  socket_handlers.on_ended = [this](const Error& why) { on_ended(why); };
  socket_ = net::TcpConnection::connect(loop, to, kConnectLimit, std::move(socket_handlers));
  if (key) socket_->secure(net::TlsEngine::client(*key));
  deadline_.set_at(*session_.next_deadline());
}

void Connection::ask(protocol::ClientMessage message, AnswerHandler on_answer, ProgressHandler on_progress) {
  asks_.emplace(session_.ask(std::move(message), loop_.now()),
                Asked{std::move(on_answer), std::move(on_progress)});
  pump();
}

void Connection::tell(protocol::CallProgressed progress) {
  session_.tell(std::move(progress));
  pump();
}

void Connection::claim(protocol::DocumentClaim claim) {
  session_.claim(std::move(claim));
  pump();
}

void Connection::claim(protocol::AssetsClaim claim) {
  ENSURE(wants_assets_);
  wants_assets_ = false;
  session_.claim(std::move(claim));
  pump();
}

void Connection::close(Outcome outcome, std::string reason) {
  session_.close(outcome, std::move(reason));
  pump();
}

void Connection::on_bytes(ByteView bytes) {
  const Instant now = loop_.now();
  reader_.push(bytes);
  session_.on_progress(now);
  while (!session_.is_over()) {
    const auto frame = reader_.next();
    if (!frame) {
      session_.on_garbage(frame.error());
      break;
    }
    if (!*frame) break;
    auto message = protocol::decode_server((*frame)->kind, (*frame)->body);
    if (message) {
      session_.on_message(std::move(*message), now);
    } else {
      session_.on_garbage(message.error());
    }
    // Now, because `welcome` changes how large the next frame may be.
    pump();
  }
  pump();
}

void Connection::on_ended(const Error& why) {
  // Nobody there is "no server found", whatever word the system has for it.
  Error error = is_connected_ ? why : Error{Outcome::not_found, why.text};
  // The system knows a peer alone. What is refused, by its key, is there.
  if (is_connected_ && why.outcome != Outcome::refused) error = why.prefixed("the server is gone");
  if (why.text == net::TlsEngine::kNoTls) error = open_with_key(server_);
  session_.on_disconnected(error);
  pump();
  finish(end_.value_or(error));
}

void Connection::pump() {
  // A handler that calls back in finds its actions performed by the loop below, in order.
  if (is_pumping_) return;
  is_pumping_ = true;
  while (auto next = session_.next_action()) perform(std::move(*next));
  is_pumping_ = false;
  if (is_finished_) return;
  const auto due = session_.next_deadline();
  if (due) {
    deadline_.set_at(*due);
  } else {
    deadline_.cancel();
  }
}

void Connection::perform(protocol::ClientAction next) {
  if (const auto* to_send = std::get_if<action::Send>(&next)) return send(to_send->message);
  if (auto* closed = std::get_if<action::Closed>(&next)) {
    end_ = Error{closed->outcome, std::move(closed->reason)};
    is_for_good_ = closed->is_for_good;
    sent_to_ = std::move(closed->to);
    // The connection lives until its words are out: closed with bytes unread, the kernel would take them back.
    return is_connected_ ? socket_->close_after_flush(kFlushLimit) : socket_->close();
  }
  if (auto* answered = std::get_if<action::Answered>(&next)) return answer(std::move(*answered));
  if (const auto* admitted = std::get_if<action::Admitted>(&next)) {
    reader_.set_frame_max(admitted->welcome.frame_max);
  }
  if (std::holds_alternative<action::AssetsWanted>(next)) wants_assets_ = true;
  if (const auto* told = std::get_if<action::Told>(&next)) {
    if (const auto* progress = std::get_if<protocol::CallProgress>(&told->message))
      return on_progress(*progress);
  }
  handlers_.on_action(std::move(next));
}

void Connection::answer(action::Answered answered) {
  const auto it = asks_.find(answered.id);
  if (it == asks_.end()) return;
  const AnswerHandler on_answer = std::move(it->second.on_answer);
  asks_.erase(it);
  on_answer(std::move(answered.answer));
}

void Connection::on_progress(const protocol::CallProgress& progress) {
  const auto asked = asks_.find(progress.call);
  if (asked == asks_.end() || !asked->second.on_progress) return;
  // A copy: the handler may end what is asked.
  const ProgressHandler handler = asked->second.on_progress;
  handler(progress.value);
}

void Connection::send(const protocol::ClientMessage& message) {
  const protocol::EncodedFrame frame = protocol::encode(with_clock(message));
  socket_->write(frame.head);
  if (frame.attachment) socket_->write(frame.attachment);
}

void Connection::finish(Error why) {
  if (is_finished_) return;
  is_finished_ = true;
  deadline_.cancel();
  handlers_.on_closed(why);
}

}  // namespace callboard::client
