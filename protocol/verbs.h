#pragma once

#include <string_view>

#include "protocol/message.h"
#include "protocol/record_verbs.h"
#include "protocol/transfer_verbs.h"
#include "protocol/verb.h"

// The verb of every message; which of those with one verb a frame is says shapes.h. Used by codec.cpp alone.
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
inline constexpr std::string_view kVerb<StatusAsk> = "status";
template <>
inline constexpr std::string_view kVerb<AuditAsk> = "audit";
template <>
inline constexpr std::string_view kVerb<AuditEntries> = "audit";
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
inline constexpr std::string_view kVerb<Status> = "status";
template <>
inline constexpr std::string_view kVerb<AtTell> = "at";
template <>
inline constexpr std::string_view kVerb<Writable> = "writable";
template <>
inline constexpr std::string_view kVerb<Admitting> = "admitting";
template <>
inline constexpr std::string_view kVerb<Slower> = "slower";
template <>
inline constexpr std::string_view kVerb<CallAsk> = "call";
template <>
inline constexpr std::string_view kVerb<CallCancelAsk> = "call_cancel";
template <>
inline constexpr std::string_view kVerb<CallsAsk> = "calls";
template <>
inline constexpr std::string_view kVerb<CallResult> = "result";
template <>
inline constexpr std::string_view kVerb<CallList> = "calls";
template <>
inline constexpr std::string_view kVerb<CallProgress> = "progress";
template <>
inline constexpr std::string_view kVerb<OfferAsk> = "offer";
template <>
inline constexpr std::string_view kVerb<CalledAsk> = "called";
template <>
inline constexpr std::string_view kVerb<CallProgressed> = "progress";
template <>
inline constexpr std::string_view kVerb<CallTell> = "call";
template <>
inline constexpr std::string_view kVerb<CallCancelTell> = "call_cancel";

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

}  // namespace callboard::protocol
