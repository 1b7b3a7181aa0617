#include "server/board/measures.h"

#include <utility>

namespace callboard::server {
namespace {

void write_names(ByteWriter& writer, const std::set<std::string>& names) {
  writer.u16(static_cast<std::uint16_t>(names.size()));
  for (const std::string& each : names) writer.text16(each);
}

std::set<std::string> read_names(ByteReader& reader) {
  std::set<std::string> names;
  const std::uint16_t count = reader.u16();
  for (std::uint16_t i = 0; i < count && !reader.failed(); ++i) names.emplace(reader.text16());
  return names;
}

}  // namespace

const Measures& MeasuresBook::of(const std::string& person) const {
  static const Measures kNone;
  const auto found = all_.find(person);
  return found == all_.end() ? kNone : found->second;
}

Result<void> MeasuresBook::set(const std::string& person, Measures measures) {
  if (measures.is_empty()) {
    all_.erase(person);
    return {};
  }
  if (measures.granted.size() + measures.revoked.size() > kPermissionsMax)
    return Error{Outcome::refused,
                 "no more than " + std::to_string(kPermissionsMax) + " permissions are kept for one"};
  if (!all_.contains(person) && all_.size() >= kMax)
    return Error{Outcome::refused,
                 "no more than " + std::to_string(kMax) + " people can be muted or given permissions"};
  all_[person] = std::move(measures);
  return {};
}

void MeasuresBook::on_gone(const std::string& person) {
  const auto found = all_.find(person);
  if (found == all_.end()) return;
  found->second.granted.clear();
  if (found->second.is_empty()) all_.erase(found);
}

void MeasuresBook::on_rotated(const std::string& before, const std::string& now) {
  on_gone(before);
  auto said = all_.extract(before);
  if (said.empty()) return;
  said.key() = now;
  all_.insert(std::move(said));
}

void MeasuresBook::append_to(ByteWriter& writer) const {
  writer.u32(static_cast<std::uint32_t>(all_.size()));
  for (const auto& [person, measures] : all_) {
    writer.text16(person);
    writer.text16(measures.muted_by);
    writer.text16(measures.mute_reason);
    write_names(writer, measures.granted);
    write_names(writer, measures.revoked);
  }
}

MeasuresBook MeasuresBook::from(ByteReader& reader) {
  MeasuresBook book;
  const std::uint32_t count = reader.u32();
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    const std::string person(reader.text16());
    Measures measures;
    measures.muted_by = reader.text16();
    measures.mute_reason = reader.text16();
    measures.granted = read_names(reader);
    measures.revoked = read_names(reader);
    // One that is over the limits is of no program of ours.
    if (!reader.failed()) static_cast<void>(book.set(person, std::move(measures)));
  }
  return book;
}

}  // namespace callboard::server
