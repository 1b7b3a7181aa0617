#include "tests/support/tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "base/text.h"

namespace callboard::support {
namespace {

namespace fs = std::filesystem;

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes((size + 7) / 8 * 8, '\0');
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    const std::uint64_t word = random();
    for (std::size_t i = 0; i < 8; ++i) bytes[at + i] = static_cast<char>((word >> (8 * i)) & 0xff);
  }
  bytes.resize(size);
  return bytes;
}

void set_mode_and_mtime(const fs::path& path, std::mt19937_64& random) {
  static constexpr std::array<mode_t, 4> kModes{0644, 0600, 0755, 0664};
  // Whole years back from a fixed day, so that nothing a test writes itself is older.
  const auto seconds = static_cast<time_t>(1'600'000'000 + random() % 100'000'000);
  const auto nanoseconds = static_cast<long>(random() % 1'000'000'000);
  const std::array<timespec, 2> times{
      {{.tv_sec = seconds, .tv_nsec = nanoseconds}, {.tv_sec = seconds, .tv_nsec = nanoseconds}}};
  if (chmod(path.c_str(), kModes[random() % kModes.size()]) != 0 ||
      utimensat(AT_FDCWD, path.c_str(), times.data(), 0) != 0) {
    throw std::system_error(errno, std::generic_category(), "make a tree");
  }
}

struct stat status_of(const fs::path& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    throw std::system_error(errno, std::generic_category(), "compare \"" + path.string() + "\"");
  }
  return status;
}

bool same_content(const fs::path& left, const fs::path& right) {
  std::ifstream a(left, std::ios::binary);
  std::ifstream b(right, std::ios::binary);
  // Clearing a larger one for each of thousands of small files would take most of the time.
  std::array<char, 64 * 1024> from_a;
  std::array<char, 64 * 1024> from_b;
  while (a && b) {
    a.read(from_a.data(), static_cast<std::streamsize>(from_a.size()));
    b.read(from_b.data(), static_cast<std::streamsize>(from_b.size()));
    if (a.gcount() != b.gcount()) return false;
    if (!std::equal(from_a.begin(), from_a.begin() + a.gcount(), from_b.begin())) return false;
  }
  return a.eof() && b.eof();
}

// What is different about one name that both sides have; empty when nothing is.
std::string difference(const fs::path& left, const fs::path& right) {
  const auto a = status_of(left);
  const auto b = status_of(right);
  if ((a.st_mode & S_IFMT) != (b.st_mode & S_IFMT)) return "kind";
  if (S_ISLNK(a.st_mode)) return fs::read_symlink(left) == fs::read_symlink(right) ? "" : "target";
  if ((a.st_mode & 0777) != (b.st_mode & 0777)) return "mode";
  if (!S_ISREG(a.st_mode)) return "";
  if (a.st_size != b.st_size) return "size";
  if (a.st_mtim.tv_sec != b.st_mtim.tv_sec || a.st_mtim.tv_nsec != b.st_mtim.tv_nsec) return "mtime";
  return same_content(left, right) ? "" : "content";
}

std::map<std::string, fs::path> names_below(const fs::path& root) {
  std::map<std::string, fs::path> names;
  for (auto at = fs::recursive_directory_iterator(root); at != fs::recursive_directory_iterator(); ++at) {
    const auto relative = at->path().lexically_relative(root);
    if (relative == ".callboard") {
      at.disable_recursion_pending();
      continue;
    }
    names.emplace(relative.string(), at->path());
  }
  return names;
}

}  // namespace

void write_file(const fs::path& path, std::string_view content) {
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!out.flush()) throw std::runtime_error("write \"" + path.string() + "\" failed");
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("open \"" + path.string() + "\" failed");
  std::ostringstream content;
  content << in.rdbuf();
  return std::move(content).str();
}

void make_tree(const fs::path& root, const TreePlan& plan) {
  std::mt19937_64 random(plan.seed);
  fs::create_directories(root);
  for (std::size_t i = 0; i < plan.files; ++i) {
    const auto directory = i / plan.files_per_directory;
    const auto path = root / ("group-" + std::to_string(directory % 10)) /
                      ("part-" + std::to_string(directory)) / ("file-" + std::to_string(i) + ".bin");
    write_file(path, random_bytes(random, random() % (plan.size_max_bytes + 1)));
    set_mode_and_mtime(path, random);
  }
}

void make_large_file(const LargeFile& file) {
  fs::create_directories(file.path.parent_path());
  std::mt19937_64 random(file.seed);
  std::ofstream out(file.path, std::ios::binary | std::ios::trunc);
  constexpr std::uint64_t kPiece = 1 << 20;
  for (std::uint64_t written = 0; written < file.size_bytes; written += kPiece) {
    const auto piece =
        random_bytes(random, static_cast<std::size_t>(std::min(kPiece, file.size_bytes - written)));
    out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
  }
  out.close();
  if (!out) throw std::runtime_error("write \"" + file.path.string() + "\" failed");
}

std::vector<std::string> awkward_names() {
  return {"with space",        " leading and trailing ",
          "it's \"quoted\"",   "back\\slash",
          "new\nline",         "tab\tand\x1b[31mcolour",
          "Übergröße",         "映画",
          "\xF0\x9F\x8E\xAC",  "-rf",
          "*?[glob]",          "a|b%41",
          "$HOME;`id`",        "not utf-8 \xff\xfe",
          "latin-1 \xe9t\xe9", std::string(255, 'n')};
}

std::vector<std::string> differences(const fs::path& left, const fs::path& right) {
  std::vector<std::string> found;
  const auto on_left = names_below(left);
  const auto on_right = names_below(right);
  for (const auto& [name, path] : on_left) {
    const auto other = on_right.find(name);
    if (other == on_right.end()) {
      found.push_back(callboard::quoted(name) + ": only on the left");
    } else if (const auto what = difference(path, other->second); !what.empty()) {
      found.push_back(callboard::quoted(name) + ": " + what);
    }
  }
  for (const auto& [name, path] : on_right) {
    if (!on_left.contains(name)) found.push_back(callboard::quoted(name) + ": only on the right");
  }
  return found;
}

}  // namespace callboard::support
