#include "protocol/bulk.h"

#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "base/limits.h"
#include "base/text.h"
#include "protocol/frame.h"

namespace callboard::bulk_test {
using namespace callboard::protocol;

namespace {

using namespace std::string_view_literals;

Digest digest_of(unsigned char fill) {
  Digest digest;
  digest.bytes.fill(std::byte{fill});
  return digest;
}

Entry file_entry(std::string name) {
  Entry entry;
  entry.mode = 0644;
  entry.size_bytes = 12;
  entry.mtime_ns = -1;
  entry.digest = digest_of(0xab);
  entry.name = std::move(name);
  return entry;
}

std::vector<TakerFrame> taker_frames() {
  return {Open{OpenMode::look, {{"dev/chr/Moria", digest_of(1)}, {"", Digest{}}}},
          List{{"dev", "a\xff\nb", ""}},
          Want{{{1, 0, 3}, {2, 7, 1}}},
          WantFrom{2, 7, 1ULL << 40},
          Finished{Outcome::cancelled, "stopped by the user"},
          WantChunks{2, 7, 5, {1, ~0ULL}},
          WantRanges{2, 7, {{0, 5}, {5, 1}, {1ULL << 40, 9}}},
          ListKnown{"dev", {~0ULL, 3}}};
}

std::vector<GiverFrame> giver_frames() {
  return {
      Opened{
          true,
          {{Outcome::done, file_entry(""), 1, 12, ""}, {Outcome::not_found, file_entry(""), 0, 0, "gone"}}},
      Opened{false, {}},
      Listing{
          3, "dev/chr", true, Outcome::done, {file_entry("a"), file_entry(std::string(255, '\xfe'))}, {5, 6}},
      FileEnd{Outcome::failed, "changed while it was read"},
      Failed{Outcome::interrupted, ""},
      Chunks{2, 7, ChunksState::more, true, {1, 2}},
      Chunks{2, 7, ChunksState::cut_short, false, {}},
      Hole{1ULL << 40}};
}

template <class Frame>
Bytes encoded(const Frame& frame) {
  Bytes out;
  encode(frame, out);
  return out;
}

std::uint8_t kind_of(const Bytes& frame) { return std::to_integer<std::uint8_t>(frame[4]); }
ByteView body_of(const Bytes& frame) { return ByteView(frame).subspan(kFrameHeadSize); }
std::string hex(const Bytes& bytes) { return to_hex(as_text(bytes)); }

std::string taker_error(std::uint8_t kind, std::string_view body) {
  const auto frame = parse_taker_frame(kind, as_bytes(body));
  return frame ? "" : frame.error().text;
}
std::string giver_error(std::uint8_t kind, std::string_view body) {
  const auto frame = parse_giver_frame(kind, as_bytes(body));
  return frame ? "" : frame.error().text;
}

}  // namespace

TEST_CASE("a bulk frame is written byte for byte as documented") {
  CHECK(hex(encoded(TakerFrame(Want{{{1, 0, 3}}}))) ==
        "00000011120000000100000001"
        "00000000"
        "00000003");
  CHECK(hex(encoded(TakerFrame(Open{OpenMode::pull, {{"a", digest_of(0x11)}}}))) ==
        "0000001910"
        "020101"
        "0001"
        "000161"
        "11111111111111111111111111111111");
  CHECK(hex(encoded(TakerFrame(Finished{Outcome::interrupted, "x"}))) ==
        "0000000514"
        "09"
        "000178");
  CHECK(hex(encoded(GiverFrame(Data{as_bytes("abc")}))) ==
        "0000000423"
        "616263");
  CHECK(hex(encoded(GiverFrame(File{1, 2, Outcome::done, true, 3, 0, as_bytes("abc")}))) ==
        "0000001e22"
        "00000001"
        "00000002"
        "00"
        "01"
        "0000000000000003"
        "0000000000000000"
        "616263");
  CHECK(hex(encoded(GiverFrame(File{1, 2, Outcome::done, false, 3, 0, {}, true}))) ==
        "0000001b22"
        "00000001"
        "00000002"
        "00"
        "02"
        "0000000000000003"
        "0000000000000000");
}

TEST_CASE("every bulk frame reads back as it was written") {
  for (const TakerFrame& frame : taker_frames()) {
    const Bytes bytes = encoded(frame);
    INFO(hex(bytes));
    const auto parsed = parse_taker_frame(kind_of(bytes), body_of(bytes));
    REQUIRE(parsed);
    CHECK(parsed->index() == frame.index());
    CHECK(encoded(*parsed) == bytes);
  }
  for (const GiverFrame& frame : giver_frames()) {
    const Bytes bytes = encoded(frame);
    INFO(hex(bytes));
    const auto parsed = parse_giver_frame(kind_of(bytes), body_of(bytes));
    REQUIRE(parsed);
    CHECK(parsed->index() == frame.index());
    CHECK(encoded(*parsed) == bytes);
  }
}

TEST_CASE("a listing keeps names that are not UTF-8") {
  const auto parsed = parse_giver_frame(33, body_of(encoded(giver_frames()[2])));
  REQUIRE(parsed);
  const auto& listing = std::get<Listing>(*parsed);
  CHECK(listing.number == 3);
  CHECK(listing.directory == "dev/chr");
  CHECK(listing.more);
  CHECK(listing.entries == std::vector{file_entry("a"), file_entry(std::string(255, '\xfe'))});
}

TEST_CASE("every truncation of a bulk frame, and every byte too many, is an error") {
  const auto check_all = [](const Bytes& bytes, const auto& parse_frame) {
    const std::uint8_t kind = kind_of(bytes);
    const ByteView body = body_of(bytes);
    for (std::size_t size = 0; size < body.size(); ++size) {
      INFO(int{kind} << " " << size);
      CHECK_FALSE(parse_frame(kind, body.first(size)).has_value());
    }
    Bytes longer(body.begin(), body.end());
    longer.push_back(std::byte{0});
    CHECK_FALSE(parse_frame(kind, ByteView(longer)).has_value());
  };
  for (const TakerFrame& frame : taker_frames()) check_all(encoded(frame), parse_taker_frame);
  for (const GiverFrame& frame : giver_frames()) check_all(encoded(frame), parse_giver_frame);
}

TEST_CASE("a count that promises more than the frame holds is refused without making room for it") {
  CHECK(taker_error(17, "\xff\xff\xff\xff"sv) ==
        "list: count: expected no more than the frame holds, got 4294967295");
  CHECK(taker_error(18, "\xff\xff\xff\xff"sv) ==
        "want: count: expected no more than the frame holds, got 4294967295");
  CHECK(taker_error(16, "\x02\x01\x01\xff\xff"sv) ==
        "open: count: expected no more than the frame holds, got 65535");
  CHECK(giver_error(32, "\0\xff\xff"sv) == "opened: count: expected no more than the frame holds, got 65535");
  CHECK(giver_error(33, "\0\0\0\1\0\0\0\0\0\0\0\0\xff\xff\xff\xff"sv) ==
        "listing: count: expected no more than the frame holds, got 4294967295");
  CHECK(giver_error(38, "\0\0\0\1\0\0\0\0\0\0\xff\xff\xff\xff"sv) ==
        "chunks: count: expected no more than the frame holds, got 4294967295");
  CHECK(taker_error(21, "\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff"sv) ==
        "want_chunks: count: expected no more than the frame holds, got 4294967295");
  CHECK(taker_error(22, "\0\0\0\1\0\0\0\0\xff\xff\xff\xff"sv) ==
        "want_ranges: count: expected no more than the frame holds, got 4294967295");
}

TEST_CASE("ranges that overlap, go back, are empty or have no end are refused") {
  const auto error = [](std::vector<Range> ranges) {
    const auto parsed =
        parse_taker_frame(22, body_of(encoded(TakerFrame(WantRanges{1, 0, std::move(ranges)}))));
    return parsed ? "" : parsed.error().text;
  };
  CHECK(error({{5, 5}, {10, 1}}).empty());
  CHECK(error({{5, 5}, {9, 1}}) == "want_ranges: range 1: expected ranges that ascend and are not empty");
  CHECK_FALSE(error({{5, 5}, {4, 1}}).empty());
  CHECK_FALSE(error({{5, 0}}).empty());
  CHECK_FALSE(error({{5, ~0ULL - 4}}).empty());
}

TEST_CASE("fields that say nonsense are refused by name") {
  CHECK(taker_error(16, "\x01\x01\x01\0\0"sv) == "open: version: expected 2, got 1");
  CHECK(taker_error(16, "\x02\x02\x01\0\0"sv) == "open: hash: expected 1, got 2");
  CHECK(taker_error(16, "\x02\x01\x02\0\0"sv) == "open: mode: expected 0 or 1, got 2");
  CHECK(giver_error(32, "\x02\0\0"sv) == "opened: status: expected 0 or 1, got 2");
  CHECK(giver_error(33, "\0\0\0\1\0\0\x02\0\0\0\0\0"sv) == "listing: more: expected 0 or 1, got 2");
  CHECK(giver_error(34, "\0\0\0\1\0\0\0\0\0\x03"sv) == "file: whole: expected 0-2, got 3");
  CHECK(giver_error(35, "") == "data: expected 1-1048576 bytes, got 0");
  CHECK(giver_error(39, "\0\0\0\0\0\0\0\0"sv) == "hole: size: expected at least 1, got 0");
  CHECK(giver_error(38, "\0\0\0\1\0\0\0\0\x03\0\0\0\0"sv) == "chunks: state: expected 0-2, got 3");
  CHECK(taker_error(29, "") == "frame: expected a kind that this side reads, got 29");
  CHECK(taker_error(33, "") == "frame: expected a kind that this side reads, got 33");
  CHECK(giver_error(16, "") == "frame: expected a kind that this side reads, got 16");
}

TEST_CASE("an entry that is malformed is refused by its number") {
  Bytes bytes = encoded(GiverFrame(Listing{0, "", false, Outcome::done, {file_entry("a"), file_entry("b")}}));
  const std::size_t second = bytes.size() - encoded_size(file_entry("b"));
  bytes[second] = std::byte{5};
  const auto parsed = parse_giver_frame(33, body_of(bytes));
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().text == "listing: entry 1: expected an entry");
}

TEST_CASE("an item that was opened has no name") {
  const auto parsed = parse_giver_frame(
      32, body_of(encoded(GiverFrame(Opened{true, {{Outcome::done, file_entry("a"), 0, 0, ""}}}))));
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().text == "opened: item 0: name: expected none");
}

TEST_CASE("an outcome of a later version is a failure") {
  const auto parsed = parse_giver_frame(37, as_bytes("\x0b\0\0"sv));
  REQUIRE(parsed);
  CHECK(std::get<Failed>(*parsed).outcome == Outcome::failed);
}

TEST_CASE("a file's head can be written and read without its content") {
  Bytes head;
  encode_file_head(File{1, 2, Outcome::done, true, 5, 2, {}}, 3, head);
  REQUIRE(head.size() == kFrameHeadSize + kFileHeadSize);
  CHECK(hex(head).substr(0, 10) == "0000001e22");
  const auto parsed = parse_giver_frame(34, body_of(head));
  REQUIRE(parsed);
  const auto& file = std::get<File>(*parsed);
  CHECK(file.offset == 2);
  CHECK(file.size_bytes == 5);
  CHECK(file.content.empty());
  for (std::size_t size = 0; size < kFileHeadSize; ++size) {
    CHECK_FALSE(parse_giver_frame(34, body_of(head).first(size)));
  }
}

TEST_CASE("an offset beyond the file's end is refused") {
  CHECK(parse_giver_frame(34, body_of(encoded(GiverFrame(File{0, 0, Outcome::done, false, 5, 5, {}})))));
  CHECK_FALSE(
      parse_giver_frame(34, body_of(encoded(GiverFrame(File{0, 0, Outcome::done, false, 5, 6, {}})))));
}

TEST_CASE("data may be a mebibyte and no more") {
  const Bytes content(kBulkDataMax + 1);
  const ByteView all(content);
  CHECK(parse_giver_frame(35, all.first(kBulkDataMax - 1)));
  CHECK(parse_giver_frame(35, all.first(kBulkDataMax)));
  CHECK_FALSE(parse_giver_frame(35, all));
  Bytes head;
  encode_data_head(kBulkDataMax, head);
  CHECK(hex(head) == "0010000123");
}

TEST_CASE("sizes told in advance are the sizes written") {
  const Entry entry = file_entry("name");
  const OpenedItem opened{Outcome::done, file_entry(""), 0, 0, std::string(3000, 'x')};
  const OpenItem open{"path", {}};
  CHECK(encoded(GiverFrame(Listing{0, "dir", false, Outcome::done, {entry, entry}})).size() ==
        listing_head_size("dir") + 2 * encoded_size(entry));
  CHECK(encoded(GiverFrame(Opened{true, {opened}})).size() ==
        encoded(GiverFrame(Opened{true, {}})).size() + encoded_size(opened));
  CHECK(encoded(TakerFrame(Open{OpenMode::pull, {open}})).size() ==
        encoded(TakerFrame(Open{})).size() + encoded_size(open));
  CHECK(encoded(TakerFrame(List{{"ab"}})).size() ==
        encoded(TakerFrame(List{})).size() + encoded_size(std::string("ab")));
  CHECK(encoded(TakerFrame(Want{{{}}})).size() == encoded(TakerFrame(Want{})).size() + kWantRangeSize);
}

TEST_CASE("a long text is cut between characters") {
  std::string text = "x";
  for (int i = 0; i < 1000; ++i) text += "ü";
  const auto parsed = parse_taker_frame(20, body_of(encoded(TakerFrame(Finished{Outcome::failed, text}))));
  REQUIRE(parsed);
  CHECK(std::get<Finished>(*parsed).text == text.substr(0, 1023));
}

}  // namespace callboard::bulk_test
