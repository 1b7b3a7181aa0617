#include "client/discovery.h"

#include <algorithm>

#include "client/searcher.h"
#include "net/timer.h"

namespace callboard::client {
namespace {

// A datagram may be lost: the question is repeated this often while the search lasts.
constexpr Duration kAskPeriod = 400ms;

// Asks now and then until `enough` or the time is over.
void ask_until(net::Loop& loop, Searcher& searcher, const std::function<bool()>& enough, Duration limit) {
  net::Timer again(loop, [&] {
    searcher.ask();
    again.set_after(kAskPeriod);
  });
  searcher.ask();
  again.set_after(kAskPeriod);
  loop.run_until(enough, limit);
}

}  // namespace

SearchReport search(const SearchOptions& options, const std::function<void(const FoundServer&)>& on_server) {
  net::Loop loop;
  bool is_settled = false;
  net::Timer settle(loop, [&] { is_settled = true; });
  const auto hear = [&](const FoundServer& server) {
    if (options.settle && !settle.is_set()) settle.set_after(*options.settle);
    if (on_server) on_server(server);
  };
  Searcher searcher(loop, options, {.on_server = hear, .on_aborted = {}});
  // A datagram that is lost proves nothing against anybody: who may still prove itself is asked again until then. But a key is
  // one server's: when that has proven itself, the others never will.
  const auto is_proof_awaited = [&] {
    const auto& servers = searcher.report().servers;
    return options.key && std::ranges::none_of(servers, &FoundServer::is_proven) &&
           std::ranges::find(servers, kKeyedAccess, &FoundServer::access) != servers.end();
  };
  const auto enough = [&] {
    return (is_settled && !is_proof_awaited()) ||
           (options.first_is_enough && !searcher.report().servers.empty());
  };
  ask_until(loop, searcher, enough, options.wait);
  return searcher.report();
}

AbortReport abort_servers(const SearchOptions& options) {
  net::Loop loop;
  AbortReport report;
  const auto hear_aborted = [&](const protocol::AbortAcknowledged& aborted) {
    FoundServer server;
    server.address = aborted.address;
    server.project = aborted.project;
    server.id = aborted.id.value_or(UniqueId{});
    const auto known = [&](const FoundServer& each) {
      return each.id == server.id && each.address == server.address;
    };
    if (std::ranges::none_of(report.stopped, known)) report.stopped.push_back(server);
  };
  // Only answers count: on a machine with a server, its shared port would take what is sent to the server's own.
  Searcher searcher(loop, options, {.on_server = [](const FoundServer&) {}, .on_aborted = hear_aborted},
                    Searcher::Hears::answers);

  if (options.key) {
    const auto is_proven = [&] {
      return std::ranges::any_of(searcher.report().servers, &FoundServer::is_proven);
    };
    ask_until(loop, searcher, is_proven, options.wait / 2);
  }
  net::Timer again(loop, [&] {
    searcher.send_abort();
    again.set_after(kAskPeriod);
  });
  searcher.send_abort();
  again.set_after(kAskPeriod);
  loop.run_until([] { return false; }, options.wait / 2);
  again.cancel();

  // A server that obeys answers no more questions; whoever still does was not stopped.
  searcher.forget();
  ask_until(
      loop, searcher, [] { return false; }, options.wait / 2);
  for (const FoundServer& server : searcher.report().servers) {
    const auto obeyed = [&](const FoundServer& each) { return each.id && each.id == server.id; };
    if (std::ranges::none_of(report.stopped, obeyed)) report.running.push_back(server);
  }
  report.interfaces = searcher.report().interfaces;
  return report;
}

}  // namespace callboard::client
