#pragma once

#include <cstddef>
#include <cstdint>

#include "base/limits.h"

// How many may come to a server, and how much one of them may do; the options of `serve` change most of it.
namespace callboard {

// --- Who may come in ------------------------------------------------------------------------------------------------
// Of kUnadmittedMax, those of one address: a quarter, so that one machine alone shuts nobody out; the data connections of four busy sessions.
inline constexpr std::size_t kUnadmittedPerAddress = kUnadmittedMax / 4;
// Connections in all, sessions and others: an idle session takes about 2 KiB, so 128 MiB.
inline constexpr std::size_t kConnectionsMax = 65'536;
// … and of one address: a farm of 500 nodes behind one router, with four programs each. A script's mistake ends here.
inline constexpr std::size_t kConnectionsPerAddress = 2048;
static_assert(kUnadmittedPerAddress < kConnectionsPerAddress && kConnectionsPerAddress < kConnectionsMax);
// Who is turned away is logged this often, with a count: otherwise a flood of them would fill the log.
inline constexpr auto kTurnedAwayLogPeriod = 10s;
// File descriptors that no connection gets: for the board's files, the keys, and the pipes of transfers, four each.
inline constexpr int kDescriptorsKept = 64;
// The part of the memory that the machine (or the service's group) has above which nobody more is let in, in percent: the
// rest is for those who are in, 32 MiB of documents for each of hundreds, and for the system's cache of the board.
inline constexpr std::uint64_t kMemoryMaxPercent = 75;
// Memory that is set aside, as address space, for when an allocation finds none: then nobody more is let in, and this is for those
// who are, until some of theirs is free again. What the loop makes in one turn at most, a list of all items with its text, fits.
inline constexpr std::uint64_t kMemoryReserve = 16 * MiB;
// It is given a quarter at a time. From the second on each costs the session that keeps most of what it was told or says.
inline constexpr std::uint64_t kMemoryPortion = kMemoryReserve / 4;
// Set aside in pieces: there may be room for it again only between what is in use.
inline constexpr std::uint64_t kMemoryPiece = 256 * KiB;
static_assert(kMemoryReserve % kMemoryPortion == 0 && kMemoryPortion % kMemoryPiece == 0);
// How often it is tried to take it back; each time that fails costs such a session, too.
inline constexpr auto kMemoryRetryPeriod = 1s;
// How often the server looks at its memory; while strangers pour in, looking costs more than turning them away.
inline constexpr auto kMemoryLookPeriod = 100ms;
// How soon again, at the soonest, it gives back what is free of it while that keeps people out: who allocates waits for some 10 ms for each GiB.
inline constexpr auto kMemoryGivenBackPeriod = 10s;
static_assert(kMemoryLookPeriod < kMemoryGivenBackPeriod);
// Each time that this does not help the next comes after twice as long, up to this: what is in use stays in use.
inline constexpr auto kMemoryGivenBackPeriodMax = 160s;
static_assert(kMemoryGivenBackPeriod < kMemoryGivenBackPeriodMax);

// --- How much a document may hold ---------------------------------------------------------------------------------------
// Values of one, parts and all: each takes about 96 bytes of memory, however short it is, so 192 MiB, as much as 16 MiB of text
// mostly do. A film's story with 2,000 shots has about 50,000.
inline constexpr std::uint32_t kDocumentValuesMax = 2'000'000;

// --- How much one session may write ---------------------------------------------------------------------------------
// Changes of documents a second: twice what a script that writes 10,000 small edits a second does. The log takes some
// 50,000 a second from all together.
inline constexpr std::uint64_t kWritesPerSecond = 20'000;
// Messages a second: everybody is told each of them, so they are dearer. A script that says what it does says dozens.
inline constexpr std::uint64_t kMessagesPerSecond = 1'000;
// Asks and calls a second. Each counts as often as it takes the loop 10 us (server/ask_cost.h), so that one session gets a fifth
// of it in the long run.
inline constexpr std::uint64_t kAsksPerSecond = 20'000;
// How far ahead of that a session may be, in time's worth of writes: it is told beyond the first and held back beyond the
// second; one that was ahead all the time for the third goes. A burst of 40,000 edits is not even told.
inline constexpr auto kPaceTold = 2s;
inline constexpr auto kPaceHeld = 4s;
inline constexpr auto kPacePatience = 30s;
// What one session gets of the loop's time before all others have had their turn. A hundred that ask for what is dear at the same
// moment cost somebody 50 ms; a write takes 10 us.
inline constexpr auto kTurnShare = 500us;
// What all together get of a turn; beyond that each that is not held back gets one thing done. So forty that
// ask for what is dear all the time, 0.1 ms each, cost somebody else 2 ms once they are held back, and 6 ms
// before.
inline constexpr auto kTurnTime = 2ms;
static_assert(kTurnTime >= kTurnShare);
// Bytes that one connection is read in a turn of the loop, and all of them together; beyond that each still
// gets one buffer, 16 KiB. 1 MiB takes the loop 0.6 ms, and a large document goes on with the next turn.
inline constexpr std::uint64_t kReadShare = 64 * KiB;
inline constexpr std::uint64_t kReadOfAll = 1 * MiB;
static_assert(kReadShare <= kReadOfAll / 4);
// Who is held back is let go on by so much of time's worth: a hundred timers a second would cost more than they hold.
inline constexpr auto kPaceStep = 100ms;
static_assert(kPaceTold < kPaceHeld - kPaceStep && kPaceHeld < kPacePatience);

}  // namespace callboard
