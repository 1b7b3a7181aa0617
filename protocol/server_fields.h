#pragma once

#include "protocol/common_fields.h"
#include "protocol/record_fields.h"
#include "protocol/transfer_fields.h"

// The fields of what the server says; see common_fields.h.
namespace callboard::protocol {

template <class F>
void describe(F& f, Ref<F, Greeting> m) {
  f.required("proto", m.proto);
  f.required("software", m.software, kLabel);
  f.required("server", m.server);
}
template <class F>
void describe(F&, Ref<F, ProjectQuestion>) {}
template <class F>
void describe(F& f, Ref<F, Welcome> m) {
  f.required("session", m.session);
  f.required("name", m.name, kShownName);
  f.required("clock", m.clock);
  f.required("frame_max", m.frame_max);
  f.required("heartbeat_ms", m.heartbeat);
  f.required("silence_ms", m.silence);
  f.optional("secret", m.secret);
  f.optional("grace_ms", m.grace);
  f.optional("resumed", m.resumed);
  f.optional("schema", m.schema);
}
template <class F>
void describe(F& f, Ref<F, WrongProject> m) {
  f.required("project", m.project, kProjectName);
}
template <class F>
void describe(F&, Ref<F, DocumentOffer>) {}
template <class F>
void describe(F&, Ref<F, AssetsOffer>) {}
template <class F>
void describe(F&, Ref<F, Ready>) {}
template <class F>
void describe(F& f, Ref<F, DocumentState> m) {
  f.optional("re", m.re);
  f.required("timestamp", m.timestamp);
  f.required("revision", m.revision);
  f.optional("by", m.by, kShownNameOrNone);
  f.optional("session", m.session);
  f.required("won", m.won);
  f.optional("number", m.number);
  f.optional("conflicts", m.conflicts);
  f.optional("from", m.from);
  f.optional_attachment(m.document);
}
template <class F>
void describe(F& f, Ref<F, Revisions> m) {
  f.required("re", m.re);
  f.required("revisions", m.revisions, kRevisionsPerAnswer);
  f.required("more", m.more);
  f.optional("looked_to", m.looked_to);
}
template <class F>
void describe(F& f, Ref<F, Conflicts> m) {
  f.optional("re", m.re);
  f.required("conflicts", m.conflicts, kConflictsPerTell);
}
template <class F>
void describe(F& f, Ref<F, Assets> m) {
  f.optional("re", m.re);
  f.required("full", m.full);
  f.required("items", m.items, kItem, kItemsToldMax);
}
template <class F>
void describe(F& f, Ref<F, Users> m) {
  f.optional("re", m.re);
  f.required("full", m.full);
  f.required("users", m.users, kUsersToldMax);
  f.optional("left", m.left, kUsersToldMax);
}
template <class F>
void describe(F& f, Ref<F, Messages> m) {
  f.optional("re", m.re);
  f.required("messages", m.messages, kMessagesPerTell);
  f.required("last", m.last);
}
template <class F>
void describe(F& f, Ref<F, Ok> m) {
  f.required("re", m.re);
  f.optional("number", m.number);
}
template <class F>
void describe(F& f, Ref<F, ErrorAnswer> m) {
  f.required("re", m.re);
  f.required("outcome", m.outcome);
  f.required("text", m.text, kReason);
}
template <class F>
void describe(F& f, Ref<F, Status> m) {
  f.required("re", m.re);
  f.required("project", m.project, kProjectName);
  f.required("server", m.server);
  f.required("software", m.software, kLabel);
  f.required("started", m.started);
  f.required("clock", m.clock);
  f.required("sessions", m.sessions);
  f.required("visits", m.visits);
  f.required("revision", m.revision);
  f.required("connections", m.connections);
  f.required("transfers", m.transfers, kUsersToldMax);
  f.required("memory", m.memory);
  f.optional("away", m.away);
  f.optional("read_only", m.read_only, kReason);
}
template <class F>
void describe(F& f, Ref<F, AuditEntries> m) {
  f.required("re", m.re);
  f.required("entries", m.entries, kAuditPerAnswer);
  f.required("last", m.last);
}
template <class F>
void describe(F& f, Ref<F, UnknownAnswer> m) {
  f.required("re", m.re);
}
template <class F>
void describe(F& f, Ref<F, AtTell> m) {
  f.required("session", m.session);
  f.required("user", m.user, kShownName);
  f.required("item", m.item, kItemOrNowhere);
  f.required("since", m.since);
}
template <class F>
void describe(F& f, Ref<F, Writable> m) {
  f.required("writable", m.writable);
  f.optional("text", m.text, kReason);
}
template <class F>
void describe(F& f, Ref<F, Admitting> m) {
  f.required("admitting", m.admitting);
  f.optional("text", m.text, kReason);
}
template <class F>
void describe(F& f, Ref<F, Slower> m) {
  f.required("what", m.what, kLabel);
  f.required("per_second", m.per_second);
}

}  // namespace callboard::protocol
