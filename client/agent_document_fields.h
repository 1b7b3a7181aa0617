#pragma once

#include "client/agent_value_fields.h"

// Those of agent_value_fields.h that are about documents.
namespace callboard::client::agent {

template <class A>
void describe(A& fields, Ref<A, Document> document) {
  fields(document.text, document.revision, document.by, document.session, document.timestamp);
}
template <class A>
void describe(A& fields, Ref<A, DocumentQuery> query) {
  fields(query.document, query.at, query.revision, query.from, query.written);
}
template <class A>
void describe(A& fields, Ref<A, DocumentChange> change) {
  fields(change.document, change.content, change.timestamp, change.base, change.at, change.patch,
         change.restore, change.settles, change.take);
}
template <class A>
void describe(A& fields, Ref<A, WriteResult> result) {
  fields(result.won, result.current, result.revision, result.conflicts, result.kept);
}
template <class A>
void describe(A& fields, Ref<A, Revision> revision) {
  fields(revision.revision, revision.user, revision.session, revision.timestamp, revision.base,
         revision.stands, revision.size_bytes, revision.at, revision.settles, revision.places,
         revision.is_partly);
}
template <class A>
void describe(A& fields, Ref<A, HistoryQuery> query) {
  fields(query.document, query.at, query.since, query.before);
}
template <class A>
void describe(A& fields, Ref<A, History> history) {
  fields(history.revisions, history.more, history.looked_to);
}
template <class A>
void describe(A& fields, Ref<A, ConflictSide> side) {
  fields(side.revision, side.user, side.session, side.timestamp, side.value);
}
template <class A>
void describe(A& fields, Ref<A, Conflict> conflict) {
  fields(conflict.number, conflict.document, conflict.at, conflict.winner, conflict.loser, conflict.places);
}

}  // namespace callboard::client::agent
