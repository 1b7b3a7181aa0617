#pragma once

#include <cstdint>

#include "base/limits.h"

// How much of the documents' history and of what is told of them is kept, and where it ends; the rest of the limits are
// in limits.h.
namespace callboard {

// The largest document: one frame with its head holds it, and that with what it is told of beside it.
inline constexpr std::uint64_t kDocumentMax = kFrameMax - 2 * kHeaderMax;
// What edits took out of a document lately, kept so that a newer edit within it may bring it back: each a scene at most.
inline constexpr std::size_t kGravesMax = 64;
inline constexpr std::uint64_t kGraveBytesMax = 256 * KiB;
inline constexpr std::uint64_t kGravesBytesMax = 1 * MiB;
// The newest operations on a document that one arriving late is put between, and what they may say together; one that is
// older than all of them loses. The bytes hold two documents of the largest size.
inline constexpr std::size_t kMergeWindowOperations = 1024;
inline constexpr std::uint64_t kMergeWindowBytes = 2 * kFrameMax;
// Of those, every so-many-th keeps the document as it was then: what a late one has to apply again besides those that are
// newer. Operations that came later than such a state and belong before it wait beside it; one with more is given up.
inline constexpr std::size_t kMergeWindowStride = 32;
inline constexpr std::size_t kMergeStateWaiting = 256;
// Edits of one write, at most; what would be more is the whole document: eight fields in each of a film's 2,000 shots. While
// everybody waits each is put where those that it may meet are looked for: 0.4 us, so 7 ms.
inline constexpr std::size_t kEditsMax = 16'384;
// What a list of edits may say, about; what would be longer is the whole document instead.
inline constexpr std::uint64_t kEditsBytesMax = kFrameMax;
// Operations on a document after which the history gets a keyframe: what reading an old version has to fold, some ms. Or
// what they say, when that is as long as the document and at least this.
inline constexpr std::uint64_t kKeyframeOperations = 256;
inline constexpr std::uint64_t kKeyframeBytes = 1 * MiB;
// Revisions listed in one answer, and looked at for those that changed one place.
inline constexpr std::size_t kRevisionsPerAnswer = 200;
inline constexpr std::uint64_t kHistoryLookedAtMax = 20'000;
// Revisions of a document kept in memory, to tell of it as the difference from what people have; and the size of a
// document up to which its text is made on the loop: 64 KiB take 0.3 ms.
inline constexpr std::size_t kEditionsKept = 256;
// The same for what the operations said that made them: as parsed trees ten times as much. The rest is read from the log.
inline constexpr std::uint64_t kEditionsKeptBytes = 2 * kFrameMax;
inline constexpr std::uint64_t kInlineDocumentBytes = 64 * KiB;
// What is told to one session alone and not taken by it: ends of its transfers, conflicts, the state of the disk.
inline constexpr std::size_t kErrandsMax = 512;
// Conflicts told in one go, and how much of either value: a person looks at the rest in the history.
inline constexpr std::size_t kConflictsPerTell = 100;
inline constexpr std::size_t kConflictValueMax = 1 * KiB;
// Rows forgotten in one transaction of the log's thread: a few ms between two commits.
inline constexpr std::uint64_t kTrimRows = 200;
// Conflicts that wait for somebody to settle them; the oldest is taken as settled when there are more.
inline constexpr std::size_t kConflictsKept = 1000;
// Edits that one operation is compared with, or what takes as long, 25 ns each: 7 ms while everybody waits. So many that it has
// not seen are two people's scripts at work, not people.
inline constexpr std::uint64_t kConflictWorkMax = 256 * 1024;
// The same for what they say together: two values of the largest size. A snapshot has all of it.
inline constexpr std::uint64_t kConflictsKeptBytes = 2 * kFrameMax;

}  // namespace callboard
