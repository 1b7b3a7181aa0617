#pragma once

#include <array>
#include <string_view>

namespace callboard::server {

// The names of the calls that every server has: nobody else's, and known without one.
inline constexpr std::array<std::string_view, 33> kBuiltInCalls{
    "backup",         "disk.free",   "grant",     "key.add",          "key.list",        "key.revoke",
    "key.rotate",     "kick",        "lock",      "lock.ask",         "lock.break",      "lock.check",
    "locks",          "mute",        "ping",      "ping.users",       "record.history",  "record.restore",
    "record.version", "redirect",    "retention", "revoke",           "server.info",     "server.log",
    "server.restart", "server.stop", "services",  "services.disable", "services.enable", "services.run",
    "unlock",         "unmute",      "verify"};

}  // namespace callboard::server
