#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "tests/sim/world.h"

// What stands behind net::Loop::native() here, in the place of libuv's loop.
// A loop's turns, as a World's events: each handles all that had come when it began.
struct uv_loop_s : std::enable_shared_from_this<uv_loop_s> {
  using Task = callboard::net::Loop::Task;

  callboard::sim::World& world = callboard::sim::World::get();
  callboard::sim::Machine& machine = *callboard::sim::World::get().running();
  std::deque<Task> pending;
  std::vector<Task> end_of_turn;
  bool is_turn_due = false;
  bool is_turning = false;
  bool is_closed = false;

  void post(Task task) {
    if (is_closed) return;
    pending.push_back(std::move(task));
    schedule();
  }
  void schedule() {
    if (is_turn_due || is_turning || is_closed) return;
    is_turn_due = true;
    const auto due = world.now() + world.between(std::chrono::nanoseconds(0), world.weather.turn_max);
    world.at(std::max(due, machine.asleep_until), [weak = weak_from_this()] {
      if (const auto loop = weak.lock()) loop->turn();
    });
  }
  void turn() {
    is_turn_due = false;
    if (is_closed) return;
    if (machine.asleep_until > world.now()) return schedule();
    is_turning = true;
    world.on(machine, [this] {
      for (Task& task : std::exchange(pending, {})) task();
      for (Task& task : std::exchange(end_of_turn, {})) task();
    });
    is_turning = false;
    if (!pending.empty() || !end_of_turn.empty()) schedule();
  }
};
