#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace callboard::cli {

// `.callboard/config`: lines `key = value`, lines that begin with `#`, empty lines. Spaces around key and value do not
// count. Kept line by line, so that what a person wrote survives an edit.
class ConfigFile {
 public:
  struct Setting {
    std::string key;
    std::string value;
    std::size_t line = 0;  // From 1.
  };

  // Broken lines are an error (usage) that names `name` and the line.
  static Result<ConfigFile> parse(std::string_view content, std::string_view name);
  static Result<ConfigFile> read(const std::filesystem::path& path);
  // The config of the project that `directory` lies in: the nearest one upward. nullopt when there is none.
  static std::optional<std::filesystem::path> find(const std::filesystem::path& directory);

  const std::vector<Setting>& settings() const { return settings_; }
  // The last value of the key.
  std::optional<std::string> value(std::string_view key) const;
  // Replaces the key's line, or adds one at the end.
  void set(std::string_view key, std::string_view value);
  void add_line(std::string_view line);

  std::string content() const;
  // Replaces the file in one step: a reader sees the old content or the new one.
  Result<void> write(const std::filesystem::path& path) const;

 private:
  std::vector<std::string> lines_;
  std::vector<Setting> settings_;
};

}  // namespace callboard::cli
