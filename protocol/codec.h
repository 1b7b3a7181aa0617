#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/message.h"

namespace callboard::protocol {

// What is written to a socket at once: `head`, then `attachment` if there is one. Of encode() it is one message. Small answers go
// together (ServerAsks): then `head` holds several whole frames, one behind the other, and `attachment` is the rest of the last.
// Encode once, write to many; both parts are shared and never change, so neither is copied per session. Thread: any.
struct EncodedFrame {
  Document head;  // Bytes.
  Document attachment;

  std::uint64_t size_bytes() const { return head->size() + (attachment ? attachment->size() : 0); }
};

// A copy of all of it, for whoever has no use for its parts.
Bytes bytes_of(const EncodedFrame& frame);

// Never fail: bytes in a text that are not UTF-8 become U+FFFD, and a text above its limit goes out as it is
// (the receiver refuses it), so pass what people typed through check() first. Unknown… messages are encoded
// by their verb alone.
EncodedFrame encode(const ClientMessage& message);
EncodedFrame encode(const ServerMessage& message);
// The same bytes, a small attachment behind its head in one piece: to put two together for each who is told costs more.
EncodedFrame encode_for_many(const ServerMessage& message);
// The same bytes behind a text, but for the attachment, which is returned: the message's own, or null.
const Document& append_encoded(const ServerMessage& message, std::string& text);

// An answer that many get, encoded once: everything but whose it is.
struct SharedAnswer {
  std::string_view verb;
  Document rest;  // The JSON behind the verb.
};
// `message` has no `re` and no attachment.
SharedAnswer encode_shared(const ServerMessage& message);
// The same bytes as of that message with `re`, and the long part of them is not copied.
EncodedFrame encode_answer(const SharedAnswer& answer, AskId re);

// The verdict the receiver will come to, in the same words: "message: text: expected 1-8192 bytes, got 0".
Result<void> check(const ClientMessage& message);
Result<void> check(const ServerMessage& message);

// What a peer sent, `kind` and `body` as FrameReader gave them. An error is the sender's fault and ends the
// connection; its text names the verb and the field. Attachments are not looked at.
Result<ClientMessage> decode_client(std::uint8_t kind, ByteView body);
Result<ServerMessage> decode_server(std::uint8_t kind, ByteView body);
// Into a message that stays where it is: it has many members. After an error it is any.
Result<void> decode_client(std::uint8_t kind, ByteView body, ClientMessage& message);

std::string_view verb_of(const ClientMessage& message);
std::string_view verb_of(const ServerMessage& message);

}  // namespace callboard::protocol
