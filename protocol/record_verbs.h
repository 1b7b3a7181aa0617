#pragma once

#include <string_view>

#include "protocol/record_message.h"
#include "protocol/verb.h"

// The verbs of records and zones; see verbs.h.
namespace callboard::protocol {

template <>
inline constexpr std::string_view kVerb<RecordAsk> = "record";
template <>
inline constexpr std::string_view kVerb<RecordsRead> = "records";
template <>
inline constexpr std::string_view kVerb<Records> = "records";
template <>
inline constexpr std::string_view kVerb<EnterAsk> = "enter";
template <>
inline constexpr std::string_view kVerb<ExitAsk> = "exit";
template <>
inline constexpr std::string_view kVerb<SchemaAsk> = "schema";

}  // namespace callboard::protocol
