#include "net/process.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "tests/sim/turns.h"
#include "tests/sim/world.h"

// Processes that are a World's programs. Their contract is in the header of net/.
namespace callboard::net {

using sim::World;

struct Process::Impl : std::enable_shared_from_this<Process::Impl> {
  std::shared_ptr<uv_loop_s> turns;
  std::unique_ptr<sim::Program> program;
  Handlers handlers;
  std::string partial;
  Instant free_at{};       // When it has done what it was told so far.
  bool is_over = false;    // It runs no more.
  bool is_silent = false;  // Nobody is told.

  // Behind all that it was told before, and not while its machine sleeps.
  template <class Step>
  void then(Step step) {
    World& world = turns->world;
    free_at = std::max({free_at, world.now(), turns->machine.asleep_until}) +
              world.between(0ns, world.weather.work_max / 4);
    world.at(free_at, [weak = weak_from_this(), step] {
      const auto self = weak.lock();
      if (self && !self->is_over) step(*self);
    });
  }
  void tell(std::function<void(Handlers&)> what) {
    turns->post([weak = weak_from_this(), what = std::move(what)] {
      const auto self = weak.lock();
      if (self && !self->is_silent) what(self->handlers);
    });
  }
  void read(const std::string& text) {
    partial += text;
    for (auto end = partial.find('\n'); end != std::string::npos && !is_over; end = partial.find('\n')) {
      const std::string line = partial.substr(0, end);
      partial.erase(0, end + 1);
      const auto said = program->on_line(line);
      if (!said) return finish({1, 0});
      for (const std::string& each : *said) {
        tell([line_out = each + "\n"](const Handlers& to) { to.on_output(as_bytes(line_out)); });
      }
    }
  }
  void finish(Ending how) {
    if (std::exchange(is_over, true)) return;
    tell([how](Handlers& to) {
      const Handlers last = std::exchange(to, {});
      last.on_ended(how);
    });
  }
};

Result<std::unique_ptr<Process>> Process::start(Loop& loop, const Options& options, Handlers handlers) {
  const auto& programs = World::get().programs;
  const auto known = programs.find(options.command.front());
  if (known == programs.end()) return Error{Outcome::not_found, "there is no such program"};
  auto impl = std::make_shared<Impl>();
  impl->turns = loop.native()->shared_from_this();
  impl->program = known->second();
  impl->handlers = std::move(handlers);
  return std::unique_ptr<Process>(new Process(std::move(impl)));
}

Process::Process(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Process::~Process() { impl_->is_over = impl_->is_silent = true; }

std::int64_t Process::id() const { return 1; }
void Process::write(Bytes bytes) {
  impl_->then([text = std::string(as_text(bytes))](Impl& self) { self.read(text); });
}
std::uint64_t Process::unsent_bytes() const { return 0; }
void Process::close_input() {
  impl_->then([](Impl& self) { self.finish({0, 0}); });
}
void Process::terminate() { impl_->finish({0, 15}); }
void Process::kill() { impl_->finish({0, 9}); }

std::string to_text(const Process::Ending& ending) {
  if (ending.signal != 0) return "signal " + std::to_string(ending.signal);
  return "exit code " + std::to_string(ending.exit_code);
}

}  // namespace callboard::net
