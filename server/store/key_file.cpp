#include "server/store/key_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <system_error>
#include <thread>
#include <utility>

#include "base/file_content.h"
#include "base/limits.h"
#include "base/text.h"
#include "server/store/data_folder.h"

namespace callboard::server {
namespace {

constexpr std::uint64_t kKeyFileMax = 16 * MiB;  // Of 10,000 keys, each with the longest name.
// Others hold the lock for moments. One that stands still must not hold a server that wants to stop.
constexpr auto kLockPause = std::chrono::milliseconds(20);
constexpr int kLockTries = kKeysLockLimit / kLockPause;

}  // namespace

KeyFileSystem key_file_system() {
  return {[](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }, ::fsync};
}

KeyFile::KeyFile(const std::filesystem::path& data, std::string_view project, KeyFileSystem system)
    : path_(data / folder_name(project) / "keys"),
      changes_path_(path_.native() + ".changes"),
      system_(std::move(system)) {}

Result<std::optional<KeyRing>> KeyFile::read() const {
  const std::string doing = "keys " + callboard::quoted(path_.native());
  const Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return std::optional<KeyRing>();
  if (!file) return os_error("open " + doing, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return os_error("look at " + doing, errno);
  if ((status.st_mode & 077) != 0) {
    return Error{Outcome::refused,
                 doing + ": others can read them; run: chmod 600 '" + escaped(path_.native()) + "'"};
  }
  const auto bytes = read_content(file.get(), kKeyFileMax);
  if (!bytes) return bytes.error().prefixed(doing);
  auto ring = key_ring_from(*bytes);
  if (!ring) return ring.error().prefixed(doing);
  return std::optional<KeyRing>(std::move(*ring));
}

// A file of its own, since the others are replaced.
Result<Fd> KeyFile::lock() const {
  const std::string lock_path = path_.native() + ".lock";
  Fd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  const std::string doing = "lock " + callboard::quoted(lock_path);
  if (!lock) return os_error(doing, errno);
  for (int tries = 0; ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
    if (errno != EWOULDBLOCK && errno != EINTR) return os_error(doing, errno);
    if (tries >= kLockTries) return Error{Outcome::locked, doing + ": another process holds it"};
    system_.pause(kLockPause);
  }
  return lock;
}

Result<void> KeyFile::update(const std::function<Result<void>(KeyRing&)>& change,
                             const KeyChanger& by) const {
  if (auto made = make_data_folder(path_.parent_path()); !made) return made;
  const auto locked = lock();
  if (!locked) return locked.error();
  auto ring = read();
  if (!ring) return ring.error();
  const KeyRing before = std::move(*ring).value_or(KeyRing{});
  KeyRing changed = before;
  if (auto done = change(changed); !done) return done;
  // First: what was done to the keys without a trace is worse than a trace of what was not done.
  if (auto noted = note(before, changed, by); !noted)
    return noted.error().prefixed("the keys are as they were");
  return write(changed);
}

Result<void> KeyFile::write(const KeyRing& ring) const { return replace(path_, encoded(ring)); }

Result<void> KeyFile::replace(const std::filesystem::path& path, ByteView content) const {
  const std::string fresh = path.native() + ".new";
  const std::string doing = "write " + callboard::quoted(path.native());
  {
    // Never with the mode of one that was left there.
    static_cast<void>(::unlink(fresh.c_str()));
    const Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return os_error(doing, errno);
    if (auto written = write_content(file.get(), content); !written) return written.error().prefixed(doing);
    if (::fsync(file.get()) != 0) return os_error(doing, errno);
  }
  // Before it takes effect: what cannot be opened then would make a failure of what is done.
  const Fd folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || std::rename(fresh.c_str(), path.c_str()) != 0) return os_error(doing, errno);
  if (system_.sync(folder.get()) == 0) return {};
  return os_error(
      callboard::quoted(path.native()) + " is changed, but may be as before when the machine goes down",
      errno);
}

// --- What was done to them --------------------------------------------------------------------------------------------

Result<KeyChanges> KeyFile::changes() const {
  const std::string doing = "read " + callboard::quoted(changes_path_.native());
  const Fd file(::open(changes_path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return KeyChanges();
  if (!file) return os_error(doing, errno);
  const auto bytes = read_content(file.get(), 2 * kKeyChangesBytesMax);
  if (!bytes) return bytes.error().prefixed(doing);
  return key_changes_from(*bytes);
}

Result<void> KeyFile::note(const KeyRing& before, const KeyRing& now, const KeyChanger& by) const {
  std::vector<AuditEntry> entries = changes_between(before, now);
  if (entries.empty()) return {};
  auto known = changes();
  if (!known) return known.error();
  const Timestamp time = system_clock().wall();
  for (AuditEntry& entry : entries) {
    entry.timestamp = time;
    entry.user = by.user;
    entry.from = by.from;
    KeyChange change{.id = make_operation_id(time, system_random()), .entry = std::move(entry)};
    const KeyEntry* old = before.find_name(change.entry.about);
    if (old != nullptr && change.entry.key != old->key.identity) change.replaces = old->key.identity;
    known->changes.push_back(std::move(change));
  }
  const std::string lines = to_lines(*known);
  if (lines.size() > kKeyChangesBytesMax) {
    return Error{Outcome::refused,
                 callboard::quoted(changes_path_.native()) +
                     ": start the server once, so that it takes what is in there into its log"};
  }
  return replace(changes_path_, as_bytes(lines));
}

Result<void> KeyFile::forget_changes(const std::vector<UniqueId>& ids) const {
  const auto locked = lock();
  if (!locked) return locked.error();
  auto known = changes();
  if (!known) return known.error();
  std::erase_if(known->changes,
                [&](const KeyChange& each) { return std::ranges::find(ids, each.id) != ids.end(); });
  return replace(changes_path_, as_bytes(to_lines(*known)));
}

}  // namespace callboard::server
