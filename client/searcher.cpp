#include "client/searcher.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "net/endpoint.h"
#include "net/interfaces.h"

namespace callboard::client {
namespace {

bool in_same_network(const std::string& a, const std::string& b, const std::string& netmask) {
  const auto first = net::ipv4_from(a);
  const auto second = net::ipv4_from(b);
  const auto mask = net::ipv4_from(netmask);
  return first && second && mask && (*first & *mask) == (*second & *mask);
}

// Whether somebody at `host` may have been asked there. Of an address that was given it is not known what network it is of: of one
// that ends in 255 it is that of a broadcast.
bool may_answer(const InterfaceReport& asked, const std::string& host) {
  if (!asked.netmask.empty()) return in_same_network(asked.address, host, asked.netmask);
  const auto given = net::ipv4_from(asked.address);
  const auto from = net::ipv4_from(host);
  if (!given || !from) return false;
  const std::uint32_t last_ones = *given & ~(*given + 1);
  const std::uint32_t host_part = last_ones >= 0xff ? last_ones : 0;
  return ((*given ^ *from) & ~host_part) == 0;
}

// The address to connect to: what the server says of itself, unless that cannot be reached from where it was heard.
std::string reachable_address(const std::string& announced, const std::string& heard_from) {
  const auto address = net::ipv4_from(announced);
  const bool is_loopback = address && (*address >> 24) == 127;
  const bool heard_on_loopback = heard_from.starts_with("127.");
  if (!address || *address == 0 || (is_loopback && !heard_on_loopback)) return heard_from;
  return announced;
}

bool is_same_place(const FoundServer& a, const FoundServer& b) {
  return a.address == b.address && a.port == b.port;
}

bool is_same_server(const FoundServer& a, const FoundServer& b) {
  if (a.id || b.id) return a.id == b.id;
  return is_same_place(a, b);
}

// What the word of a proven server is worth: nobody else can have given its answer, and of what may be said again the latest
// counts.
auto weight_of(const FoundServer& each) {
  return std::tuple(each.is_proven, each.has_answered, each.proven_at.ms);
}

// Another word of the same server, which has proven itself before. Whether it is at another place now.
bool learn(FoundServer& known, const FoundServer& said) {
  if (!said.is_proven) return false;
  // What is on its way for long, or said again by somebody, tells of an earlier time: nothing tells of a later one.
  known.clock_ahead = std::max(known.clock_ahead, said.clock_ahead);
  known.proven_at = std::max(known.proven_at, said.proven_at);
  // Said again elsewhere, in another network, or by another of its interfaces.
  if (known.has_answered || !said.has_answered) return false;
  known.has_answered = true;
  if (is_same_place(known, said)) return false;
  known.address = said.address;
  known.port = said.port;
  return true;
}

}  // namespace

Searcher::Searcher(net::Loop& loop, SearchOptions options, Handlers handlers, Hears hears)
    : options_(std::move(options)), handlers_(std::move(handlers)), asked_at_(system_clock().monotonic()) {
  nonce_ = make_unique_id(system_random());
  if (options_.key) key_ = options_.key->secret;
  open_sockets(loop, hears);
}

void Searcher::open_sockets(net::Loop& loop, Hears hears) {
  const auto hear = [this](ByteView bytes, const net::Endpoint& from) { on_datagram(bytes, from); };
  auto asking = net::UdpSocket::open(loop, {}, {.on_datagram = hear, .on_trouble = {}});
  if (asking) {
    asking_ = std::move(*asking);
  } else {
    report_.problem = asking.error().text;
  }
  if (hears == Hears::answers) return;
  const net::UdpSocket::Options port{.at = {"0.0.0.0", options_.discovery_port}, .shares_port = true};
  auto listening = net::UdpSocket::open(loop, port, {.on_datagram = hear, .on_trouble = {}});
  if (listening) {
    listening_ = std::move(*listening);
  } else {
    report_.problem = listening.error().text;
  }
}

void Searcher::ask() {
  asked_back_.clear();  // What was sent then may be lost.
  asked_at_ = system_clock().monotonic();
  send_everywhere(question());
}

protocol::Search Searcher::question() const {
  protocol::Search question;
  if (!options_.project.empty()) question.project = options_.project;
  if (options_.key) question.challenge = {options_.key->identity, nonce_};
  return question;
}

// What a server with keys announces may be marked by other keys only, or at another time than ours, but says whom to ask: where
// broadcasts pass one way alone, it has not heard the question. For each question one datagram to each of at most kServersMax
// senders, whatever others announced in its name.
void Searcher::ask_back(const net::Endpoint& from) {
  if (!asking_ || !options_.key) return;
  if (asked_back_.size() >= kServersMax || !asked_back_.insert(from.host).second) return;
  static_cast<void>(asking_->send({from.host, options_.discovery_port}, as_bytes(format(question()))));
}

void Searcher::send_abort() {
  protocol::Abort abort;
  if (!options_.key) {
    if (!options_.project.empty()) abort.project = options_.project;
    return send_everywhere(abort);
  }
  for (const FoundServer& each : report_.servers) {
    if (!each.is_proven) continue;
    abort.project = each.project;
    abort.id = each.id;
    abort.signature = {{system_clock().wall().ms + each.clock_ahead.count()},
                       options_.key->identity,
                       make_unique_id(system_random())};
    aborts_.emplace_back(each.id, abort.signature->nonce);
    send_line_everywhere(protocol::format_signed(abort, *key_));
  }
}

void Searcher::forget() {
  report_.servers.clear();
  nonce_ = make_unique_id(system_random());
}

void Searcher::refresh_interfaces() {
  if (!options_.ask_addresses.empty()) {
    for (const std::string& address : options_.ask_addresses) interface_report("", address).asked = address;
    return;
  }
  const auto found = net::interfaces();
  if (!found) {
    report_.problem = found.error().text;
    return;
  }
  for (const net::Interface& each : *found) {
    InterfaceReport& report = interface_report(each.name, each.address);
    report.netmask = each.netmask;
    report.asked = each.is_up ? each.broadcast : "";
    report.problem = !each.is_up              ? "the interface is down"
                     : each.broadcast.empty() ? "the interface cannot broadcast"
                                              : "";
  }
}

InterfaceReport& Searcher::interface_report(const std::string& name, const std::string& address) {
  for (InterfaceReport& each : report_.interfaces) {
    if (each.name == name && each.address == address) return each;
  }
  InterfaceReport report;
  report.name = name;
  report.address = address;
  return report_.interfaces.emplace_back(std::move(report));
}

void Searcher::send_everywhere(const protocol::Datagram& datagram) { send_line_everywhere(format(datagram)); }

void Searcher::send_line_everywhere(const std::string& text) {
  if (!asking_) return;
  refresh_interfaces();
  for (InterfaceReport& each : report_.interfaces) {
    if (each.asked.empty()) continue;
    const auto sent = asking_->send({each.asked, options_.discovery_port}, as_bytes(text));
    if (sent) {
      ++each.sent;
    } else {
      each.problem = sent.error().text;
    }
  }
}

void Searcher::on_datagram(ByteView bytes, const net::Endpoint& from) {
  const auto datagram = protocol::parse_datagram(bytes);
  if (!datagram) {
    ++report_.ignored_datagrams;
    return;
  }
  if (const auto* announcement = std::get_if<protocol::Announcement>(&*datagram)) {
    count_received(from);
    on_announcement(*announcement, bytes, from);
  } else if (const auto* aborted = std::get_if<protocol::AbortAcknowledged>(&*datagram)) {
    count_received(from);
    if (handlers_.on_aborted && is_believed(*aborted, bytes)) handlers_.on_aborted(*aborted);
  }
}

std::optional<Timestamp> Searcher::proven_at(const protocol::Announcement& announcement,
                                             ByteView line) const {
  if (!key_) return std::nullopt;
  if (const auto& signature = announcement.signature) {
    const bool is_answer = signature->by == options_.key->identity && signature->nonce == nonce_;
    return is_answer && is_signed_with(line, *key_) ? std::optional(signature->at) : std::nullopt;
  }
  const auto& marks = announcement.marks;
  const bool is_of_now = marks && protocol::is_fresh(marks->at, system_clock().wall());
  return is_of_now && is_marked_with(line, *key_) ? std::optional(marks->at) : std::nullopt;
}

bool Searcher::is_believed(const protocol::AbortAcknowledged& aborted, ByteView line) const {
  if (!options_.key) return true;
  const auto& signature = aborted.signature;
  return aborted.id && signature && signature->by == options_.key->identity &&
         std::ranges::find(aborts_, std::pair(*aborted.id, signature->nonce)) != aborts_.end() &&
         protocol::is_signed_with(line, *key_);
}

FoundServer Searcher::found(const protocol::Announcement& announcement, ByteView line,
                            const net::Endpoint& from) const {
  FoundServer server;
  server.address = reachable_address(announcement.address, from.host);
  server.port = announcement.port;
  server.project = announcement.project;
  server.id = announcement.id.value_or(UniqueId{});
  server.access = announcement.access;
  server.took = system_clock().monotonic() - asked_at_;
  if (const auto at = proven_at(announcement, line)) {
    server.is_proven = true;
    server.has_answered = announcement.signature.has_value();
    server.proven_at = *at;
    server.clock_ahead = std::chrono::milliseconds(at->ms - system_clock().wall().ms);
  }
  return server;
}

void Searcher::on_announcement(const protocol::Announcement& announcement, ByteView line,
                               const net::Endpoint& from) {
  if (!options_.project.empty() && announcement.project != options_.project) {
    ++report_.other_projects;
    return;
  }
  const FoundServer server = found(announcement, line, from);
  const auto is_at_its_place = [](const FoundServer& one) {
    return [&one](const FoundServer& each) { return is_same_place(each, one) && !is_same_server(each, one); };
  };
  const auto is_in_the_way_of = [&](const FoundServer& one) {
    return std::ranges::any_of(report_.servers, [&](const FoundServer& each) {
      return is_at_its_place(one)(each) && each.is_proven && weight_of(one) < weight_of(each);
    });
  };
  const auto known = std::ranges::find_if(
      report_.servers, [&](const FoundServer& each) { return is_same_server(each, server); });
  if (known != report_.servers.end() && known->is_proven) {
    // Marked from two places: somebody may have said again what was said in another network.
    if (server.is_proven && !known->has_answered && !is_same_place(*known, server)) ask_back(from);
    if (!learn(*known, server)) return;
    const FoundServer moved = *known;
    if (is_in_the_way_of(moved)) return;
    std::erase_if(report_.servers, is_at_its_place(moved));
    return handlers_.on_server(moved);
  }
  if (!server.is_proven && server.access == kKeyedAccess) ask_back(from);
  if (known != report_.servers.end() && !server.is_proven) {
    known->access = server.access;  // It may have got its first key.
    return;
  }
  // One that was started anew where another was, and has another id: nobody else can be at its place. Who has proven
  // itself gives way to a later one alone that has, too.
  if (is_in_the_way_of(server)) return;
  // What was heard of it before may have been said by anybody.
  if (known != report_.servers.end()) report_.servers.erase(known);
  const bool is_anew = std::erase_if(report_.servers, is_at_its_place(server)) > 0;
  if (!has_room_for(server)) {
    ++report_.ignored_datagrams;
    return;
  }
  report_.servers.push_back(server);
  if (is_anew && !server.is_proven) return;
  handlers_.on_server(server);
}

// Anybody may announce as many as they like; only who proves that it has the key takes the place of another.
bool Searcher::has_room_for(const FoundServer& server) {
  if (report_.servers.size() < kServersMax) return true;
  if (!server.is_proven) return false;
  const auto other = std::ranges::find_if_not(report_.servers, &FoundServer::is_proven);
  if (other == report_.servers.end()) return false;
  report_.servers.erase(other);
  return true;
}

void Searcher::count_received(const net::Endpoint& from) {
  for (InterfaceReport& each : report_.interfaces) {
    if (may_answer(each, from.host)) ++each.received;
  }
}

}  // namespace callboard::client
