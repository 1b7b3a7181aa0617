#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/discovery.h"
#include "net/loop.h"
#include "net/udp_socket.h"
#include "protocol/datagram.h"
#include "protocol/datagram_signature.h"

namespace callboard::client {

// Asks the network where servers are and gathers what they say: answers to its own questions, and announcements.
// An interface that cannot send is noted and passed over. Loop thread only; keeps the loop running.
class Searcher {
 public:
  struct Handlers {
    std::function<void(const FoundServer&)> on_server;  // Once per place; again for one that proves itself.
    // With a key, of those alone that signed it. May be left empty.
    std::function<void(const protocol::AbortAcknowledged&)> on_aborted;
  };

  // Whether to hear announcements, too, which come to a port that others on this machine share.
  enum class Hears { answers, all };

  Searcher(net::Loop& loop, SearchOptions options, Handlers handlers, Hears hears = Hears::all);

  // Sends the question to every interface that is up at this moment.
  void ask();
  // Sends the abort to the same places; with a key one for each server that has proven itself, signed.
  void send_abort();
  // Servers heard of before are reported anew from here on.
  void forget();

  // At most this many servers are remembered: more than a network has, and few enough to look through at each datagram.
  static constexpr std::size_t kServersMax = 64;
  const SearchReport& report() const { return report_; }

 private:
  void open_sockets(net::Loop& loop, Hears hears);
  protocol::Search question() const;
  void ask_back(const net::Endpoint& from);
  void refresh_interfaces();
  InterfaceReport& interface_report(const std::string& name, const std::string& address);
  void send_everywhere(const protocol::Datagram& datagram);
  void on_datagram(ByteView bytes, const net::Endpoint& from);
  void send_line_everywhere(const std::string& line);
  void on_announcement(const protocol::Announcement& announcement, ByteView line, const net::Endpoint& from);
  FoundServer found(const protocol::Announcement& announcement, ByteView line,
                    const net::Endpoint& from) const;
  // When, by its clock, the server wrote that; nullopt: whoever wrote it has not shown that it has our key.
  std::optional<Timestamp> proven_at(const protocol::Announcement& announcement, ByteView line) const;
  bool is_believed(const protocol::AbortAcknowledged& aborted, ByteView line) const;
  bool has_room_for(const FoundServer& server);
  void count_received(const net::Endpoint& from);

  SearchOptions options_;
  std::optional<protocol::DatagramKey> key_;  // Of `options_`.
  Handlers handlers_;
  SearchReport report_;
  std::set<std::string> asked_back_;  // Hosts.
  Instant asked_at_{};
  UniqueId nonce_;                                     // Who answers with our key has it in the answer.
  std::vector<std::pair<UniqueId, UniqueId>> aborts_;  // Signed ones that were sent: server and nonce.
  std::unique_ptr<net::UdpSocket> asking_;             // A port of its own: answers come to us alone.
  std::unique_ptr<net::UdpSocket> listening_;  // The discovery port, shared with others on this machine.
};

}  // namespace callboard::client
