#include "sync/link_search.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "sync/blend_links.h"
#include "sync/directory_reader.h"
#include "sync/ignore_files.h"
#include "sync/library_place.h"

namespace callboard::sync {
namespace {

namespace fs = std::filesystem;

// As the system: links that lead to each other end somewhere.
constexpr int kLinksMax = 40;

// The uppermost symbolic link on the way to `path`, `path` itself included; nullopt without one.
std::optional<RelativePath> first_link(const Root& root, const RelativePath& path) {
  std::optional<RelativePath> first;
  for (RelativePath at = path; !at.is_root(); at = at.parent()) {
    const auto status = root.status(at);
    if (status && status->kind == FileKind::symlink) first = at;
  }
  return first;
}

}  // namespace

bool is_blend_name(std::string_view name) {
  constexpr std::string_view kEnding = ".blend";
  if (name.size() < kEnding.size()) return false;
  name.remove_prefix(name.size() - kEnding.size());
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char lower = name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
    if (lower != kEnding[i]) return false;
  }
  return true;
}

LinkSearch::LinkSearch(const Root& root, ItemPatterns items, Patterns wanted)
    : root_(root), items_(std::move(items)), wanted_(std::move(wanted)) {
  std::error_code failed;
  if (fs::path path = fs::absolute(root.folder(), failed); !failed) folders_.push_back(path.native());
  if (fs::path path = fs::canonical(root.folder(), failed); !failed) folders_.push_back(path.native());
}

Result<FoundLinks> LinkSearch::look_into(const RelativePath& path, const std::stop_token& stop) {
  FoundLinks found;
  const auto place = without_links(path);
  if (!place) {
    found.elsewhere.push_back({path, path.to_item(), place.error().text});
    return found;
  }
  if (*place != path) {
    take_place(path, *place, found);
    return found;
  }
  const Result<FileStatus> status = root_.status(path);
  if (!status) return found;
  Result<void> looked;
  if (status->kind == FileKind::directory) {
    looked = look_into_folder(path, found, stop);
  } else if (status->kind == FileKind::file && is_wanted(path)) {
    looked = look_into_file(path, found, stop);
  }
  if (!looked) return looked.error();
  return found;
}

Result<void> LinkSearch::look_into_folder(const RelativePath& folder, FoundLinks& found,
                                          const std::stop_token& stop) {
  IgnoreFiles ignore_files(root_);
  std::vector<RelativePath> left{folder};
  while (!left.empty()) {
    if (stop.stop_requested()) return Error{Outcome::cancelled, "cancelled"};
    const RelativePath directory = std::move(left.back());
    left.pop_back();
    const auto ignore = ignore_files.in(directory);
    const auto fd = root_.open_directory(directory);
    if (!ignore || !*ignore || !fd) continue;
    const auto names = read_directory(fd->get());
    if (!names) continue;
    for (const NamedStatus& named : *names) {
      const bool is_directory = named.status.kind == FileKind::directory;
      const auto path = directory.joined(named.name);
      if (!path || (*ignore)->is_ignored(directory, named.name, is_directory)) continue;
      if (is_directory && !wanted_.is_excluded(*path)) left.push_back(*path);
      if (named.status.kind != FileKind::file || !is_blend_name(named.name) || !is_wanted(*path)) continue;
      if (const auto looked = look_into_file(*path, found, stop); !looked) return looked;
    }
  }
  return {};
}

Result<void> LinkSearch::look_into_file(const RelativePath& file, FoundLinks& found,
                                        const std::stop_token& stop) {
  if (!looked_into_.insert(file).second) return {};
  const auto fd = root_.open_file(file);
  const auto links =
      fd ? blend_links(reading(fd->get()), stop) : Result<std::vector<std::string>>(fd.error());
  if (links) {
    for (const std::string& path : *links) take_link(file, path, found);
    return {};
  }
  if (links.error().outcome == Outcome::cancelled) return links.error();
  found.unread.push_back({file, links.error().text});
  return {};
}

void LinkSearch::take_link(const RelativePath& by, const std::string& path, FoundLinks& found) {
  const auto place = library_place(path, by, folders_);
  if (!place) {
    found.elsewhere.push_back({by, path, place.error().text});
    return;
  }
  const auto real = without_links(*place);
  if (!real) {
    found.elsewhere.push_back({by, path, real.error().text});
    return;
  }
  take_place(by, *real, found);
}

void LinkSearch::take_place(const RelativePath& by, const RelativePath& place, FoundLinks& found) {
  if (!is_wanted(place) || !found_.insert(place).second) return;
  found.files.push_back({place, by, items_.holding(place).value_or(place)});
}

bool LinkSearch::is_here(const RelativePath& path) const {
  const auto place = without_links(path);
  return !place || *place != path || root_.status(path);
}

// As far as the links on the way are here.
Result<RelativePath> LinkSearch::without_links(RelativePath path) const {
  for (int links = 0; links < kLinksMax; ++links) {
    const auto link = first_link(root_, path);
    if (!link) return path;
    const auto target = root_.read_link(*link);
    if (!target) return target.error();
    const std::string rest = path.bytes().substr(link->bytes().size());
    const auto place =
        library_place((target->starts_with('/') ? "" : "//") + *target + rest, *link, folders_);
    if (!place) return place.error();
    path = *place;
  }
  return Error{Outcome::refused, "leads through too many symbolic links"};
}

// Left out by itself, or with a folder above it.
bool LinkSearch::is_wanted(const RelativePath& file) const {
  if (wanted_.is_everything()) return true;
  for (RelativePath path = file; !path.is_root(); path = path.parent()) {
    if (wanted_.is_excluded(path)) return false;
  }
  return wanted_.is_included(file);
}

}  // namespace callboard::sync
