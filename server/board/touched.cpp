#include "server/board/touched.h"

#include <algorithm>

#include "base/document/guide.h"
#include "base/text_hash.h"

namespace callboard::server {
namespace {

using document::Edit;
using document::Path;
using document::Step;

constexpr std::uint64_t kRoot = 0x43616c6c626f6172;  // Any number.
constexpr std::size_t kFewMarks = 4096;

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  std::uint64_t hash = (a ^ b) * 0x9e3779b97f4a7c15;
  hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93;
  return hash ^ (hash >> 32);
}

bool is_key_field(std::string_view name) { return name == "id" || name == "name"; }

// Whether step `i` enters an array to change its order or what tells its elements apart.
bool changes_array(const Path& path, std::size_t i) {
  if (path[i].field.empty()) return false;
  if (i + 1 == path.size() || !is_key_field(path[i].field)) return true;
  return path[i + 1].field.empty() && is_key_field(path[i + 1].key);
}

bool is_in_order(const Path& path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (changes_array(path, i)) return false;
  }
  return !path.empty();
}

bool has_no_parts(const document::ValuePtr& value) {
  return value != nullptr && value->array() == nullptr && value->object() == nullptr;
}

}  // namespace

Touched::Place Touched::below(Place place, const Step& step) {
  const TextHash hash;
  return mixed(mixed(place, hash(step.field)), hash(step.key) + 1);
}

Touched::What Touched::elements_by(std::string_view field) {
  return field == "id" ? What::elements_by_id : What::elements_by_name;
}

void Touched::mark(Place place, What what, const Stamp& stamp) {
  Stamp& newest = newest_[mixed(place, static_cast<std::uint64_t>(what) + 1)];
  newest = std::max(newest, stamp);
}

bool Touched::is_newer(Place place, What what, const Stamp& stamp) const {
  const auto found = newest_.find(mixed(place, static_cast<std::uint64_t>(what) + 1));
  return found != newest_.end() && stamp < found->second;
}

void Touched::note(const Operation& operation) {
  const Stamp stamp = stamp_of(operation);
  for (const Edit& edit : *operation.edits) note(edit.path, stamp);
}

void Touched::note_everything(const Stamp& stamp) { mark(kRoot, What::itself, stamp); }

void Touched::note(const Path& path, const Stamp& stamp) {
  Place place = kRoot;
  for (std::size_t i = 0; i < path.size() && !changes_array(path, i); ++i) {
    if (!path[i].field.empty()) mark(place, elements_by(path[i].field), stamp);
    place = below(place, path[i]);
    mark(place, What::at_or_below, stamp);
  }
  mark(place, What::itself, stamp);
}

bool Touched::lets_pass(const Operation& late, const document::ValuePtr& root) const {
  const Stamp stamp = stamp_of(late);
  document::Guide guide(root);
  return std::ranges::all_of(*late.edits, [&](const Edit& edit) {
    return has_no_parts(edit.value) && is_in_order(edit.path) && lets_pass(edit.path, stamp) &&
           has_no_parts(guide.find(edit.path));
  });
}

bool Touched::lets_pass(const Path& path, const Stamp& stamp) const {
  Place place = kRoot;
  for (const Step& step : path) {
    if (is_newer(place, What::itself, stamp)) return false;
    // The same element may have been reached by its other field.
    const std::string_view other = step.field == "id" ? "name" : "id";
    if (!step.field.empty() && is_newer(place, elements_by(other), stamp)) return false;
    place = below(place, step);
  }
  return !is_newer(place, What::at_or_below, stamp);
}

void Touched::forget_before(const Stamp& stamp) {
  if (newest_.size() < std::max(sweep_at_, kFewMarks)) return;
  std::erase_if(newest_, [&](const auto& each) { return each.second < stamp; });
  sweep_at_ = 2 * newest_.size();
}

}  // namespace callboard::server
