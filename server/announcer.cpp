#include "server/announcer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "protocol/datagram_signature.h"

namespace callboard::server {
namespace {

constexpr Duration kAbortLogPeriod = 60s;

}  // namespace

Announcer::Announcer(net::Loop& loop, Options options, EventLog& log, AbortHandler on_abort)
    : loop_(loop),
      options_(std::move(options)),
      log_(log),
      on_abort_(std::move(on_abort)),
      timer_(loop, [this] { on_tick(); }) {
  on_tick();
}

void Announcer::open() {
  auto socket = net::UdpSocket::open(
      loop_, {.at = {"0.0.0.0", options_.discovery_port}, .shares_port = true},
      {.on_datagram = [this](ByteView bytes, const net::Endpoint& from) { on_datagram(bytes, from); },
       .on_trouble = {}});
  if (socket) {
    socket_ = std::move(*socket);
    is_open_failing_ = false;
    return;
  }
  if (is_open_failing_) return;
  is_open_failing_ = true;
  log_.warn("discovery unavailable, join with --server",
            {{"port", options_.discovery_port}, {"cause", socket.error().text}});
}

void Announcer::on_tick() {
  // Interfaces come and go while we run.
  if (auto found = net::interfaces()) interfaces_ = std::move(*found);
  targets_ = announce_targets(interfaces_, options_.policy);
  if (!socket_) open();
  announce();
  timer_.set_after(kAnnouncePeriod);
}

protocol::Announcement Announcer::announcement(const std::string& own_address) const {
  protocol::Announcement announcement;
  announcement.address = own_address;
  announcement.project = options_.project;
  announcement.port = options_.session_port;
  announcement.id = options_.server;
  if (is_keyed()) announcement.access = "key";
  return announcement;
}

// On every interface by the same keys, each time over the address of that one: as many as have room on all of them.
void Announcer::announce() {
  std::vector<protocol::Announcement> all;
  std::size_t room = kKeysMax;
  for (const AnnounceTarget& target : targets_) {
    all.push_back(announcement(target.own_address));
    if (is_keyed()) all.back().marks = {system_clock().wall()};
    room = std::min(room, protocol::marks_max(all.back()));
  }
  const auto signers = is_keyed() ? options_.gate->next_signers(room) : std::vector<protocol::DatagramKey>();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const AnnounceTarget& target = targets_[i];
    send_line(signers.empty() ? format(all[i]) : format_marked(all[i], signers),
              {target.destination, options_.discovery_port}, target.interface);
  }
}

void Announcer::send(const protocol::Datagram& datagram, const net::Endpoint& to, const std::string& via) {
  send_line(protocol::format(datagram), to, via);
}

void Announcer::send_line(const std::string& line, const net::Endpoint& to, const std::string& via) {
  if (!socket_) return;
  const auto sent = socket_->send(to, as_bytes(line));
  if (sent) {
    failing_.erase(to.host);
    return;
  }
  // Bounded by the interfaces there have been; searches come from anywhere and are not remembered.
  if (via.empty() || !failing_.insert(to.host).second) return;
  log_.warn("announcing failed", {{"interface", via}, {"to", to.host}, {"cause", sent.error().text}});
}

void Announcer::on_datagram(ByteView bytes, const net::Endpoint& from) {
  const auto datagram = protocol::parse_datagram(bytes);
  if (!datagram) return;
  // Whether there are keys, and whose, may have changed a moment ago.
  if (options_.gate != nullptr) options_.gate->look();
  const auto is_for_us = [this](const std::optional<std::string>& project) {
    return !project || *project == options_.project;
  };
  if (const auto* search = std::get_if<protocol::Search>(&*datagram)) {
    if (is_for_us(search->project)) on_search(*search, from);
  } else if (const auto* abort = std::get_if<protocol::Abort>(&*datagram)) {
    if (is_for_us(abort->project)) on_abort(*abort, bytes, from);
  }
}

// To a holder of a key it is shown that this is the server that gave it.
void Announcer::on_search(const protocol::Search& search, const net::Endpoint& from) {
  auto answer = announcement(address_facing(interfaces_, options_.policy, from.host));
  const auto secret =
      search.challenge && is_keyed() ? options_.gate->find_secret(search.challenge->by) : std::nullopt;
  if (!secret) return send(answer, from, "");
  answer.signature = {system_clock().wall(), search.challenge->by, search.challenge->nonce};
  send_line(protocol::format_signed(answer, *secret), from, "");
}

void Announcer::on_abort(const protocol::Abort& abort, ByteView line, const net::Endpoint& from) {
  if (is_keyed() && !is_believed(abort, line)) return on_ignored_abort(abort, from);
  protocol::AbortAcknowledged acknowledged;
  acknowledged.address = address_facing(interfaces_, options_.policy, from.host);
  acknowledged.project = options_.project;
  acknowledged.id = options_.server;
  // Who stopped a server with keys is to know that it was this one that says so.
  const auto secret =
      abort.signature && is_keyed() ? options_.gate->find_secret(abort.signature->by) : std::nullopt;
  if (secret) {
    acknowledged.signature = {system_clock().wall(), abort.signature->by, abort.signature->nonce};
    send_line(protocol::format_signed(acknowledged, *secret), from, "");
  } else {
    send(acknowledged, from, "");
  }
  note_abort(abort, from, "abort", "");
  // A copy: the handler ends the server, and this object with it.
  const AbortHandler on_abort = on_abort_;
  on_abort(from.host);
}

// It names this run of the server, which it ends: so none is good twice.
bool Announcer::is_believed(const protocol::Abort& abort, ByteView line) const {
  if (!abort.signature || abort.project != options_.project || abort.id != options_.server) return false;
  // A client follows the clock of the server, so that this is for the way alone.
  if (!protocol::is_fresh(abort.signature->at, system_clock().wall())) return false;
  const auto secret = options_.gate->find_secret(abort.signature->by);
  return secret && options_.gate->may(abort.signature->by, Permission::stop) &&
         protocol::is_signed_with(line, *secret);
}

// Anybody can send one. Who did is worth knowing; a flood of them is not worth a log full.
void Announcer::on_ignored_abort(const protocol::Abort& abort, const net::Endpoint& from) {
  ++ignored_aborts_;
  const Instant now = loop_.now();
  if (abort_logged_ && now - *abort_logged_ < kAbortLogPeriod) return;
  abort_logged_ = now;
  const std::uint64_t count = std::exchange(ignored_aborts_, 0);
  log_.warn("abort ignored, the server has keys", {{"from", from.host}, {"count", count}});
  note_abort(abort, from, "abort_ignored",
             count > 1 ? fmt::format("{} times since the last of these", count) : "");
}

// Of one that is ignored nobody knows whether it was signed by whom it names.
void Announcer::note_abort(const protocol::Abort& abort, const net::Endpoint& from, std::string what,
                           std::string text) {
  if (options_.audit == nullptr) return;
  AuditEntry entry{.what = std::move(what), .from = from.host, .text = std::move(text)};
  if (is_keyed() && abort.signature) {
    entry.key = abort.signature->by;
    entry.user = options_.gate->name_of(entry.key);
  }
  options_.audit->note(std::move(entry));
}

void Announcer::send_terminal_line(std::string_view time_of_day, std::string_view user,
                                   std::string_view text) {
  protocol::TerminalLine line;
  line.time = time_of_day;
  line.user = user;
  line.text = text;
  for (const AnnounceTarget& target : targets_) {
    send(line, {target.destination, options_.discovery_port}, target.interface);
  }
}

}  // namespace callboard::server
