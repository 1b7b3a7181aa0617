#include "protocol/channel_frame.h"

#include <catch2/catch.hpp>

#include <string>
#include <tuple>

namespace callboard::channel_frame_test {
using namespace callboard::protocol;

namespace {

Result<ChannelHead> say(ChannelOrder& order, ChannelKind kind, std::uint32_t size_bytes) {
  return order.on_head(encode_frame_head({static_cast<std::uint8_t>(kind), size_bytes}));
}

}  // namespace

TEST_CASE("messages, pieces of one and bytes may follow one another, and an end ends it") {
  ChannelOrder order;
  CHECK(say(order, ChannelKind::raw, 7)->size_bytes == 7);
  CHECK(say(order, ChannelKind::message, 0)->kind == ChannelKind::message);
  CHECK_FALSE(order.is_within_message());
  REQUIRE(say(order, ChannelKind::part, 1));
  CHECK(order.is_within_message());
  REQUIRE(say(order, ChannelKind::part, kChannelPieceMax));
  REQUIRE(say(order, ChannelKind::message, 3));
  CHECK_FALSE(order.is_within_message());
  CHECK(say(order, ChannelKind::end, 3)->kind == ChannelKind::end);
}

TEST_CASE("a frame of a channel that is too long, empty or of no known kind is refused") {
  const auto [kind, size_bytes] = GENERATE(table<int, std::uint32_t>({{48, kChannelPieceMax + 1},
                                                                      {49, 0},
                                                                      {50, 0},
                                                                      {49, kChannelPieceMax + 1},
                                                                      {51, 0},
                                                                      {51, kChannelEndMax + 1},
                                                                      {47, 1},
                                                                      {52, 1},
                                                                      {1, 10}}));
  ChannelOrder order;
  const auto refused = order.on_head(encode_frame_head({static_cast<std::uint8_t>(kind), size_bytes}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome == Outcome::refused);
  CHECK_THAT(refused.error().text, Catch::StartsWith("channel: "));
}

TEST_CASE("bytes in the middle of a message, and anything after the end, are refused") {
  ChannelOrder order;
  REQUIRE(say(order, ChannelKind::part, 1));
  CHECK_FALSE(say(order, ChannelKind::raw, 1));
  ChannelOrder ended;
  REQUIRE(say(ended, ChannelKind::end, 3));
  const auto kind = GENERATE(ChannelKind::message, ChannelKind::raw, ChannelKind::part, ChannelKind::end);
  CHECK_THAT(say(ended, kind, 3).error().text, Catch::Contains("nothing after the end"));
}

TEST_CASE("an end in the middle of a message shows that the message did not end") {
  ChannelOrder order;
  REQUIRE(say(order, ChannelKind::part, 1));
  REQUIRE(say(order, ChannelKind::end, 3));
  CHECK(order.is_within_message());
}

TEST_CASE("an end says how, and its text is cut and escaped") {
  const Bytes frame = encode_channel_end({Outcome::failed, "disk full\n"});
  const auto said = parse_channel_end(ByteView(frame).subspan(kFrameHeadSize));
  REQUIRE(said);
  CHECK(said->outcome == Outcome::failed);
  CHECK(said->text == "disk full\\n");
  const Bytes longest = encode_channel_end({Outcome::failed, std::string(5000, 'x')});
  CHECK(longest.size() == kFrameHeadSize + kChannelEndMax);
}

TEST_CASE("an end cut off anywhere, with more behind it or without an outcome is refused") {
  const Bytes frame = encode_channel_end({Outcome::done, "well"});
  const Bytes body(frame.begin() + kFrameHeadSize, frame.end());
  for (std::size_t size = 0; size < body.size(); ++size) {
    INFO(size);
    CHECK_FALSE(parse_channel_end(ByteView(body).first(size)));
  }
  Bytes longer = body;
  longer.push_back(std::byte{0});
  CHECK_FALSE(parse_channel_end(longer));
  Bytes other = body;
  other[0] = std::byte{11};
  CHECK_FALSE(parse_channel_end(other));
}

}  // namespace callboard::channel_frame_test
