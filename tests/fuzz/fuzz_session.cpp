#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "protocol/client_session.h"
#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/server_asks.h"
#include "protocol/server_session.h"

// A whole session of either side against a peer that says anything, in any pieces, at any time. The input is a script of
// `u8 what | …`: bytes of the peer's stream, time that passes, things the owner does. Wanted: no crash, one end at most,
// nothing after the end, no speech of the server's in the client's turn, every ask answered once.
namespace callboard::protocol {

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

// The owner of a server's session, which answers some asks at once and others later.
class ServerSide {
 public:
  ServerSide() : session_(config(), Instant{}) { drain(); }

  void receive(ByteView bytes, Instant now) {
    reader_.push(bytes);
    while (!session_.is_over()) {
      const auto frame = reader_.next();
      if (!frame) return session_.on_garbage(frame.error());
      if (!*frame) return session_.on_progress(now);
      auto message = decode_client((*frame)->kind, (*frame)->body);
      if (!message) return session_.on_garbage(message.error());
      session_.on_message(std::move(*message), now);
      drain();
    }
  }

  void act(std::uint8_t choice, Instant) {
    if (choice == 0xff) return session_.close(Outcome::done, "enough");
    if (choice % 2 == 0 && session_.may_tell())
      return session_.tell(AtTell{.session = {9}, .user = "u", .item = "/pln", .since = {1}});
    if (later_.empty()) return;
    const auto id = later_.back();
    later_.pop_back();
    session_.answer(Ok{id, {}});
  }

  void on_time(Instant now) { session_.on_time(now); }
  void disconnect() { session_.on_disconnected({Outcome::interrupted, "gone"}); }
  void check_end() const { must(session_.is_over() && ends_ == 1); }

  void drain() {
    while (auto action = session_.next_action()) perform(*action);
  }

 private:
  static ServerSessionConfig config() {
    ServerSessionConfig config;
    config.project = "p";
    config.server = {1, 2};
    config.software = "fuzzed";
    return config;
  }

  void perform(const ServerAction& action) {
    using namespace server_action;
    must(ends_ == 0);
    if (const auto* send = std::get_if<Send>(&action)) {
      const auto verdict = check(send->message);
      if (!verdict) std::fprintf(stderr, "sent what no client accepts: %s\n", verdict.error().text.c_str());
      must(verdict.has_value());
      (void)encode(send->message);
    }
    if (const auto* sent = std::get_if<SendEncoded>(&action)) {
      FrameReader reader(kFrameMax);
      reader.push(bytes_of(sent->frame));
      while (const auto frame = reader.next().value())
        must(decode_server(frame->kind, frame->body).has_value());
    }
    if (std::holds_alternative<Closed>(action) || std::holds_alternative<TicketShown>(action)) ++ends_;
    if (std::holds_alternative<Admission>(action)) {
      session_.admit({.session = {1}, .name = "n", .clock = {1}});
      reader_.set_frame_max(kFrameMax);
    }
    if (const auto* claimed = std::get_if<DocumentClaimed>(&action)) {
      DocumentState state;
      state.record = claimed->claim.record;
      session_.settle(state);
    }
    if (std::holds_alternative<AssetsClaimed>(action)) {
      Assets all;
      all.full = true;
      session_.settle(all);
    }
    if (const auto* asked = std::get_if<Asked>(&action)) {
      const auto id = *ask_id_of(*asked->ask);
      if (id % 2 == 0) {
        session_.answer(Ok{id, {}});
      } else {
        later_.push_back(id);
      }
    }
  }

  ServerSession session_;
  FrameReader reader_;
  std::vector<AskId> later_;
  int ends_ = 0;
};

class ClientSide {
 public:
  ClientSide() : session_({.name = "n", .project = "p"}, Instant{}) { drain(); }

  void receive(ByteView bytes, Instant now) {
    reader_.push(bytes);
    while (!session_.is_over()) {
      const auto frame = reader_.next();
      if (!frame) return session_.on_garbage(frame.error());
      if (!*frame) return session_.on_progress(now);
      auto message = decode_server((*frame)->kind, (*frame)->body);
      if (!message) return session_.on_garbage(message.error());
      session_.on_message(std::move(*message), now);
      drain();
    }
  }

  void act(std::uint8_t choice, Instant now) {
    if (choice == 0xff) return session_.close(Outcome::done, "enough");
    session_.ask(UsersAsk{}, now);
    ++asked_;
  }

  void on_time(Instant now) { session_.on_time(now); }
  void disconnect() { session_.on_disconnected({Outcome::interrupted, "gone"}); }
  void check_end() const { must(session_.is_over() && ends_ == 1 && answered_ == asked_); }

  void drain() {
    while (auto action = session_.next_action()) perform(*action);
  }

 private:
  void perform(const ClientAction& action) {
    using namespace client_action;
    if (std::holds_alternative<Answered>(action)) {
      ++answered_;
      must(answered_ <= asked_);
      return;
    }
    must(ends_ == 0);
    if (const auto* send = std::get_if<Send>(&action)) (void)encode(send->message);
    if (std::holds_alternative<Closed>(action)) ++ends_;
    if (const auto* wanted = std::get_if<DocumentWanted>(&action)) {
      DocumentClaim nothing;
      nothing.record = wanted->record;
      session_.claim(nothing);
    }
    if (std::holds_alternative<AssetsWanted>(action)) session_.claim(AssetsClaim{});
  }

  ClientSession session_;
  FrameReader reader_{kFrameMax};
  int asked_ = 0;
  int answered_ = 0;
  int ends_ = 0;
};

template <class Side>
void run(ByteReader script) {
  Side side;
  Instant now{};
  while (!script.rest().empty()) {
    switch (script.u8() % 4) {
      case 0:
      case 1:
        side.receive(script.raw(std::min<std::size_t>(script.u16(), script.rest().size())), now);
        break;
      case 2:
        now += std::chrono::milliseconds(script.u16());
        side.on_time(now);
        break;
      case 3:
        side.act(script.u8(), now);
        break;
    }
    side.drain();
  }
  side.disconnect();
  side.drain();
  side.check_end();
}

}  // namespace

}  // namespace callboard::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace callboard;
  ByteReader script(std::as_bytes(std::span(data, size)));
  if (script.u8() % 2 == 0) {
    protocol::run<protocol::ServerSide>(script);
  } else {
    protocol::run<protocol::ClientSide>(script);
  }
  return 0;
}
