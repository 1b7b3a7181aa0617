#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "protocol/codec.h"
#include "protocol/frame.h"

namespace callboard::e2e {

// A bare connection to a server on loopback, from an address of 127.0.0.0/8 other than honest people's. Nothing in it blocks.
class Stranger {
 public:
  // From 127.0.0.`from`; `receive_bytes`: of the kernel's buffer, 0 for its own choice.
  Stranger(const std::string& server, int from, int receive_bytes = 0);

  // As much as the kernel takes now; the rest is dropped.
  void send(ByteView bytes);
  void send(std::string_view bytes) { send(as_bytes(bytes)); }
  void say(const protocol::ClientMessage& message);
  // A frame of this JSON, whatever it says.
  void say_json(std::string_view json, std::string_view attachment = {});
  // Everything of a visit's join at once; the turn is the stranger's then.
  void visit(const std::string& name, const std::string& project);

  // What has come since the last call.
  Bytes take();
  // What the server said next of this kind; nullopt: it closed before, or nothing came in time.
  template <class T>
  std::optional<T> wait_for() {
    while (auto message = next()) {
      if (auto* wanted = std::get_if<T>(&*message)) return std::move(*wanted);
    }
    return std::nullopt;
  }
  // Waits until something came or the server closed; false when nothing does in time.
  bool wait_readable() const;
  // Drops what comes until the server closes; false when it does not in time.
  bool wait_for_end();
  bool is_ended() const { return is_ended_; }

 private:
  std::optional<protocol::ServerMessage> next();

  Fd fd_;
  protocol::FrameReader reader_{kFrameMax};
  bool is_ended_ = false;
};

// A datagram to 127.0.0.1.
class Datagrams {
 public:
  explicit Datagrams(std::uint16_t port);
  void send(std::string_view text) const;

 private:
  Fd fd_;
  std::uint16_t port_;
};

// Resident bytes of a process.
std::uint64_t resident_bytes_of(pid_t process);
// In bytes, mapped or only set aside.
std::uint64_t address_space_of(pid_t process);

}  // namespace callboard::e2e
