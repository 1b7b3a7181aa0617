#include "tests/sim/memory_log.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "server/board/merged_document.h"

namespace callboard::sim {

using namespace server;

namespace {

std::uint64_t last_of(const Disk& disk) {
  return std::max(disk.operations.empty() ? 0 : disk.operations.back().sequence, disk.snapshot.sequence);
}

Committed readable(Committed committed) {
  ENSURE(read_edits(committed.operation));
  return committed;
}

Revision revision_of(const Committed& committed, const MergedDocument::Effect& effect) {
  const Operation& operation = committed.operation;
  return {committed.sequence,
          operation.session,
          operation.user,
          operation.timestamp,
          operation.base,
          effect.stands,
          operation.value->size(),
          "",
          operation.settles,
          1,
          effect.changed && !effect.stands};
}

// All that it tells but where a revision's changes are; everything is looked at.
class MemoryHistory final : public History {
 public:
  explicit MemoryHistory(const Disk& disk) : disk_(disk) {}

  Result<Listing> list(const HistoryQuery& query) override {
    Listing listing;
    std::vector<Revision>& found = listing.revisions;
    MergedDocument document;
    for_each(query.record, query.before == 0 ? UINT64_MAX : query.before - 1, [&](const Committed& each) {
      const document::ValuePtr before = document.root();
      const auto effect = document.apply(each.sequence, each.operation);
      const bool is_listed =
          query.at.empty() || (!effect.stands && is_about(each.operation, query.at, before)) ||
          !document::equal(document::find(before, query.at), document::find(document.root(), query.at));
      if (each.operation.timestamp >= query.since && is_listed) found.push_back(revision_of(each, effect));
    });
    std::reverse(found.begin(), found.end());
    if (found.size() > query.count) found.resize(query.count);
    return listing;
  }

  Result<Version> version(Record record, std::uint64_t number) override {
    Version version;
    MergedDocument document;
    for_each(record, number, [&](const Committed& each) {
      document::Growth growth;
      if (document.root() != nullptr) growth.apply({document::Edit::Kind::set, {}, document.root(), {}});
      const auto effect = document.apply(each.sequence, each.operation);
      if (each.sequence != number) return;
      version.revision = revision_of(each, effect);
      version.value = version.written = document.root();
      if (effect.stands) return;
      growth.apply(*each.operation.edits);
      version.written = growth.root();
      const bool is_seen = each.operation.base == 0 || growth.shows(*each.operation.edits);
      const auto base =
          is_seen ? Result<document::ValuePtr>(nullptr) : document_at(record, each.operation.base);
      if (base && *base != nullptr) {
        document::Growth written;
        written.apply({document::Edit::Kind::set, {}, *base, {}});
        written.apply(*each.operation.edits);
        version.written = written.root();
      }
      if (!effect.changed) version.value = version.written;
    });
    if (version.revision.number == 0 || version.value == nullptr) return not_kept(number);
    return version;
  }

  Result<document::ValuePtr> document_at(Record record, std::uint64_t number) override {
    MergedDocument document;
    for_each(record, number, [&](const Committed& each) { document.apply(each.sequence, each.operation); });
    if (document.root() == nullptr) return not_kept(number);
    return document.root();
  }

  Result<void> visit_operations(Record record, const std::vector<UniqueId>& ids,
                                const std::function<void(const Committed&)>& visit) override {
    for_each(record, UINT64_MAX, [&](const Committed& each) {
      if (std::ranges::find(ids, each.operation.id) != ids.end()) visit(each);
    });
    return {};
  }

  Result<void> visit_record(const std::string& path, std::uint64_t last,
                            const std::function<void(const Committed&)>& visit) override {
    for_each(Record::record, last, [&](const Committed& each) {
      if (each.operation.path == path) visit(each);
    });
    return {};
  }

  Result<AuditListing> audit(std::uint64_t since, std::size_t count) override {
    AuditListing listing;
    for_each(Record::audit, UINT64_MAX, [&](const Committed& each) {
      listing.last = each.sequence;
      if (each.sequence > since && listing.entries.size() < count)
        listing.entries.push_back(audit_entry_of(each.sequence, each.operation));
    });
    return listing;
  }

 private:
  static Error not_kept(std::uint64_t number) {
    return Error{Outcome::not_found, "revision " + std::to_string(number) + ": there was none"};
  }
  template <class Visit>
  void for_each(Record record, std::uint64_t last, Visit visit) const {
    for (const Committed& each : disk_.operations) {
      if (each.sequence > last) return;
      if (each.operation.record == record) visit(readable(each));
    }
  }

  const Disk& disk_;
};

}  // namespace

MemoryLog::MemoryLog(Disk& disk, net::Loop& loop) : disk_(disk), loop_(loop), told_(last_of(disk)) {}

MemoryLog::~MemoryLog() {
  *is_there_ = false;
  if (disk_.is_cut_off) return;
  for (const Append& append : appends_) insert(append.operation);
}

void MemoryLog::on_commit(CommitHandler handler) { *on_commit_ = std::move(handler); }

void MemoryLog::append(Operation operation, AppendDone done) {
  ENSURE(operation.value != nullptr && operation.id);
  appends_.push_back({std::move(operation), std::move(done)});
  submit({});
}

void MemoryLog::append_together(std::vector<Operation> operations, AppendDone done) {
  // What waits is committed in one group.
  for (std::size_t i = 0; i + 1 < operations.size(); ++i)
    append(std::move(operations[i]), [](const Result<Appended>&) {});
  append(std::move(operations.back()), std::move(done));
}

void MemoryLog::snapshot(std::uint64_t sequence, std::function<Bytes()> encode, Done done) {
  submit([this, sequence, encode = std::move(encode), done = std::move(done)] {
    if (is_broken_) look_again();
    Result<void> made;
    if (disk_.is_full) made = Error{Outcome::failed, "no space left on device"};
    if (made) disk_.snapshot = {sequence, encode()};
    post([done, made] { done(made); });
  });
}

void MemoryLog::check_room(std::uint64_t, Done done) {
  submit([this, done = std::move(done)] {
    Result<void> room;
    if (disk_.is_full) room = Error{Outcome::failed, "no space left on device"};
    post([done, room] { done(room); });
  });
}

void MemoryLog::install(LogSnapshot snapshot, Done done) {
  submit([this, snapshot = std::move(snapshot), done = std::move(done)] {
    Result<void> made;
    if (snapshot.sequence < last_of(disk_)) {
      made = Error{Outcome::refused, "the log is at " + std::to_string(last_of(disk_)) +
                                         ", beyond the snapshot's " + std::to_string(snapshot.sequence)};
    } else {
      disk_.snapshot = snapshot;
      told_ = snapshot.sequence;
    }
    post([done, made] { done(made); });
  });
}

// The history here is read from its beginning.
void MemoryLog::keyframe(Record record, std::uint64_t sequence, std::function<Bytes()> encode, Done done) {
  submit([this, record, sequence, encode = std::move(encode), done = std::move(done)] {
    (void)encode();
    disk_.newest_keyframes[record] = sequence;
    post([done] { done({}); });
  });
}

void MemoryLog::trim(const Retention&, Timestamp, TrimDone done) {
  submit([this, done = std::move(done)] { post([done] { done(std::uint64_t{0}); }); });
}

Result<std::unique_ptr<History>> MemoryLog::open_history() {
  return std::unique_ptr<History>(std::make_unique<MemoryHistory>(disk_));
}

Result<LogSnapshot> MemoryLog::newest_snapshot() { return disk_.snapshot; }

Result<std::uint64_t> MemoryLog::newest_keyframe(Record record) { return disk_.newest_keyframes[record]; }

Result<void> MemoryLog::read_from(std::uint64_t sequence, const Visit& visit) {
  for (const Committed& each : disk_.operations) {
    if (each.sequence < sequence) continue;
    if (auto visited = visit(each); !visited) return visited;
  }
  return {};
}

// --- The disk's thread ----------------------------------------------------------------------------------------------

void MemoryLog::submit(Task task) {
  queue_.push_back(std::move(task));
  work();
}

void MemoryLog::work() {
  if (is_working_ || queue_.empty()) return;
  is_working_ = true;
  World& world = World::get();
  world.after(world.between(disk_.sync_min, disk_.sync_max), [this, is_there = is_there_] {
    if (!*is_there) return;
    is_working_ = false;
    const Task task = std::move(queue_.front());
    queue_.pop_front();
    if (task) {
      task();
    } else {
      std::vector<Append> group;
      group.push_back(std::move(appends_.front()));
      appends_.pop_front();
      while (!queue_.empty() && !queue_.front()) {
        queue_.pop_front();
        group.push_back(std::move(appends_.front()));
        appends_.pop_front();
      }
      commit(std::move(group));
    }
    work();
  });
}

void MemoryLog::commit(std::vector<Append> group) {
  World& world = World::get();
  if (is_broken_) look_again();
  auto appends = std::make_shared<std::vector<Append>>(std::move(group));
  auto places = std::make_shared<std::vector<Appended>>();
  if (disk_.is_full) {
    is_broken_ = true;
    if (world.chance(disk_.torn_percent)) {
      for (const Append& append : *appends) insert(append.operation);
    }
    const Error why{Outcome::failed, "write to the project's log: no space left on device"};
    return post([appends, why] {
      for (const Append& append : *appends) append.done(why);
    });
  }
  for (const Append& append : *appends) places->push_back(insert(append.operation));
  told_ = last_of(disk_);
  world.note("committed up to " + std::to_string(told_));
  post([appends, places, on_commit = on_commit_] {
    for (std::size_t i = 0; i < places->size(); ++i) {
      if (!(*places)[i].repeated && *on_commit)
        (*on_commit)({(*places)[i].sequence, (*appends)[i].operation});
    }
    for (std::size_t i = 0; i < places->size(); ++i) (*appends)[i].done((*places)[i]);
  });
}

Appended MemoryLog::insert(const Operation& operation) {
  const auto found = std::ranges::find_if(
      disk_.operations, [&](const Committed& each) { return each.operation.id == operation.id; });
  if (found != disk_.operations.end()) return {found->sequence, true};
  disk_.operations.push_back({last_of(disk_) + 1, operation});
  // As it would be read: what its value says is found out again.
  disk_.operations.back().operation.edits = nullptr;
  return {disk_.operations.back().sequence, false};
}

void MemoryLog::look_again() {
  is_broken_ = false;
  auto missed = std::make_shared<std::vector<Committed>>();
  (void)read_from(told_ + 1, [&](Committed committed) {
    missed->push_back(std::move(committed));
    return Result<void>();
  });
  if (missed->empty()) return;
  told_ = missed->back().sequence;
  post([missed, on_commit = on_commit_] {
    for (const Committed& each : *missed) {
      if (*on_commit) (*on_commit)(each);
    }
  });
}

// On its way to the loop it may be lost with the program.
void MemoryLog::post(std::function<void()> answer) {
  loop_.post([is_there = is_there_, answer = std::move(answer)] {
    if (*is_there) answer();
  });
}

}  // namespace callboard::sim
