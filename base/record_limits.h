#pragma once

#include <cstdint>

#include "base/limits.h"

// How many records there may be, how large, and how they are told.
namespace callboard {

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

}  // namespace callboard
