#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace callboard::e2e {

// A way to a server that can be shut: forwards one TCP connection, and keeps back what the client says from the first
// piece on that contains `word`, until open(). So a test decides what arrives first.
class Gate {
 public:
  // `to` is "127.0.0.1:PORT".
  Gate(const std::string& to, std::string word);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  std::string address() const;  // Where clients connect to, as HOST:PORT.
  // Waits until something is kept back; false when nothing is in 30 s.
  bool wait_until_held() const;
  void open() { is_open_ = true; }

 private:
  void forward();

  std::string word_;
  std::uint16_t to_port_ = 0;
  std::uint16_t port_ = 0;
  int listening_ = -1;
  std::atomic<bool> is_open_{false};
  std::atomic<bool> is_holding_{false};
  std::atomic<bool> is_ending_{false};
  std::thread thread_;
};

}  // namespace callboard::e2e
