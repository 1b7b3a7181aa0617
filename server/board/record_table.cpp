#include "server/board/record_table.h"

#include <algorithm>
#include <utility>

#include "base/document/parse.h"
#include "base/document/schema.h"
#include "base/ensure.h"
#include "base/limits.h"
#include "base/text.h"
#include "server/board/snapshot_parts.h"

namespace callboard::server {
namespace {

bool is_before(const RecordStatePtr& state, std::string_view path) { return state->path < path; }

void append_member(std::string_view key, std::string_view text, std::string& out) {
  out += ",\"";
  out += key;
  out += "\":";
  document::append_quoted(text, out);
}

void remember_answer(const RecordAnswerPtr& answer, std::vector<RecordAnswerPtr>& answers) {
  if (answer == nullptr) return;
  if (answers.size() >= kRecordAnswersKept) answers.erase(answers.begin());
  answers.push_back(answer);
}

RecordState changed(const RecordStatePtr& before, const Operation& operation) {
  const RecordChange& change = *operation.change;
  RecordState after;
  if (before != nullptr) after = *before;
  if (before == nullptr) {
    after.path = operation.path;
    after.record_class = change.record_class;
    after.owner = change.owner;
  }
  after.by = operation.user;
  after.timestamp = operation.timestamp;
  if (change.action == RecordAction::give) {
    after.owner = change.owner;
  } else if (change.action == RecordAction::set) {
    after.fields = document::merged_fields(after.fields, change.fields);
  } else {
    after.fields = change.fields;
  }
  remember_answer(change.answer, after.answers);
  return after;
}

RecordState read_state(ByteReader& reader) {
  RecordState state;
  state.path = reader.text16();
  state.record_class = reader.text16();
  state.owner.session = SessionId{reader.u64()};
  state.owner.user = reader.text16();
  state.by = reader.text16();
  state.revision = reader.u64();
  state.timestamp = Timestamp{reader.i64()};
  return state;
}

void write_answers(ByteWriter& writer, const std::vector<RecordAnswerPtr>& answers) {
  writer.u16(static_cast<std::uint16_t>(answers.size()));
  for (const RecordAnswerPtr& each : answers) {
    write_id(writer, each->op);
    writer.text16(each->call);
    write_id(writer, each->asked);
    write_text32(writer, each->result == nullptr ? "" : document::print(*each->result));
  }
}

bool read_answers(ByteReader& reader, RecordTable::Format format, std::vector<RecordAnswerPtr>& answers) {
  if (format == RecordTable::Format::without_answers) return true;
  const std::uint16_t count = reader.u16();
  for (std::uint16_t i = 0; i < count && !reader.failed(); ++i) {
    RecordAnswer answer;
    answer.op = read_id(reader);
    answer.call = reader.text16();
    if (format == RecordTable::Format::with_digests) answer.asked = read_id(reader);
    const std::string_view text = read_text32(reader);
    if (!text.empty()) {
      auto result = document::parse(text);
      if (!result) return false;
      answer.result = std::move(*result);
    }
    answers.push_back(std::make_shared<const RecordAnswer>(std::move(answer)));
  }
  return !reader.failed();
}

}  // namespace

RecordStatePtr finished(RecordState state) {
  std::string text = "{\"path\":";
  document::append_quoted(state.path, text);
  append_member("class", state.record_class, text);
  if (state.owner.session) append_member("owner", to_text(state.owner.session), text);
  if (!state.owner.user.empty()) append_member("user", state.owner.user, text);
  if (!state.by.empty()) append_member("by", state.by, text);
  text += ",\"revision\":" + std::to_string(state.revision);
  text += ",\"timestamp\":" + std::to_string(state.timestamp.ms) + ",\"fields\":";
  document::append_text(*state.fields, text);
  text += '}';
  state.told = std::make_shared<const std::string>(std::move(text));
  return std::make_shared<const RecordState>(std::move(state));
}

bool is_of(const RecordOwner& owner, const RecordOwner& who) {
  const bool is_session = who.session && owner.session == who.session;
  return is_session || (!who.user.empty() && owner.user == who.user);
}

bool is_of(const RecordState& state, SessionId session, const std::string& user) {
  return is_of(state.owner, {session, user});
}

Outcome RecordTable::check(const std::string& path, std::uint64_t base, const RecordChange& change,
                           SessionId session, const std::string& user) const {
  const RecordStatePtr now = find(path);
  if (change.action == RecordAction::make) return now == nullptr ? Outcome::done : Outcome::superseded;
  const bool may_make = change.action == RecordAction::put && !change.record_class.empty();
  if (now == nullptr) return may_make && base == 0 ? Outcome::done : Outcome::not_found;
  if (base != 0 && base != now->revision) return Outcome::superseded;
  if (change.is_owners && !is_of(*now, session, user)) return Outcome::refused;
  return Outcome::done;
}

Outcome RecordTable::apply(std::uint64_t revision, const Operation& operation) {
  ENSURE(operation.record == Record::record && operation.change != nullptr);
  const RecordChange& change = *operation.change;
  const Outcome outcome = check(operation.path, operation.base, change, operation.session, operation.user);
  if (outcome != Outcome::done) return outcome;
  if (change.action == RecordAction::remove) {
    put(operation.path, nullptr);
    return outcome;
  }
  RecordState after = changed(find(operation.path), operation);
  after.revision = revision;
  put(operation.path, finished(std::move(after)));
  return outcome;
}

RecordTable::Shards::const_iterator RecordTable::shard_of(std::string_view path) const {
  const auto after =
      std::upper_bound(shards_.begin(), shards_.end(), path, [](std::string_view wanted, const auto& shard) {
        return wanted < std::string_view(shard->front()->path);
      });
  return after == shards_.begin() ? after : after - 1;
}

RecordStatePtr RecordTable::find(std::string_view path) const {
  const auto shard = shard_of(path);
  if (shard == shards_.end()) return nullptr;
  const auto found = std::lower_bound((*shard)->begin(), (*shard)->end(), path, is_before);
  return found == (*shard)->end() || (*found)->path != path ? nullptr : *found;
}

void RecordTable::put(const std::string& path, RecordStatePtr state) {
  const auto at = static_cast<std::size_t>(shard_of(path) - shards_.begin());
  Shard fresh = at == shards_.size() ? Shard{} : *shards_[at];
  const auto found = std::lower_bound(fresh.begin(), fresh.end(), std::string_view(path), is_before);
  const bool is_there = found != fresh.end() && (*found)->path == path;
  size_ += (state != nullptr ? 1u : 0u);
  size_ -= (is_there ? 1u : 0u);
  if (is_there && state == nullptr) {
    fresh.erase(found);
  } else if (is_there) {
    *found = std::move(state);
  } else if (state != nullptr) {
    fresh.insert(found, std::move(state));
  } else {
    return;
  }
  place(at, std::move(fresh));
}

// In place of the one there is at `at`, or behind the last.
void RecordTable::place(std::size_t at, Shard fresh) {
  if (at == shards_.size()) shards_.emplace_back();
  const auto here = shards_.begin() + static_cast<Shards::difference_type>(at);
  if (fresh.size() > kShardMax) {
    const auto middle = fresh.begin() + kShardMax / 2;
    *here = std::make_shared<const Shard>(fresh.begin(), middle);
    shards_.insert(here + 1, std::make_shared<const Shard>(middle, fresh.end()));
    return;
  }
  // Small neighbours are one.
  const auto next = here + 1;
  const bool is_with_next = next != shards_.end() && fresh.size() + (*next)->size() < kShardMax / 2;
  const bool is_with_former = !is_with_next && at > 0 && (*(here - 1))->size() + fresh.size() < kShardMax / 2;
  if (is_with_next) fresh.insert(fresh.end(), (*next)->begin(), (*next)->end());
  if (is_with_former) fresh.insert(fresh.begin(), (*(here - 1))->begin(), (*(here - 1))->end());
  const bool is_empty = fresh.empty();
  if (!is_empty) *here = std::make_shared<const Shard>(std::move(fresh));
  if (is_with_next) shards_.erase(next);
  if (is_with_former) {
    shards_.erase(here - 1);
  } else if (is_empty) {
    shards_.erase(here);
  }
}

// u32 count | count x { text16 path | text16 class | u64 owner | text16 its user | text16 by | u64 revision | i64 timestamp
// | u32-length fields | u16 count | count x { u64 x 2 operation | text16 call | u64 x 2 digest | u32-length result, empty: not kept } }
void RecordTable::append_to(ByteWriter& writer) const {
  writer.u32(static_cast<std::uint32_t>(size_));
  for_each([&](const RecordStatePtr& state) {
    writer.text16(state->path);
    writer.text16(state->record_class);
    writer.u64(state->owner.session.value);
    writer.text16(state->owner.user);
    writer.text16(state->by);
    writer.u64(state->revision);
    writer.i64(state->timestamp.ms);
    write_text32(writer, document::print(*state->fields));
    write_answers(writer, state->answers);
  });
}

Result<RecordTable> RecordTable::from(ByteReader& reader, Format format) {
  RecordTable table;
  const std::uint32_t count = reader.u32();
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    RecordState state = read_state(reader);
    auto fields = document::parse(read_text32(reader));
    if (reader.failed() || !fields || (*fields)->object() == nullptr) {
      return Error{Outcome::failed, "snapshot: damaged: record"};
    }
    state.fields = std::move(*fields);
    if (!read_answers(reader, format, state.answers)) {
      return Error{Outcome::failed, "snapshot: damaged: answer of a record"};
    }
    const std::string path = state.path;
    table.put(path, finished(std::move(state)));
  }
  return table;
}

Error record_refusal(Outcome outcome, RecordAction action, const std::string& path, const RecordStatePtr& now,
                     std::uint64_t base) {
  const std::string name = quoted(path);
  if (outcome == Outcome::not_found || now == nullptr) {
    if (outcome == Outcome::superseded)
      return {outcome,
              name + (action == RecordAction::make ? " is there already" : " was removed meanwhile")};
    return {outcome, "there is no record " + name};
  }
  if (outcome == Outcome::refused) {
    return {outcome, name + " is " + (now->owner.user.empty() ? "nobody" : quoted(now->owner.user)) +
                         "'s: only its owner may do that"};
  }
  const std::string at = std::to_string(now->revision) + (now->by.empty() ? "" : ", by " + quoted(now->by));
  if (action == RecordAction::make) return {outcome, name + " is there already, at revision " + at};
  if (base <= now->revision) return {outcome, name + " was changed meanwhile: revision " + at};
  return {outcome, name + " has no revision " + std::to_string(base) + ": the newest is " + at};
}

}  // namespace callboard::server
