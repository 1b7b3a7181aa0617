#include "sync/items.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "sync/directory_reader.h"
#include "sync/glob.h"
#include "sync/ignore_files.h"
#include "sync/patterns.h"

namespace callboard::sync {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

Error usage(std::string_view pattern, std::string_view cause) {
  return Error{Outcome::usage, "item pattern " + quoted(pattern) + ": " + std::string(cause)};
}

// Split at slashes after a tolerated leading and trailing one; each component a path component and no "**".
Result<std::vector<std::string>> parse_pattern(std::string_view text) {
  auto path = RelativePath::from_item(text);
  if (!path) return usage(text, path.error().text);
  if (path->is_root()) return usage(text, "expected the name of a folder");
  if (auto checked = Patterns::from({std::string(text)}, {}); !checked) return checked.error();
  std::vector<std::string> components;
  for (; !path->is_root(); path = path->parent()) {
    if (path->name() == "**") return usage(text, "\"**\" would search the whole project");
    components.insert(components.begin(), std::string(path->name()));
  }
  return components;
}

Timestamp timestamp_of(std::int64_t ns) {
  return Timestamp{ns >= 0 ? ns / kNsPerMs : -((-ns + kNsPerMs - 1) / kNsPerMs)};
}

bool is_match(const std::vector<std::string>& pattern, RelativePath path) {
  if (path.depth() != static_cast<int>(pattern.size())) return false;
  for (auto component = pattern.rbegin(); component != pattern.rend(); ++component, path = path.parent()) {
    if (!matches(*component, path.name())) return false;
  }
  return true;
}

void add_item(const std::string& item, Timestamp timestamp, FoundItems& to) {
  if (to.items.contains(item)) return;
  if (to.items.size() >= kItemsMax || !is_utf8(item)) {
    ++to.left_out;
    return;
  }
  to.items.emplace(item, timestamp);
}

// What matches `pattern` in `directory`, whose own item with a slash at its end is `item`.
void find_in(const Tree::Directory& directory, const std::string& item, std::span<const std::string> pattern,
             FoundItems& found) {
  for (const Tree::Node& child : directory.children) {
    if (!matches(pattern.front(), child->name)) continue;
    if (pattern.size() > 1) {
      find_in(*child, item + child->name + "/", pattern.subspan(1), found);
    } else {
      const std::int64_t newest_ns = child->files_below > 0 ? child->newest_ns : child->mtime_ns;
      add_item(item + child->name, timestamp_of(newest_ns), found);
    }
  }
}

class Finder {
 public:
  Finder(const Root& root, const std::stop_token& stop) : root_(root), stop_(stop), ignore_files_(root) {}

  void find(const std::vector<std::string>& pattern) {
    std::vector<RelativePath> level{RelativePath()};
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      const bool last = i + 1 == pattern.size();
      std::vector<RelativePath> next;
      for (const RelativePath& directory : level) expand(directory, pattern[i], last ? nullptr : &next);
      level = std::move(next);
    }
  }

  FoundItems found() && { return std::move(found_); }

 private:
  // Folders in `directory` whose names match: to `next`, or found when that is null.
  void expand(const RelativePath& directory, const std::string& pattern, std::vector<RelativePath>* next) {
    for (const NamedStatus& named : names_in(root_, ignore_files_, directory)) {
      if (stop_.stop_requested()) return;
      if (named.status.kind != FileKind::directory || !matches(pattern, named.name)) continue;
      auto path = directory.joined(named.name);
      if (!path) continue;  // The private folder.
      if (next != nullptr) {
        next->push_back(*std::move(path));
      } else {
        add(*path, named.status.mtime_ns);
      }
    }
  }

  void add(const RelativePath& path, std::int64_t directory_ns) {
    const std::string item = path.to_item();
    if (found_.items.contains(item)) return;
    if (found_.items.size() >= kItemsMax || !is_utf8(item)) {
      ++found_.left_out;
      return;
    }
    found_.items.emplace(item, newest_below(path, directory_ns));
  }

  // The newest modification of a file at any depth; `directory_ns`, its own, when there is none.
  Timestamp newest_below(const RelativePath& item, std::int64_t directory_ns) {
    std::int64_t newest_ns = 0;
    bool found = false;
    std::vector<RelativePath> left{item};
    while (!left.empty() && !stop_.stop_requested()) {
      const RelativePath directory = std::move(left.back());
      left.pop_back();
      for (const NamedStatus& named : names_in(root_, ignore_files_, directory)) {
        if (named.status.kind == FileKind::directory) {
          if (auto child = directory.joined(named.name)) left.push_back(*std::move(child));
        } else if (named.status.kind == FileKind::file) {
          newest_ns = found ? std::max(newest_ns, named.status.mtime_ns) : named.status.mtime_ns;
          found = true;
        }
      }
    }
    return timestamp_of(found ? newest_ns : directory_ns);
  }

  const Root& root_;
  const std::stop_token& stop_;
  IgnoreFiles ignore_files_;
  FoundItems found_;
};

}  // namespace

ItemPatterns::ItemPatterns() : patterns_{{"dev", "*", "*"}, {"ast", "*", "*"}, {"rnd", "*", "*"}, {"pln"}} {}

Result<ItemPatterns> ItemPatterns::from(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::vector<std::vector<std::string>> patterns;
  for (std::size_t begin = text.find_first_not_of(kSpace); begin != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kSpace, begin), text.size());
    auto pattern = parse_pattern(text.substr(begin, end - begin));
    if (!pattern) return pattern.error();
    patterns.push_back(*std::move(pattern));
    begin = text.find_first_not_of(kSpace, end);
  }
  if (patterns.empty()) return usage(text, "expected at least one, such as \"dev/*/*\"");
  return ItemPatterns(std::move(patterns));
}

std::optional<RelativePath> ItemPatterns::holding(const RelativePath& path) const {
  if (path.is_root()) return std::nullopt;
  for (RelativePath folder = path.parent(); !folder.is_root(); folder = folder.parent()) {
    if (std::ranges::any_of(patterns_, [&](const auto& pattern) { return is_match(pattern, folder); }))
      return folder;
  }
  return std::nullopt;
}

Result<FoundItems> find_items(const Root& root, const ItemPatterns& patterns, const std::stop_token& stop) {
  if (auto readable = root.open_directory({}); !readable) return readable.error();
  Finder finder(root, stop);
  for (const auto& pattern : patterns.patterns()) finder.find(pattern);
  if (stop.stop_requested()) return Error{Outcome::cancelled, "cancelled"};
  return std::move(finder).found();
}

FoundItems find_items(const Tree& tree, const ItemPatterns& patterns) {
  FoundItems found;
  for (const auto& pattern : patterns.patterns()) {
    if (tree.whole()) find_in(*tree.whole(), "/", pattern, found);
  }
  return found;
}

}  // namespace callboard::sync
