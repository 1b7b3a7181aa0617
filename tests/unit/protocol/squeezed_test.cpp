// Frames that stand for squeezed ones.
#include "protocol/squeezed.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "protocol/bulk.h"

namespace callboard::protocol::squeezed_test {
namespace {

Bytes data_frames(std::size_t count, const std::string& content) {
  Bytes bytes;
  for (std::size_t i = 0; i < count; ++i) encode(GiverFrame(Data{as_bytes(content)}), bytes);
  return bytes;
}

// The body of the frame that stands for these.
Bytes squeezed_body(ByteView frames) {
  Squeezer squeezer;
  const auto frame = squeezer.squeeze(frames, frames.size());
  REQUIRE(frame.has_value());
  return {frame->begin() + kFrameHeadSize, frame->end()};
}

struct Room {
  Bytes bytes = Bytes(kSqueezedMax);
  Unsqueezer unsqueezer;
  Result<std::size_t> unsqueeze(ByteView body) { return unsqueezer.unsqueeze(body, bytes); }
  std::string why_not(ByteView body) {
    const auto got = unsqueeze(body);
    REQUIRE_FALSE(got);
    CHECK(got.error().outcome == Outcome::refused);
    return got.error().text;
  }
};

void put_size(Bytes& body, std::uint64_t size_bytes) {
  for (std::size_t i = 0; i < 4; ++i) body[i] = static_cast<std::byte>(size_bytes >> (8 * (3 - i)));
}

}  // namespace

TEST_CASE("frames that were squeezed are the same afterwards, one after the other, up to the largest") {
  Squeezer squeezer;
  Room room;
  for (const std::size_t count : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
    Bytes frames = data_frames(count, std::string(7000, 'x'));
    if (count == 100) frames.resize(kSqueezedMax);
    const auto frame = squeezer.squeeze(frames, frames.size());
    REQUIRE(frame.has_value());
    CHECK(frame->size() < 500);
    const auto head = parse_frame_head(frame->first<kFrameHeadSize>(), kBulkFrameMax);
    REQUIRE(head.has_value());
    CHECK(head->kind == 40);
    CHECK(head->body_size_bytes == frame->size() - kFrameHeadSize);
    const auto size_bytes = room.unsqueeze(frame->subspan(kFrameHeadSize));
    REQUIRE(size_bytes.has_value());
    CHECK(Bytes(room.bytes.begin(), room.bytes.begin() + static_cast<std::ptrdiff_t>(*size_bytes)) == frames);
  }
}

TEST_CASE("what does not become as short as it was to is not squeezed") {
  Squeezer squeezer;
  std::string noise(100'000, '\0');
  std::uint32_t seed = 1;
  for (char& c : noise) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  const Bytes frames = data_frames(1, noise);
  CHECK_FALSE(squeezer.squeeze(frames, frames.size()));
  const Bytes half = data_frames(1, noise + std::string(100'000, ' '));
  CHECK(squeezer.squeeze(half, 120'000));
  CHECK_FALSE(squeezer.squeeze(half, 99'000));
}

TEST_CASE("the frames in a squeezed one are taken off it whole, and none of them is squeezed") {
  const Bytes frames = data_frames(2, "abc");
  ByteView rest = frames;
  for (int i = 0; i < 2; ++i) {
    const auto frame = take_frame(rest);
    REQUIRE(frame.has_value());
    CHECK(frame->kind == 35);
    CHECK(as_text(frame->body) == "abc");
  }
  CHECK(rest.empty());
  for (std::size_t cut = 1; cut < kFrameHeadSize + 3; ++cut) {
    rest = ByteView(frames).first(cut);
    const auto frame = take_frame(rest);
    INFO(cut);
    REQUIRE_FALSE(frame);
    CHECK(frame.error().text == "squeezed: a frame in it is not whole");
  }
  Squeezer squeezer;
  rest = squeezer.squeeze(data_frames(1, std::string(100, 'x')), 100).value();
  const auto frame = take_frame(rest);
  REQUIRE_FALSE(frame);
  CHECK(frame.error().text == "squeezed: another one is in it");
}

TEST_CASE("a squeezed frame that stands for another size than it says is refused") {
  Room room;
  Bytes body = squeezed_body(data_frames(1, std::string(1000, 'x')));  // 1,005 bytes.
  CHECK(room.unsqueeze(body).value() == 1005);
  put_size(body, 1004);
  CHECK_THAT(room.why_not(body), Catch::StartsWith("squeezed: expected a zstd frame of 1004 bytes: "));
  put_size(body, 1006);
  CHECK(room.why_not(body) == "squeezed: expected 1006 bytes, got 1005");
  put_size(body, 0);
  CHECK(room.why_not(body) == "squeezed: size: expected 1-1052672, got 0");
  put_size(body, kSqueezedMax + 1);
  CHECK(room.why_not(body) == "squeezed: size: expected 1-1052672, got 1052673");
}

TEST_CASE("a bomb writes no further than it said, and nothing at all beyond a frame") {
  // 64 MiB of zeros in 2 KiB, made of frames that are each as large as may be.
  const Bytes zeros(kSqueezedMax);
  const Bytes one = squeezed_body(zeros);
  Bytes bomb = one;
  for (int i = 0; i < 63; ++i) bomb.insert(bomb.end(), one.begin() + 4, one.end());
  Room room;
  room.bytes.assign(kSqueezedMax + 64, std::byte{7});
  CHECK_THAT(room.why_not(bomb), Catch::StartsWith("squeezed: expected a zstd frame of 1052672 bytes: "));
  CHECK(Bytes(room.bytes.begin() + kSqueezedMax, room.bytes.end()) == Bytes(64, std::byte{7}));
  put_size(bomb, 1000);
  room.bytes.assign(kSqueezedMax, std::byte{7});
  room.why_not(bomb);
  CHECK(Bytes(room.bytes.begin() + 1000, room.bytes.end()) == Bytes(kSqueezedMax - 1000, std::byte{7}));
}

TEST_CASE("a squeezed frame that is cut or altered is refused, or is other bytes of the same number") {
  Room room;
  const Bytes body =
      squeezed_body(data_frames(3, "the same words, the same words, the same words, and others"));
  for (std::size_t cut = 0; cut < body.size(); ++cut) {
    INFO(cut);
    room.why_not(ByteView(body).first(cut));
  }
  for (std::size_t at = 0; at < body.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      Bytes altered = body;
      altered[at] ^= static_cast<std::byte>(flip);
      const auto got = room.unsqueeze(altered);
      INFO(at);
      if (got) CHECK(*got == 189);
    }
  }
  CHECK(room.why_not(Bytes(3)) == "squeezed: expected a size, got the frame's end");
  // It goes on with what is in order.
  CHECK(room.unsqueeze(body).value() == 189);
}

}  // namespace callboard::protocol::squeezed_test
