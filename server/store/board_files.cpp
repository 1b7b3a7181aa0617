#include "server/store/board_files.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>

#include "base/text.h"

namespace callboard::server {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPart = ".part";
constexpr const char* kBeside[] = {"-journal", "-wal", "-shm"};

struct PartName {
  std::string_view name;
  pid_t process = 0;
};

// nullopt: it is something else.
std::optional<PartName> part_name(std::string_view file) {
  for (const std::string_view each : kBeside) {
    if (file.ends_with(each)) file.remove_suffix(each.size());
  }
  if (!file.ends_with(kPart)) return std::nullopt;
  file.remove_suffix(kPart.size());
  const std::size_t dot = file.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view digits = file.substr(dot + 1);
  PartName found{file.substr(0, dot), 0};
  auto read = std::from_chars(digits.begin(), digits.end(), found.process);
  if (read.ec != std::errc() || found.process <= 0) return std::nullopt;
  if (read.ptr != digits.end() && *read.ptr == '-') {
    unsigned count = 0;
    read = std::from_chars(read.ptr + 1, digits.end(), count);
  }
  return read.ec == std::errc() && read.ptr == digits.end() ? std::optional(found) : std::nullopt;
}

bool is_alive(pid_t process) { return ::kill(process, 0) == 0 || errno != ESRCH; }

bool is_any_there(const fs::path& part) {
  std::error_code error;
  bool is_there = fs::exists(fs::symlink_status(part, error));
  for (const char* each : kBeside)
    is_there = is_there || fs::exists(fs::symlink_status(part.native() + each, error));
  return is_there;
}

// A file without anything in it, or a database: its beginning comes last. Or the journal of one (sqlite.org/fileformat.html, 3.1).
bool may_be_part(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(file, error))) return false;
  if (fs::file_size(file, error) == 0 && !error) return true;
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  constexpr std::string_view kJournal("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
  std::string begin(kMagic.size(), ' ');
  if (!std::ifstream(file, std::ios::binary).read(begin.data(), std::ssize(begin))) return false;
  return begin == kMagic || begin.starts_with(kJournal) || begin == std::string(kMagic.size(), '\0');
}

// Of processes of other machines nothing is known.
bool is_a_day_old(const fs::path& file) {
  std::error_code error;
  const auto changed = fs::last_write_time(file, error);
  return !error && fs::file_time_type::clock::now() - changed > std::chrono::days(1);
}

}  // namespace

fs::path part_of(const fs::path& file) {
  static std::atomic<unsigned> count = 0;
  const std::string begin = file.native() + "." + std::to_string(::getpid()) + "-";
  for (;;) {
    fs::path part = begin + std::to_string(++count) + std::string(kPart);
    // One before this process may have had its number.
    if (!is_any_there(part)) return part;
  }
}

void remove_part(const fs::path& part) {
  std::error_code ignored;
  fs::remove(part, ignored);
  for (const char* each : kBeside) fs::remove(part.native() + each, ignored);
}

void remove_dead_parts(const fs::path& folder, const std::function<bool(std::string_view name)>& is_ours,
                       OwnParts own) {
  std::error_code error;
  for (fs::directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
    const std::string file = each->path().filename().native();
    const auto part = part_name(file);
    if (!part || !is_ours(part->name)) continue;
    const bool is_own = part->process == ::getpid();
    std::error_code ignored;
    if (is_own ? own == OwnParts::go : !is_alive(part->process)) fs::remove(each->path(), ignored);
  }
}

void remove_dead_parts_of(const fs::path& file) {
  std::error_code error;
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  for (fs::directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
    const std::string name = each->path().filename().native();
    const auto part = part_name(name);
    if (!part || part->name != file.filename().native() || is_alive(part->process)) continue;
    std::error_code ignored;
    if (may_be_part(each->path()) && is_a_day_old(each->path())) fs::remove(each->path(), ignored);
  }
}

Result<void> check_nothing_left_of(const fs::path& file) {
  for (const char* suffix : {"-wal", "-journal"}) {
    const fs::path left = file.native() + suffix;
    std::error_code error;
    if (!fs::exists(left, error)) continue;
    return Error{Outcome::refused,
                 callboard::quoted(left.native()) +
                     " is of a board that was there before; move it to where that board is"};
  }
  return {};
}

}  // namespace callboard::server
