#pragma once

#include <cstddef>
#include <cstdint>

#include "base/limits.h"

// What may stand in the texts of messages, and how many things in one; docs/protocol.md, section 2.
namespace callboard::protocol {

enum class Unit { bytes, code_points };

struct TextRule {
  std::size_t min = 0;
  std::size_t max = 0;
  Unit unit = Unit::bytes;
  bool one_line = false;  // No control characters, no space at either end.
  bool path = false;      // Starts with '/' unless empty, and has no NUL.
  bool steps = true;      // May have "." and ".." in it; an item of a project has neither.
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
inline constexpr TextRule kItem{.min = 1, .max = kPathMaxBytes, .path = true, .steps = false};
// With a "/" before it an item, as which a status shows it.
inline constexpr TextRule kChannelName{
    .min = 1, .max = 64, .unit = Unit::code_points, .one_line = true, .steps = false};
inline constexpr TextRule kItemOrNowhere{.max = kPathMaxBytes, .path = true, .steps = false};
// A JSON pointer that somebody asks with, and one that is told: better cut than missing.
inline constexpr TextRule kPointer{.max = kPathMaxBytes, .path = true};
inline constexpr TextRule kPointerTold{.max = kPathMaxBytes, .path = true, .cut = true};
inline constexpr TextRule kConflictValue{.max = kConflictValueMax};
inline constexpr TextRule kMessageText{.min = 1, .max = kMessageMaxBytes};
inline constexpr TextRule kReason{.max = 1024, .cut = true};
// HOST:PORT; a host name has 253 characters at most.
inline constexpr TextRule kAddress{.max = 320, .one_line = true};
inline constexpr TextRule kVerbText{.min = 1, .max = 64};
// Of a call, and behind an @ whose: "open_shot@node-7 (2)".
inline constexpr TextRule kCallName{.min = 1, .max = 160, .unit = Unit::code_points, .one_line = true};

// The last millisecond of the year 9999: sums and differences of two times stay far from overflow.
inline constexpr std::uint64_t kTimestampMaxMs = 253'402'300'799'999;
// Entries of the audit in one answer: with their longest texts some 600 KiB.
inline constexpr std::size_t kAuditPerAnswer = 100;

}  // namespace callboard::protocol
