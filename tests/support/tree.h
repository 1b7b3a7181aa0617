#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::support {

// Writes the file and the directories above it.
void write_file(const std::filesystem::path& path, std::string_view content);
// The whole content; throws std::runtime_error when it cannot be read.
std::string read_file(const std::filesystem::path& path);

struct TreePlan {
  std::uint64_t seed = 1;
  std::size_t files = 100;
  std::size_t files_per_directory = 20;
  std::uint64_t size_max_bytes = 4096;  // Sizes are spread evenly from 0 to this.
};
// Files of seeded content, modes and modification times beneath `root`, the same for the same plan. Incompressible.
void make_tree(const std::filesystem::path& root, const TreePlan& plan);

// One file of seeded content, written piece by piece: 1 GiB costs no memory.
struct LargeFile {
  std::filesystem::path path;
  std::uint64_t size_bytes = 0;
  std::uint64_t seed = 1;
};
void make_large_file(const LargeFile& file);

// Names that break programs: spaces, quotes, newlines, umlauts, emoji, 255 bytes, bytes that are not UTF-8.
std::vector<std::string> awkward_names();

// What differs between two trees, one line each, none when they are the same: names, kinds, permission bits, modification
// times of files to the nanosecond, targets of links, contents. `.callboard` at the top of either is left out.
std::vector<std::string> differences(const std::filesystem::path& left, const std::filesystem::path& right);
// To compare with, so that a check that fails prints what differs.
inline const std::vector<std::string> kNoDifference;

}  // namespace callboard::support
