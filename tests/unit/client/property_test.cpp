// Random trees, random edits of both sides, a connection that breaks at any byte, system calls that fail, a taker that dies
// between any two of them: no file is ever half, nothing that was made here is lost, and one pull that nobody disturbs makes
// the taker's copy what the giver has. CALLBOARD_SEED=N repeats one world; CALLBOARD_PROPERTY_SECONDS=S goes on for so long.
#include <catch2/catch.hpp>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "sync/hash.h"
#include "sync/stager.h"
#include "tests/support/tree.h"
#include "tests/unit/client/transfer_rig.h"

namespace callboard::client::property_test {
namespace {

namespace fs = std::filesystem;
using support::read_file;
using support::write_file;

constexpr int kWorlds = 25;
constexpr int kRounds = 8;

Digest digest_of(const std::string& content) { return sync::digest_of(as_bytes(content)); }

// Random, and the same for the same seed.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  bool one_in(std::uint64_t times) { return below(times) == 0; }
  template <class T>
  const T& any(const std::vector<T>& of) {
    return of[below(of.size())];
  }
  std::string content() {
    std::string bytes(size_bytes(), '\0');
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
      const std::uint64_t word = random_();
      std::copy_n(reinterpret_cast<const char*>(&word), std::min(sizeof word, bytes.size() - at),
                  bytes.data() + at);
    }
    return bytes;
  }

 private:
  // Around every threshold; the large ones seldom.
  std::size_t size_bytes() {
    if (one_in(80)) return any<std::uint64_t>({8 * MiB, 8 * MiB + 1, 9 * MiB + 77}) - below(2);
    if (one_in(40)) return sync::kResumeMin - 1 + below(3);
    if (one_in(8)) return kSmallFileMax - 1 + below(3);
    return any<std::uint64_t>({0, 1, 2, 17, 100, 4095, 4096, 4097, 60'000});
  }

  std::mt19937_64 random_;
};

const std::vector<std::string>& names() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> made{"a", "b", "c.blend", "d", "0001.exr.tmp", "e f"};
    for (const std::string& name : support::awkward_names()) made.push_back(name);
    return made;
  }();
  return all;
}

// Everything that was ever whole under a name, on either side.
class History {
 public:
  void note(const std::string& path, const std::string& content) {
    const Digest digest = digest_of(content);
    const std::lock_guard lock(mutex_);
    known_[path].insert(digest.bytes);
  }
  void note_all(const fs::path& top, const fs::path& at) {
    const auto note_file = [&](const fs::path& file) {
      if (fs::is_regular_file(fs::symlink_status(file)))
        note(file.lexically_relative(top).native(), read_file(file));
    };
    note_file(at);
    if (!fs::is_directory(fs::symlink_status(at))) return;
    for (const auto& entry : fs::recursive_directory_iterator(at)) note_file(entry.path());
  }
  bool has(const std::string& path, const std::string& content) {
    const Digest digest = digest_of(content);
    const std::lock_guard lock(mutex_);
    return known_[path].contains(digest.bytes);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::set<decltype(Digest::bytes)>> known_;
};

// The first file under a real name that is no whole version of it; empty when there is none. Names may go meanwhile.
std::string half_file(const fs::path& top, History& history, std::uint64_t size_max_bytes) {
  std::error_code gone;
  for (fs::recursive_directory_iterator at(top, gone), end; !gone && at != end; at.increment(gone)) {
    if (at.depth() == 0 && at->path().filename() == ".callboard") {
      at.disable_recursion_pending();
      continue;
    }
    std::error_code missing;
    if (at->symlink_status(missing).type() != fs::file_type::regular || missing) continue;
    if (const auto size = at->file_size(missing); missing || size > size_max_bytes) continue;
    std::string content;
    try {
      content = read_file(at->path());
    } catch (const std::runtime_error&) {
      continue;
    }
    const std::string path = at->path().lexically_relative(top).native();
    if (!history.has(path, content)) return path;
  }
  return {};
}

// System calls one of which may fail, or from one of which on all do, as when the program is dead; looks now and then
// whether something half has a name.
class UnluckyOps final : public sync::FileOps {
 public:
  struct Plan {
    std::uint64_t seed = 0;
    int fails_at = -1;  // The number of a call.
    int dies_at = -1;
  };
  UnluckyOps(Plan plan, fs::path top, History& history)
      : plan_(plan), top_(std::move(top)), history_(history), dice_(plan.seed) {}
  std::string half() const {
    const std::lock_guard lock(mutex_);
    return half_;
  }

 protected:
  int fault(sync::FileCall, const std::string&) override {
    const std::lock_guard lock(mutex_);
    const int number = calls_++;
    if (dice_.one_in(60) && half_.empty()) half_ = half_file(top_, history_, 1 * MiB);
    if (plan_.dies_at >= 0 && number >= plan_.dies_at) return EIO;
    return number == plan_.fails_at ? ENOSPC : 0;
  }

 private:
  const Plan plan_;
  const fs::path top_;
  History& history_;
  mutable std::mutex mutex_;
  Dice dice_;
  int calls_ = 0;
  std::string half_;
};

class World {
 public:
  explicit World(std::uint64_t seed) : dice_(seed) {
    // Wide enough for several buckets, with the folders among them.
    for (int i = dice_.one_in(2) ? 160 : 0; i > 0; --i)
      write_file(rig_.giver() / (static_cast<char>('a' + i % 6) + std::to_string(i)), dice_.any(names()));
    history_.note_all(rig_.giver(), rig_.giver());
    for (int i = 0; i < 25; ++i) edit_giver();
  }

  void round() {
    for (std::uint64_t i = dice_.below(8); i > 0; --i) edit_giver();
    for (std::uint64_t i = dice_.below(3); i > 0; --i) edit_taker();
    RunOptions options;
    if (dice_.one_in(2)) options.request.compress = Compression::always;
    options.request.mirror = options.request.agree_to_removals = dice_.one_in(3);
    if (dice_.one_in(2)) options.cut_after_bytes = dice_.one_in(2) ? dice_.below(3000) : dice_.below(4 * MiB);
    UnluckyOps::Plan plan{.seed = dice_.below(1 << 30)};
    if (dice_.one_in(3)) plan.dies_at = static_cast<int>(dice_.below(400));
    if (dice_.one_in(4)) plan.fails_at = static_cast<int>(dice_.below(400));
    UnluckyOps ops(plan, rig_.taker(), history_);
    options.ops = &ops;
    Dice during(dice_.below(1 << 30));
    if (dice_.one_in(2)) {
      options.while_reading = [&](const sync::RelativePath&) {
        if (during.one_in(20)) edit_giver();
      };
    }
    rig_.pull(options);
    CHECK(ops.half() == "");
    check_safe();
  }

  void finish() {
    UnluckyOps ops({.seed = dice_.below(1 << 30)}, rig_.taker(), history_);
    RunOptions options;
    options.ops = &ops;
    options.request.mirror = true;
    options.request.agree_to_removals = true;
    const Ends ends = rig_.pull(options);
    INFO(ends.pull.text << " / " << ends.give.text);
    CHECK(ends.pull.outcome == (ends.pull.conflicts.empty() ? Outcome::done : Outcome::superseded));
    for (const PullProblem& problem : ends.pull.problems) CHECK(problem.error.text == "");
    CHECK(ops.half() == "");
    check_safe();
    CHECK(differences() == std::vector<std::string>{});
    // What a broken pull left for the next one, and nothing asked for any more, waits for its day to be over.
    for (const std::string& name : rig_.temporary_files()) CHECK_THAT(name, Catch::Contains("/tmp/kept/"));
    CHECK(rig_.pull().pull.files == 0);
  }

 private:
  void edit_giver();
  void edit_taker();
  void replace_kind(const fs::path& path);
  void rename_something();
  void check_safe();
  // But for what is refused on the taker's side, which no pull touches, and the folders it keeps.
  std::vector<std::string> differences() const;
  fs::path some_place(const fs::path& top);
  std::vector<fs::path> all_in_giver() const;
  void write_some_way(const fs::path& path, const std::string& content);

  TransferRig rig_;
  Dice dice_;
  History history_;
  std::vector<std::pair<std::string, std::string>>
      precious_;                // Made on the taker's side alone: path and content.
  std::set<std::string> kept_;  // Refused on the taker's side, and the folders it is in.
};

// In a folder that is there, or one or two below; never through a link or a file.
fs::path World::some_place(const fs::path& top) {
  fs::path place = top;
  for (std::uint64_t depth = dice_.below(4); depth > 0; --depth) {
    const fs::path next = place / dice_.any(names());
    const auto type = fs::symlink_status(next).type();
    if (type != fs::file_type::not_found && type != fs::file_type::directory) break;
    place = next;
  }
  return place / dice_.any(names());
}

std::vector<fs::path> World::all_in_giver() const {
  std::vector<fs::path> all;
  for (fs::recursive_directory_iterator at(rig_.giver()), end; at != end; ++at) {
    if (at.depth() == 0 && at->path().filename() == ".callboard") {
      at.disable_recursion_pending();
    } else {
      all.push_back(at->path());
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

// As editors do: in place, or beside and then renamed.
void World::write_some_way(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  if (fs::is_directory(fs::symlink_status(path))) return;
  if (dice_.one_in(2) && !fs::is_symlink(path)) {
    if (fs::exists(path)) fs::permissions(path, fs::perms(0600));
    write_file(path, content);
  } else {
    const fs::path beside = rig_.giver().parent_path() / "being written";
    write_file(beside, content);
    fs::rename(beside, path);
  }
}

void World::replace_kind(const fs::path& path) {
  const auto type = fs::symlink_status(path).type();
  fs::remove_all(path);
  if (type == fs::file_type::directory) {
    write_some_way(path, dice_.content());
  } else {
    write_some_way(path / dice_.any(names()), dice_.content());
  }
}

void World::rename_something() {
  const auto all = all_in_giver();
  const fs::path from = all[dice_.below(all.size())];
  const fs::path to = some_place(rig_.giver());
  std::error_code refused;  // Over what is there, into itself.
  fs::create_directories(to.parent_path(), refused);
  if (!fs::is_symlink(from)) fs::rename(from, to, refused);
  if (!refused) history_.note_all(rig_.giver(), to);
}

void World::edit_giver() {
  const auto all = all_in_giver();
  const fs::path old = all.empty() ? fs::path() : all[dice_.below(all.size())];
  const bool is_file = !all.empty() && fs::is_regular_file(fs::symlink_status(old));
  const std::uint64_t kind = all.empty() ? 0 : dice_.below(12);
  fs::path place = some_place(rig_.giver());
  if (kind < 4 || (kind == 4 && !is_file)) {
    write_some_way(place, dice_.content());
  } else if (kind < 7 && is_file) {
    write_some_way(place = old, dice_.one_in(3) ? read_file(old) + dice_.content() : dice_.content());
  } else if (kind == 7) {
    fs::remove_all(old);
  } else if (kind == 8) {
    rename_something();
  } else if (kind == 9) {
    replace_kind(place = old);
  } else if (kind == 10) {
    if (!fs::exists(fs::symlink_status(place))) {
      fs::create_directories(dice_.one_in(2) ? place : place.parent_path());
      if (!fs::exists(place)) fs::create_symlink(dice_.any(names()), place);
    }
  } else if (!fs::is_symlink(old)) {
    const auto mode = static_cast<unsigned>(is_file ? dice_.any<std::uint64_t>({0644, 0755, 0400, 0600, 0664})
                                                    : dice_.any<std::uint64_t>({0755, 0700, 0775}));
    fs::permissions(old, fs::perms(mode));
    const timespec times[2] = {
        {0, UTIME_OMIT},
        {static_cast<time_t>(dice_.below(2'000'000'000)), static_cast<long>(dice_.below(1'000'000'000))}};
    if (is_file) REQUIRE(::utimensat(AT_FDCWD, old.c_str(), times, 0) == 0);
  }
  history_.note_all(rig_.giver(), place);
}

// Somebody works on the taker's side, too: what was there of theirs and is written over is theirs to lose.
void World::edit_taker() {
  const fs::path place = some_place(rig_.taker());
  const std::string path = place.lexically_relative(rig_.taker()).native();
  if (dice_.one_in(5)) {
    // Mostly in a folder that the giver has, too.
    const auto all = all_in_giver();
    const fs::path folder =
        rig_.taker() / all[dice_.below(all.size())].parent_path().lexically_relative(rig_.giver());
    std::error_code in_the_way;
    fs::create_directories(folder, in_the_way);
    if (::mkfifo((folder / "pipe").c_str(), 0600) != 0) return;
    for (fs::path at = (folder / "pipe").lexically_relative(rig_.taker()); !at.empty(); at = at.parent_path())
      kept_.insert(at.lexically_normal().native());
    return;
  }
  if (fs::is_directory(fs::symlink_status(place))) return;
  if (fs::is_regular_file(fs::symlink_status(place))) {
    const std::string before = read_file(place);
    std::erase(precious_, std::pair(path, before));
  }
  const std::string content = dice_.content();
  write_some_way(place, content);
  history_.note(path, content);
  if (content.size() > 16)
    precious_.emplace_back(path, content);  // Short ones are no proof of whose they are.
}

std::vector<std::string> World::differences() const {
  std::vector<std::string> all = rig_.differences();
  std::erase_if(all, [&](const std::string& line) {
    return std::any_of(kept_.begin(), kept_.end(), [&](const std::string& path) {
      return line == callboard::quoted(path) + ": only on the right";
    });
  });
  return all;
}

void World::check_safe() {
  CHECK(half_file(rig_.taker(), history_, ~std::uint64_t{0}) == "");
  const fs::path versions = rig_.taker() / ".callboard/versions";
  for (const auto& [path, content] : precious_) {
    bool is_there = fs::is_regular_file(fs::symlink_status(rig_.taker() / path)) &&
                    read_file(rig_.taker() / path) == content;
    if (!is_there && fs::exists(versions)) {
      for (const auto& time : fs::directory_iterator(versions)) {
        const fs::path kept = time.path() / path;
        is_there = is_there || (fs::is_regular_file(fs::symlink_status(kept)) && read_file(kept) == content);
      }
    }
    INFO("made here: " << path);
    CHECK(is_there);
  }
}

void run_world(std::uint64_t seed) {
  INFO("seed " << seed << "; CALLBOARD_SEED=… repeats it");
  World world(seed);
  for (int i = 0; i < kRounds; ++i) {
    INFO("round " << i);
    world.round();
  }
  INFO("the undisturbed pull");
  world.finish();
}

TEST_CASE("whatever is edited and whatever breaks, copies become equal, and no half file is ever seen") {
  const char* const seed = std::getenv("CALLBOARD_SEED");
  const char* const seconds = std::getenv("CALLBOARD_PROPERTY_SECONDS");
  if (seed != nullptr) return run_world(std::strtoull(seed, nullptr, 10));
  if (seconds == nullptr) {
    for (std::uint64_t i = 1; i <= kWorlds; ++i) run_world(i);
    return;
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atol(seconds));
  while (std::chrono::steady_clock::now() < end) run_world(std::random_device()());
}

}  // namespace
}  // namespace callboard::client::property_test
