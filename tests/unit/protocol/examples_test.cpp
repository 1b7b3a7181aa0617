// docs/protocol.md, section 5: every example decodes, and encodes to itself again.
#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/access_key.h"
#include "base/text.h"
#include "protocol/bulk.h"
#include "protocol/channel_frame.h"
#include "protocol/codec.h"
#include "protocol/datagram.h"
#include "protocol/datagram_signature.h"
#include "protocol/frame.h"
#include "protocol/json_tree.h"
#include "protocol/squeezed.h"

namespace callboard::examples_test {
using namespace callboard::protocol;
using Json = nlohmann::json;

namespace {

std::vector<std::string> lines_of(std::istream& in) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The lines of each fenced block whose info string is `info`.
std::vector<std::vector<std::string>> blocks(std::string_view info) {
  std::ifstream file(CALLBOARD_PROTOCOL_DOC);
  REQUIRE(file.good());
  std::vector<std::vector<std::string>> found;
  bool inside = false;
  for (const std::string& line : lines_of(file)) {
    if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      found.back().push_back(line);
    } else if (line == "```" + std::string(info)) {
      inside = true;
      found.emplace_back();
    }
  }
  REQUIRE_FALSE(found.empty());
  return found;
}

// The frames of the hex blocks: remarks dropped, an empty line between two.
std::vector<Bytes> hex_frames(std::string_view info) {
  std::vector<Bytes> frames;
  for (auto block : blocks(info)) {
    block.emplace_back();
    std::string digits;
    for (const std::string& line : block) {
      for (const char c : line.substr(0, line.find('#'))) {
        if (c != ' ') digits += c;
      }
      if (!line.empty() || digits.empty()) continue;
      const auto bytes = from_hex(digits);
      REQUIRE(bytes);
      const ByteView view = as_bytes(*bytes);
      frames.emplace_back(view.begin(), view.end());
      digits.clear();
    }
  }
  return frames;
}

struct Sent {
  Json header;
  std::string document;
};

// What was encoded, taken apart without the codec.
Sent sent(const EncodedFrame& frame) {
  const std::string_view head = *frame.head;
  const std::size_t start = frame.attachment ? 9 : 5;
  CHECK(head[4] == (frame.attachment ? '\2' : '\1'));
  return {Json::parse(head.substr(start)), frame.attachment ? *frame.attachment : ""};
}

Bytes attached_body(const std::string& header, const std::string& document) {
  Bytes body;
  ByteWriter writer(body);
  writer.u32(static_cast<std::uint32_t>(header.size()));
  writer.raw(as_bytes(header));
  writer.raw(as_bytes(document));
  return body;
}

template <class Decode>
void replay_messages(const std::string& side, const Decode& decode, std::set<std::size_t>& seen) {
  for (const auto& block : blocks("json " + side)) {
    for (const std::string& line : block) {
      INFO(line);
      const auto message = decode(1, as_bytes(line));
      if (!message) FAIL(message.error().text);
      CHECK(sent(encode(*message)).header == Json::parse(line));
      CHECK(check(*message));
      seen.insert(message->index());
    }
  }
  for (const auto& block : blocks("json+document " + side)) {
    REQUIRE(block.size() == 2);
    INFO(block[0]);
    const auto message = decode(2, ByteView(attached_body(block[0], block[1])));
    if (!message) FAIL(message.error().text);
    const Sent again = sent(encode(*message));
    CHECK(again.header == Json::parse(block[0]));
    CHECK(again.document == block[1]);
    JsonTree tree;
    CHECK(parse_json(block[1], block[1].size(), tree));
    seen.insert(message->index());
  }
}

template <class Decode>
std::set<std::size_t> replay_bulk(std::string_view info, const Decode& decode) {
  std::set<std::size_t> seen;
  for (const Bytes& bytes : hex_frames(info)) {
    INFO(to_hex(as_text(bytes)));
    FrameReader reader(kBulkFrameMax);
    reader.push(bytes);
    const auto frame = reader.next();
    REQUIRE((frame && *frame));
    const auto value = decode((*frame)->kind, (*frame)->body);
    if (!value) FAIL(value.error().text);
    Bytes again;
    encode(*value, again);
    CHECK(to_hex(as_text(again)) == to_hex(as_text(bytes)));
    seen.insert(value->index());
  }
  return seen;
}

}  // namespace

TEST_CASE("the documented datagrams are what we read and write") {
  std::set<std::size_t> seen;
  for (const auto& block : blocks("datagram")) {
    for (const std::string& line : block) {
      INFO(line);
      const auto datagram = parse_datagram(as_bytes(line));
      REQUIRE(datagram);
      CHECK(format(*datagram) == line);
      seen.insert(datagram->index());
    }
  }
  CHECK(seen.size() == std::variant_size_v<Datagram>);
  for (const auto& block : blocks("datagram read")) {
    for (const std::string& line : block) CHECK(parse_datagram(as_bytes(line)));
  }
}

TEST_CASE("the documented client messages are what we read and write, and none is missing") {
  std::set<std::size_t> seen;
  const auto decode = [](std::uint8_t kind, ByteView body) { return decode_client(kind, body); };
  replay_messages("client", decode, seen);
  // All but the two unknown ones.
  CHECK(seen.size() == std::variant_size_v<ClientMessage::variant> - 2);
}

TEST_CASE("the documented server messages are what we read and write, and none is missing") {
  std::set<std::size_t> seen;
  replay_messages("server", decode_server, seen);
  CHECK(seen.size() == std::variant_size_v<ServerMessage::variant> - 2);
}

TEST_CASE("the documented session frames are what we read and write") {
  for (const Bytes& bytes : hex_frames("hex frame")) {
    INFO(to_hex(as_text(bytes)));
    FrameReader reader;
    reader.push(bytes);
    const auto frame = reader.next();
    REQUIRE((frame && *frame));
    const auto message = decode_client((*frame)->kind, (*frame)->body);
    REQUIRE(message);
    const EncodedFrame encoded = encode(*message);
    CHECK(to_hex(as_text(bytes_of(encoded))) == to_hex(as_text(bytes)));
  }
}

TEST_CASE("the documented bulk frames are what we read and write, and none is missing") {
  CHECK(replay_bulk("hex taker", parse_taker_frame).size() == std::variant_size_v<TakerFrame>);
  CHECK(replay_bulk("hex giver", parse_giver_frame).size() == std::variant_size_v<GiverFrame>);
}

TEST_CASE("the documented squeezed frame stands for what is said of it") {
  for (const Bytes& bytes : hex_frames("hex squeezed")) {
    FrameReader reader(kBulkFrameMax);
    reader.push(bytes);
    const auto squeezed = reader.next();
    REQUIRE((squeezed && *squeezed));
    CHECK((*squeezed)->kind == kSqueezedKind);
    Bytes room(kSqueezedMax);
    Unsqueezer unsqueezer;
    ByteView frames = ByteView(room).first(unsqueezer.unsqueeze((*squeezed)->body, room).value());
    const FrameView frame = take_frame(frames).value();
    CHECK(frames.empty());
    const auto data = std::get<Data>(parse_giver_frame(frame.kind, frame.body).value());
    std::string content;
    for (int i = 0; i < 30; ++i) content += "callboard ";
    CHECK(as_text(data.content) == content);
  }
}

TEST_CASE("the documented channel frames are what we read and write, and none is missing") {
  ChannelOrder order;
  std::set<ChannelKind> seen;
  for (const Bytes& bytes : hex_frames("hex channel")) {
    INFO(to_hex(as_text(bytes)));
    const auto head = order.on_head(ByteView(bytes).first<kFrameHeadSize>());
    if (!head) FAIL(head.error().text);
    const auto again = encode_channel_head(*head);
    CHECK(std::equal(again.begin(), again.end(), bytes.begin()));
    CHECK(head->size_bytes == bytes.size() - kFrameHeadSize);
    seen.insert(head->kind);
    if (head->kind != ChannelKind::end) continue;
    const auto how = parse_channel_end(ByteView(bytes).subspan(kFrameHeadSize));
    REQUIRE(how);
    CHECK(encode_channel_end(*how) == bytes);
  }
  CHECK(seen.size() == 4);
}

TEST_CASE("the documented key is what we read and write") {
  for (const auto& block : blocks("key")) {
    for (const std::string& line : block) CHECK(to_line(access_key_from(line).value()) == line);
  }
}

TEST_CASE("the documented signed datagrams are what the documented key signs") {
  const AccessKey key = access_key_from(blocks("key").at(0).at(0)).value();
  for (const auto& block : blocks("datagram signed")) {
    for (const std::string& line : block) {
      INFO(line);
      CHECK(is_signed_with(as_bytes(line), key.secret));
      auto datagram = parse_datagram(as_bytes(line));
      REQUIRE(datagram);
      CHECK(format(*datagram) == line);
      const bool is_cleared = std::visit(
          [](auto& each) {
            if constexpr (requires { each.signature; }) {
              if (each.signature) each.signature->mac.clear();
              return each.signature.has_value();
            } else {
              return false;
            }
          },
          *datagram);
      REQUIRE(is_cleared);
      CHECK(format_signed(*datagram, key.secret) == line);
    }
  }
}

TEST_CASE("the documented marked announcement is what the documented key marks, beside others") {
  const DatagramKey key = access_key_from(blocks("key").at(0).at(0)).value().secret;
  const DatagramKey other = Secret{};
  const auto lines = blocks("datagram marked").at(0);
  REQUIRE(lines.size() == 1);
  CHECK(is_marked_with(as_bytes(lines[0]), key));
  auto announcement = std::get<Announcement>(parse_datagram(as_bytes(lines[0])).value());
  CHECK(format(announcement) == lines[0]);
  announcement.marks->row.clear();
  CHECK(format_marked(announcement, std::vector{other, key}) == lines[0]);
}

}  // namespace callboard::examples_test
