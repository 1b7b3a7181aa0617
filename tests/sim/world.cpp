#include "tests/sim/world.h"

#include <algorithm>
#include <cstdio>

#include "base/ensure.h"

namespace callboard::sim {
namespace {

World* the_world = nullptr;

}  // namespace

World::World(std::uint64_t seed, bool is_told) : is_told_(is_told), random_(seed) {
  ENSURE(the_world == nullptr);
  the_world = this;
}

World::~World() {
  events_.clear();
  the_world = nullptr;
}

World& World::get() {
  ENSURE(the_world != nullptr);
  return *the_world;
}

void World::at(Instant when, std::function<void()> event) {
  events_.emplace(std::pair(std::max(when, now_), ++sequence_), std::move(event));
}

void World::run_until(Instant until) {
  while (!events_.empty() && events_.begin()->first.first <= until) {
    auto next = events_.extract(events_.begin());
    now_ = next.key().first;
    next.mapped()();
  }
  now_ = until;
}

Duration World::between(Duration least, Duration most) {
  if (most <= least) return least;
  return least +
         Duration(static_cast<std::int64_t>(below(static_cast<std::uint64_t>((most - least).count()))));
}

void World::note(std::string_view what) {
  for (const char c : what) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  note(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  if (!is_told_) return;
  const auto ms = std::chrono::duration_cast<std::chrono::microseconds>(now_.time_since_epoch()).count();
  std::fprintf(stderr, "%12.6f %.*s\n", static_cast<double>(ms) / 1e6, static_cast<int>(what.size()),
               what.data());
}

void World::note(std::uint64_t number) { hash_ = (hash_ ^ number) * 0x9e3779b97f4a7c15; }

Instant World::reachable(const Machine& a, const Machine& b) const {
  return std::max({now_, a.unplugged_until, b.unplugged_until});
}

}  // namespace callboard::sim
