#pragma once

#include <optional>

#include "base/call/call_description.h"
#include "base/document/value.h"
#include "base/result.h"
#include "protocol/common_message.h"

// What a call is answered with, held against what it is described to be answered with.
namespace callboard::server {

// Of a call that describes no result nothing is expected. Outcome::failed: "work: result: expected int, got text".
Result<void> check_result(const CallDescription& description, const document::ValuePtr& result);
// The same of JSON, of which no more is read than it takes.
Result<void> check_result(const CallDescription& description, const protocol::Document& result);

}  // namespace callboard::server
