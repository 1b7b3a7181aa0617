#include "server/document_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/document/json_patch.h"
#include "base/document/pointer.h"
#include "base/limits.h"
#include "base/text.h"

namespace callboard::server {
namespace {

using protocol::AskId;

protocol::ConflictSide wire_side(const Side& side) {
  const bool is_short = side.value != nullptr && side.value->size_bytes() <= kConflictValueMax;
  return {side.revision, side.user, side.stamp.session, side.stamp.time,
          is_short ? document::print(*side.value) : std::string()};
}

protocol::Conflict wire_conflict(const Conflict& conflict) {
  return {conflict.number,
          wire_record(conflict.record),
          document::pointer_text(conflict.path),
          wire_side(conflict.winner),
          wire_side(conflict.loser),
          conflict.places ? conflict.places->size() : 0};
}

protocol::Revision wire_revision(const Revision& revision) {
  return {revision.number,     revision.user,
          revision.session,    revision.timestamp,
          revision.base,       revision.stands,
          revision.size_bytes, revision.at,
          revision.settles,    revision.places > 1 ? revision.places : 0,
          revision.is_partly};
}

protocol::DocumentState state_of(Record record, const Revision& revision) {
  protocol::DocumentState state;
  state.record = wire_record(record);
  state.revision = revision.number;
  state.by = revision.user;
  state.session = revision.session;
  state.timestamp = revision.timestamp;
  return state;
}

// An old version, or how it differs from another, as text.
Result<protocol::DocumentState> old_version(History& history, const protocol::DocumentRead& ask) {
  const Record record = board_record(ask.record);
  auto version = history.version(record, ask.revision);
  if (!version) return version.error();
  auto state = state_of(record, version->revision);
  document::ValuePtr value = ask.written ? version->written : version->value;
  if (ask.from != 0) {
    const auto from = history.version(record, ask.from);
    if (!from) return from.error();
    state.from = ask.from;
    state.document = std::make_shared<const std::string>(document::diff(from->value, value));
    return state;
  }
  if (ask.at) {
    const auto at = document::parse_pointer(*ask.at);
    if (!at) return at.error();
    value = document::find(value, *at);
    if (value == nullptr) return Error{Outcome::not_found, "nothing is at " + callboard::quoted(*ask.at)};
  }
  state.document = std::make_shared<const std::string>(document::print(*value));
  return state;
}

}  // namespace

// --- Reading --------------------------------------------------------------------------------------------------------

void DocumentDesk::on_read(Session& session, const protocol::DocumentRead& ask) {
  const Record record = board_record(ask.record);
  if (ask.revision != 0 || ask.from != 0) return read_version(session, ask);
  const document::ValuePtr root = floor_.records.board().document(record).root();
  if (ask.at && root != nullptr) return read_part(session, ask, root);
  Waiting waiting;
  waiting.key = session.key();
  waiting.re = ask.id;
  waiting.record = record;
  // A text of before that is still at hand will not do: its asker may know better.
  waiting.at_least = floor_.records.board().head(record).revision;
  answer_or_wait(std::move(waiting));
}

void DocumentDesk::read_part(Session& session, const protocol::DocumentRead& ask, document::ValuePtr root) {
  const auto at = document::parse_pointer(*ask.at);
  if (!at) return refuse(session.key(), ask.id, at.error());
  document::ValuePtr part = document::find(root, *at);
  if (part == nullptr) {
    return refuse(session.key(), ask.id,
                  {Outcome::not_found, fmt::format("nothing is at {}", callboard::quoted(*ask.at))});
  }
  auto state = document_state(floor_.records.board(), board_record(ask.record));
  state.re = ask.id;
  floor_.records.editions().print(
      std::move(part), [this, key = session.key(), state = std::move(state)](Document text) mutable {
        state.document = std::move(text);
        if (Session* reader = outside_.by_key(key)) reader->answer(std::move(state));
      });
}

void DocumentDesk::read_version(Session& session, const protocol::DocumentRead& ask) {
  protocol::DocumentRead read = ask;
  if (read.revision == 0) read.revision = floor_.records.board().head(board_record(ask.record)).revision;
  floor_.records.read_history(
      [read](History& history) { return old_version(history, read); },
      [this, key = session.key(), id = ask.id](Result<protocol::DocumentState> state) {
        if (!state) return refuse(key, id, state.error());
        state->re = id;
        if (Session* reader = outside_.by_key(key)) reader->answer(std::move(*state));
      });
}

void DocumentDesk::on_history(Session& session, const protocol::HistoryAsk& ask) {
  HistoryQuery query;
  query.record = board_record(ask.document);
  query.since = ask.since;
  query.before = ask.before;
  query.count = kRevisionsPerAnswer + 1;
  auto at = document::parse_pointer(ask.at);
  if (!at) return refuse(session.key(), ask.id, at.error());
  query.at = std::move(*at);
  floor_.records.read_history([query](History& history) { return history.list(query); },
                              [this, key = session.key(), id = ask.id](const Result<Listing>& listed) {
                                if (!listed) return refuse(key, id, listed.error());
                                protocol::Revisions revisions;
                                revisions.re = id;
                                revisions.more = listed->revisions.size() > kRevisionsPerAnswer;
                                if (!revisions.more) revisions.looked_to = listed->looked_to;
                                for (const Revision& each : listed->revisions) {
                                  if (revisions.revisions.size() < kRevisionsPerAnswer)
                                    revisions.revisions.push_back(wire_revision(each));
                                }
                                if (Session* reader = outside_.by_key(key))
                                  reader->answer(std::move(revisions));
                              });
}

void DocumentDesk::on_conflicts(Session& session, const protocol::ConflictsAsk& ask) {
  protocol::Conflicts conflicts;
  conflicts.re = ask.id;
  for (const Conflict& each : floor_.records.board().conflicts().open()) {
    if (conflicts.conflicts.size() == kConflictsPerTell) break;
    if (each.number > ask.since) conflicts.conflicts.push_back(wire_conflict(each));
  }
  session.answer(std::move(conflicts));
}

// --- Writing --------------------------------------------------------------------------------------------------------

void DocumentDesk::on_claim(Session& session, protocol::DocumentClaim claim) {
  const Record record = board_record(claim.record);
  Waiting waiting;
  waiting.key = session.key();
  waiting.record = record;
  waiting.known = session.identity.patches ? claim.base : 0;
  if (!claim.document || !claim.op) {
    const std::uint64_t revision = floor_.records.board().head(record).revision;
    // Revisions of another server's board, or of one that is no more.
    if (waiting.known > revision) waiting.known = 0;
    return answer_or_wait(std::move(waiting));
  }
  Draft draft;
  draft.operation = make_operation(session.identity, record, *claim.op, std::move(claim.document));
  draft.operation.timestamp = corrected(claim.timestamp, session.identity.clock_offset, floor_.clock.wall());
  draft.operation.base = claim.base;
  waiting.sent = draft.operation.value;
  write(std::move(draft), std::move(waiting));
}

Result<Draft> DocumentDesk::draft_of(const Session& session, protocol::DocumentWrite& ask) const {
  Draft draft;
  const Record record = board_record(ask.record);
  draft.operation = make_operation(session.identity, record, ask.op, std::move(ask.document));
  draft.operation.timestamp = corrected(ask.timestamp, session.identity.clock_offset, floor_.clock.wall());
  draft.operation.base = ask.base;
  draft.operation.settles = ask.settles;
  draft.own = std::move(ask.own);
  if (ask.at) {
    draft.how = Draft::How::at;
    draft.at = std::move(*ask.at);
  } else if (ask.patch) {
    draft.how = Draft::How::patch;
  }
  if (ask.restore == 0 && ask.settles == 0) return draft;
  // Whoever settles has seen what is there now, and who restores where he says nothing else; also what did not stand as it came,
  // which would be met again.
  if (ask.settles != 0 || ask.base == 0)
    draft.operation.base = floor_.records.board().document(record).last_revision();
  draft.how = Draft::How::restore;
  draft.restores = ask.restore;
  if (ask.settles == 0) return draft;
  const Conflict* conflict = floor_.records.board().conflicts().open(ask.settles);
  if (conflict == nullptr || conflict->record != record) {
    return Error{Outcome::not_found,
                 fmt::format("conflict {}: there is none of that number, or it is settled", ask.settles)};
  }
  if (conflict->places && draft.operation.value != nullptr) {
    // What encloses them holds others' work as well.
    return Error{
        Outcome::usage,
        fmt::format("conflict {}: it is about {} places, which cannot all be one value; take what was "
                    "lost, or change them one by one and keep what stands",
                    ask.settles, conflict->places->size())};
  }
  draft.how = ask.take || draft.operation.value != nullptr ? Draft::How::settle : Draft::How::nothing;
  draft.place = conflict->path;
  draft.after = conflict->after;
  if (ask.take) draft.lost = edits_of(*conflict);
  return draft;
}

void DocumentDesk::on_write(Session& session, protocol::DocumentWrite ask) {
  const AskId id = ask.id;
  auto draft = draft_of(session, ask);
  // A retry of what settled the conflict finds its answer by its id.
  if (!draft && !floor_.records.board().find(ask.op)) return refuse(session.key(), id, draft.error());
  Waiting waiting;
  waiting.key = session.key();
  waiting.re = id;
  waiting.record = board_record(ask.record);
  if (!draft) {
    waiting.applied = floor_.records.board().find(ask.op);
    return answer_or_wait(std::move(waiting));
  }
  if (draft->how == Draft::How::whole) {
    waiting.sent = draft->operation.value;
    waiting.may_be_merged = draft->operation.base != 0;
  }
  write(std::move(*draft), std::move(waiting));
}

void DocumentDesk::write(Draft draft, Waiting waiting) {
  floor_.records.write(std::move(draft),
                       [this, waiting = std::move(waiting)](const Result<Applied>& applied) mutable {
                         if (!applied) return refuse(waiting.key, waiting.re, applied.error());
                         waiting.applied = *applied;
                         answer_or_wait(std::move(waiting));
                       });
}

// --- Answering ------------------------------------------------------------------------------------------------------

void DocumentDesk::answer_or_wait(Waiting waiting) {
  Session* session = outside_.by_key(waiting.key);
  if (session == nullptr || answer(waiting)) return;
  ++session->mailbox.held(waiting.record);
  waiting_.push_back(std::move(waiting));
}

void DocumentDesk::on_texts() {
  std::vector<Waiting> still;
  for (Waiting& each : std::exchange(waiting_, {})) {
    Session* session = outside_.by_key(each.key);
    if (session == nullptr) continue;
    if (!answer(each)) {
      still.push_back(std::move(each));
      continue;
    }
    --session->mailbox.held(each.record);
    outside_.due(each.key);
  }
  std::move(still.begin(), still.end(), std::back_inserter(waiting_));
}

bool DocumentDesk::answer(const Waiting& waiting) {
  Session& session = *outside_.by_key(waiting.key);
  if (session.is_over()) return true;
  const Board& board = floor_.records.board();
  const Head& head = board.head(waiting.record);
  auto state = document_state(board, waiting.record);
  if (head.revision == 0) {
    reply(session, waiting, std::move(state));
    return true;
  }
  const bool patches = session.identity.patches && !session.identity.visit;
  const std::uint64_t told = session.mailbox.document(waiting.record);
  // Those who understand patches have what they were told; others are sent the whole of what is not their own.
  const bool is_won = waiting.applied && waiting.applied->won;
  // What they wrote is old news to those who were told of something newer. Without a text a whole would be taken for what it
  // was sent as: one that was made of a revision may have others' changes in it.
  const bool is_old =
      is_won && !waiting.may_be_merged && told >= head.revision && waiting.applied->sequence < head.revision;
  const bool has_told = waiting.applied && (patches || is_old);
  const std::uint64_t known = !waiting.re ? waiting.known : has_told ? told : 0;
  const bool is_own_text = waiting.sent != nullptr && waiting.sent == board.document(waiting.record).text();
  const bool is_visit_content =
      session.identity.visit && waiting.applied && (is_won || waiting.sent == nullptr);
  const bool needs_text = !is_own_text && !is_visit_content && known < head.revision;
  if (needs_text) return answer_with_text(session, waiting, known);
  if (is_won && !patches) {
    // It is all there, with or without what came after it.
    state.revision = waiting.applied->sequence;
    state.timestamp = waiting.applied->timestamp;
    state.by = session.identity.name;
    state.session = session.identity.id;
  } else if (waiting.re && has_told && !is_own_text) {
    // Said, because without a word it would be what was sent.
    state.from = state.revision;
  }
  reply(session, waiting, std::move(state));
  return true;
}

bool DocumentDesk::answer_with_text(Session& session, const Waiting& waiting, std::uint64_t known) {
  const std::uint64_t head = floor_.records.board().head(waiting.record).revision;
  const std::uint64_t at_least =
      waiting.applied ? std::min(waiting.applied->sequence, head) : waiting.at_least;
  const Edition* edition = floor_.records.editions().find(waiting.record, known, at_least);
  if (edition == nullptr) return false;
  reply(session, waiting, edition->state);
  return true;
}

void DocumentDesk::reply(Session& session, const Waiting& waiting, protocol::DocumentState state) {
  state.re = waiting.re;
  if (waiting.applied) {
    state.won = waiting.applied->won;
    state.number = waiting.applied->sequence;
    state.conflicts = waiting.applied->conflict_count;
  }
  // A read is its asker's business: who is told by patches goes on from what was told.
  const bool is_told = waiting.applied || !waiting.re || !session.identity.patches;
  if (is_told) Mailbox::raise(session.mailbox.document(waiting.record), state.revision);
  if (waiting.re) {
    session.answer(std::move(state));
  } else {
    session.settle(std::move(state));
  }
}

void DocumentDesk::refuse(std::uint64_t key, const std::optional<AskId>& re, const Error& why) {
  Session* session = outside_.by_key(key);
  if (session == nullptr || session->is_over()) return;
  if (re) return session->answer(protocol::ErrorAnswer{*re, why.outcome, why.text});
  session->close(why.outcome, "join: " + why.text);
}

// --- Conflicts ------------------------------------------------------------------------------------------------------

void DocumentDesk::on_conflict(const Conflict& conflict) {
  const protocol::Conflict told = wire_conflict(conflict);
  tell_conflict(conflict.loser, told);
  if (conflict.winner.user != conflict.loser.user) tell_conflict(conflict.winner, told);
}

// The session that wrote, or, when that was a single command, the one its author has joined with.
void DocumentDesk::tell_conflict(const Side& author, const protocol::Conflict& conflict) {
  SessionId heard_by = author.stamp.session;
  if (floor_.presence.user(heard_by) == nullptr) heard_by = floor_.presence.find(author.user);
  auto* errands = outside_.errands_of(heard_by);
  // Somebody who does not listen is told when they join.
  if (errands == nullptr || errands->size() >= kErrandsMax) return;
  errands->push_back(protocol::Conflicts{std::nullopt, {conflict}});
  note_told(conflict.number, author.user);
  if (const Session* session = outside_.by_id(heard_by)) outside_.due(session->key());
}

void DocumentDesk::on_joined(Session& session) {
  const std::string& user = session.identity.name;
  protocol::Conflicts tell;
  for (const Conflict& each : floor_.records.board().conflicts().open()) {
    if (tell.conflicts.size() == kConflictsPerTell) break;
    const bool is_theirs = each.winner.user == user || each.loser.user == user;
    if (is_theirs && !told_.contains({each.number, user})) tell.conflicts.push_back(wire_conflict(each));
  }
  if (tell.conflicts.empty() || session.errands.size() >= kErrandsMax) return;
  for (const protocol::Conflict& each : tell.conflicts) note_told(each.number, user);
  session.errands.push_back(std::move(tell));
}

void DocumentDesk::on_unheard(const std::string& user, const std::vector<protocol::ServerMessage>& errands) {
  for (const protocol::ServerMessage& errand : errands) {
    const auto* tell = std::get_if<protocol::Conflicts>(&errand);
    if (tell == nullptr) continue;
    for (const protocol::Conflict& each : tell->conflicts) told_.erase({each.number, user});
  }
}

void DocumentDesk::note_told(std::uint64_t conflict, const std::string& user) {
  told_.emplace(conflict, user);
  // Two sides each of those that are open: the rest is settled or forgotten.
  if (told_.size() <= 4 * kConflictsKept) return;
  std::set<std::uint64_t> open;
  for (const Conflict& each : floor_.records.board().conflicts().open()) open.insert(each.number);
  std::erase_if(told_, [&](const auto& told) { return !open.contains(told.first); });
}

}  // namespace callboard::server
