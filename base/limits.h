#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

// The limits on what others may say or make us hold, each with its reason: of the wire, who may come in and how much one may
// do (`serve` has options for most of that), the board, documents, records, and calls. What the two sides of a transfer bear
// of each other is in client/transfer_limits.h, what a channel and a task may, beside them. Sizes are bytes.
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
inline constexpr auto kHeartbeat = 18s;  // An empty turn each way.
// What was lost TCP sends again after 0.2 s, and then each time after twice as long: the seventh time after 25.4 s. An outage that
// is shorter than that must not end a session.
inline constexpr auto kSilenceLimit = 45s;
inline constexpr auto kAskLimit = 30s;  // A client's patience for one answer.
// Of a transfer nothing moves and one side says nothing: it is over. One that works all the same says so now and then.
inline constexpr auto kStallLimit = 30s;
inline constexpr auto kWorkingPeriod = 10s;
static_assert(kStallLimit >= 3 * kWorkingPeriod);
inline constexpr auto kTicketLife = 20s;  // From `give` until both data connections must be there.
static_assert(kSilenceLimit - kHeartbeat >= 26s);
// What is due in a while is due a little later, with all that is due about then: ten thousand idle sessions wake the server
// ten times a second, not a thousand times.
inline constexpr auto kDeadlineGrain = 100ms;

// For how long a session whose connection is lost is kept: a cable put in again, a switch that starts, a server's upgrade.
inline constexpr auto kGrace = 60s;
// While the server's disk takes no writes it is tried this often.
inline constexpr auto kDiskProbePeriod = 5s;
// It takes writes again when there is room for the largest that failed, and at least for this: thousands of small ones.
inline constexpr std::uint64_t kDiskRoomMin = 1 * MiB;
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
// What a zstd frame may stand for, whatever it says of itself: what one frame may be at most, for which a taker has room anyway.
// So nothing is gained by one that squeezes a million bytes into ten.
inline constexpr std::uint64_t kSqueezedMax = kBulkFrameMax;
// A commit group ends at whichever comes first; at most this much work is lost and repeated after a crash.
inline constexpr std::size_t kCommitGroupFiles = 2'000;
inline constexpr std::uint64_t kCommitGroupBytes = 256 * MiB;
inline constexpr auto kCommitGroupTime = 2s;

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

// --- Documents and their history ------------------------------------------------------------------------------------
// Values of one, parts and all: each takes about 96 bytes of memory, however short it is, so 192 MiB, as much as 16 MiB of text
// mostly do. A film's story with 2,000 shots has about 50,000.
inline constexpr std::uint32_t kDocumentValuesMax = 2'000'000;
// The largest document: one frame with its head holds it, and that with what it is told of beside it.
inline constexpr std::uint64_t kDocumentMax = kFrameMax - 2 * kHeaderMax;
// A change names so many of its author's own that it was made of, each in its header as 32 hex digits with what is around them.
inline constexpr std::size_t kOwnChangesMax = 1024;
static_assert(kOwnChangesMax * 36 < kHeaderMax);
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
// what they say, when that is as long as the document and at least this. A keyframe has kMergeWindowOperations in it, too.
inline constexpr std::uint64_t kKeyframeOperations = 512;
inline constexpr std::uint64_t kKeyframeBytes = 1 * MiB;
// Revisions listed in one answer, and looked at for those that changed one place.
inline constexpr std::size_t kRevisionsPerAnswer = 200;
inline constexpr std::uint64_t kHistoryLookedAtMax = 20'000;
// The size of a document up to which its text is made on the loop: 64 KiB take 0.3 ms.
inline constexpr std::uint64_t kInlineDocumentBytes = 64 * KiB;
// Revisions of a document kept in memory, to tell of it as the difference from what people have.
inline constexpr std::size_t kEditionsKept = 256;
// The same for what the operations said that made them: as parsed trees ten times as much. The rest is read from the log.
inline constexpr std::uint64_t kEditionsKeptBytes = 2 * kFrameMax;
// What is told to one session alone and not taken by it: ends of its transfers, conflicts, the state of the disk.
inline constexpr std::size_t kErrandsMax = 512;
// Conflicts told in one go, and how much of either value: a person looks at the rest in the history.
inline constexpr std::size_t kConflictsPerTell = 100;
inline constexpr std::size_t kConflictValueMax = 1 * KiB;
// Rows forgotten in one transaction of the log's thread: a few ms between two commits.
inline constexpr std::uint64_t kTrimRows = 200;
// Conflicts that wait for somebody to settle them; the oldest is taken as settled when there are more.
inline constexpr std::size_t kConflictsKept = 1000;
// The same for what they say together: two values of the largest size. A snapshot has all of it.
inline constexpr std::uint64_t kConflictsKeptBytes = 2 * kFrameMax;
// Edits that one operation is compared with, or what takes as long, 25 ns each: 7 ms while everybody waits. So many that it has
// not seen are two people's scripts at work, not people.
inline constexpr std::uint64_t kConflictWorkMax = 256 * 1024;

// --- Records and zones ----------------------------------------------------------------------------------------------
// Fields of one record, as JSON: a note, a vote, a list of hosts. What is larger is a document or a file.
inline constexpr std::uint64_t kRecordMax = 64 * KiB;
// Of those that the server writes for itself: the state of a stateful call, written and printed whole with each of them. 1 MiB
// would take 10 ms of the loop, which is too much already; this holds some thousand things.
inline constexpr std::uint64_t kOwnRecordMax = 256 * KiB;
// An event is told and forgotten; some of them wait for those who are slow.
inline constexpr std::uint64_t kEventMax = 4 * KiB;
// Answers of calls that changed one record, remembered with it for those who ask again after a crash: they do so within seconds,
// and some dozen callers wait for one state at a time. Of a larger one it is remembered that it was done.
inline constexpr std::size_t kRecordAnswersKept = 64;
inline constexpr std::uint64_t kRecordAnswerMax = 4 * KiB;
// Of a class of records, and of a field: a few words. A field's name is written with each record that has it, so 128 of them take
// 8 KiB of kRecordMax at most.
inline constexpr std::size_t kClassNameMax = 64;
inline constexpr std::size_t kFieldNameMax = 64;
// A film's shots with some records each. All of them are in memory and in every snapshot, hence the bytes.
inline constexpr std::size_t kRecordsMax = 100'000;
inline constexpr std::uint64_t kRecordsBytesMax = 128 * MiB;
// Those that last as long as one session: a camera, a presence, a render node's slots.
inline constexpr std::size_t kSessionRecordsMax = 10'000;
// Told in one go: a piece that a turn of the loop makes in some ms.
inline constexpr std::size_t kRecordsPerTell = 1000;
inline constexpr std::uint64_t kRecordsPerTellBytes = 1 * MiB;
static_assert(kRecordMax <= kOwnRecordMax && kRecordsPerTellBytes + 2 * kOwnRecordMax < kFrameMax);
// Zones that one session is in, and different ones of all sessions: under a KiB each, and no dozen sessions fill them.
inline constexpr std::size_t kZonesPerSession = 64;
inline constexpr std::size_t kZonesMax = 16'384;
// Records in all those zones together, each counted once for every zone that it is in: about 250 bytes each.
inline constexpr std::size_t kZoneEntriesMax = 1'000'000;
// Of those, in the zones of one person (a key; on an open server an address): a quarter, everything there can
// be twice over. Who comes to have more because records are made in them is put out of some once the whole is
// full.
inline constexpr std::size_t kZoneEntriesPerOrigin = kZoneEntriesMax / 4;
static_assert(kZoneEntriesPerOrigin >= 2 * kRecordsMax);
// And different zones of one person: a sixteenth, so that a dozen who want many leave some to others, and one change of a record is
// not noted in more.
inline constexpr std::size_t kZonesPerOrigin = 1024;
static_assert(kZonesPerOrigin * 16 <= kZonesMax && kZonesPerOrigin >= kZonesPerSession);
// Records of one zone that are gone, remembered for those who have not heard it; who has missed more gets all anew.
inline constexpr std::size_t kGonePerZone = 4096;
// Events kept of one zone, and of all, for those who cannot listen at this moment.
inline constexpr std::size_t kEventsPerZone = 256;
inline constexpr std::size_t kEventsKept = 8192;
// A schema file, which is written by hand and read whole: ten times what the classes of a film take.
inline constexpr std::uint64_t kSchemaMax = 1 * MiB;
// What is in it: kinds of things that a studio keeps records of, and what it knows of one; some dozens are many.
inline constexpr std::size_t kClassesMax = 256;
inline constexpr std::size_t kFieldsMax = 128;
static_assert(kFieldsMax * kFieldNameMax < kRecordMax);

// --- Calls ----------------------------------------------------------------------------------------------------------
// "studio.department.what_it_does" and twice that: it is typed, and stands in a column of `callboard calls`.
inline constexpr std::size_t kCallNameMax = 64;
// Of a call and of each argument: a few sentences on one line; more belongs in a studio's own documents.
inline constexpr std::size_t kCallSummaryMax = 512;
// Arguments of one call; a person has lost count long before.
inline constexpr std::size_t kCallArgumentsCountMax = 32;
// Descriptions told in one list: of the server, its plugins and all clients.
inline constexpr std::size_t kCallDescriptionsMax = 1024;

// Read on the loop, as the small documents are: 64 KiB take 0.3 ms. What is longer is a file.
inline constexpr std::uint64_t kCallArgumentsMax = kInlineDocumentBytes;
// A listing of some thousand things; it is passed on as it is, never read here.
inline constexpr std::uint64_t kCallResultMax = 1 * MiB;
// One of each call that runs is kept until it is told: 256 of one session are 4 MiB.
inline constexpr std::uint64_t kCallProgressMax = 16 * KiB;
static_assert(kCallResultMax < kFrameMax && kAsksPerTurn * kCallProgressMax <= 4 * MiB);

// What a call has when its caller says nothing, and what it may ask for: a night's render and the day after it.
inline constexpr auto kCallDeadline = 30s;
inline constexpr auto kCallDeadlineMax = 24h;
// The server says when a call's time is over; a client waits so much longer before it says so itself.
inline constexpr auto kCallPatience = 10s;

// Calls that wait for a worker, a process, a client or a disk, of all sessions: each some KiB with its arguments, 64 KiB at
// most. Beyond it callers are told to try again.
inline constexpr std::size_t kCallsRunningMax = 1024;
// Of those, the ones of one session: a script hands a farm its hundred frames. And of one person (a key; on an open server
// an address): a quarter, so that one alone leaves the others theirs.
inline constexpr std::size_t kCallsRunningPerSession = 128;
inline constexpr std::size_t kCallsRunningPerOrigin = 256;
static_assert(kCallsRunningPerSession < kCallsRunningPerOrigin &&
              kCallsRunningPerOrigin <= kCallsRunningMax / 4);
// Those who wait for one call: it was asked for again over another connection.
inline constexpr std::size_t kCallWaitersMax = 8;
// Answers kept by operation id, so that who lost a connection gets the one that there was: minutes of a busy server.
inline constexpr std::size_t kCallAnswersKept = 4096;
inline constexpr std::uint64_t kCallAnswersKeptBytes = 16 * MiB;
static_assert(kCallAnswersKeptBytes >= 4 * kCallResultMax);
// Calls that one client offers, and that it has to carry out at a time: a render farm's node does a few.
inline constexpr std::size_t kCallsPerClient = 64;
inline constexpr std::size_t kCallsGivenMax = 64;
// How long a server that stops waits for what is being written down: for one change of the keys that waits for their file. Who
// changes them behind that one is not waited for.
inline constexpr auto kWrittenLimit = 6s;
// How long after an answer a server that stops says goodbye: it is told when the asker has handed back the turn.
inline constexpr auto kAnswerLimit = 100ms;
// What blocks is a disk, mostly: more at a time make it no faster.
inline constexpr std::size_t kCallWorkers = 2;

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
