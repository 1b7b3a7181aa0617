#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client/searcher.h"
#include "net/endpoint.h"
#include "net/timer.h"

namespace callboard::client {

// Looks on the network for the one server of a project. Two servers of one project are not chosen between: it says so
// and goes on looking until one is left. Loop thread only.
class Finder {
 public:
  struct Handlers {
    std::function<void(const net::Endpoint&)> on_found;  // Once; the finder is done then.
    // Why nothing was found yet: at first after `options.wait`, then whenever it changes.
    std::function<void(const Error& why)> on_nothing_yet;
  };
  Finder(net::Loop& loop, const SearchOptions& options, Handlers handlers);

 private:
  void on_server(const FoundServer& server);
  void decide();
  void choose(const FoundServer& only);
  void say(Error why);
  void ask_again();

  std::string project_;
  bool has_key_;
  Duration wait_;
  Handlers handlers_;
  Searcher searcher_;
  net::Timer ask_timer_;
  net::Timer decision_timer_;
  net::Timer first_word_timer_;
  std::string said_;
  bool is_done_ = false;
};

}  // namespace callboard::client
