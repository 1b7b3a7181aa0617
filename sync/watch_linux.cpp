// inotify: one queue for all directories, each a watch descriptor. Descriptors belong to directories, not to paths, so a
// renamed directory keeps its own and tells under its old path until it is added again or forgotten.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/fd.h"
#include "base/limits.h"
#include "base/text.h"
#include "sync/file_systems_linux.h"
#include "sync/watch.h"

namespace callboard::sync {
namespace {

constexpr std::uint32_t kMask = IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM |
                                IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR | IN_EXCL_UNLINK;
constexpr std::size_t kEventBytes = 64 * KiB;
static_assert(kEventBytes >= sizeof(inotify_event) + kPathComponentMaxBytes + 1);

// FUSE stands for sshfs and the like: what the far side changes is not
// told here.
constexpr std::array<std::uint32_t, 10> kToldElsewhere = {
    file_system::kNfs, file_system::kSmb, file_system::kSmb2, file_system::kCifs,   file_system::kFuse,
    file_system::k9p,  file_system::kAfs, file_system::kCeph, file_system::kLustre, file_system::kGpfs};

Result<void> check_file_system(int fd) {
  struct statfs system {};
  if (::fstatfs(fd, &system) != 0) return os_error("look at the file system", errno);
  const auto type = static_cast<std::uint32_t>(system.f_type);
  if (std::find(kToldElsewhere.begin(), kToldElsewhere.end(), type) == kToldElsewhere.end()) return {};
  return Error{Outcome::refused, "changes made elsewhere are not told on this file system"};
}

Result<Fd> open_queue() {
  Fd queue(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (queue) return queue;
  if (errno == EMFILE) {
    return Error{Outcome::refused, "too many programs watch folders (fs.inotify.max_user_instances)"};
  }
  return os_error("watch", errno);
}

Error watch_error(int cause) {
  if (cause == ENOSPC) {
    return Error{Outcome::refused, "too many folders to watch (fs.inotify.max_user_watches)"};
  }
  return os_error("watch", cause);
}

std::string joined(const std::string& directory, std::string_view name) {
  return directory.empty() ? std::string(name) : directory + "/" + std::string(name);
}

void note(NameChange& change, std::uint32_t mask) {
  const bool is_directory = (mask & IN_ISDIR) != 0;
  if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
    change = NameChange{};
    change.came_as_directory = is_directory;
    change.was_made = !is_directory && (mask & IN_CREATE) != 0;
    change.was_renamed_here = !is_directory && (mask & IN_MOVED_TO) != 0;
  }
  if ((mask & (IN_DELETE | IN_MOVED_FROM)) != 0) change = NameChange{};
  if ((mask & IN_MODIFY) != 0) change.writing = NameChange::Writing::open;
  if ((mask & IN_CLOSE_WRITE) != 0) change.writing = NameChange::Writing::closed;
}

}  // namespace

struct Watch::State {
  Fd queue;
  Fd waker;
  std::size_t directories_max = 0;
  std::map<std::string, int> by_path;
  std::unordered_map<int, const std::string*> by_watch;  // Keys of by_path.

  // The half of a rename that was read last, while its other half may follow.
  std::uint32_t moved_cookie = 0;
  std::string moved_from;

  void read_event(const inotify_event& event, std::string_view name, Changes& changes);
  void note_move(const inotify_event& event, const std::string& path, Changes& changes);
  void drop(std::map<std::string, int>::iterator first, std::map<std::string, int>::iterator last);
};

Watch::Watch(std::unique_ptr<State> state) : state_(std::move(state)) {}
Watch::~Watch() = default;

Result<std::unique_ptr<Watch>> Watch::open(const Root& root, std::size_t directories_max) {
  if (auto checked = check_file_system(root.fd()); !checked) return checked.error();
  auto state = std::make_unique<State>();
  auto queue = open_queue();
  if (!queue) return queue.error();
  state->queue = *std::move(queue);
  state->waker = Fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!state->waker) return os_error("watch", errno);
  state->directories_max = directories_max;
  return std::unique_ptr<Watch>(new Watch(std::move(state)));
}

Result<void> Watch::add(const RelativePath& directory, int fd) {
  State& state = *state_;
  if (auto checked = check_file_system(fd); !checked)
    return checked.error().prefixed(quoted(directory.to_item()));
  const auto known = state.by_path.find(directory.bytes());
  if (known == state.by_path.end() && state.by_path.size() >= state.directories_max)
    return watch_error(ENOSPC);
  // The open directory itself, whatever its path leads to by now.
  const int watch =
      ::inotify_add_watch(state.queue.get(), ("/proc/self/fd/" + std::to_string(fd)).c_str(), kMask);
  if (watch < 0) return watch_error(errno);
  if (known != state.by_path.end()) {
    if (known->second == watch) return {};
    state.drop(known, std::next(known));
  }
  // Known under another path.
  if (const auto other = state.by_watch.find(watch); other != state.by_watch.end()) {
    state.by_path.erase(state.by_path.find(*other->second));
  }
  const auto added = state.by_path.emplace(directory.bytes(), watch).first;
  state.by_watch[watch] = &added->first;
  return {};
}

void Watch::State::drop(std::map<std::string, int>::iterator first,
                        std::map<std::string, int>::iterator last) {
  for (; first != last; first = by_path.erase(first)) {
    // Fails when the directory is gone: then the system has dropped it already.
    static_cast<void>(::inotify_rm_watch(queue.get(), first->second));
    by_watch.erase(first->second);
  }
}

void Watch::forget(const RelativePath& directory) {
  State& state = *state_;
  if (directory.is_root()) return state.drop(state.by_path.begin(), state.by_path.end());
  if (const auto own = state.by_path.find(directory.bytes()); own != state.by_path.end()) {
    state.drop(own, std::next(own));
  }
  // '0' follows '/'.
  state.drop(state.by_path.lower_bound(directory.bytes() + '/'),
             state.by_path.lower_bound(directory.bytes() + '0'));
}

Result<void> Watch::restart() {
  auto queue = open_queue();
  if (!queue) return queue.error();
  state_->queue = *std::move(queue);
  state_->by_path.clear();
  state_->by_watch.clear();
  state_->moved_cookie = 0;
  return {};
}

std::size_t Watch::directory_count() const { return state_->by_path.size(); }

Changes Watch::take() {
  Changes changes;
  alignas(inotify_event) std::array<char, kEventBytes> buffer;
  for (;;) {
    const ssize_t size = ::read(state_->queue.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return changes;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* const name = buffer.data() + at + sizeof event;
      state_->read_event(event, {name, event.len > 0 ? ::strnlen(name, event.len) : 0}, changes);
      at += sizeof event + event.len;
    }
  }
}

void Watch::State::read_event(const inotify_event& event, std::string_view name, Changes& changes) {
  if ((event.mask & (IN_Q_OVERFLOW | IN_UNMOUNT)) != 0) changes.everything = true;
  const auto found = by_watch.find(event.wd);
  if (found == by_watch.end()) return;
  const std::string& directory = *found->second;
  if ((event.mask & IN_IGNORED) != 0) {
    // Its parent tells that it went; the project folder has none that would.
    if (directory.empty()) changes.everything = true;
    by_path.erase(by_path.find(directory));
    by_watch.erase(found);
    return;
  }
  if (directory.empty() && name == kPrivateFolder) return;
  if (name.empty() && !directory.empty()) return;
  note(changes.directories[directory][std::string(name)], event.mask);
  note_move(event, joined(directory, name), changes);
}

// The kernel puts both halves of a rename into the queue one after the other; those of another thread may stand between.
void Watch::State::note_move(const inotify_event& event, const std::string& path, Changes& changes) {
  if ((event.mask & IN_ISDIR) == 0) return;
  if ((event.mask & IN_MOVED_FROM) != 0) {
    moved_cookie = event.cookie;
    moved_from = path;
  } else if ((event.mask & IN_MOVED_TO) != 0 && event.cookie == moved_cookie && moved_cookie != 0) {
    changes.moves.push_back({moved_from, path});
    moved_cookie = 0;
  }
}

void Watch::wait(std::optional<Duration> limit) {
  std::array<pollfd, 2> ready{{{state_->queue.get(), POLLIN, 0}, {state_->waker.get(), POLLIN, 0}}};
  int limit_ms = -1;
  if (limit) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::max(*limit, Duration::zero())).count();
    limit_ms = static_cast<int>(std::min<std::int64_t>(ms, std::numeric_limits<int>::max()));
  }
  if (::poll(ready.data(), ready.size(), limit_ms) <= 0 || ready[1].revents == 0) return;
  std::uint64_t count = 0;
  // Only to make it 0 again.
  [[maybe_unused]] const ssize_t size = ::read(state_->waker.get(), &count, sizeof count);
}

void Watch::wake() {
  const std::uint64_t one = 1;
  // Fails only when it is full, and then it wakes already.
  [[maybe_unused]] const ssize_t written = ::write(state_->waker.get(), &one, sizeof one);
}

}  // namespace callboard::sync
