#include "tools/cli/record_history.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "base/document/build.h"
#include "base/document/json_patch.h"
#include "base/document/members.h"
#include "base/document/parse.h"
#include "base/document/schema.h"
#include "base/own_folders.h"
#include "base/text.h"
#include "tools/cli/locked_items.h"
#include "tools/cli/objects.h"
#include "tools/cli/page_place.h"
#include "tools/cli/show_patch.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

// What the server tells in one answer at most.
constexpr std::uint64_t kRevisionsAtOnce = 200;

struct RecordVersion {
  std::string path;
  std::uint64_t revision = 0;
};

Result<RecordVersion> record_version_name(const std::string& text) {
  const auto at = text.rfind('@');
  RecordVersion version;
  if (at != std::string::npos) {
    version.path = text.substr(0, at);
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + at + 1, end, version.revision);
    if (parsed.ec != std::errc() || parsed.ptr != end) version.revision = 0;
  }
  if (version.revision != 0 && names_record(version.path)) return version;
  return Error{Outcome::usage,
               fmt::format("expected a version like /reviews/sc01@41, with a number from 1 on, got {}",
                           callboard::quoted(text))};
}

bool stands(const document::Value& revision) {
  const auto value = revision.member("stands");
  const bool* truth = value == nullptr ? nullptr : std::get_if<bool>(&value->content());
  return truth == nullptr || *truth;
}

// Said where one is made alone; of the server's own by where they are.
std::string class_of(const std::string& path, const document::Value& revision) {
  if (is_at_or_below(path, kLocksFolder)) return "lock";
  return is_at_or_below(path, kServicesFolder) ? "service" : document::text_in(revision, "class");
}

// What it did: "set status=ok takes=3", "give to lighting".
std::string deed_of(const std::string& path, const document::Value& revision) {
  std::string line = escaped(document::text_in(revision, "do"));
  if (const std::string to = document::text_in(revision, "to"); !to.empty()) line += " to " + escaped(to);
  const auto fields = revision.member("fields");
  if (fields == nullptr || fields->object() == nullptr) return line;
  const std::string record_class = class_of(path, revision);
  for (const document::Member& each : *fields->object())
    line += fmt::format(" {}={}", escaped(each.key), field_text(record_class, each));
  return line;
}

void show_change(Run& run, const std::string& path, const document::ValuePtr& revision) {
  const std::string user = document::text_in(*revision, "user");
  run.output.line(fmt::format(
      "{}@{}  {}  {}  {}{}", escaped(path), document::number_in<std::int64_t>(*revision, "revision"),
      when({document::number_in<std::int64_t>(*revision, "timestamp")}),
      run.output.styled(Style::bold, user.empty() ? "the server" : escaped(user)), deed_of(path, *revision),
      stands(*revision) ? "" : "  lost: something newer was there"));
  JsonObject object{{"event", "revision"},
                    {"record", path},
                    {"revision", document::number_in<std::int64_t>(*revision, "revision")},
                    {"user", user},
                    {"session", document::text_in(*revision, "session")},
                    {"time", to_iso({document::number_in<std::int64_t>(*revision, "timestamp")})},
                    {"base", document::number_in<std::int64_t>(*revision, "base")},
                    {"stands", stands(*revision)},
                    {"do", document::text_in(*revision, "do")}};
  for (const char* key : {"class", "to"}) {
    if (const std::string text = document::text_in(*revision, key); !text.empty()) object.add(key, text);
  }
  if (const auto fields = revision->member("fields"))
    object.add("fields", JsonText{document::print(*fields)});
  run.output.object(object);
}

// Of the calls about one version.
std::string arguments_for(const RecordVersion& version) {
  return document::print(*document::make_object(
      {{"path", document::make_text(version.path)}, {"revision", document::make_number(version.revision)}}));
}

// The record, a JSON object.
Result<document::ValuePtr> read_record(Visit& visit, const RecordVersion& version) {
  const auto json = visit.wait(visit.access().call("record.version", arguments_for(version), {}));
  if (!json) return json.error();
  auto record = document::parse(*json);
  if (!record || (*record)->member("fields") == nullptr)
    return Error{Outcome::failed, "the server's answer is no record"};
  return record;
}

}  // namespace

std::string field_text(std::string_view record_class, const document::Member& field) {
  constexpr std::size_t kShown = 120;
  if (const std::string* text = field.value->string()) return escaped(*text, kShown);
  const document::RecordClass* known = document::Schema::built_in().find(record_class);
  const document::Field* described = known == nullptr ? nullptr : known->find(field.key);
  const auto* number = std::get_if<document::Number>(&field.value->content());
  if (described == nullptr || described->type != document::ValueType::time || number == nullptr)
    return escaped(document::print(*field.value), kShown);
  return when(Timestamp{std::strtoll(number->text.c_str(), nullptr, 10)});
}

bool names_record_version(const std::string& text) {
  const auto at = text.rfind('@');
  const bool has_number = at != std::string::npos && at + 1 < text.size() &&
                          text.find_first_not_of("0123456789", at + 1) == std::string::npos;
  return has_number && names_record(text.substr(0, at));
}

Result<void> list_record(Run& run, Visit& visit, const std::string& path, Timestamp since,
                         std::uint64_t count) {
  PagePlace place("history of " + callboard::quoted(path), PagePlace::Way::down);
  while (count > 0) {
    const auto arguments =
        document::make_object({{"path", document::make_text(path)},
                               {"count", document::make_number(std::min(count, kRevisionsAtOnce))},
                               {"before", document::make_number(place.at())},
                               {"since", document::make_number(since.ms)}});
    const auto json = visit.wait(visit.access().call("record.history", document::print(*arguments), {}));
    if (!json) return json.error();
    const auto answer = document::parse(*json);
    const auto revisions = answer ? (*answer)->member("revisions") : nullptr;
    if (revisions == nullptr || revisions->array() == nullptr)
      return Error{Outcome::failed, "the server's answer is no list of revisions"};
    for (const document::ValuePtr& each : *revisions->array()) {
      if (count == 0) break;
      show_change(run, path, each);
      --count;
    }
    if (place.at() == 0 && revisions->array()->empty()) run.output.message("nothing was changed there");
    if (revisions->array()->empty() || !document::flag_in(**answer, "more")) return {};
    const auto next = document::number_in<std::uint64_t>(*revisions->array()->back(), "revision");
    if (const auto moved = place.move_to(next); !moved && count > 0) return moved;
  }
  return {};
}

Result<void> show_record(Run& run, const std::string& text) {
  const auto version = record_version_name(text);
  if (!version) return version.error();
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto record = read_record(**visit, *version);
  if (!record) return record.error();
  if (!run.output.is_json()) {
    run.output.raw(document::print(*(*record)->member("fields")) + "\n");
    return {};
  }
  run.output.object({{"event", "record"},
                     {"path", version->path},
                     {"class", document::text_in(**record, "class")},
                     {"owner", document::text_in(**record, "owner")},
                     {"user", document::text_in(**record, "user")},
                     {"by", document::text_in(**record, "by")},
                     {"revision", document::number_in<std::int64_t>(**record, "revision")},
                     {"time", to_iso({document::number_in<std::int64_t>(**record, "timestamp")})},
                     {"fields", JsonText{document::print(*(*record)->member("fields"))}}});
  return {};
}

Result<void> restore_record(Run& run, const std::string& text) {
  const auto version = record_version_name(text);
  if (!version) return version.error();
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  if (auto free = check_locks(run, **visit, {version->path}, Below::left_out, IfLocked::warn); !free)
    return free;
  const auto json = (*visit)->wait((*visit)->access().call("record.restore", arguments_for(*version), {}));
  if (!json) return json.error();
  const std::uint64_t revision = std::strtoull(json->c_str(), nullptr, 10);
  run.output.line(fmt::format("{} is again what it was at revision {}; this is revision {}",
                              escaped(version->path), version->revision, revision));
  run.output.object({{"event", "restored"},
                     {"record", version->path},
                     {"restored", version->revision},
                     {"revision", revision}});
  return {};
}

Result<void> diff_records(Run& run, const std::string& from_text, const std::string& to_text) {
  const auto from = record_version_name(from_text);
  if (!from) return from.error();
  const auto to = record_version_name(to_text);
  if (!to) return to.error();
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto before = read_record(**visit, *from);
  if (!before) return before.error();
  const auto after = read_record(**visit, *to);
  if (!after) return after.error();
  const auto old = (*before)->member("fields");
  const std::string patch = document::diff(old, (*after)->member("fields"));
  if (!run.output.is_json()) return show_patch(run.output, document::print(*old), patch);
  run.output.object({{"event", "diff"},
                     {"record", to->path},
                     {"from", from->revision},
                     {"to", to->revision},
                     {"patch", JsonText{patch}}});
  return {};
}

}  // namespace callboard::cli
