#include "server/transfer_desk.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "protocol/codec.h"

namespace callboard::server {
namespace {

// How often it is looked at what the relay has moved: often enough for a rate, and for kStallLimit.
constexpr Duration kLookPeriod = 1s;

// What one side gets before the other's bytes: what was still to be sent to it, and that the transfer begins.
Bytes first_bytes(Bytes unsent, const Bytes& said_by_other) {
  const auto ready = protocol::encode(protocol::ServerMessage(protocol::Ready{}));
  const ByteView head = as_bytes(*ready.head);
  unsent.insert(unsent.end(), head.begin(), head.end());
  unsent.insert(unsent.end(), said_by_other.begin(), said_by_other.end());
  return unsent;
}

}  // namespace

TransferDesk::TransferDesk(net::Loop& loop, RandomSource random, EventLog& events, Outside outside)
    : loop_(loop),
      events_(events),
      outside_(std::move(outside)),
      transfers_(std::move(random)),
      server_channels_(loop, [this](Transfers::Id id,
                                    const Error& why) { static_cast<void>(cancel(SessionId(), id, why)); }),
      timer_(loop,
             [this] {
               transfers_.on_time(loop_.now());
               settle();
             }),
      relay_(loop, {}, [this](const net::RelayEnd& end) { on_relay_end(end); }),
      looking_(loop, [this] { look_at_running(); }) {}

Result<Transfers::Begun> TransferDesk::begin(Transfers::Request request, Timestamp wall) {
  const std::string giver = request.giver.session ? request.giver.name : "the server";
  const std::string taker = request.taker.name;
  const std::string item = request.item;
  const bool is_channel = request.kind == Transfers::Kind::channel;
  auto begun = transfers_.begin(std::move(request), wall, loop_.now());
  if (!begun) return begun;
  const std::string told = is_channel ? "opens " + escaped(item, 200) + " to " + giver
                                      : "takes " + escaped(item, 200) + " from " + giver;
  events_.note({.kind = Event::Kind::connection,
                .user = taker,
                .text = is_channel ? "channel begins" : "transfer begins",
                .fields = {{"id", begun->id}, {"giver", giver}, {"taker", taker}, {"item", item}},
                .told = told});
  settle();
  return begun;
}

Result<void> TransferDesk::cancel(SessionId asker, Transfers::Id id, const std::optional<Error>& why) {
  auto cancelled = transfers_.cancel(asker, id, why);
  settle();
  return cancelled;
}

void TransferDesk::on_ticket(Session& connection, UniqueId ticket) {
  const auto shown = transfers_.show(ticket, connection.key());
  if (!shown) return connection.refuse_ticket(shown.error());
  if (*shown) relay(**shown);
  settle();
}

void TransferDesk::relay(const Transfers::Pair& pair) {
  const bool is_to_server = pair.giver == Transfers::kServerEnd;
  auto giver_end = take_end(pair.id, pair.giver);
  auto taker_end = take_end(pair.id, pair.taker);
  if (!giver_end || !taker_end) {
    const Error why = giver_end ? taker_end.error() : giver_end.error();
    for (const Transfers::ConnectionKey key : {pair.giver, pair.taker}) give_back(key, why);
    return transfers_.on_relay_end(pair.id, why, 0);
  }
  net::RelayPair sockets;
  sockets.id = pair.id;
  sockets.first_to_giver =
      is_to_server ? taker_end->said : first_bytes(std::move(giver_end->socket.unsent), taker_end->said);
  sockets.first_to_taker = first_bytes(std::move(taker_end->socket.unsent), giver_end->said);
  const bool is_channel = transfers_.running().at(pair.id).request.kind == Transfers::Kind::channel;
  relayed_[pair.id] = {{sockets.first_to_taker.size() - giver_end->said.size(),
                        sockets.first_to_giver.size() - taker_end->said.size()},
                       is_channel};
  sockets.giver = std::move(giver_end->socket.fd);
  sockets.taker = std::move(taker_end->socket.fd);
  relay_.add(std::move(sockets));
  rates_[pair.id].add(loop_.now(), 0);
  if (!looking_.is_set()) looking_.set_after(kLookPeriod);
  for (const Transfers::ConnectionKey key : {pair.giver, pair.taker}) give_back(key, {});
}

Result<Session::Released> TransferDesk::take_end(Transfers::Id id, Transfers::ConnectionKey key) {
  if (key == Transfers::kServerEnd) {
    auto socket = server_channels_.open(id);
    if (!socket) return socket.error();
    return Session::Released{{std::move(*socket), {}}, {}};
  }
  Session* side = outside_.connection(key);
  // Lost connections are told before they go, so it is here.
  ENSURE(side != nullptr);
  return side->release();
}

void TransferDesk::give_back(Transfers::ConnectionKey key, const Error& why) {
  if (key == Transfers::kServerEnd) return;
  Session* side = outside_.connection(key);
  if (side->is_released()) {
    outside_.released(*side);
  } else {
    side->refuse_ticket(why);
  }
}

void TransferDesk::on_relay_end(const net::RelayEnd& end) {
  transfers_.on_relay_end(end.id, end.why, counted_bytes(end.id, end.moved));
  settle();
}

void TransferDesk::on_connection_lost(std::uint64_t key) {
  transfers_.on_connection_lost(key);
  settle();
}

void TransferDesk::on_session_left(SessionId session, const std::string& name) {
  transfers_.on_session_left(session, name);
  settle();
}

void TransferDesk::end_all(const Error& why) {
  transfers_.end_all(why);
  settle();
}

void TransferDesk::on_working(SessionId asker, const std::vector<Transfers::Id>& ids) {
  transfers_.on_working(asker, ids, loop_.now());
}

void TransferDesk::look_at_running() {
  const Instant now = loop_.now();
  for (auto& [id, rate] : rates_) {
    const auto progress = relay_.progress(id);
    if (!progress) continue;
    rate.add(now, counted_bytes(id, *progress));
    transfers_.on_moved(id, progress->to_taker_bytes + progress->to_giver_bytes, now);
  }
  transfers_.end_stalled(now);
  settle();
  if (!rates_.empty()) looking_.set_after(kLookPeriod);
}

void TransferDesk::set_limits(const net::RelayLimits& limits) {
  if (limits == limits_) return;
  limits_ = limits;
  relay_.set_limits(limits);
  events_.info("relay limited", {{"total", limits.total}, {"per_transfer", limits.per_pair}});
}

void TransferDesk::settle() {
  for (const Transfers::Ending& ending : transfers_.take_endings()) finish(ending);
  if (const auto deadline = transfers_.next_deadline()) {
    timer_.set_at(*deadline);
  } else {
    timer_.cancel();
  }
}

void TransferDesk::finish(const Transfers::Ending& ending) {
  std::uint64_t bytes = ending.bytes;
  if (ending.was_relaying) {
    if (const auto progress = relay_.progress(ending.id)) {
      bytes = counted_bytes(ending.id, *progress);
      relay_.cancel(ending.id, ending.why);
    }
  }
  for (const std::uint64_t key : ending.waiting) {
    if (Session* waiting = outside_.connection(key)) waiting->refuse_ticket(ending.why);
  }
  relayed_.erase(ending.id);
  rates_.erase(ending.id);
  if (rates_.empty()) looking_.cancel();
  events_.note({.kind = Event::Kind::connection,
                .text = "transfer over",
                .fields = {{"id", ending.id},
                           {"outcome", to_text(ending.why.outcome)},
                           {"bytes", bytes},
                           {"cause", ending.why.text}}});
  const protocol::TransferOver over{ending.id, ending.why.outcome, ending.why.text, bytes};
  if (ending.giver) {
    outside_.tell(ending.giver, over);
  } else {
    server_channels_.on_over(ending.id, ending.why);
  }
  if (ending.taker != ending.giver) outside_.tell(ending.taker, over);
}

std::uint64_t TransferDesk::counted_bytes(Transfers::Id id, const net::RelayProgress& moved) const {
  const auto found = relayed_.find(id);
  const Relayed relayed = found == relayed_.end() ? Relayed{} : found->second;
  const auto said = [](std::uint64_t moved_bytes, std::uint64_t ours_bytes) {
    return moved_bytes - std::min(moved_bytes, ours_bytes);
  };
  const std::uint64_t given_bytes = said(moved.to_taker_bytes, relayed.ours.to_taker_bytes);
  if (!relayed.is_channel) return given_bytes;
  return given_bytes + said(moved.to_giver_bytes, relayed.ours.to_giver_bytes);
}

std::vector<protocol::TransferStatus> TransferDesk::status() const {
  std::vector<protocol::TransferStatus> result;
  for (const auto& [id, running] : transfers_.running()) {
    const auto progress = running.is_relaying ? relay_.progress(id) : std::nullopt;
    const auto rate = rates_.find(id);
    result.push_back({id, running.request.giver.name, running.request.taker.name, running.request.item,
                      progress ? counted_bytes(id, *progress) : 0, running.started,
                      rate == rates_.end() ? 0 : rate->second.bytes_per_second(),
                      running.request.kind == Transfers::Kind::channel});
  }
  return result;
}

}  // namespace callboard::server
