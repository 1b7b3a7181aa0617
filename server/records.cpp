#include "server/records.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "server/own_changes.h"

namespace callboard::server {
namespace {

// A large document takes 100 ms and more to read; a second thread lets small ones pass.
constexpr std::size_t kDraftThreads = 2;
// So many of an author's own operations, and edits of each, are put together while everybody waits.
constexpr std::size_t kOwnInline = 16;
// Sessions whose newest stamp is remembered while their writes are on the way.
constexpr std::size_t kStampsKept = 10'000;

// What came since a keyframe is counted at a start from what the board can put in order: that must be enough to make one due.
static_assert(kMergeWindowOperations >= kKeyframeOperations && kMergeWindowBytes >= kKeyframeBytes);

std::size_t index_of(Record record) { return record == Record::story ? 0 : 1; }

std::uint64_t values_of(const Operation& operation) {
  std::uint64_t values = 0;
  if (operation.edits == nullptr) return values;
  for (const document::Edit& each : *operation.edits) values += values_of(each.value);
  return values;
}

std::vector<Operation> one(Operation operation) {
  std::vector<Operation> operations;
  operations.push_back(std::move(operation));
  return operations;
}

// For everybody; whoever's own write fails is answered with the cause alone.
Error told(const Error& why) { return {why.outcome, why.text + "; what still can be written is taken"}; }

// What is later than what is there leaves so many counters free below it: for those of one author who knew only what is below.
constexpr std::uint32_t kCountersApart = 1024;

// Where the counters of a millisecond are used up the next one begins.
void make_later(Operation& operation, const Stamp& than, std::uint32_t apart = 1) {
  const bool is_later = operation.timestamp > than.time ||
                        (operation.timestamp == than.time && operation.counter > than.counter);
  if (is_later) return;
  const std::uint64_t counter = (std::uint64_t{than.counter} / apart + 1) * apart;
  const bool is_full = counter > std::numeric_limits<std::uint32_t>::max();
  operation.timestamp = {than.time.ms + (is_full ? 1 : 0)};
  operation.counter = is_full ? 0 : static_cast<std::uint32_t>(counter);
}

bool is_small(const document::ValuePtr& value) {
  return value == nullptr || value->size_bytes() <= kInlineDocumentBytes;
}

}  // namespace

Records::Records(net::Loop& loop, std::unique_ptr<Log> log, Recovered recovered, EventLog& events,
                 Options options, Handlers handlers)
    : events_(events),
      options_(std::move(options)),
      handlers_(std::move(handlers)),
      board_(std::move(recovered.board)),
      editions_(loop, board_, [this] { handlers_.on_change(); }),
      snapshot_sequence_(recovered.snapshot_sequence),
      bytes_since_snapshot_(recovered.bytes_replayed),
      probe_(loop, [this] { probe(); }),
      drafts_(loop, kDraftThreads),
      log_(std::move(log)),
      history_work_(loop, 1) {
  // The board has what was done since then: all of it, or so much that a keyframe is due.
  for (const auto& [record, sequence] : recovered.newest_keyframes) {
    SinceKeyframe& since = since_keyframe_[index_of(record)];
    board_.document(record).for_each_since(sequence, [&since](const MergedDocument::Entry& each) {
      ++since.operations;
      since.bytes += each.operation->value->size();
    });
  }
  log_->on_broken([this](const Error& why) { on_broken(why); });
  log_->on_commit([this](Committed committed) { on_commit(std::move(committed)); });
  for (const Record record : {Record::story, Record::analytics})
    newest_then_[index_of(record)].start(options_.clock.monotonic(), board_.document(record).newest());
  if (const auto why = log_->why_read_only()) {
    failure_ = told(*why);
    room_wanted_ = kDiskRoomMin;
    probe_.set_after(options_.probe_period);
    events_.error("started for reading only, changes are refused", {{"cause", why->text}});
  }
}

Records::~Records() = default;

// --- Writing --------------------------------------------------------------------------------------------------------

void Records::write(Draft draft, Done done) {
  const Operation& operation = draft.operation;
  if (const auto known = board_.find(operation.id))
    return done(applied_at({operation.id, operation.record, operation.timestamp}, {known->sequence, true}));
  if (!is_document(operation.record)) return append(one(std::move(draft.operation)), std::move(done));
  // Revisions of the future are nobody's base.
  draft.operation.base = std::min(operation.base, board_.sequence());
  stamp(draft.operation);
  find_own(std::move(draft), std::move(done));
}

// Later than all that its author had seen, and than what was there when he made it, whatever the clock says: one who changes what is
// there does not lose to it, and nobody does because the server's clock was set back.
void Records::stamp(Operation& operation) {
  const MergedDocument& document = board_.document(operation.record);
  const Instant now = options_.clock.monotonic();
  const std::int64_t ago_ms = std::max(options_.clock.wall().ms - operation.timestamp.ms, std::int64_t{0});
  NewestThen& newest_then = newest_then_[index_of(operation.record)];
  Stamp then = newest_then.at(now - std::chrono::milliseconds(ago_ms));
  // Of one millisecond who was first is not known, but where counters say so.
  const bool is_past =
      then.time < operation.timestamp || (then.time == operation.timestamp && then.counter == 0);
  if (is_past) then = {};
  // What is on its way to the log is not in the document yet.
  auto& newest_of = newest_of_[index_of(operation.record)];
  const auto [own, is_first] = newest_of.try_emplace(operation.session);
  Stamp& newest = own->second;
  const Stamp seen = is_first ? document.newest_known(operation.session, operation.base)
                              : document.newest_known(operation.base);
  const Stamp known = std::max(newest, seen);
  make_later(operation, std::max(known, then), known <= then ? kCountersApart : 1);
  newest = stamp_of(operation);
  newest_then.note(now, newest);
  // Whoever wrote long ago has it in the document, or is older than anything there.
  if (newest_of.size() > kStampsKept) newest_of.clear();
}

// Later than what its author is known to have seen now, too. False: its session wrote something else meanwhile, and that stays
// the later one.
bool Records::raise_stamp(Operation& operation, const Stamp& above) {
  auto& newest_of = newest_of_[index_of(operation.record)];
  const auto own = newest_of.find(operation.session);
  if (own == newest_of.end() || own->second != stamp_of(operation)) return false;
  make_later(operation, above);
  own->second = stamp_of(operation);
  newest_then_[index_of(operation.record)].note(options_.clock.monotonic(), own->second);
  return true;
}

// What depends on them is refused where one is not there. A whole document does not: what is missing is in it, and is what its
// author changes by it.
void Records::find_own(Draft draft, Done done) {
  const bool depends = draft.how == Draft::How::at || draft.how == Draft::How::patch;
  const bool is_whole = draft.how == Draft::How::whole || draft.how == Draft::How::restore;
  const bool is_compared = is_whole && draft.operation.base != 0;
  if (draft.own.empty() || (!depends && !is_compared))
    return find_sources(std::move(draft), nullptr, std::move(done));
  const Record record = draft.operation.record;
  OwnChanges own(board_, record, draft.operation.base, draft.own);
  auto ids = own.sought();
  if (ids.empty()) return find_sources(std::move(draft), &own, std::move(done));
  read_history(
      [record, ids = std::move(ids), own](History& history) -> Result<OwnChanges> {
        OwnChanges found = own;
        const auto read =
            history.visit_operations(record, ids, [&found](const Committed& each) { found.add(each); });
        if (!read) return read.error();
        return found;
      },
      [this, depends, own, draft = std::move(draft),
       done = std::move(done)](Result<OwnChanges> found) mutable {
        if (!found && depends) return done(found.error());
        if (found) own = std::move(*found);
        if (auto whole = own.check(); depends && !whole) return done(whole.error());
        find_sources(std::move(draft), &own, std::move(done));
      });
}

// `own` may be null.
void Records::find_sources(Draft draft, const OwnChanges* own, Done done) {
  const Record record = draft.operation.record;
  const std::uint64_t base = draft.operation.base;
  DraftSources sources;
  const MergedDocument& document = board_.document(record);
  sources.head = document.root();
  // Without a base, a part is changed in what is there now.
  sources.base = base == 0 ? sources.head : editions_.root_at(record, base);
  if (draft.how == Draft::How::settle) sources.growth = document.growth();
  if (own != nullptr) {
    sources.own = own->edits();
    // Of another session they may have a later stamp; where it cannot be raised any more, the session's later one stands.
    static_cast<void>(raise_stamp(draft.operation, own->newest()));
  }
  if (base != 0) find_seen(draft.operation, own, sources);
  if (draft.how == Draft::How::restore) {
    using Read = Result<std::pair<document::ValuePtr, document::ValuePtr>>;
    return read_history(
        [record, base, number = draft.restores, seen = sources.base](History& history) -> Read {
          auto version = history.version(record, number);
          if (!version) return version.error();
          if (base == 0 || seen != nullptr) return std::pair(version->value, seen);
          auto root = history.document_at(record, base);
          return root ? Read(std::pair(version->value, *root)) : root.error();
        },
        [this, draft = std::move(draft), sources, done = std::move(done)](Read read) mutable {
          if (!read) return done(read.error());
          std::tie(sources.restored, sources.base) = std::move(*read);
          finish_draft(std::move(draft), std::move(sources), std::move(done));
        });
  }
  const bool needs_base = base != 0 && draft.how != Draft::How::nothing && draft.how != Draft::How::settle;
  if (!needs_base || sources.base != nullptr) {
    return finish_draft(std::move(draft), std::move(sources), std::move(done));
  }
  read_history([record, base](History& history) { return history.document_at(record, base); },
               [this, draft = std::move(draft), sources,
                done = std::move(done)](Result<document::ValuePtr> root) mutable {
                 if (!root && draft.how != Draft::How::whole) return done(root.error());
                 // A whole document from times that nobody remembers is arbitrated as one without a base.
                 if (!root) draft.operation.base = 0;
                 if (root) sources.base = std::move(*root);
                 finish_draft(std::move(draft), std::move(sources), std::move(done));
               });
}

// Some of what came after the base cannot be compared with any more; or it is its author's own, but of a session before this
// one, which would be met like somebody else's.
void Records::find_seen(const Operation& operation, const OwnChanges* own, DraftSources& sources) const {
  const MergedDocument& document = board_.document(operation.record);
  const std::uint64_t last_own = own == nullptr ? 0 : own->last_of_another(operation.session);
  const bool has_forgotten = document.forgotten_unseen(operation) != nullptr;
  if (last_own == 0 && !has_forgotten) return;
  if (!has_forgotten) sources.seen = editions_.root_at(operation.record, last_own);
  sources.seen_revision = sources.seen != nullptr ? last_own : std::max(last_own, document.head().revision);
  if (sources.seen == nullptr) sources.seen = sources.head;
}

void Records::finish_draft(Draft draft, DraftSources sources, Done done) {
  const std::uint64_t base = draft.operation.base;
  // What is brought back of many places is not looked through here.
  const bool brings_little =
      draft.lost.empty() || (draft.lost.size() == 1 && is_small(draft.lost.front().value));
  const bool has_few_own =
      sources.own.size() <= kOwnInline && std::ranges::all_of(sources.own, [](const auto& edits) {
        return edits->size() <= kOwnInline &&
               std::ranges::all_of(*edits, [](const document::Edit& each) { return is_small(each.value); });
      });
  const bool has_little =
      brings_little && has_few_own &&
      (draft.operation.value == nullptr || draft.operation.value->size() <= kInlineDocumentBytes);
  if (has_little && is_small(sources.base) && is_small(sources.head) && is_small(sources.seen) &&
      is_small(sources.restored))
    return append_finished(finished(std::move(draft), std::move(sources)), base, std::move(done));
  drafts_.submit(
      [draft = std::move(draft), sources = std::move(sources)](const std::stop_token&) mutable {
        // The last hold on a large document may be this one: it is given back here.
        return finished(std::move(draft), std::move(sources));
      },
      [this, base, done = std::move(done)](Result<Operation> operation) {
        append_finished(std::move(operation), base, done);
      });
}

// `base` is what it was made from.
void Records::append_finished(Result<Operation> operation, std::uint64_t base, Done done) {
  if (!operation) return done(operation.error());
  const bool has_seen_more = operation->base != base;
  if (has_seen_more &&
      !raise_stamp(*operation, board_.document(operation->record).newest_known(operation->base)))
    operation->base = base;
  append_document(std::move(*operation), std::move(done));
}

// Each author's own document was small enough; what becomes of several authors' parts has to be, too.
void Records::append_document(Operation operation, Done done) {
  if (!has_room_for(operation)) {
    return done(Error{Outcome::usage,
                      fmt::format("the document would be larger than {}, or more than {} values, with what "
                                  "others wrote",
                                  human_bytes(kDocumentMax), kDocumentValuesMax)});
  }
  UnderWay& under_way = under_way_[index_of(operation.record)];
  under_way.bytes += operation.value->size();
  under_way.values += values_of(operation);
  under_way.operations.push_back(operation);
  append(one(std::move(operation)),
         [&under_way, id = operation.id, done = std::move(done)](const Result<Applied>& applied) {
           const auto own = std::ranges::find_if(under_way.operations,
                                                 [&](const Operation& each) { return each.id == id; });
           if (own != under_way.operations.end()) {
             under_way.bytes -= own->value->size();
             under_way.values -= values_of(*own);
             under_way.operations.erase(own);
           }
           done(applied);
         });
}

bool Records::has_room_for(const Operation& operation) const {
  const MergedDocument& document = board_.document(operation.record);
  const UnderWay& under_way = under_way_[index_of(operation.record)];
  const std::uint64_t present = size_of(document.root());
  // An operation adds what it says, and what it brings back; of that two bytes are one value at most.
  const bool fits = present + under_way.bytes + operation.value->size() + kGravesBytesMax <= kDocumentMax;
  const std::uint64_t values = values_of(document.root()) + under_way.values + values_of(operation);
  if (fits && values + kGravesBytesMax / 2 <= kDocumentValuesMax) return true;
  MergedDocument trial = document;
  std::uint64_t sequence = board_.sequence();
  for (const Operation& each : under_way.operations) {
    if (!board_.find(each.id)) trial.apply(++sequence, each);
  }
  const std::uint64_t before = size_of(trial.root());
  const std::uint32_t values_before = values_of(trial.root());
  trial.apply(++sequence, operation);
  return size_of(trial.root()) <= std::max(kDocumentMax, before) &&
         values_of(trial.root()) <= std::max(kDocumentValuesMax, values_before);
}

void Records::write_together(std::vector<Operation> operations, Done done) {
  append(std::move(operations), std::move(done));
}

void Records::append(std::vector<Operation> operations, Done done) {
  if (is_broken_) return done(*failure_);
  const Operation& last = operations.back();
  const Asked asked{last.id, last.record, last.timestamp};
  std::uint64_t size_bytes = 0;
  for (const Operation& each : operations) size_bytes += each.value->size();
  log_->append_together(std::move(operations),
                        [this, asked, size_bytes, done = std::move(done)](const Result<Appended>& place) {
                          if (place) return done(applied_at(asked, *place));
                          if (place.error().outcome == Outcome::failed)
                            on_disk_failed(place.error(), size_bytes);
                          done(place.error());
                        });
}

void Records::on_broken(const Error& why) {
  if (std::exchange(is_broken_, true)) return;
  log_->keep_ahead();
  failure_ = Error{Outcome::failed,
                   "the board is damaged or gone, no changes are taken any more: `serve --restore FILE` "
                   "begins with a backup; "
                   "reading goes on: " +
                       why.text};
  probe_.cancel();
  events_.error("the board is damaged, changes are refused", {{"cause", why.text}});
  handlers_.on_writable(&*failure_);
}

void Records::on_disk_failed(const Error& why, std::uint64_t size_bytes) {
  if (is_broken_) return;
  room_wanted_ = std::max({room_wanted_, size_bytes, kDiskRoomMin});
  const bool is_news = !failure_;
  failure_ = told(why);
  probe_.set_after(options_.probe_period);
  if (!is_news) return;
  events_.error("write failed, changes are refused", {{"cause", why.text}});
  handlers_.on_writable(&*failure_);
}

// A small change may fit where the one that failed does not: that alone is no sign that changes are taken again.
void Records::on_disk_written() {
  if (!failure_ || is_broken_) return;
  failure_.reset();
  room_wanted_ = 0;
  events_.info("writes succeed again");
  handlers_.on_writable(nullptr);
}

// Nobody need write to learn that the disk has room again: a snapshot is of use by itself.
void Records::probe() {
  log_->check_room(room_wanted_, [this](const Result<void>& room) {
    if (is_broken_) return;
    if (!room || is_snapshot_under_way_) return probe_.set_after(options_.probe_period);
    snapshot([this](const Result<void>& made) {
      if (made) on_disk_written();
    });
  });
}

Result<Applied> Records::applied_at(const Asked& asked, const Appended& place) const {
  auto applied = board_.find(asked.id);
  if (!applied) {
    // From so long ago that only the log remembers it; what counts is whether it still stands.
    const bool stands = is_document(asked.record) && board_.head(asked.record).operation == asked.id;
    const std::uint64_t number = asked.record == Record::record ? place.sequence : 0;
    return Applied{asked.id, place.sequence, asked.record, stands, number, asked.timestamp, Outcome::done};
  }
  if (applied->record != asked.record) {
    return Error{Outcome::usage, "op: this operation id was used for another record"};
  }
  return *applied;
}

// --- The log --------------------------------------------------------------------------------------------------------

void Records::on_commit(Committed committed) {
  Operation& operation = committed.operation;
  // What was committed without its writer knowing comes as it was read from the disk.
  const auto sound = read_edits(operation);
  ENSURE(sound);
  if (operation.record == Record::record) {
    handlers_.on_record(operation, board_.apply(committed.sequence, operation));
  } else if (!is_document(operation.record)) {
    board_.apply(committed.sequence, operation);
  } else {
    // A large document that goes out of use is given back by a worker.
    const MergedDocument& document = board_.document(operation.record);
    const bool is_large = !is_small(document.root()) || operation.value->size() > kInlineDocumentBytes;
    const auto before = is_large ? std::make_shared<const MergedDocument>(document) : nullptr;
    on_document(committed, board_.apply(committed.sequence, operation));
    if (before != nullptr) editions_.dispose(before);
  }
  bytes_since_snapshot_ += operation.value->size();
  const bool is_long = board_.sequence() - snapshot_sequence_ >= kSnapshotOperations;
  if (!is_snapshot_under_way_ && (is_long || bytes_since_snapshot_ >= kSnapshotBytes))
    snapshot([this](const Result<void>&) { trim([](const Result<std::uint64_t>&) {}); });
  if (operation.record != Record::record) handlers_.on_change();
}

void Records::on_document(const Committed& committed, const Applied& applied) {
  const Record record = committed.operation.record;
  editions_.on_applied(record, committed.operation.value->size());
  for (const Conflict& conflict : applied.conflicts) handlers_.on_conflict(conflict);
  SinceKeyframe& since = since_keyframe_[index_of(record)];
  ++since.operations;
  since.bytes += committed.operation.value->size();
  const std::uint64_t size_bytes = size_of(board_.document(record).root());
  const bool is_due = since.operations >= kKeyframeOperations ||
                      (since.operations > 1 && since.bytes >= std::max(kKeyframeBytes, size_bytes));
  if (is_due && !since.is_under_way) keep_keyframe(record);
}

void Records::keep_keyframe(Record record) {
  SinceKeyframe& since = since_keyframe_[index_of(record)];
  since = {.is_under_way = true};
  const auto encode = [document = board_.document(record)] {
    Bytes bytes;
    ByteWriter writer(bytes);
    document.append_to(writer);
    return bytes;
  };
  log_->keyframe(record, board_.sequence(), encode, [this, record](const Result<void>& made) {
    since_keyframe_[index_of(record)].is_under_way = false;
    // The history itself is whole: reading it takes longer.
    if (!made) events_.warn("keyframe failed", {{"cause", made.error().text}});
  });
}

void Records::trim(const TidyDone& done) {
  if (is_broken_) return done(*failure_);  // It may be all that there is to mend it from.
  if (std::exchange(is_trim_under_way_, true))
    return done(Error{Outcome::locked, "the history is being trimmed already"});
  log_->trim(options_.retention, options_.clock.wall(), [this, done](const Result<std::uint64_t>& forgotten) {
    is_trim_under_way_ = false;
    if (!forgotten) {
      events_.warn("trimming the history failed", {{"cause", forgotten.error().text}});
    } else if (*forgotten > 0) {
      events_.info("history trimmed", {{"operations", *forgotten}});
    }
    done(forgotten);
  });
}

void Records::tidy(TidyDone done) {
  if (is_snapshot_under_way_ || board_.sequence() == snapshot_sequence_) return trim(done);
  snapshot([this, done = std::move(done)](const Result<void>&) { trim(done); });
}

void Records::snapshot(Log::Done done) {
  if (is_broken_) return done(*failure_);
  is_snapshot_under_way_ = true;
  snapshot_sequence_ = board_.sequence();
  bytes_since_snapshot_ = 0;
  log_->snapshot(
      board_.sequence(), [board = board_] { return board.encoded(); },
      [this, done = std::move(done)](const Result<void>& made) {
        is_snapshot_under_way_ = false;
        if (!made && failure_) on_disk_failed(made.error());
        // The log itself is whole: the next start reads more of it.
        if (!made && !failure_) events_.warn("snapshot failed", {{"cause", made.error().text}});
        done(made);
      });
}

void Records::finish(std::function<void()> done) {
  if (is_broken_ || (board_.sequence() == snapshot_sequence_ && !is_snapshot_under_way_)) return done();
  snapshot([done = std::move(done)](const Result<void>&) { done(); });
}

Result<History*> Records::open_history() {
  if (history_ == nullptr) {
    auto opened = log_->open_history();
    if (!opened) return opened.error().prefixed("read the history");
    history_ = std::move(*opened);
  }
  return history_.get();
}

}  // namespace callboard::server
