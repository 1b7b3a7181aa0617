#include "protocol/frame.h"

#include <string>
#include <string_view>

#include <catch2/catch.hpp>

namespace callboard::frame_test {
using namespace callboard::protocol;

namespace {

using namespace std::string_view_literals;

// Two frames, written by hand: kind 1 "hello", kind 2 without a body.
constexpr auto kTwo = "\0\0\0\x06\x01hello\0\0\0\x01\x02"sv;

std::string text(const FrameView& frame) {
  return std::to_string(frame.kind) + ":" + std::string(as_text(frame.body));
}

// Everything the reader can yield now; "!" and the error's text where there is one.
std::string drain(FrameReader& reader) {
  std::string out;
  for (;;) {
    const auto frame = reader.next();
    if (!frame) return out + "!" + frame.error().text;
    if (!*frame) return out;
    out += text(**frame) + ";";
  }
}

Bytes frame_of_size(std::uint64_t length) {
  Bytes out;
  append_frame(7, Bytes(static_cast<std::size_t>(length - 1)), out);
  return out;
}

}  // namespace

TEST_CASE("frames split at any two bytes are the same frames") {
  for (std::size_t first = 0; first <= kTwo.size(); ++first) {
    for (std::size_t second = first; second <= kTwo.size(); ++second) {
      INFO(first << " " << second);
      FrameReader reader;
      std::string got;
      for (const auto part :
           {kTwo.substr(0, first), kTwo.substr(first, second - first), kTwo.substr(second)}) {
        reader.push(as_bytes(part));
        got += drain(reader);
      }
      CHECK(got == "1:hello;2:;");
      CHECK(reader.take_rest().empty());
    }
  }
}

TEST_CASE("a frame that lacks bytes is not yielded") {
  for (std::size_t size = 0; size < 10; ++size) {
    INFO(size);
    FrameReader reader;
    reader.push(as_bytes(kTwo.substr(0, size)));
    CHECK(drain(reader).empty());
  }
}

TEST_CASE("a frame may be as long as the limit and no longer") {
  for (const std::uint64_t limit : {kFrameMaxBeforeAdmission, kBulkFrameMax}) {
    for (const std::uint64_t length : {limit - 1, limit, limit + 1}) {
      INFO(limit << " " << length);
      FrameReader reader(limit);
      reader.push(frame_of_size(length));
      const auto frame = reader.next();
      REQUIRE(frame.has_value() == (length <= limit));
      if (frame) {
        REQUIRE(frame->has_value());
        CHECK((*frame)->body.size() == length - 1);
      }
    }
  }
}

TEST_CASE("a length above the limit is refused before its body arrives, and stays refused") {
  FrameReader reader;
  reader.push(as_bytes("\0\0\x10\x01"sv));
  CHECK(drain(reader) == "!frame: expected a length of 1-4096, got 4097");
  reader.push(as_bytes(kTwo));
  CHECK(drain(reader) == "!frame: expected a length of 1-4096, got 4097");
}

TEST_CASE("a frame of length 0 is an error") {
  FrameReader reader;
  reader.push(as_bytes("\0\0\0\0"sv));
  CHECK(drain(reader) == "!frame: expected a length of 1-4096, got 0");
}

TEST_CASE("a limit raised between two frames holds for the second") {
  FrameReader reader;
  Bytes bytes;
  append_frame(1, as_bytes("ticket"), bytes);
  const Bytes large = frame_of_size(10'000);
  bytes.insert(bytes.end(), large.begin(), large.end());
  reader.push(bytes);
  const auto first = reader.next();
  REQUIRE((first && *first));
  CHECK(as_text((*first)->body) == "ticket");
  reader.set_frame_max(kFrameMax);
  const auto second = reader.next();
  REQUIRE((second && *second));
  CHECK((*second)->body.size() == 9'999);
}

TEST_CASE("what follows a frame can be taken out at any split") {
  const std::string all = std::string(kTwo.substr(0, 10)) + "raw bytes";
  for (std::size_t split = 10; split <= all.size(); ++split) {
    INFO(split);
    FrameReader reader;
    reader.push(as_bytes(std::string_view(all).substr(0, split)));
    const auto frame = reader.next();
    REQUIRE((frame && *frame));
    CHECK(as_text(reader.take_rest()) == all.substr(10, split - 10));
    CHECK(drain(reader).empty());
  }
}

TEST_CASE("a frame's bytes can be taken as they lie there, and what follows stays") {
  const std::string all = std::string(kTwo.substr(0, 10)) + std::string(kTwo);
  for (std::size_t split = 10; split <= all.size(); ++split) {
    INFO(split);
    FrameReader reader;
    reader.push(as_bytes(std::string_view(all).substr(0, split)));
    const auto frame = reader.next();
    REQUIRE((frame && *frame));
    const std::byte* before = (*frame)->body.data();
    const Bytes taken = reader.take_frame();
    CHECK((*frame)->body.data() == before);
    CHECK(before >= taken.data());
    CHECK(before + (*frame)->body.size() <= taken.data() + taken.size());
    CHECK(as_text((*frame)->body) == "hello");
    std::string rest = drain(reader);
    reader.push(as_bytes(std::string_view(all).substr(split)));
    CHECK(rest + drain(reader) == "1:hello;2:;");
  }
}

TEST_CASE("a frame head reads back what was written, byte for byte") {
  const auto head = encode_frame_head({34, 0x010203});
  CHECK(as_text(head) == "\0\x01\x02\x04\x22"sv);
  const auto parsed = parse_frame_head(head, kFrameMax);
  REQUIRE(parsed);
  CHECK(parsed->kind == 34);
  CHECK(parsed->body_size_bytes == 0x010203);
  CHECK_FALSE(parse_frame_head(head, 0x010203));
  CHECK(parse_frame_head(head, 0x010204));
}

}  // namespace callboard::frame_test
