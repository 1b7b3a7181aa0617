#pragma once

#include "protocol/join_fields.h"
#include "protocol/record_fields.h"
#include "protocol/transfer_fields.h"

// The fields of what the client says; see common_fields.h.
namespace callboard::protocol {
template <class F>
void describe(F& f, Ref<F, TurnRequest> m) {
  f.optional("clock", m.clock);
  f.optional("speaks", m.speaks);
}
template <class F>
void describe(F& f, Ref<F, Ticket> m) {
  f.required("ticket", m.ticket);
}
template <class F>
void describe(F& f, Ref<F, DocumentRead> m) {
  f.required("id", m.id);
  f.optional("at", m.at, kPointer);
  f.optional("revision", m.revision);
  f.optional("from", m.from);
  f.optional("written", m.written);
  f.expect(!m.at || m.from == 0, "from: expected none with at");
}
template <class F>
void describe(F& f, Ref<F, DocumentWrite> m) {
  f.required("id", m.id);
  f.required("timestamp", m.timestamp);
  f.optional("base", m.base);
  f.required("op", m.op);
  f.optional("at", m.at, kPointer);
  f.optional("patch", m.patch);
  f.optional("restore", m.restore);
  f.optional("settles", m.settles);
  f.optional("take", m.take);
  f.optional("own", m.own, kOwnChangesMax);
  const bool needs_none = m.restore != 0 || m.take;
  const bool needs_one = !needs_none && m.settles == 0;
  f.optional_attachment(m.document);
  f.expect(!needs_one || m.document != nullptr, "attachment: missing");
  f.expect(!needs_none || m.document == nullptr, "attachment: expected none");
  f.expect(int{m.at.has_value()} + int{m.patch} + int{m.restore != 0} + int{m.settles != 0} <= 1,
           "at, patch, restore, settles: expected at most one of them");
  f.expect(!m.take || m.settles != 0, "take: expected with settles, got nothing");
}
template <class F>
void describe(F& f, Ref<F, AssetsRead> m) {
  f.required("id", m.id);
}
template <class F>
void describe(F& f, Ref<F, AssetsChange> m) {
  f.required("id", m.id);
  f.required("items", m.items, kItem, kItemsMax);
}
template <class F>
void describe(F& f, Ref<F, AtAsk> m) {
  f.required("id", m.id);
  f.required("item", m.item, kItemOrNowhere);
}
template <class F>
void describe(F& f, Ref<F, CameraAsk> m) {
  f.required("id", m.id);
  f.required("x", m.x);
  f.required("y", m.y);
}
template <class F>
void describe(F& f, Ref<F, UsersAsk> m) {
  f.required("id", m.id);
}
template <class F>
void describe(F& f, Ref<F, MessageAsk> m) {
  f.required("id", m.id);
  f.required("text", m.text, kMessageText);
  f.required("op", m.op);
}
template <class F>
void describe(F& f, Ref<F, MessagesAsk> m) {
  f.required("id", m.id);
  f.optional("since", m.since);
}
template <class F>
void describe(F& f, Ref<F, HistoryAsk> m) {
  f.required("id", m.id);
  f.required("document", m.document);
  f.optional("at", m.at, kPointer);
  f.optional("since", m.since);
  f.optional("before", m.before);
}
template <class F>
void describe(F& f, Ref<F, ConflictsAsk> m) {
  f.required("id", m.id);
  f.optional("since", m.since);
}
template <class F>
void describe(F& f, Ref<F, StatusAsk> m) {
  f.required("id", m.id);
}
template <class F>
void describe(F& f, Ref<F, AuditAsk> m) {
  f.required("id", m.id);
  f.optional("since", m.since);
}
template <class F>
void describe(F& f, Ref<F, UnknownAsk> m) {
  f.required("id", m.id);
}

}  // namespace callboard::protocol
