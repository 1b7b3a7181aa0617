#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/e2e/studio.h"

namespace callboard::e2e {

// How long each ask of honest people took while something went on.
struct RoundTrips {
  std::vector<std::chrono::nanoseconds> took;
  std::map<std::string, std::size_t> of_each;  // How many each person had.
  std::vector<std::string> failures;           // "artist-3: say: …".

  std::chrono::nanoseconds part(double share) const;  // 0.99: p99.
  std::string text() const;
};

// Ten people at work on a studio's server, each with a library's client and a thread: they say something, write to the story,
// ask who is here, and one of them pulls from another, a hundred times a second each at most. Members of the test's thread.
class Company {
 public:
  static constexpr std::size_t kPeople = 10;

  // `keys`: the line of each person's key; none on an open server. Throws when somebody cannot join.
  explicit Company(Studio& studio, const std::vector<std::string>& keys = {});
  ~Company();
  Company(const Company&) = delete;
  Company& operator=(const Company&) = delete;

  static std::string name_of(std::size_t person) { return "artist-" + std::to_string(person); }

  // What was answered since the last call, once that are at least `each` asks of everybody. Throws when they get none in time.
  RoundTrips take(std::size_t each = 1);
  // Everybody finishes what they are at, and leaves.
  void leave();

 private:
  struct Person;
  void work(Person& person);
  void note(const Person& person, std::string_view what, const std::string& failure,
            std::chrono::nanoseconds took);

  std::mutex mutex_;
  std::condition_variable changed_;
  RoundTrips now_;
  bool is_over_ = false;
  std::vector<std::unique_ptr<Person>> people_;
};

}  // namespace callboard::e2e
