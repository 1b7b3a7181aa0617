#include "sync/diff.h"

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace callboard::sync {
namespace {

// What is wrong with an entry by itself; empty when it may be taken.
std::string reason_to_refuse(const Entry& entry, const RelativePath& path) {
  switch (entry.kind) {
    case EntryKind::refused:
      // Long enough for the cause behind the path of what could not be read.
      return entry.target.empty() ? "the giver refuses it" : escaped(entry.target, 256);
    case EntryKind::symlink:
      return symlink_stays_inside(path.parent(), entry.target)
                 ? std::string()
                 : "a link that leaves the project folder: " + quoted(entry.target);
    case EntryKind::file:
      if (!entry.digest) return "the giver has no digest of it";
      // off_t is signed: no file system holds more.
      return entry.size_bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                 ? "impossible size"
                 : std::string();
    case EntryKind::directory:
      return {};
  }
  return "unknown kind";
}

void compare_files(const Entry& have, const Entry& want, DiffStep& step) {
  if (have.digest != want.digest || have.size_bytes != want.size_bytes) {
    step.kind = DiffStep::Kind::fetch;
  } else if (have.mode != want.mode || have.mtime_ns != want.mtime_ns) {
    step.kind = DiffStep::Kind::metadata;
  }
}

void compare_directories(const Entry& have, const Entry& want, DiffStep& step) {
  const bool other_mode = have.mode != want.mode;
  if (have.digest == want.digest && want.digest) {
    step.kind = other_mode ? DiffStep::Kind::metadata : DiffStep::Kind::same;
  } else {
    step.kind = DiffStep::Kind::descend;
    step.sets_mode = other_mode;
  }
}

DiffStep::Kind kind_for_new(EntryKind kind, bool included) {
  switch (kind) {
    case EntryKind::file:
      return DiffStep::Kind::fetch;
    case EntryKind::symlink:
      return DiffStep::Kind::make_symlink;
    case EntryKind::directory:
      return included ? DiffStep::Kind::make_directory : DiffStep::Kind::descend;
    case EntryKind::refused:
      break;
  }
  return DiffStep::Kind::refused;
}

void compare(const Entry* have, const Entry& want, bool included, DiffStep& step) {
  if (have == nullptr || have->kind != want.kind) {
    step.kind = kind_for_new(want.kind, included);
    // What is only looked through replaces nothing.
    step.replaces_kind = have != nullptr && step.kind != DiffStep::Kind::descend;
    return;
  }
  if (want.kind == EntryKind::file) {
    compare_files(*have, want, step);
  } else if (want.kind == EntryKind::directory) {
    compare_directories(*have, want, step);
    // A directory outside --include is only looked through.
    if (!included) step.sets_mode = false;
    if (!included && step.kind == DiffStep::Kind::metadata) step.kind = DiffStep::Kind::excluded;
  } else {
    step.kind = have->target == want.target ? DiffStep::Kind::same : DiffStep::Kind::make_symlink;
  }
}

bool is_ignored(const DiffInput& input, const Entry& want) {
  const bool is_directory = want.kind == EntryKind::directory;
  return input.ignore != nullptr && input.ignore->is_ignored(input.directory, want.name, is_directory);
}

DiffStep plan(const DiffInput& input, const Entry& want, std::optional<std::size_t> have) {
  DiffStep step;
  step.have = have;
  Result<RelativePath> path = input.directory.joined(want.name);
  step.path = path ? *path : input.directory;
  step.kind = DiffStep::Kind::refused;
  step.text = path ? reason_to_refuse(want, *path) : path.error().text;
  // A giver that does not leave it out itself.
  if (is_private_name(want.name)) {
    step.kind = DiffStep::Kind::excluded;
    step.text.clear();
  }
  if (!path) return step;
  const bool is_excluded = input.patterns != nullptr && input.patterns->is_excluded(*path);
  step.is_ignored = !is_excluded && is_ignored(input, want);
  const bool included = input.patterns == nullptr || input.patterns->is_included(*path);
  if (is_excluded || step.is_ignored || (!included && want.kind != EntryKind::directory)) {
    step.kind = DiffStep::Kind::excluded;
    step.text.clear();
    return step;
  }
  if (!step.text.empty()) return step;
  step.kind = DiffStep::Kind::same;
  compare(have ? &input.have[*have] : nullptr, want, included, step);
  return step;
}

}  // namespace

Result<std::vector<DiffStep>> diff(const DiffInput& input) {
  std::vector<DiffStep> steps;
  steps.reserve(input.want.size());
  std::string_view before = input.after;
  const auto first =
      std::lower_bound(input.have.begin(), input.have.end(), input.after,
                       [](const Entry& entry, std::string_view name) { return entry.name < name; });
  auto have = static_cast<std::size_t>(first - input.have.begin());
  for (std::size_t i = 0; i < input.want.size(); ++i) {
    const Entry& want = input.want[i];
    if (want.name <= before) {
      return Error{Outcome::failed, "listing of " + quoted(input.directory.to_item()) +
                                        ": expected ascending names, got " + quoted(want.name) + " after " +
                                        quoted(before)};
    }
    before = want.name;
    while (have < input.have.size() && input.have[have].name < want.name) ++have;
    const bool is_here = have < input.have.size() && input.have[have].name == want.name;
    steps.push_back(plan(input, want, is_here ? std::optional(have) : std::nullopt));
    steps.back().entry = static_cast<std::uint32_t>(i);
  }
  return steps;
}

std::vector<std::size_t> only_here(std::span<const Entry> have, std::span<const Entry> want) {
  std::vector<std::size_t> found;
  auto next = want.begin();
  for (std::size_t i = 0; i < have.size(); ++i) {
    while (next != want.end() && next->name < have[i].name) ++next;
    if (next == want.end() || next->name != have[i].name) found.push_back(i);
  }
  return found;
}

bool symlink_stays_inside(const RelativePath& directory, std::string_view target) {
  if (target.empty() || target.front() == '/' || target.find('\0') != std::string_view::npos) return false;
  int depth = directory.depth();
  bool named = false;
  while (!target.empty()) {
    const std::string_view part = target.substr(0, target.find('/'));
    target.remove_prefix(std::min(target.size(), part.size() + 1));
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (named || --depth < 0) return false;
    } else {
      named = true;
    }
  }
  return true;
}

}  // namespace callboard::sync
