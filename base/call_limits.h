#pragma once

#include <cstddef>

#include "base/limits.h"

// What calls, permissions and roles may be called, and how many of them others may make us hold.
namespace callboard {

// --- Calls ----------------------------------------------------------------------------------------------------------
// "studio.department.what_it_does" and twice that: it is typed, and stands in a column of `callboard calls`.
inline constexpr std::size_t kCallNameMax = 64;
// Of a call and of each argument: a few sentences on one line; more belongs in a studio's own documents.
inline constexpr std::size_t kCallSummaryMax = 512;
// Arguments of one call; a person has lost count long before.
inline constexpr std::size_t kCallArgumentsCountMax = 32;
// Descriptions told in one list: of the server, its plugins and all clients.
inline constexpr std::size_t kCallDescriptionsMax = 1024;

// --- Who may what ---------------------------------------------------------------------------------------------------
// As long as a call's name: mostly a permission is called like what it is asked for by.
inline constexpr std::size_t kPermissionNameMax = kCallNameMax;
// Roles in a file, and permissions of one: many times what a studio has kinds of people.
inline constexpr std::size_t kRolesMax = 256;
inline constexpr std::size_t kRolePermissionsMax = 256;
// Keys of one server: more than a studio has people and machines.
inline constexpr std::size_t kKeysMax = 10'000;

// --- Channels -------------------------------------------------------------------------------------------------------
// That one session offers: a program's few, each with a reader of its own.
inline constexpr std::size_t kChannelsOffered = 64;
// To the server at a time, of all clients: each has a thread of a plugin's.
inline constexpr std::size_t kServerChannelsMax = 64;

}  // namespace callboard
