#pragma once

#include <array>
#include <string_view>

#include "base/call/call_description.h"

namespace callboard::server {

struct BuiltInCall {
  std::string_view name;
  std::string_view
      arguments;  // "NAME:TYPE" each, with "?" where it may be left out, or "…" where it may be repeated.
};

// The calls that every server has: nobody else's, and known without one.
inline constexpr std::array<BuiltInCall, 33> kBuiltInCalls{
    {{"backup", "keep:int?"},
     {"disk.free", ""},
     {"grant", "user:user permission:text…"},
     {"key.add", "name:text role:text? expires_s:int? once:bool?"},
     {"key.list", ""},
     {"key.revoke", "name:text"},
     {"key.rotate", "name:text"},
     {"kick", "user:text reason:text?"},
     {"lock", "item:item note:text? wait:bool? lease_s:int?"},
     {"lock.ask", "item:item"},
     {"lock.break", "item:item note:text?"},
     {"lock.check", "whole:bool item:item…"},
     {"locks", "zone:item?"},
     {"mute", "user:user reason:text?"},
     {"ping", ""},
     {"ping.users", ""},
     {"record.history", "path:item count:int? before:int? since:time?"},
     {"record.restore", "path:item revision:int"},
     {"record.version", "path:item revision:int"},
     {"redirect", "to:text user:text? all:bool? reason:text?"},
     {"retention", ""},
     {"revoke", "user:user permission:text…"},
     {"server.info", ""},
     {"server.log", "since:int? level:text? newest:int? wait:bool?"},
     {"server.restart", "reason:text?"},
     {"server.stop", "reason:text?"},
     {"services", ""},
     {"services.disable", "name:text"},
     {"services.enable", "name:text"},
     {"services.run", "name:text wait:bool?"},
     {"unlock", "item:item to:user?"},
     {"unmute", "user:user"},
     {"verify", "sample:int?"}}};

// Its name and arguments, as far as they are said here.
CallDescription description_of(const BuiltInCall& call);
// Arguments that such a call could not be called with; those of other calls are not known. usage: which, and why.
Result<void> check_built_in_arguments(std::string_view call, const document::ValuePtr& given);

}  // namespace callboard::server
