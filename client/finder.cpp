#include "client/finder.h"

#include <utility>

#include "base/text.h"

namespace callboard::client {
namespace {

// A second server on the LAN would have answered the same question by then.
constexpr Duration kSecondAnswerGrace = 100ms;
constexpr Duration kAskAgainPeriod = 1s;

}  // namespace

Finder::Finder(net::Loop& loop, const SearchOptions& options, Handlers handlers)
    : project_(options.project),
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
  if (report.servers.size() == 1) {
    is_done_ = true;
    ask_timer_.cancel();
    first_word_timer_.cancel();
    const FoundServer& only = report.servers.front();
    return handlers_.on_found({only.address, only.port});
  }
  std::string text = std::to_string(report.servers.size()) + " servers have project " + quoted(project_);
  for (const FoundServer& each : report.servers)
    text += (&each == &report.servers.front() ? ": " : ", ") +
            net::to_text(net::Endpoint{each.address, each.port});
  say(Error{Outcome::failed, text + "; give the one you mean with --server"});
}

void Finder::say(Error why) {
  if (why.text == said_) return;
  said_ = why.text;
  handlers_.on_nothing_yet(why);
}

}  // namespace callboard::client
