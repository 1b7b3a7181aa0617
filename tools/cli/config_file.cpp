#include "tools/cli/config_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>

#include "base/text.h"

namespace callboard::cli {
namespace {

namespace fs = std::filesystem;

// A hand-written file of a dozen lines; more is something else that was put there.
constexpr std::size_t kConfigMaxBytes = 64 * 1024;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool is_key(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

Error broken_line(std::string_view name, std::size_t line, std::string_view text) {
  return {Outcome::usage,
          fmt::format("{}:{}: expected \"key = value\", got {}", name, line, callboard::quoted(text))};
}

}  // namespace

Result<ConfigFile> ConfigFile::parse(std::string_view content, std::string_view name) {
  ConfigFile config;
  while (!content.empty()) {
    const auto end = std::min(content.find('\n'), content.size());
    const auto line = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));
    config.lines_.emplace_back(line);
    const auto text = trimmed(line);
    if (text.empty() || text.starts_with('#')) continue;
    const auto equals = text.find('=');
    const auto key = trimmed(text.substr(0, equals));
    if (equals == std::string_view::npos || !is_key(key) || !is_utf8(text)) {
      return broken_line(name, config.lines_.size(), text);
    }
    config.settings_.push_back({.key = std::string(key),
                                .value = std::string(trimmed(text.substr(equals + 1))),
                                .line = config.lines_.size()});
  }
  return config;
}

Result<ConfigFile> ConfigFile::read(const fs::path& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return os_error("read " + callboard::quoted(path.native()), errno != 0 ? errno : EIO);
  std::string content(kConfigMaxBytes + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (in.bad()) return os_error("read " + callboard::quoted(path.native()), EIO);
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.size() > kConfigMaxBytes) {
    return Error{Outcome::usage,
                 fmt::format("{}: expected at most {} bytes", escaped(path.native()), kConfigMaxBytes)};
  }
  return parse(content, escaped(path.native()));
}

std::optional<fs::path> ConfigFile::find(const fs::path& directory) {
  std::error_code ignored;
  for (fs::path at = fs::absolute(directory, ignored).lexically_normal(); !at.empty();
       at = at.parent_path()) {
    auto candidate = at / ".callboard" / "config";
    if (fs::is_regular_file(candidate, ignored)) return candidate;
    if (at == at.root_path()) break;
  }
  return std::nullopt;
}

std::optional<std::string> ConfigFile::value(std::string_view key) const {
  const auto found =
      std::find_if(settings_.rbegin(), settings_.rend(), [&](const auto& s) { return s.key == key; });
  if (found == settings_.rend()) return std::nullopt;
  return found->value;
}

void ConfigFile::set(std::string_view key, std::string_view value) {
  const auto line = fmt::format("{} = {}", key, value);
  // The last line of a key counts.
  const auto found =
      std::find_if(settings_.rbegin(), settings_.rend(), [&](const auto& s) { return s.key == key; });
  if (found == settings_.rend()) {
    lines_.push_back(line);
    settings_.push_back({.key = std::string(key), .value = std::string(value), .line = lines_.size()});
    return;
  }
  if (found->value == value) return;
  found->value = value;
  lines_[found->line - 1] = line;
}

void ConfigFile::add_line(std::string_view line) { lines_.emplace_back(line); }

std::string ConfigFile::content() const {
  std::string all;
  for (const auto& line : lines_) all += line + "\n";
  return all;
}

Result<void> ConfigFile::write(const fs::path& path) const {
  const fs::path draft = path.native() + "." + std::to_string(getpid());
  const auto failed = [&](int cause) {
    std::error_code ignored;
    fs::remove(draft, ignored);
    return os_error("write " + callboard::quoted(path.native()), cause);
  };
  std::FILE* file = std::fopen(draft.c_str(), "wxe");
  if (file == nullptr) return failed(errno);
  const auto text = content();
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size() &&
                       std::fflush(file) == 0 && fsync(fileno(file)) == 0;
  const int cause = errno;
  if (std::fclose(file) != 0 || !written) return failed(cause != 0 ? cause : EIO);
  if (std::rename(draft.c_str(), path.c_str()) != 0) return failed(errno);
  return {};
}

}  // namespace callboard::cli
