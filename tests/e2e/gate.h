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

// A way to a server on which `word` arrives as `instead`, of the same length: as if who says it, or hears it, had never known
// it. Forwards any number of connections, both ways.
class Respelling {
 public:
  Respelling(const std::string& to, std::string word, std::string instead);
  ~Respelling();
  Respelling(const Respelling&) = delete;
  Respelling& operator=(const Respelling&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // How often the word was said.
  int heard() const { return heard_; }

 private:
  void forward();
  void respell(std::string& bytes);

  std::string word_;
  std::string instead_;
  std::uint16_t to_port_ = 0;
  std::uint16_t port_ = 0;
  int listening_ = -1;
  std::atomic<int> heard_{0};
  std::atomic<bool> is_ending_{false};
  std::thread thread_;
};

}  // namespace callboard::e2e
