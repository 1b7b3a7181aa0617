#include "client/finder.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "client/connection.h"
#include "protocol/faults.h"

namespace callboard::client {
namespace {

// A second server on the LAN would have answered the same question by then.
constexpr Duration kSecondAnswerGrace = 100ms;
constexpr Duration kAskAgainPeriod = 1s;

// None of them has shown that it has the key.
Error not_ours(const std::vector<FoundServer>& servers) {
  const auto keyed = std::ranges::find(servers, kKeyedAccess, &FoundServer::access);
  if (keyed == servers.end()) return open_with_key(net::Endpoint{servers[0].address, servers[0].port});
  return {Outcome::refused, "the server at " + net::to_text(net::Endpoint{keyed->address, keyed->port}) +
                                " does not take this key: it is unknown there, was revoked, its time is "
                                "over, or that is another server"};
}

// Those that may be the one of the key. What a run before this one announced anybody can say again: of those who have proven
// themselves by that alone it is the latest, and none when somebody answered.
std::vector<FoundServer> proven(std::vector<FoundServer> servers) {
  std::erase_if(servers, [](const FoundServer& each) { return !each.is_proven; });
  if (std::ranges::any_of(servers, &FoundServer::has_answered)) {
    std::erase_if(servers, [](const FoundServer& each) { return !each.has_answered; });
    return servers;
  }
  const auto latest = std::ranges::max_element(servers, {}, &FoundServer::proven_at);
  return latest == servers.end() ? servers : std::vector{*latest};
}

}  // namespace

Finder::Finder(net::Loop& loop, const SearchOptions& options, Handlers handlers)
    : project_(options.project),
      has_key_(options.key.has_value()),
      wait_(options.wait),
      handlers_(std::move(handlers)),
      searcher_(loop, options,
                {.on_server = [this](const FoundServer& server) { on_server(server); }, .on_aborted = {}}),
      ask_timer_(loop, [this] { ask_again(); }),
      decision_timer_(loop, [this] { decide(); }),
      first_word_timer_(loop, [this] { decide(); }) {
  ask_again();
  first_word_timer_.set_after(wait_);
}

void Finder::ask_again() {
  // What was heard in the last round does not count in the next: servers come and go.
  if (!decision_timer_.is_set()) searcher_.forget();
  searcher_.ask();
  ask_timer_.set_after(kAskAgainPeriod);
}

void Finder::on_server(const FoundServer&) {
  if (!decision_timer_.is_set()) decision_timer_.set_after(kSecondAnswerGrace);
}

void Finder::decide() {
  const SearchReport& report = searcher_.report();
  if (is_done_) return;
  first_word_timer_.set_after(wait_);
  if (report.servers.empty()) {
    std::string text = "no server of project " + quoted(project_) + " answers";
    if (report.other_projects > 0) text += " (servers of other projects do)";
    return say(Error{Outcome::not_found, text});
  }
  const auto meant = has_key_ ? proven(report.servers) : report.servers;
  if (meant.empty()) return say(not_ours(report.servers));
  if (meant.size() == 1) return choose(meant.front());
  std::string text = std::to_string(meant.size()) + " servers have project " + quoted(project_);
  for (const FoundServer& each : meant)
    text += (&each == &meant.front() ? ": " : ", ") + net::to_text(net::Endpoint{each.address, each.port});
  say(Error{Outcome::failed, text + "; give the one you mean with --server"});
}

void Finder::choose(const FoundServer& only) {
  if (only.access == kKeyedAccess && !has_key_) {
    return say(protocol::key_needed().prefixed(net::to_text(net::Endpoint{only.address, only.port})));
  }
  is_done_ = true;
  ask_timer_.cancel();
  first_word_timer_.cancel();
  handlers_.on_found({only.address, only.port});
}

void Finder::say(Error why) {
  if (why.text == said_) return;
  said_ = why.text;
  handlers_.on_nothing_yet(why);
}

}  // namespace callboard::client
