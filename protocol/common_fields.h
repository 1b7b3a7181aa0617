#pragma once

#include <string_view>

#include "protocol/field_rules.h"
#include "protocol/message.h"

// What messages look like as JSON: each field and its limits once, for both directions. Used by codec.cpp alone.
// `Fields` is FieldReader or FieldWriter; `Fields::Ref<T>` is `T&` for the one, `const T&` for the other.
// Here: what both sides say, and parts of messages.
namespace callboard::protocol {

// required(key, member, limits…): must be there. optional(key, member, limits…): left out when it has its default.

template <class Fields, class T>
using Ref = typename Fields::template Ref<T>;

// A number and what is attached, as most of what carries JSON is.
template <class F, class Number, class Attached>
void describe_attached(F& f, std::string_view key, Number& number, Attached& attached) {
  f.required(key, number);
  f.required_attachment(attached);
}

template <class F>
void describe(F& f, Ref<F, Yours> m) {
  f.optional("clock", m.clock);
}
template <class F>
void describe(F& f, Ref<F, Bye> m) {
  f.required("outcome", m.outcome);
  f.optional("reason", m.reason, kReason);
  f.optional("for_good", m.for_good);
  f.optional("to", m.to, kAddress);
  f.expect(m.to.empty() || m.for_good, "to: expected with for_good");
}
template <class F>
void describe(F&, Ref<F, UnknownTell>) {}
template <class F>
void describe(F& f, Ref<F, AssetCopy> m) {
  f.required("user", m.user, kShownName);
  f.required("session", m.session);
  f.required("timestamp", m.timestamp);
}
template <class F>
void describe(F& f, Ref<F, User> m) {
  f.required("session", m.session);
  f.required("name", m.name, kShownName);
  f.optional("host", m.host, kLabel);
  f.required("shares", m.shares);
  f.required("joined", m.joined);
  f.required("at", m.at, kItemOrNowhere);
  f.required("since", m.since);
  f.required("camera", m.camera);
  f.optional("away", m.away);
  f.optional("round_trip_us", m.round_trip_us);
}
template <class F>
void describe(F& f, Ref<F, UserLeft> m) {
  f.required("session", m.session);
  f.required("name", m.name, kShownName);
  f.required("reason", m.reason, kReason);
}
template <class F>
void describe(F& f, Ref<F, UserMessage> m) {
  f.required("number", m.number);
  f.required("user", m.user, kShownName);
  f.required("text", m.text, kMessageText);
  f.required("timestamp", m.timestamp);
}
template <class F>
void describe(F& f, Ref<F, Revision> m) {
  f.required("revision", m.revision);
  f.required("user", m.user, kShownName);
  f.required("session", m.session);
  f.required("timestamp", m.timestamp);
  f.optional("base", m.base);
  f.required("stands", m.stands);
  f.required("bytes", m.bytes);
  f.required("at", m.at, kPointerTold);
  f.optional("settles", m.settles);
  f.optional("places", m.places);
  f.optional("partly", m.partly);
}
template <class F>
void describe(F& f, Ref<F, ConflictSide> m) {
  f.required("revision", m.revision);
  f.required("user", m.user, kShownName);
  f.required("session", m.session);
  f.required("timestamp", m.timestamp);
  f.optional("value", m.value, kConflictValue);
}
template <class F>
void describe(F& f, Ref<F, Conflict> m) {
  f.required("number", m.number);
  f.required("document", m.document);
  f.required("at", m.at, kPointerTold);
  f.required("winner", m.winner);
  f.required("loser", m.loser);
  f.optional("places", m.places);
}
template <class F>
void describe(F& f, Ref<F, AuditEntry> m) {
  f.required("number", m.number);
  f.required("timestamp", m.timestamp);
  f.optional("user", m.user, kShownNameOrNone);
  f.required("what", m.what, kVerbText);
  f.optional("about", m.about, kReason);
  f.optional("key", m.key, kLabel);
  f.optional("from", m.from, kLabel);
  f.optional("text", m.text, kReason);
}

}  // namespace callboard::protocol
