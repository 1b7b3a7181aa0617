#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "net/endpoint.h"

// A world for the real server and real clients, in which time, network, disk and chance come from a seed. loop.cpp and net.cpp
// have the classes of net/ once more, over this instead of the system, and the system's clock and chance (base/system.cpp);
// the linker takes these. There is one thread.
namespace callboard::sim {

using Random = std::mt19937_64;

// A computer: its clocks, and whether it runs and is reached. What is wrong with it ends by itself at the given time.
struct Machine {
  std::string name;
  std::int64_t wall_offset_ms = 0;
  std::int64_t drift_ppm = 0;  // Its clocks gain so many microseconds a second.
  Instant asleep_until{};      // Runs nothing and reads nothing.
  Instant unplugged_until{};   // What is sent from or to it is on its way until then.
  bool is_dead = false;  // Without power: what its programs had open is not closed in the eyes of others.
};

// What came over one connection, in order, as a listener beside the server's socket sees it.
class Wiretap {
 public:
  virtual ~Wiretap() = default;
  virtual void on_client_said(std::uint64_t connection, ByteView bytes) = 0;
  virtual void on_server_said(std::uint64_t connection, ByteView bytes) = 0;
  // Bytes that the server keeps for a client that does not take them.
  virtual void on_server_keeps(std::uint64_t connection, std::uint64_t unsent_bytes) = 0;
};

// One connection, for those who want to break it. Which side hears of it at once; the other does when it says something.
struct Breakable {
  virtual ~Breakable() = default;
  enum class Heard { by_both, by_client, by_server };
  virtual void break_off(Heard heard) = 0;
};

// What net::Process starts here: a program that is spoken to in lines.
class Program {
 public:
  virtual ~Program() = default;
  // What it says to that; nullopt: it crashes.
  virtual std::optional<std::vector<std::string>> on_line(const std::string& line) = 0;
};

// How unkind the network is.
struct Weather {
  Duration delay_min = 50us;
  Duration delay_max = 400us;
  std::size_t pieces_max = 2;               // In how many pieces the bytes of one write may arrive.
  std::uint64_t window_bytes = 256 * 1024;  // What the kernels of both sides hold.
  Duration turn_max = 100us;                // How long a loop may be busy before it looks at what came.
  Duration work_max = 2ms;                  // What a worker takes for a job.
};

class World {
 public:
  World(std::uint64_t seed, bool is_told);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // The one world there is; net.cpp's classes live in it.
  static World& get();

  Instant now() const { return now_; }
  void at(Instant when, std::function<void()> event);
  void after(Duration delay, std::function<void()> event) { at(now_ + delay, std::move(event)); }
  // Until nothing is due before `until`, which is the time then.
  void run_until(Instant until);

  Random& random() { return random_; }
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }
  Duration between(Duration least, Duration most);

  // Everything that is observable from outside goes in here: equal seeds have equal hashes.
  void note(std::string_view what);
  void note(std::uint64_t number);
  bool is_told() const { return is_told_; }
  std::uint64_t trace_hash() const { return hash_; }

  // Whose code runs: its clocks are the system's. Null: nobody's.
  Machine* running() const { return running_; }
  // Runs `code` as a program on that machine.
  template <class Code>
  auto on(Machine& machine, Code code) {
    const Swap swap{running_, std::exchange(running_, &machine)};
    return code();
  }
  // When two machines reach each other, at the earliest.
  Instant reachable(const Machine& a, const Machine& b) const;

  Weather weather;
  Wiretap* wiretap = nullptr;
  std::uint64_t last_connection = 0;
  std::vector<std::weak_ptr<Breakable>> connections;
  std::map<net::Endpoint, std::function<void(std::shared_ptr<void> connection)>> listeners;
  std::map<net::Endpoint, Machine*> addresses;
  std::map<std::string, std::function<std::unique_ptr<Program>()>> programs;

 private:
  struct Swap {
    Machine*& place;
    Machine* before;
    ~Swap() { place = before; }
  };

  bool is_told_;
  Random random_;
  Instant now_{};
  std::uint64_t sequence_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t hash_ = 0xcbf29ce484222325;
  Machine* running_ = nullptr;
};

}  // namespace callboard::sim
