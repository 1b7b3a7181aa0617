#include "tests/e2e/company.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "client/client.h"
#include "tests/support/tree.h"

namespace callboard::e2e {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

// Between one ask and the next of one person: a hundred a second is a busy script.
constexpr auto kPause = 10ms;

double milliseconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e6; }

// For commands in the same folder.
void keep_key(const client::Options& options) {
  const auto path = std::filesystem::path(options.folder) / ".callboard/key";
  support::write_file(path, options.key + "\n");
  std::filesystem::permissions(path, std::filesystem::perms(0600));
}

}  // namespace

std::chrono::nanoseconds RoundTrips::part(double share) const {
  if (took.empty()) return 0ns;
  auto sorted = took;
  std::ranges::sort(sorted);
  const auto place = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(place, sorted.size() - 1)];
}

std::string RoundTrips::text() const {
  return fmt::format("{} round trips, p50 {:.2f} ms, p99 {:.2f} ms, longest {:.2f} ms", took.size(),
                     milliseconds(part(0.5)), milliseconds(part(0.99)), milliseconds(part(1)));
}

struct Company::Person {
  std::string name;
  std::size_t number = 0;
  std::unique_ptr<client::Client> client;
  std::thread thread;
};

Company::Company(Studio& studio, const std::vector<std::string>& keys) {
  for (std::size_t number = 0; number < kPeople; ++number) {
    auto person = std::make_unique<Person>();
    person->name = name_of(number);
    person->number = number;
    client::Options options;
    options.project = studio.project();
    options.user = person->name;
    options.server = studio.server_address();
    // Two have folders: the first gives what the second takes.
    if (number < 2) options.folder = studio.add_user(person->name).string();
    if (number == 0)
      support::write_file(studio.folder(person->name) / "dev/chr/Moria/moria.blend", "BLENDER");
    if (number < keys.size()) options.key = keys[number];
    if (!options.key.empty() && !options.folder.empty()) keep_key(options);
    auto started = client::Client::start(options, nullptr);
    if (!started) throw std::runtime_error(started.error().text);
    person->client = std::move(*started);
    if (const auto joined = person->client->joined().get(); !joined)
      throw std::runtime_error(person->name + ": " + joined.error().text);
    people_.push_back(std::move(person));
  }
  // What they write parts of.
  if (const auto begun = people_[0]->client->set_story("{}").get(); !begun)
    throw std::runtime_error(begun.error().text);
  for (const auto& person : people_) person->thread = std::thread([this, &one = *person] { work(one); });
}

Company::~Company() { leave(); }

void Company::leave() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  for (const auto& person : people_) person->thread.join();
  people_.clear();
}

void Company::work(Person& person) {
  client::Client& client = *person.client;
  for (std::size_t round = 0;; ++round) {
    std::string what;
    std::string failure;
    const auto began = SteadyClock::now();
    const auto heed = [&](std::string_view asked, const auto& answer) {
      what = asked;
      if (!answer) failure = answer.error().text;
    };
    if (person.number == 1 && round % 8 == 0) {
      heed("pull", client.pull({.items = {"/dev/chr/Moria"}, .from = name_of(0)})->report().get());
    } else if (round % 3 == 0) {
      heed("say", client.say("round " + std::to_string(round)).get());
    } else if (round % 3 == 1) {
      client::DocumentChange change;
      change.at = "/" + person.name;
      change.content = std::to_string(round);
      heed("story", client.change(std::move(change)).get());
    } else {
      heed("users", client.users().get());
    }
    note(person, what, failure, SteadyClock::now() - began);
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, kPause, [this] { return is_over_; })) return;
  }
}

void Company::note(const Person& person, std::string_view what, const std::string& failure,
                   std::chrono::nanoseconds took) {
  const std::lock_guard lock(mutex_);
  // A pull is several asks, a connection and a disk.
  if (what != "pull") now_.took.push_back(took);
  ++now_.of_each[person.name];
  if (!failure.empty()) now_.failures.push_back(person.name + ": " + std::string(what) + ": " + failure);
  changed_.notify_all();
}

RoundTrips Company::take(std::size_t each) {
  std::unique_lock lock(mutex_);
  const bool has_come = changed_.wait_for(lock, support::kPatience, [&] {
    return now_.of_each.size() == kPeople &&
           std::ranges::all_of(now_.of_each, [&](const auto& entry) { return entry.second >= each; });
  });
  if (!has_come) throw std::runtime_error("somebody had no answer");
  return std::exchange(now_, {});
}

}  // namespace callboard::e2e
