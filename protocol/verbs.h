#pragma once

#include <string_view>
#include <type_traits>

#include "protocol/message.h"
#include "protocol/record_verbs.h"
#include "protocol/verb.h"

// The verb of every message, and which of the messages with one verb a frame is. Used by codec.cpp alone.
namespace callboard::protocol {

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
inline constexpr std::string_view kVerb<HistoryAsk> = "history";
template <>
inline constexpr std::string_view kVerb<ConflictsAsk> = "conflicts";
template <>
inline constexpr std::string_view kVerb<Revisions> = "history";
template <>
inline constexpr std::string_view kVerb<Conflicts> = "conflicts";
template <>
inline constexpr std::string_view kVerb<GetAsk> = "get";
template <>
inline constexpr std::string_view kVerb<CancelAsk> = "cancel";
template <>
inline constexpr std::string_view kVerb<WorkingAsk> = "working";
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
inline constexpr std::string_view kVerb<Writable> = "writable";
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

}  // namespace callboard::protocol
