#pragma once

#include <string_view>

#include "protocol/transfer_message.h"
#include "protocol/verb.h"

// The verbs of transfers and channels; see verbs.h.
namespace callboard::protocol {

template <>
inline constexpr std::string_view kVerb<GetAsk> = "get";
template <>
inline constexpr std::string_view kVerb<CancelAsk> = "cancel";
template <>
inline constexpr std::string_view kVerb<WorkingAsk> = "working";
template <>
inline constexpr std::string_view kVerb<ChannelsAsk> = "channels";
template <>
inline constexpr std::string_view kVerb<ChannelAsk> = "channel";
template <>
inline constexpr std::string_view kVerb<TransferGranted> = "transfer";
template <>
inline constexpr std::string_view kVerb<ChannelGranted> = "channel";
template <>
inline constexpr std::string_view kVerb<Give> = "give";
template <>
inline constexpr std::string_view kVerb<ChannelTell> = "channel";
template <>
inline constexpr std::string_view kVerb<TransferOver> = "transfer";

}  // namespace callboard::protocol
