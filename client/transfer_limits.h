#pragma once

#include <cstddef>
#include <cstdint>

#include "base/limits.h"

// What giver and taker may have outstanding between them (docs/protocol.md, 3.2). Each side keeps to its own limit, which
// is the lower one, and ends the transfer when the other side exceeds what it must bear.
namespace callboard::client {

// Listings of which entries may still be wanted: about 75,000 entries of 54 bytes. A giver holds back further ones.
inline constexpr std::uint64_t kListedBytesMax = 4 * MiB;
// Entries travel in parts of about this size, so that a taker can start on the first while the next is under way.
inline constexpr std::uint64_t kListingPartBytes = 256 * KiB;
static_assert(kListingPartBytes + kPathMaxBytes * 3 < kBulkFrameMax);

// Files a giver lets be outstanding, and what a taker uses: a LAN needs a millisecond's worth, which is 50 small files.
inline constexpr std::uint64_t kWantedFilesMax = 65'536;
inline constexpr std::uint64_t kWantedFilesUsed = 8'192;
static_assert(kWantedFilesUsed * 2 <= kWantedFilesMax);

// Files whose chunks were asked for and of which no ranges are wanted yet: what a giver bears, and what a taker uses, which
// holds their lists of 16 MiB at most.
inline constexpr std::size_t kOffersMax = 64;
inline constexpr std::size_t kOffersUsed = 4;
// Groups of chunks named at a time, and ranges wanted at a time: 2 MiB each. A taker wants fewer of one file, or all of it.
inline constexpr std::size_t kGroupsMax = 262'144;
inline constexpr std::size_t kRangesMax = 131'072;
inline constexpr std::size_t kRangesUsed = 16'384;
static_assert(kOffersUsed * 2 <= kOffersMax && kOffersUsed * kRangesUsed * 2 <= kRangesMax);
// A part of a list of chunks: 50 MiB of the file, in 32 KiB.
inline constexpr std::size_t kChunksPerFrame = 4'096;
// Of a list that is still being made: 12 MiB, so that a taker soon has enough to tell whether chunks pay (kProbeBytes).
inline constexpr std::size_t kChunksAtOnce = kChunksPerFrame / 4;

// Directories asked for and not listed: what a giver bears in bytes of paths, and how many a taker uses.
inline constexpr std::uint64_t kAskedBytesMax = 4 * MiB;
inline constexpr std::size_t kAskedDirectoriesUsed = 256;
inline constexpr std::uint64_t kAskedPathWeight = 128;  // What remembering a path takes beside its bytes.
// Buckets of entries that a taker names: of one directory, 2 million entries, and of all that are asked for together.
inline constexpr std::size_t kBucketsNamedUsed = 65'536;
static_assert(kAskedDirectoriesUsed * (kPathMaxBytes + kAskedPathWeight) + 3 * kBucketsNamedUsed * 8 <
              kAskedBytesMax);
static_assert(kListingPartBytes + kBucketsNamedUsed * 8 + kPathMaxBytes * 3 < kBulkFrameMax);

// Directories found and not asked for yet: names only, depth first. A tree that needs more is not a film.
inline constexpr std::uint64_t kPendingDirectoriesBytesMax = 64 * MiB;

// Items of one pull: their answers fit one frame with a short text each (4,096 × 200 bytes).
inline constexpr std::size_t kItemsPerPullMax = 4'096;

// How far listings may exceed what `opened` announced, because the folder grew meanwhile: twice, and this. Directories
// and links are not announced. What is announced beyond any file system counts as that.
inline constexpr std::uint64_t kListedFilesSlack = 65'536;
inline constexpr std::uint64_t kListedOthersMax = 16'777'216;
inline constexpr std::uint64_t kAnnouncedFilesMax = 1ULL << 40;
inline constexpr std::uint64_t kAnnouncedBytesMax = 1ULL << 50;
static_assert(kAnnouncedBytesMax <= UINT64_MAX / kItemsPerPullMax);

// A folder that changes while it is pulled is looked at again this often.
inline constexpr int kRoundsMax = 3;
// Problems listed one by one in a report; the rest is counted.
inline constexpr std::size_t kProblemsMax = 10'000;

}  // namespace callboard::client
