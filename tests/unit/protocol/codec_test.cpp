#include "protocol/codec.h"

#include <memory>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "base/limits.h"
#include "protocol/frame.h"

namespace callboard::codec_test {
using namespace callboard::protocol;

namespace {

using namespace std::string_view_literals;

constexpr UniqueId kOp{0x5d41402abc4b2a76, 0xb9719d911017c592};

Document document(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

std::string json_of(const EncodedFrame& frame) { return frame.head->substr(frame.attachment ? 9 : 5); }

Bytes body_of(const EncodedFrame& frame) {
  Bytes body = bytes_of(frame);
  body.erase(body.begin(), body.begin() + 5);
  return body;
}

template <class T>
T client(std::string_view json) {
  const auto message = decode_client(1, as_bytes(json));
  if (!message) FAIL(message.error().text);
  REQUIRE(std::holds_alternative<T>(*message));
  return std::get<T>(*message);
}
template <class T>
T server(std::string_view json) {
  const auto message = decode_server(1, as_bytes(json));
  if (!message) FAIL(message.error().text);
  REQUIRE(std::holds_alternative<T>(*message));
  return std::get<T>(*message);
}
std::string client_error(std::uint8_t kind, std::string_view body) {
  const auto message = decode_client(kind, as_bytes(body));
  return message ? "" : message.error().text;
}

}  // namespace

TEST_CASE("a message becomes one frame, verb first and without spaces") {
  const EncodedFrame frame = encode(ClientMessage(AtAsk{5, "/dev/\"x\"\n\x01"}));
  const std::string json = R"({"verb":"at","id":5,"item":"/dev/\"x\"\n\u0001"})";
  CHECK(json.size() + 1 == 0x31);
  CHECK(*frame.head == std::string("\0\0\0\x31\x01", 5) + json);
}

TEST_CASE("what is encoded behind a text is what is encoded by itself, with and without an attachment") {
  const Document story = document("{}");
  for (const ServerMessage& message : {ServerMessage(Ok{7, 3}), ServerMessage(CallResult{8, story}),
                                       ServerMessage(Bye{Outcome::done, "é"})}) {
    std::string text = "before";
    const Document attachment = append_encoded(message, text);
    const EncodedFrame alone = encode(message);
    CHECK(text == "before" + *alone.head);
    CHECK(attachment == alone.attachment);
  }
}

TEST_CASE("a message that is read where it stays is the one that is handed over, whatever was there before") {
  ClientMessage message(AtAsk{5, "/dev/chr/Moria"});
  for (const char* json :
       {R"({"verb":"call","id":1,"name":"ping"})", R"({"verb":"call","name":"ping","id":1})",
        R"({"verb":"turn?"})", R"({"verb":"yours","clock":7})", R"({"verb":"yours"})"}) {
    INFO(json);
    REQUIRE(decode_client(1, as_bytes(json), message));
    CHECK(*encode(message).head == *encode(*decode_client(1, as_bytes(json))).head);
  }
  const auto refused = decode_client(1, as_bytes(R"({"verb":"call","id":1})"), message);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text == client_error(1, R"({"verb":"call","id":1})"));
}

TEST_CASE("the turn is given and asked for in whatever way that is written") {
  for (const char* yours :
       {R"({"verb":"yours"})", R"({ "verb" : "yours" })", R"({"more":1,"verb":"yours"})"}) {
    const auto message = decode_client(1, as_bytes(yours));
    REQUIRE(message);
    CHECK_FALSE(std::get<Yours>(*message).clock);
    CHECK(std::holds_alternative<Yours>(*decode_server(1, as_bytes(yours))));
    // With an attachment it is none.
    CHECK_FALSE(decode_client(2, as_bytes(yours)));
  }
  for (const char* request : {R"({"verb":"turn?"})", R"({"verb":"turn?" })"}) {
    const auto message = decode_client(1, as_bytes(request));
    REQUIRE(message);
    CHECK_FALSE(std::get<TurnRequest>(*message).clock);
    CHECK(std::holds_alternative<UnknownTell>(*decode_server(1, as_bytes(request))));
  }
}

TEST_CASE("a document is neither copied nor looked at when it is sent") {
  const Document story = document("{\"acts\":[]}");
  const EncodedFrame frame = encode(ServerMessage(DocumentState{
      .re = {}, .timestamp = {7}, .revision = 3, .by = "rigging", .session = {9}, .document = story}));
  CHECK(frame.attachment.get() == story.get());
  const std::string header =
      R"({"verb":"story","timestamp":7,"revision":3,"by":"rigging","session":"0000000000000009","won":false})";
  Bytes expected;
  ByteWriter writer(expected);
  writer.u32(static_cast<std::uint32_t>(1 + 4 + header.size() + story->size()));
  writer.u8(2);
  writer.u32(static_cast<std::uint32_t>(header.size()));
  writer.raw(as_bytes(header));
  CHECK(*frame.head == as_text(expected));
  CHECK(frame.size_bytes() == expected.size() + story->size());
}

TEST_CASE("which message a shared verb is follows from its fields") {
  CHECK(client<DocumentClaim>(R"({"verb":"analytics","timestamp":0})").record == DocumentRecord::analytics);
  CHECK(client<DocumentRead>(R"({"verb":"story","id":1})").record == DocumentRecord::story);
  CHECK(client<AssetsClaim>(R"({"verb":"assets","items":{}})").items.empty());
  CHECK(client<AssetsRead>(R"({"verb":"assets","id":2})").id == 2);
  CHECK(client<AssetsChange>(R"({"verb":"assets","id":2,"items":{"/a":null}})").items.at("/a") ==
        std::nullopt);
  server<DocumentOffer>(R"({"verb":"analytics"})");
  server<DocumentState>(R"({"verb":"analytics","timestamp":0,"revision":0,"won":false})");
  server<AssetsOffer>(R"({"verb":"assets"})");
  CHECK_FALSE(server<Assets>(R"({"verb":"assets","full":false,"items":{}})").re);
  server<TransferOver>(R"({"verb":"transfer","transfer":1,"outcome":"done","bytes":0})");
}

TEST_CASE("a write needs its document, its timestamp and its operation") {
  const auto error_of = [](std::string_view header) {
    Bytes body;
    ByteWriter writer(body);
    writer.u32(static_cast<std::uint32_t>(header.size()));
    writer.raw(as_bytes(header));
    writer.raw(as_bytes("{}"));
    return client_error(2, as_text(body));
  };
  const std::string op = R"("op":"5d41402abc4b2a76b9719d911017c592")";
  CHECK(error_of(R"({"verb":"story","id":1,"timestamp":1,)" + op + "}").empty());
  CHECK(error_of(R"({"verb":"story","id":1})") == "story: timestamp: missing");
  CHECK(error_of(R"({"verb":"story","id":1,"timestamp":1})") == "story: op: missing");
  CHECK(error_of(R"({"verb":"story","timestamp":1})") == "story: op: expected with a document, got nothing");
  CHECK(error_of(R"({"verb":"story","timestamp":1,)" + op + "}").empty());
  CHECK(client_error(1, R"({"verb":"story","id":1,"timestamp":1,)" + op + "}") ==
        "story: attachment: missing");
  CHECK(error_of(R"({"verb":"users","id":1})") == "users: attachment: expected none");
}

TEST_CASE("an unknown verb is told apart by whether it waits for an answer") {
  const auto ask = client<UnknownAsk>(R"({"verb":"teleport","id":7,"where":"home"})");
  CHECK(ask.verb == "teleport");
  CHECK(ask.id == 7);
  CHECK(client<UnknownTell>(R"({"verb":"teleport"})").verb == "teleport");
  CHECK(server<UnknownAnswer>(R"({"verb":"teleported","re":7})").re == 7);
  CHECK(server<UnknownTell>(R"({"verb":"teleported"})").verb == "teleported");
  CHECK(client_error(1, R"({"verb":"teleport","id":-7})") ==
        "teleport: id: expected an integer of 0-4294967295, got -7");
  CHECK(client_error(2, "\0\0\0\x1b{\"verb\":\"teleport\",\"id\":7} attached"sv).empty());
}

TEST_CASE("what one side says is unknown to those who hear it from the other") {
  client<UnknownTell>(R"({"verb":"project?"})");
  server<UnknownTell>(R"({"verb":"turn?"})");
}

TEST_CASE("frames that hold no message are refused") {
  CHECK(client_error(3, "{}") == "frame: expected kind 1 or 2, got 3");
  CHECK(client_error(0, "{}") == "frame: expected kind 1 or 2, got 0");
  CHECK(client_error(1, "").find("frame: expected JSON, got syntax error") == 0);
  CHECK(client_error(1, "[]") == "frame: expected an object, got array");
  CHECK(client_error(1, "{}") == "frame: verb: missing");
  CHECK(client_error(1, R"({"verb":1})") == "frame: verb: expected text, got 1");
  CHECK(client_error(1, R"({"verb":""})") == "frame: verb: expected 1-64 bytes, got 0");
  CHECK(client_error(1, "{\"verb\":\"\xff\"}").find("frame: expected JSON") == 0);
  CHECK(client_error(1, std::string(2000, '[')) == "frame: expected JSON, got nested deeper than 64");
}

TEST_CASE("every truncation of a message is refused") {
  const std::string json = R"({"verb":"username","name":"rigging","clock":1})";
  for (std::size_t size = 0; size < json.size(); ++size) {
    INFO(size);
    CHECK_FALSE(client_error(1, std::string_view(json).substr(0, size)).empty());
  }
}

TEST_CASE("the header of an attached frame lies within the frame and within 64 KiB") {
  const EncodedFrame frame =
      encode(ClientMessage(DocumentWrite{DocumentRecord::story, 1, {1}, 0, kOp, document("[]")}));
  const Bytes body = body_of(frame);
  for (std::size_t size = 0; size < body.size(); ++size) {
    INFO(size);
    const auto message = decode_client(2, ByteView(body).first(size));
    // Only a shorter attachment is still a message.
    CHECK(message.has_value() == (size >= body.size() - 2));
  }
  const auto with_header_of = [](std::size_t size) {
    std::string json = R"({"verb":"story","timestamp":0,"x":")";
    json += std::string(size - json.size() - 2, 'x') + "\"}";
    Bytes bytes;
    ByteWriter writer(bytes);
    writer.u32(static_cast<std::uint32_t>(size));
    writer.raw(as_bytes(json));
    return bytes;
  };
  for (const std::size_t size : {kHeaderMax - 1, kHeaderMax, kHeaderMax + 1}) {
    INFO(size);
    // Complains of the missing op: the header itself was read.
    const std::string error = client_error(2, as_text(with_header_of(size)));
    CHECK((error == "story: op: expected with a document, got nothing") == (size <= kHeaderMax));
  }
}

TEST_CASE("only lists may be larger than 64 KiB") {
  const auto padded = [](const std::string& start, std::size_t size) {
    return start + ",\"x\":\"" + std::string(size - start.size() - 8, 'x') + "\"}";
  };
  const std::string users = R"({"verb":"users","id":1)";
  CHECK(client_error(1, padded(users, kHeaderMax)).empty());
  CHECK(client_error(1, padded(users, kHeaderMax + 1)) == "users: expected at most 65536 bytes, got 65537");
  CHECK(client_error(1, padded(R"({"verb":"assets","id":1)", kHeaderMax + 1)).empty());
  const std::string messages = padded(R"({"verb":"messages","messages":[],"last":0)", kHeaderMax + 1);
  CHECK(decode_server(1, as_bytes(messages)));
  const std::string ok = padded(R"({"verb":"ok","re":1)", kHeaderMax + 1);
  CHECK_FALSE(decode_server(1, as_bytes(ok)));
}

TEST_CASE("bytes that are not UTF-8 are mended when they are sent, and check() tells before") {
  const ClientMessage message = MessageAsk{1, "a\xff\xc3(b", kOp};
  const EncodedFrame frame = encode(message);
  CHECK(json_of(frame) ==
        "{\"verb\":\"message\",\"id\":1,\"text\":\"a\xef\xbf\xbd\xef\xbf\xbd(b\",\"op\":"
        "\"5d41402abc4b2a76b9719d911017c592\"}");
  CHECK(decode_client(1, body_of(frame)));
  const auto verdict = check(message);
  REQUIRE_FALSE(verdict);
  CHECK(verdict.error().text == "message: text: expected UTF-8");
}

TEST_CASE("check() comes to the verdict of the receiver") {
  CHECK(check(ClientMessage(Username{.name = "rigging", .clock = {1}, .host = "", .software = ""})));
  const auto verdict = check(ClientMessage(Username{.name = "", .clock = {1}, .host = "", .software = ""}));
  REQUIRE_FALSE(verdict);
  CHECK(verdict.error().text == "username: name: expected 1-64 characters, got 0");
  CHECK(check(ClientMessage(DocumentWrite{DocumentRecord::story, 1, {1}, 0, kOp, document("[]")})));
  const auto large = check(ClientMessage(
      DocumentWrite{DocumentRecord::story, 1, {1}, 0, kOp, document(std::string(kFrameMax, ' '))}));
  REQUIRE_FALSE(large);
  CHECK(large.error().text.find("story: expected at most 16777216 bytes, got ") == 0);
}

TEST_CASE("a reason too long to send is cut between characters") {
  std::string reason = "x";
  for (int i = 0; i < 1000; ++i) reason += "ü";
  const EncodedFrame frame = encode(ServerMessage(Bye{Outcome::refused, reason}));
  CHECK(json_of(frame) == R"({"verb":"bye","outcome":"refused","reason":")" + reason.substr(0, 1023) + "\"}");
  CHECK(decode_server(1, body_of(frame)));
}

TEST_CASE("the word of an outcome that is not known is a failure") {
  CHECK(server<Bye>(R"({"verb":"bye","outcome":"evaporated"})").outcome == Outcome::failed);
}

TEST_CASE("a decoded document is the attachment's bytes, whatever they are") {
  const EncodedFrame frame =
      encode(ClientMessage(DocumentWrite{DocumentRecord::analytics, 1, {1}, 5, kOp, document("\xff\0x")}));
  const auto message = decode_client(2, body_of(frame));
  REQUIRE(message);
  const auto& write = std::get<DocumentWrite>(*message);
  CHECK(*write.document == "\xff");
  CHECK(write.base == 5);
  CHECK(write.op == kOp);
  CHECK(verb_of(*message) == "analytics");
}

}  // namespace callboard::codec_test
