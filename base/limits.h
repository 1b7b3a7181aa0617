#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

// Every limit on what others may say or make us hold, with its reason; beside it call_limits.h, document_limits.h,
// door_limits.h and record_limits.h, each of its subject. Sizes are bytes.
namespace callboard {

using namespace std::chrono_literals;

inline constexpr std::uint64_t KiB = 1024;
inline constexpr std::uint64_t MiB = 1024 * KiB;
inline constexpr std::uint64_t GiB = 1024 * MiB;

// --- Session frames -------------------------------------------------------------------------------------------------
// A stranger can make the server hold this much: 1,000 unadmitted connections cost 4 MiB.
inline constexpr std::uint64_t kFrameMaxBeforeAdmission = 4 * KiB;
// The largest story or analytics document; a film's story with 2,000 shots is about 1 MiB.
inline constexpr std::uint64_t kFrameMax = 16 * MiB;
// A frame of kind "attached" carries a JSON header before its payload; headers are small facts.
inline constexpr std::uint64_t kHeaderMax = 64 * KiB;
// Nesting beyond this is an attack on the parser's stack, not a story.
inline constexpr int kJsonDepthMax = 64;
static_assert(kFrameMaxBeforeAdmission < kHeaderMax && kHeaderMax < kFrameMax);

// --- Names ----------------------------------------------------------------------------------------------------------
// First name, second name and what somebody does; it is shown in columns.
inline constexpr std::size_t kUserNameMaxCodePoints = 64;
// A film's title with its working title: 512 bytes at most of a datagram's 1,400.
inline constexpr std::size_t kProjectNameMaxCodePoints = 128;
inline constexpr std::size_t kMessageMaxBytes = 8 * KiB;    // A long paragraph; longer texts are files.
inline constexpr std::size_t kPathMaxBytes = 4096;          // Linux PATH_MAX.
inline constexpr std::size_t kPathComponentMaxBytes = 255;  // NAME_MAX of ext4, xfs, btrfs.
// Ten times as deep as a project's folders are; whoever walks a tree, or is told of one, goes no deeper.
inline constexpr std::size_t kPathDepthMax = 128;

// --- The board ------------------------------------------------------------------------------------------------------
// Items a workstation may announce: 2,000 shots and 2,000 assets with room to grow; about 100 bytes each in memory.
inline constexpr std::size_t kItemsMax = 20'000;
// Messages kept in memory and told to those who join; older ones stay in the log.
inline constexpr std::size_t kMessagesKept = 10'000;
// Messages told in one go, so that catching up never makes a frame too large: 100 × 8 KiB.
inline constexpr std::size_t kMessagesPerTell = 100;
static_assert(kMessagesPerTell * kMessageMaxBytes * 2 < kFrameMax);
// Different items of all workstations together: a whole project's, from workstations that disagree.
inline constexpr std::size_t kItemsOnBoardMax = 4 * kItemsMax;
// Items that one message tells of, ten workstations' at most: about as many copies as a frame of kFrameMax can hold.
inline constexpr std::size_t kItemsToldMax = 10 * kItemsMax;
// And of people or transfers: a hundred times a studio, and at some hundred bytes each far below a frame.
inline constexpr std::size_t kUsersToldMax = 10'000;
// Operations whose outcome is remembered, so that a retry gets its first answer; a client retries within minutes.
inline constexpr std::size_t kOperationsRemembered = 4096;
// Those who left, remembered for sessions that could not yet be told; one that missed more gets the whole list.
inline constexpr std::size_t kDeparturesKept = 1024;
// Asks of one client that are unanswered at any time; so no turn holds more.
inline constexpr std::size_t kAsksPerTurn = 256;
// Documents of one client's unanswered asks, together: the largest one, and another that waits behind it.
inline constexpr std::uint64_t kUnansweredBytesMax = 2 * kFrameMax;
// What an item of an `assets` change counts as in it: about what it takes in memory, path and all.
inline constexpr std::uint64_t kItemWeight = 1 * KiB;
static_assert(kItemsMax * kItemWeight <= kUnansweredBytesMax);
// Answers made while the client has the turn; later asks wait undelivered. The largest is a list of kItemsMax items, 2 MiB.
inline constexpr std::size_t kAnswersHeld = 16;
// What they may take, with those on their way out and those in the making: two of the largest documents.
// Later asks wait undelivered here, too; a result of a call, which comes when it comes, is not kept.
inline constexpr std::uint64_t kAnswerBytesHeld = 2 * kFrameMax;
// The largest answer that is a list and no document: 1 MiB of records, and what a call says.
inline constexpr std::uint64_t kListedAnswerMax = 1 * MiB;

// --- Times ----------------------------------------------------------------------------------------------------------
// On a server with keys: who has not begun TLS by then waits for a greeting and has no key.
inline constexpr auto kKnockLimit = 2s;
inline constexpr auto kHandshakeLimit =
    10s;                                 // From accept to the end of the join, on a LAN that answers in 1 ms.
inline constexpr auto kHeartbeat = 15s;  // An empty turn each way.
inline constexpr auto kSilenceLimit = 45s;  // Three heartbeats lost: the peer is gone.
inline constexpr auto kAskLimit = 30s;      // A client's patience for one answer.
// Of a transfer nothing moves and one side says nothing: it is over. One that works all the same says so now and then.
inline constexpr auto kStallLimit = 30s;
inline constexpr auto kWorkingPeriod = 10s;
static_assert(kStallLimit >= 3 * kWorkingPeriod);
inline constexpr auto kTicketLife = 20s;  // From `give` until both data connections must be there.
static_assert(kSilenceLimit >= 3 * kHeartbeat);
// What is due in a while is due a little later, with all that is due about then: ten thousand idle sessions wake the server
// ten times a second, not a thousand times.
inline constexpr auto kDeadlineGrain = 100ms;

// For how long a session whose connection is lost is kept: a cable put in again, a switch that starts, a server's upgrade.
inline constexpr auto kGrace = 60s;
// While the server's disk takes no writes it is tried this often.
inline constexpr auto kDiskProbePeriod = 5s;
// Sessions that are away at a time: more than workstations of a studio, and with what waits for them about 1 KiB each.
inline constexpr std::size_t kAwayMax = 1024;

// --- Discovery ------------------------------------------------------------------------------------------------------
inline constexpr std::uint16_t kDiscoveryPort = 54545;
inline constexpr std::uint16_t kSessionPort = 64646;
inline constexpr std::size_t kDatagramMax = 1400;  // Fits one Ethernet frame; longer ones are not ours.
inline constexpr auto kAnnouncePeriod = 1s;

// --- Server resources -----------------------------------------------------------------------------------------------
// Unsent bytes of one session above which nothing more is told to it; what it misses stays in its mailbox.
inline constexpr std::uint64_t kUnsentBeforeHolding = 256 * KiB;

// Connections that are no session yet: strangers, and data connections that wait. With kFrameMaxBeforeAdmission 4 MiB.
inline constexpr std::size_t kUnadmittedMax = 1024;
// Users, items and people's places told in one frame: at their longest (4 KiB of path, escaped) far below kFrameMax.
inline constexpr std::size_t kUsersPerTell = 500;
inline constexpr std::size_t kItemsPerTell = 2000;
inline constexpr std::size_t kAtsPerTell = 100;
// How often a camera that moves all the time is told.
inline constexpr auto kCameraPeriod = 100ms;
// Transfers one session takes part in at a time: a person's dozens, a script's mistake not more.
inline constexpr std::size_t kTransfersPerSession = 64;
// Of a giver's, those that one person takes (a key; on an open server an address): the rest is for the others, whether that one
// goes on with its own or never connects.
inline constexpr std::size_t kTransfersPerTaker = kTransfersPerSession * 3 / 4;
// What a taker may say on its data connection before the giver has come, kept until then: it speaks first.
inline constexpr std::uint64_t kWaitingBytesMax = 64 * KiB;
// A closing connection's time to take its last frames.
inline constexpr auto kFarewellLimit = 2s;
// Operations (or their bytes) after which the log is cut short by a snapshot: what a start has to read, under a second.
inline constexpr std::uint64_t kSnapshotOperations = 4096;
inline constexpr std::uint64_t kSnapshotBytes = 64 * MiB;
// Writes waiting for the disk; more are refused until it keeps up. A full frame always fits.
inline constexpr std::size_t kAppendsWaitingMax = 65'536;
inline constexpr std::uint64_t kAppendBytesWaitingMax = 256 * MiB;
// One transaction of the log: large enough that the sync does not count, small enough to take a few ms.
inline constexpr std::size_t kCommitGroupOperations = 1024;
inline constexpr std::uint64_t kCommitGroupDocumentBytes = kFrameMax;
static_assert(kAppendBytesWaitingMax > kFrameMax && kSnapshotBytes > kFrameMax);

// --- Transfers ------------------------------------------------------------------------------------------------------
// A bulk frame: 1 MiB of content and its head. Larger buffers leave the L2 cache and are slower.
inline constexpr std::uint64_t kBulkDataMax = 1 * MiB;
inline constexpr std::uint64_t kBulkFrameMax = kBulkDataMax + 4 * KiB;
// Files up to this size travel inline, packed together into writes of about kPackBytes.
inline constexpr std::uint64_t kSmallFileMax = 256 * KiB;
inline constexpr std::uint64_t kPackBytes = 512 * KiB;
static_assert(kSmallFileMax + kPathMaxBytes < kBulkFrameMax);
// A commit group ends at whichever comes first; at most this much work is lost and repeated after a crash.
inline constexpr std::size_t kCommitGroupFiles = 2'000;
inline constexpr std::uint64_t kCommitGroupBytes = 256 * MiB;
inline constexpr auto kCommitGroupTime = 2s;

}  // namespace callboard
