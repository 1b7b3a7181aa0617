// What is written as we write it is read without a tree of values: whatever is said, that makes no difference but in time. A
// space at the end is nothing to JSON, and leaves all of it to the tree.
#include "protocol/plain_reader.h"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "protocol/codec.h"
#include "protocol/frame.h"

namespace callboard::protocol::plain_reader_test {
namespace {

Document document(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

constexpr UniqueId kOp{0x5d41402abc4b2a76, 0xb9719d911017c592};

std::vector<ClientMessage> messages() {
  RecordAsk make;
  make.id = 7;
  make.op = kOp;
  make.path = "/reviews/a b";
  make.action = RecordAction::make;
  make.record_class = "Review";
  make.fields = document("{}");
  RecordAsk give;
  give.id = 8;
  give.op = kOp;
  give.path = "/x";
  give.action = RecordAction::give;
  give.to = SessionId{0xabc};
  DocumentWrite write;
  write.id = 9;
  write.timestamp = Timestamp{1'234'567};
  write.base = 40;
  write.op = kOp;
  write.at = "/scenes/3";
  write.document = document("[]");
  DocumentWrite patch = write;
  patch.at.reset();
  patch.patch = true;
  DocumentWrite restore;
  restore.id = 10;
  restore.op = kOp;
  restore.restore = 41;
  return {CallAsk{.id = 5, .name = "ping"},
          CallAsk{.id = 6,
                  .name = "open_shot@node-7 (2)",
                  .op = kOp,
                  .deadline = std::chrono::milliseconds(250),
                  .arguments = document("[1,\"é\"]")},
          make,
          give,
          write,
          patch,
          restore,
          AtAsk{11, "/dev/chr/Moria"},
          AtAsk{12, ""},
          CameraAsk{13, -4, 70'000}};
}

struct Said {
  std::uint8_t kind = 0;
  std::string json;
  std::string attachment;

  Result<ClientMessage> heard() const {
    if (kind == kFrameObject) return decode_client(kind, as_bytes(json));
    std::string body;
    for (int shift = 24; shift >= 0; shift -= 8) body += static_cast<char>((json.size() >> shift) & 0xff);
    return decode_client(kind, as_bytes(body + json + attachment));
  }
};

Said said(const ClientMessage& message) {
  const EncodedFrame frame = encode(message);
  const bool is_attached = frame.attachment != nullptr;
  return {is_attached ? kFrameAttached : kFrameObject, frame.head->substr(is_attached ? 9 : 5),
          is_attached ? *frame.attachment : ""};
}

// Of an error everything but where it is.
std::string verdict(const Result<ClientMessage>& message) {
  if (message) return "taken as " + std::string(as_text(bytes_of(encode(*message))));
  return message.error().text.substr(0, message.error().text.find(" at byte "));
}

void check_same(const Said& one) {
  Said spaced = one;
  spaced.json += ' ';
  CHECK(verdict(one.heard()) == verdict(spaced.heard()));
}

}  // namespace

TEST_CASE("a message as we write it is read as any other of the same fields") {
  for (const ClientMessage& message : messages()) {
    const Said one = said(message);
    INFO(one.json);
    REQUIRE(one.heard());
    CHECK(one.heard()->index() == message.index());
    CHECK(verdict(one.heard()) == "taken as " + std::string(as_text(bytes_of(encode(message)))));
    check_same(one);
  }
}

TEST_CASE("with any byte changed, left out or put in between, it is taken or refused in the same words") {
  for (const ClientMessage& message : messages()) {
    const Said whole = said(message);
    for (std::size_t at = 0; at < whole.json.size(); ++at) {
      for (const char c : std::string_view("\"\\,:{}[]0-/. e\xc3\x7f\n")) {
        Said changed = whole;
        changed.json[at] = c;
        INFO(changed.json);
        check_same(changed);
        changed = whole;
        changed.json.insert(at, 1, c);
        check_same(changed);
      }
      Said shorter = whole;
      shorter.json.erase(at, 1);
      check_same(shorter);
    }
  }
}

TEST_CASE("a value at and beyond its limit is taken or refused in the same words") {
  const std::string id = "{\"verb\":\"call\",\"id\":";
  const std::string camera = "{\"verb\":\"camera\",\"id\":1,\"x\":";
  const std::string at = "{\"verb\":\"at\",\"id\":1,\"item\":\"";
  for (const std::string& json : {id + "4294967295,\"name\":\"x\"}",
                                  id + "4294967296,\"name\":\"x\"}",
                                  id + "007,\"name\":\"x\"}",
                                  id + "99999999999999999999,\"name\":\"x\"}",
                                  id + "1,\"name\":\"" + std::string(160, 'x') + "\"}",
                                  id + "1,\"name\":\"" + std::string(161, 'x') + "\"}",
                                  id + "1,\"name\":\"\"}",
                                  id + "1,\"name\":\" x\"}",
                                  id + "1,\"name\":\"x \"}",
                                  id + "1,\"name\":\"x\",\"name\":\"y\"}",
                                  id + "1,\"name\":\"x\",\"more\":1}",
                                  id + "1,\"name\":\"x\",\"deadline_ms\":4294967295}",
                                  id + "1,\"name\":\"x\",\"deadline_ms\":4294967296}",
                                  id + "1,\"name\":\"x\",\"op\":null}",
                                  camera + "9223372036854775807,\"y\":-0}",
                                  camera + "9223372036854775808,\"y\":1}",
                                  camera + "-9223372036854775808,\"y\":1}",
                                  at + "/a/../b\"}",
                                  at + "/.hidden\"}",
                                  at + "../b\"}",
                                  at + "a\"}",
                                  at + "/" + std::string(400, 'p') + "\"}",
                                  std::string("{\"verb\":\"story\",\"id\":1,\"timestamp\":253402300799999,"
                                              "\"op\":\"5d41402abc4b2a76b9719d911017c592\"}"),
                                  std::string("{\"verb\":\"story\",\"id\":1}"),
                                  std::string("{\"verb\":\"call"),
                                  std::string("{\"verb\":\"\"}")}) {
    INFO(json);
    check_same({kFrameObject, json, ""});
    check_same({kFrameAttached, json, "{}"});
  }
}

}  // namespace callboard::protocol::plain_reader_test
