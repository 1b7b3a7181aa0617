#include "server/store/board_files.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
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
  const auto read = std::from_chars(digits.begin(), digits.end(), found.process);
  const bool is_number = read.ec == std::errc() && read.ptr == digits.end() && found.process > 0;
  return is_number ? std::optional(found) : std::nullopt;
}

bool is_alive(pid_t process) { return ::kill(process, 0) == 0 || errno != ESRCH; }

}  // namespace

fs::path part_of(const fs::path& file) {
  return file.native() + "." + std::to_string(::getpid()) + std::string(kPart);
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
