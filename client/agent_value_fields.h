#pragma once

#include <type_traits>

#include "client/agent_message.h"
#include "client/agent_reader.h"
#include "client/agent_writer.h"

// The values that travel between a command and the agent, described once for both directions: describe() names a type's fields,
// Writer and Reader go through them. A field that a type gets is
// added to its line here, and kProtocol counted up: one that is not is lost on the way.
namespace callboard::client::agent {

template <class Archive, class T>
using Ref = typename Archive::template Ref<T>;

template <>
struct LastOf<Outcome> : std::integral_constant<Outcome, Outcome::cancelled> {};
template <>
struct LastOf<EntryKind> : std::integral_constant<EntryKind, EntryKind::refused> {};
template <>
struct LastOf<Difference> : std::integral_constant<Difference, Difference::only_here> {};
template <>
struct LastOf<ChangeKind> : std::integral_constant<ChangeKind, ChangeKind::renamed> {};
template <>
struct LastOf<PullCause> : std::integral_constant<PullCause, PullCause::disk> {};
template <>
struct LastOf<PullRequest::OnConflict>
    : std::integral_constant<PullRequest::OnConflict, PullRequest::OnConflict::fail> {};
template <>
struct LastOf<Compression> : std::integral_constant<Compression, Compression::always> {};
template <>
struct LastOf<DocumentName> : std::integral_constant<DocumentName, DocumentName::analytics> {};
template <>
struct LastOf<WorkstationTransfer::Direction>
    : std::integral_constant<WorkstationTransfer::Direction, WorkstationTransfer::Direction::giving> {};

// --- Of base/ -------------------------------------------------------------------------------------------------------
template <class A>
void describe(A& fields, Ref<A, Timestamp> t) {
  fields(t.ms);
}
template <class A>
void describe(A& fields, Ref<A, SessionId> id) {
  fields(id.value);
}
template <class A>
void describe(A& fields, Ref<A, UniqueId> id) {
  fields(id.high, id.low);
}
template <class A>
void describe(A& fields, Ref<A, Error> error) {
  fields(error.outcome, error.text);
}
// Of an entry's digest only whether it is the same matters, and LookEntry says that.
template <class A>
void describe(A& fields, Ref<A, Entry> entry) {
  fields(entry.kind, entry.mode, entry.size_bytes, entry.mtime_ns, entry.name, entry.target);
}

// --- What is told ---------------------------------------------------------------------------------------------------
template <class A>
void describe(A& fields, Ref<A, User> user) {
  fields(user.session, user.name, user.host, user.shares, user.joined, user.at, user.at_since, user.camera_x,
         user.camera_y, user.away, user.round_trip_us);
}
template <class A>
void describe(A& fields, Ref<A, Message> message) {
  fields(message.number, message.user, message.text, message.timestamp);
}
template <class A>
void describe(A& fields, Ref<A, AuditEntry> entry) {
  fields(entry.number, entry.timestamp, entry.user, entry.what, entry.about, entry.key, entry.from,
         entry.text);
}
template <class A>
void describe(A& fields, Ref<A, AssetCopy> copy) {
  fields(copy.user, copy.session, copy.timestamp);
}
template <class A>
void describe(A& fields, Ref<A, TransferStatus> transfer) {
  fields(transfer.transfer, transfer.giver, transfer.taker, transfer.item, transfer.bytes, transfer.started,
         transfer.bytes_per_second, transfer.channel);
}
template <class A>
void describe(A& fields, Ref<A, ServerStatus> status) {
  fields(status.project, status.server, status.software, status.started, status.clock, status.sessions,
         status.away, status.visits, status.connections, status.revision, status.memory_bytes,
         status.transfers, status.read_only);
}

// --- Pulls and looks ------------------------------------------------------------------------------------------------
template <class A>
void describe(A& fields, Ref<A, PullRequest> request) {
  fields(request.items, request.from, request.include, request.exclude, request.dry_run, request.sync,
         request.mirror, request.agree_to_removals, request.files_alone, request.on_conflict,
         request.wait_for_space, request.compress);
}
template <class A>
void describe(A& fields, Ref<A, PullProgress> progress) {
  fields(progress.files_total, progress.bytes_total, progress.files_reused, progress.bytes_reused,
         progress.bytes_per_second, progress.files_wanted, progress.files_done, progress.bytes_wanted,
         progress.bytes_done, progress.listed, progress.paused, progress.current);
}
template <class A>
void describe(A& fields, Ref<A, PullChange> change) {
  fields(change.kind, change.path, change.size_bytes, change.from);
}
template <class A>
void describe(A& fields, Ref<A, PullProblem> problem) {
  fields(problem.path, problem.error);
}
template <class A>
void describe(A& fields, Ref<A, PullConflict> conflict) {
  fields(conflict.path, conflict.is_kept_here, conflict.is_gone_there, conflict.is_replaced,
         conflict.is_after_changes);
}
template <class A>
void describe(A& fields, Ref<A, PullReport> report) {
  fields(report.outcome, report.cause, report.text, report.giver, report.has_changed, report.files,
         report.bytes, report.wire_bytes, report.unchanged_files, report.is_durable, report.files_reused,
         report.bytes_reused, report.changes, report.versions, report.open_versions, report.conflicts,
         report.removed, report.removals_refused, report.removals_refused_of, report.removals_left,
         report.problems, report.problems_unlisted);
}
template <class A>
void describe(A& fields, Ref<A, LookEntry> look) {
  fields(look.entry, look.path, look.files_below, look.bytes_below, look.difference);
}
template <class A>
void describe(A& fields, Ref<A, WorkstationTransfer> transfer) {
  fields(transfer.direction, transfer.item, transfer.peer, transfer.progress);
}
template <class A>
void describe(A& fields, Ref<A, WorkstationStatus> status) {
  fields(status.folder, status.user, status.is_joined, status.server, status.why, status.is_refused,
         status.is_watching, status.watch_trouble, status.files, status.bytes, status.kept_writes,
         status.transfers);
}

}  // namespace callboard::client::agent
