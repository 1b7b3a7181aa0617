// Where the system has no means that this program knows: every folder is one that cannot be watched.
#include <utility>

#include "sync/watch.h"

namespace callboard::sync {

struct Watch::State {};

Watch::Watch(std::unique_ptr<State> state) : state_(std::move(state)) {}
Watch::~Watch() = default;

Result<std::unique_ptr<Watch>> Watch::open(const Root&, std::size_t) {
  return Error{Outcome::refused, "changes cannot be watched on this system"};
}

// No object exists.
Result<void> Watch::add(const RelativePath&, int) { return {}; }
void Watch::forget(const RelativePath&) {}
Result<void> Watch::restart() { return {}; }
std::size_t Watch::directory_count() const { return 0; }
Changes Watch::take() { return {}; }
void Watch::wait(std::optional<Duration>) {}
void Watch::wake() {}

}  // namespace callboard::sync
