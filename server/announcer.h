#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/udp_socket.h"
#include "protocol/datagram.h"
#include "server/announce_plan.h"
#include "server/audit.h"
#include "server/event_log.h"
#include "server/gate.h"

namespace callboard::server {

// Makes one server known (docs/protocol.md, section 1): announces it every second, answers searches at once, hears
// aborts. Nothing here can keep the server from running: what cannot send or be opened is logged once and tried again.
// Loop thread only.
class Announcer {
 public:
  struct Options {
    std::string project;
    UniqueId server;
    std::uint16_t session_port = 0;
    std::uint16_t discovery_port = 0;
    AnnouncePolicy policy;
    Gate* gate = nullptr;    // Null: the server never has keys.
    Audit* audit = nullptr;  // Null: nothing is noted there.
  };
  // An abort for this project came, and was acknowledged. `from` is the sender's address.
  using AbortHandler = std::function<void(const std::string& from)>;

  Announcer(net::Loop& loop, Options options, EventLog& log, AbortHandler on_abort);

  // Broadcasts a line for the terminals that listen.
  void send_terminal_line(std::string_view time_of_day, std::string_view user, std::string_view text);

 private:
  void open();
  void on_tick();
  void on_datagram(ByteView bytes, const net::Endpoint& from);
  bool is_keyed() const { return options_.gate != nullptr && options_.gate->is_keyed(); }
  void on_search(const protocol::Search& search, const net::Endpoint& from);
  void on_abort(const protocol::Abort& abort, ByteView line, const net::Endpoint& from);
  // By a key that may stop this server, and now.
  bool is_believed(const protocol::Abort& abort, ByteView line) const;
  void on_ignored_abort(const protocol::Abort& abort, const net::Endpoint& from);
  void note_abort(const protocol::Abort& abort, const net::Endpoint& from, std::string what,
                  std::string text);
  protocol::Announcement announcement(const std::string& own_address) const;
  void announce();
  void send(const protocol::Datagram& datagram, const net::Endpoint& to, const std::string& via);
  void send_line(const std::string& line, const net::Endpoint& to, const std::string& via);

  net::Loop& loop_;
  Options options_;
  EventLog& log_;
  AbortHandler on_abort_;
  std::vector<net::Interface> interfaces_;
  std::vector<AnnounceTarget> targets_;
  std::set<std::string>
      failing_;  // Destinations that could not be sent to; each is logged once until it works again.
  bool is_open_failing_ = false;
  std::uint64_t ignored_aborts_ = 0;  // Since one was logged last.
  std::optional<Instant> abort_logged_;
  std::unique_ptr<net::UdpSocket> socket_;
  net::Timer timer_;
};

}  // namespace callboard::server
