#pragma once

#include <cstddef>
#include <limits>
#include <string_view>
#include <type_traits>

#include "base/limits.h"
#include "protocol/message.h"

// What every message looks like as JSON: its verb and, once for both directions, its fields and their limits. Used by
// codec.cpp alone. `Fields` is FieldReader or FieldWriter; `Fields::Ref<T>` is `T&` for the one, `const T&` for the other.
namespace callboard::protocol {

enum class Unit { bytes, code_points };

struct TextRule {
  std::size_t min = 0;
  std::size_t max = 0;
  Unit unit = Unit::bytes;
  bool one_line = false;  // No control characters, no space at either end.
  bool path = false;      // Starts with '/' unless empty, and has no NUL.
  bool cut = false;       // The writer cuts it at max: a reason is better short than missing.
};

inline constexpr TextRule kUserName{
    .min = 1, .max = kUserNameMaxCodePoints, .unit = Unit::code_points, .one_line = true};
// With the " (2)" that tells two users of one name apart.
inline constexpr TextRule kShownName{
    .min = 1, .max = kUserNameMaxCodePoints + 16, .unit = Unit::code_points, .one_line = true};
inline constexpr TextRule kShownNameOrNone{
    .max = kShownName.max, .unit = Unit::code_points, .one_line = true};
inline constexpr TextRule kProjectName{
    .min = 1, .max = kProjectNameMaxCodePoints, .unit = Unit::code_points, .one_line = true};
inline constexpr TextRule kLabel{.max = 64, .unit = Unit::code_points, .one_line = true};
inline constexpr TextRule kItem{.min = 1, .max = kPathMaxBytes, .path = true};
inline constexpr TextRule kItemOrNowhere{.max = kPathMaxBytes, .path = true};
inline constexpr TextRule kMessageText{.min = 1, .max = kMessageMaxBytes};
inline constexpr TextRule kReason{.max = 1024, .cut = true};
inline constexpr TextRule kVerbText{.min = 1, .max = 64};

// Ten times what one workstation may announce; about as many copies as a frame of kFrameMax can hold.
inline constexpr std::size_t kItemsToldMax = 10 * kItemsMax;
inline constexpr std::size_t kUsersToldMax = 10'000;

// --- Verbs ----------------------------------------------------------------------------------------------------------

constexpr std::string_view to_text(DocumentRecord record) {
  return record == DocumentRecord::story ? "story" : "analytics";
}

template <class T>
inline constexpr std::string_view
    kVerb;  // Not defined for messages whose verb is a value: documents and unknown ones.
template <>
inline constexpr std::string_view kVerb<Username> = "username";
template <>
inline constexpr std::string_view kVerb<Project> = "project";
template <>
inline constexpr std::string_view kVerb<AssetsClaim> = "assets";
template <>
inline constexpr std::string_view kVerb<JoinOk> = "ok";
template <>
inline constexpr std::string_view kVerb<TurnRequest> = "turn?";
template <>
inline constexpr std::string_view kVerb<Ticket> = "ticket";
template <>
inline constexpr std::string_view kVerb<Yours> = "yours";
template <>
inline constexpr std::string_view kVerb<Bye> = "bye";
template <>
inline constexpr std::string_view kVerb<AssetsRead> = "assets";
template <>
inline constexpr std::string_view kVerb<AssetsChange> = "assets";
template <>
inline constexpr std::string_view kVerb<AtAsk> = "at";
template <>
inline constexpr std::string_view kVerb<CameraAsk> = "camera";
template <>
inline constexpr std::string_view kVerb<UsersAsk> = "users";
template <>
inline constexpr std::string_view kVerb<MessageAsk> = "message";
template <>
inline constexpr std::string_view kVerb<MessagesAsk> = "messages";
template <>
inline constexpr std::string_view kVerb<GetAsk> = "get";
template <>
inline constexpr std::string_view kVerb<CancelAsk> = "cancel";
template <>
inline constexpr std::string_view kVerb<StatusAsk> = "status";
template <>
inline constexpr std::string_view kVerb<Greeting> = "username?";
template <>
inline constexpr std::string_view kVerb<ProjectQuestion> = "project?";
template <>
inline constexpr std::string_view kVerb<Welcome> = "welcome";
template <>
inline constexpr std::string_view kVerb<WrongProject> = "wrong_project";
template <>
inline constexpr std::string_view kVerb<AssetsOffer> = "assets";
template <>
inline constexpr std::string_view kVerb<Ready> = "ready";
template <>
inline constexpr std::string_view kVerb<Assets> = "assets";
template <>
inline constexpr std::string_view kVerb<Users> = "users";
template <>
inline constexpr std::string_view kVerb<Messages> = "messages";
template <>
inline constexpr std::string_view kVerb<Ok> = "ok";
template <>
inline constexpr std::string_view kVerb<ErrorAnswer> = "error";
template <>
inline constexpr std::string_view kVerb<TransferGranted> = "transfer";
template <>
inline constexpr std::string_view kVerb<Status> = "status";
template <>
inline constexpr std::string_view kVerb<AtTell> = "at";
template <>
inline constexpr std::string_view kVerb<Give> = "give";
template <>
inline constexpr std::string_view kVerb<TransferOver> = "transfer";

template <class T>
concept HasRecord = requires(T m) {
  m.record;
};
template <class T>
concept HasVerb = requires(T m) {
  m.verb;
};

template <class T>
constexpr std::string_view verb_of_one(const T& m) {
  if constexpr (HasRecord<T>) {
    return to_text(m.record);
  } else if constexpr (HasVerb<T>) {
    return m.verb;
  } else {
    return kVerb<T>;
  }
}

// --- Which of the messages with one verb it is ----------------------------------------------------------------------
// `Shape` says which keys a frame has: has(key), has_attachment().

template <class T, class Shape>
bool has_shape_of(const Shape& s) {
  [[maybe_unused]] const bool writes = s.has("timestamp") || s.has("op") || s.has_attachment();
  if constexpr (std::is_same_v<T, DocumentClaim> || std::is_same_v<T, AssetsClaim>) {
    return !s.has("id");
  } else if constexpr (std::is_same_v<T, DocumentRead>) {
    return s.has("id") && !writes;
  } else if constexpr (std::is_same_v<T, DocumentWrite>) {
    return s.has("id") && writes;
  } else if constexpr (std::is_same_v<T, AssetsRead>) {
    return s.has("id") && !s.has("items");
  } else if constexpr (std::is_same_v<T, AssetsChange>) {
    return s.has("id") && s.has("items");
  } else if constexpr (std::is_same_v<T, DocumentOffer>) {
    return !s.has("revision") && !writes;
  } else if constexpr (std::is_same_v<T, DocumentState>) {
    return s.has("revision") || writes;
  } else if constexpr (std::is_same_v<T, AssetsOffer>) {
    return !s.has("full") && !s.has("items");
  } else if constexpr (std::is_same_v<T, Assets>) {
    return s.has("full") || s.has("items");
  } else if constexpr (std::is_same_v<T, TransferGranted>) {
    return s.has("re");
  } else if constexpr (std::is_same_v<T, TransferOver>) {
    return !s.has("re");
  } else {
    return true;
  }
}

// --- Fields: said by both, and parts --------------------------------------------------------------------------------
// required(key, member, limits…): must be there. optional(key, member, limits…): left out when it has its default.

template <class Fields, class T>
using Ref = typename Fields::template Ref<T>;

template <class F>
void describe(F&, Ref<F, Yours>) {}
template <class F>
void describe(F& f, Ref<F, Bye> m) {
  f.required("outcome", m.outcome);
  f.optional("reason", m.reason, kReason);
}
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
void describe(F& f, Ref<F, TransferStatus> m) {
  f.required("transfer", m.transfer);
  f.required("giver", m.giver, kShownName);
  f.required("taker", m.taker, kShownName);
  f.required("item", m.item, kItem);
  f.required("bytes", m.bytes);
  f.required("started", m.started);
}

// --- Fields: client -------------------------------------------------------------------------------------------------

template <class F>
void describe(F& f, Ref<F, Username> m) {
  f.required("name", m.name, kUserName);
  f.required("clock", m.clock);
  f.optional("visit", m.visit);
  f.optional("shares", m.shares);
  f.optional("host", m.host, kLabel);
  f.optional("software", m.software, kLabel);
}
template <class F>
void describe(F& f, Ref<F, Project> m) {
  f.required("project", m.project, kProjectName);
}
template <class F>
void describe(F& f, Ref<F, DocumentClaim> m) {
  f.required("timestamp", m.timestamp);
  f.optional("base", m.base);
  f.optional("op", m.op);
  f.optional_attachment(m.document);
  f.expect(m.document == nullptr || m.op.has_value(), "op: expected with a document, got nothing");
}
template <class F>
void describe(F& f, Ref<F, AssetsClaim> m) {
  f.required("items", m.items, kItem, kItemsMax);
}
template <class F>
void describe(F&, Ref<F, JoinOk>) {}
template <class F>
void describe(F&, Ref<F, TurnRequest>) {}
template <class F>
void describe(F& f, Ref<F, Ticket> m) {
  f.required("ticket", m.ticket);
}
template <class F>
void describe(F& f, Ref<F, DocumentRead> m) {
  f.required("id", m.id);
}
template <class F>
void describe(F& f, Ref<F, DocumentWrite> m) {
  f.required("id", m.id);
  f.required("timestamp", m.timestamp);
  f.optional("base", m.base);
  f.required("op", m.op);
  f.required_attachment(m.document);
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
void describe(F& f, Ref<F, GetAsk> m) {
  f.required("id", m.id);
  f.optional("user", m.user, kShownNameOrNone);
  f.optional("newest", m.newest);
  f.required("item", m.item, kItem);
  f.optional("list", m.list);
  f.expect(m.user.empty() == m.newest, "user: expected a name or newest, one of them");
}
template <class F>
void describe(F& f, Ref<F, CancelAsk> m) {
  f.required("id", m.id);
  f.required("transfer", m.transfer);
}
template <class F>
void describe(F& f, Ref<F, StatusAsk> m) {
  f.required("id", m.id);
}
template <class F>
void describe(F& f, Ref<F, UnknownAsk> m) {
  f.required("id", m.id);
}
template <class F>
void describe(F&, Ref<F, UnknownTell>) {}

// --- Fields: server -------------------------------------------------------------------------------------------------

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
  f.optional_attachment(m.document);
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
void describe(F& f, Ref<F, TransferGranted> m) {
  f.required("re", m.re);
  f.required("transfer", m.transfer);
  f.required("ticket", m.ticket);
  f.required("user", m.user, kShownName);
  f.required("session", m.session);
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
void describe(F& f, Ref<F, Give> m) {
  f.required("transfer", m.transfer);
  f.required("ticket", m.ticket);
  f.required("user", m.user, kShownName);
  f.required("item", m.item, kItem);
  f.required("list", m.list);
}
template <class F>
void describe(F& f, Ref<F, TransferOver> m) {
  f.required("transfer", m.transfer);
  f.required("outcome", m.outcome);
  f.optional("text", m.text, kReason);
  f.required("bytes", m.bytes);
}

}  // namespace callboard::protocol
