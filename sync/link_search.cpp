#include "sync/link_search.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "sync/blend_links.h"
#include "sync/directory_reader.h"
#include "sync/ignore_files.h"
#include "sync/library_place.h"

namespace callboard::sync {
namespace {

namespace fs = std::filesystem;

// As the system: links that lead to each other end somewhere.
constexpr int kLinksMax = 40;

// Why nothing is pulled for a link there, whose writer may want anything pulled over what is here.
const char* reason_to_leave(const RelativePath& place) {
  if (place.bytes().starts_with('.') || place.bytes().find("/.") != std::string::npos)
    return "begins with a dot, or lies in a folder that does";
  return is_blend_name(place.name()) ? nullptr : "is no .blend file";
}

void tell_of(const FoundLinks& found, const LinkSearch::Tell& tell) {
  if (!found.files.empty() || !found.elsewhere.empty() || !found.unread.empty()) tell(found);
}

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

LinkSearch::LinkSearch(const Root& root, ItemPatterns items, Patterns wanted, const LinkLimits& limits)
    : root_(root), items_(std::move(items)), wanted_(std::move(wanted)), left_(limits) {
  std::error_code failed;
  if (fs::path path = fs::absolute(root.folder(), failed); !failed) folders_.push_back(path.native());
  if (fs::path path = fs::canonical(root.folder(), failed); !failed) folders_.push_back(path.native());
}

Result<void> LinkSearch::look_into(const RelativePath& path, const Tell& tell, const std::stop_token& stop) {
  const Result<FileStatus> status = root_.status(path);
  if (status && status->kind == FileKind::directory) return look_into_folder(path, tell, stop);
  return look_into_file(path, tell, stop);
}

Result<void> LinkSearch::look_into_file(const RelativePath& path, const Tell& tell,
                                        const std::stop_token& stop) {
  if (first_link(root_, path)) {
    take_symlink(path, tell);
    return {};
  }
  const Result<FileStatus> status = root_.status(path);
  if (!status || status->kind != FileKind::file || !is_wanted(path)) return {};
  return read_file(path, tell, stop);
}

Result<void> LinkSearch::look_into_folder(const RelativePath& folder, const Tell& tell,
                                          const std::stop_token& stop) {
  IgnoreFiles ignore_files(root_);
  std::vector<RelativePath> left{folder};
  while (!left.empty()) {
    if (stop.stop_requested()) return Error{Outcome::cancelled, "cancelled"};
    const RelativePath directory = std::move(left.back());
    left.pop_back();
    for (const NamedStatus& named : names_in(root_, ignore_files, directory)) {
      const bool is_directory = named.status.kind == FileKind::directory;
      const auto path = directory.joined(named.name);
      if (!path) continue;  // The private folder.
      if (is_directory && !wanted_.is_excluded(*path)) left.push_back(*path);
      if (named.status.kind != FileKind::file || !is_blend_name(named.name) || !is_wanted(*path)) continue;
      if (const auto looked = read_file(*path, tell, stop); !looked) return looked;
    }
  }
  return {};
}

Result<void> LinkSearch::read_file(const RelativePath& file, const Tell& tell, const std::stop_token& stop) {
  if (!looked_into_.insert(file).second) return {};
  if (left_.links == 0) {
    ++counts_.files_left_out;
    return {};
  }
  const auto fd = root_.open_file(file);
  const auto links = fd ? blend_links(reading(fd->get()), left_.unpacked_bytes, stop)
                        : Result<std::vector<std::string>>(fd.error());
  FoundLinks found;
  if (links) {
    for (const std::string& path : *links) take_link(file, path, found);
  } else if (links.error().outcome == Outcome::cancelled) {
    return links.error();
  } else {
    ++counts_.unread;
    if (is_told()) found.unread.push_back({file, links.error().text});
  }
  tell_of(found, tell);
  return {};
}

void LinkSearch::take_symlink(const RelativePath& path, const Tell& tell) {
  FoundLinks found;
  const auto place = without_links(path);
  if (place) {
    take_place(path, path.to_item(), *place, found);
  } else {
    note_elsewhere({path, path.to_item(), place.error().text}, found);
  }
  tell_of(found, tell);
}

void LinkSearch::take_link(const RelativePath& by, const std::string& path, FoundLinks& found) {
  const auto written = library_place(path, by, folders_);
  if (!written) return note_elsewhere({by, path, written.error().text}, found);
  if (seen_.contains(*written) || !has_room_for(*written)) return;
  const auto place = without_links(*written);
  if (place) {
    take_place(by, path, *place, found);
  } else {
    note_elsewhere({by, path, place.error().text}, found);
  }
  seen_.insert(*written);
}

// `path` as it is written in `by`.
void LinkSearch::take_place(const RelativePath& by, const std::string& path, const RelativePath& place,
                            FoundLinks& found) {
  if (!is_wanted(place) || !seen_.insert(place).second) return;
  const char* const why = reason_to_leave(place);
  if (why != nullptr)
    return note_elsewhere({by, path, "leads to " + quoted(place.to_item()) + ", which " + why}, found);
  found.files.push_back({place, by, items_.holding(place).value_or(place)});
}

void LinkSearch::note_elsewhere(LinkElsewhere link, FoundLinks& found) {
  ++counts_.elsewhere;
  if (is_told()) found.elsewhere.push_back(std::move(link));
}

bool LinkSearch::is_told() {
  if (left_.notes == 0) return false;
  --left_.notes;
  ++counts_.told;
  return true;
}

// Nothing comes after the first for which there is none.
bool LinkSearch::has_room_for(const RelativePath& place) {
  const std::uint64_t weight = 1 + place.bytes().size() / 256;
  const bool has_room = weight <= left_.links;
  left_.links = has_room ? left_.links - weight : 0;
  if (!has_room) ++counts_.links_left_out;
  return has_room;
}

bool LinkSearch::is_file_here(const RelativePath& path) const {
  if (first_link(root_, path)) return true;
  const auto status = root_.status(path);
  return status && status->kind == FileKind::file;
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
