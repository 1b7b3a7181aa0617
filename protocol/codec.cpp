#include "protocol/codec.h"

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/limits.h"
#include "base/text.h"
#include "protocol/call_fields.h"
#include "protocol/client_fields.h"
#include "protocol/field_reader.h"
#include "protocol/field_writer.h"
#include "protocol/frame.h"
#include "protocol/json_tree.h"
#include "protocol/server_fields.h"
#include "protocol/shapes.h"
#include "protocol/verbs.h"

namespace callboard::protocol {
namespace {

// Values and keys a message may have: bounds the tree that is built of it, about 50 bytes each. The largest a client
// sends is a list of items (key and value each); a server's has four more keys and values in every item.
constexpr std::size_t kClientValuesMax = 2 * kItemsMax + 64;
constexpr std::size_t kServerValuesMax = 8 * kItemsToldMax + 64;

// --- Encoding -------------------------------------------------------------------------------------------------------

struct Written {
  std::string json;
  Document attachment;
  std::string bad_key;
};

template <class Message>
Written write(const Message& message) {
  return std::visit(
      [](const auto& m) {
        FieldWriter writer(verb_of_one(m));
        describe(writer, m);
        return Written{std::move(writer).finish(), writer.attachment(), std::string(writer.bad_key())};
      },
      message);
}

EncodedFrame frame_of(const Written& written) {
  constexpr std::size_t kHeaderLengthSize = 4;
  const bool attached = written.attachment != nullptr;
  const std::uint64_t body_size =
      written.json.size() + (attached ? kHeaderLengthSize + written.attachment->size() : 0);
  ENSURE(body_size < std::numeric_limits<std::uint32_t>::max());
  const std::uint8_t kind = attached ? kFrameAttached : kFrameObject;
  const auto head = encode_frame_head({kind, static_cast<std::uint32_t>(body_size)});

  Bytes bytes;
  bytes.reserve(kFrameHeadSize + kHeaderLengthSize + written.json.size());
  ByteWriter out(bytes);
  out.raw(head);
  if (attached) out.u32(static_cast<std::uint32_t>(written.json.size()));
  out.raw(as_bytes(written.json));
  return {std::make_shared<const Bytes>(std::move(bytes)), written.attachment};
}

// As FieldWriter begins.
std::string beginning_of(std::string_view verb) { return "{\"verb\":\"" + std::string(verb) + '"'; }

// --- Decoding -------------------------------------------------------------------------------------------------------

Error refused(std::string_view what, std::string_view why) {
  return Error{Outcome::refused, std::string(what) + ": " + std::string(why)};
}

struct Parts {
  std::string_view json;
  std::optional<ByteView> attachment;
};

Result<Parts> split(std::uint8_t kind, ByteView body) {
  if (kind == kFrameObject) return Parts{as_text(body), std::nullopt};
  if (kind != kFrameAttached) {
    return refused("frame", "expected kind 1 or 2, got " + std::to_string(kind));
  }
  ByteReader reader(body);
  const std::uint32_t header_size = reader.u32();
  if (reader.failed() || header_size > kHeaderMax || header_size > reader.rest().size()) {
    return refused("frame", "header length: expected at most " + std::to_string(kHeaderMax) +
                                " and no more than the frame holds, got " + std::to_string(header_size));
  }
  const ByteView header = reader.raw(header_size);
  return Parts{as_text(header), reader.rest()};
}

struct Shape {
  const FieldReader& reader;
  bool attached;

  bool has(std::string_view key) const { return reader.has(key); }
  bool has_attachment() const { return attached; }
};

// The verbs whose messages list things, and so may be larger than a header.
template <class Message>
bool may_be_long(std::string_view verb) {
  if (verb == kVerb<Assets>) return true;
  if constexpr (std::is_same_v<Message, ClientMessage>) return false;
  return verb == kVerb<Revisions> || verb == kVerb<Conflicts> || verb == kVerb<Users> ||
         verb == kVerb<Messages> || verb == kVerb<Status> || verb == kVerb<AuditEntries>;
}

template <class T>
bool is_verb_of(std::string_view verb) {
  if constexpr (HasRecord<T>) {
    return verb == to_text(DocumentRecord::story) || verb == to_text(DocumentRecord::analytics);
  } else if constexpr (HasVerb<T>) {
    return false;
  } else {
    return verb == kVerb<T>;
  }
}

template <class Message, class T>
void read_as(std::string_view verb, FieldReader& reader, std::optional<Message>& message) {
  T& value = std::get<T>(message.emplace(std::in_place_type<T>));
  if constexpr (HasRecord<T>) {
    value.record = verb == to_text(DocumentRecord::story) ? DocumentRecord::story : DocumentRecord::analytics;
  } else if constexpr (HasVerb<T>) {
    value.verb = verb;
  }
  describe(reader, value);
}

// Tries the message's alternatives in turn: the first with this verb and shape it is.
template <class Message, class Alternatives = typename Message::variant>
struct Chooser;
template <class Message, class... T>
struct Chooser<Message, std::variant<T...>> {
  static std::optional<Message> read(std::string_view verb, const Shape& shape, FieldReader& reader) {
    std::optional<Message> message;
    const auto attempt = [&]<class Candidate>(std::type_identity<Candidate>) {
      if (!is_verb_of<Candidate>(verb) || !has_shape_of<Candidate>(shape)) return false;
      read_as<Message, Candidate>(verb, reader, message);
      return true;
    };
    static_cast<void>((attempt(std::type_identity<T>{}) || ...));
    return message;
  }
};

template <class Message>
Message unknown(std::string_view verb, const Shape& shape, FieldReader& reader) {
  using Waiting = std::conditional_t<std::is_same_v<Message, ClientMessage>, UnknownAsk, UnknownAnswer>;
  constexpr std::string_view key = std::is_same_v<Message, ClientMessage> ? "id" : "re";
  std::optional<Message> message;
  if (shape.has(key)) {
    read_as<Message, Waiting>(verb, reader, message);
  } else {
    read_as<Message, UnknownTell>(verb, reader, message);
  }
  return std::move(*message);
}

template <class Message>
Result<Message> decode(std::uint8_t kind, ByteView body, std::size_t values_max) {
  const auto parts = split(kind, body);
  if (!parts) return parts.error();
  const auto parsed = parse_json(parts->json, values_max);
  if (!parsed) return parsed.error().prefixed("frame");

  FieldReader reader(parsed->root(), parts->attachment);
  const Shape shape{reader, parts->attachment.has_value()};
  std::string verb;
  reader.expect_object();
  reader.required("verb", verb, kVerbText);
  if (reader.failed()) return refused("frame", reader.error());
  if (kind == kFrameObject && body.size() > kHeaderMax && !may_be_long<Message>(verb)) {
    return refused(escaped(verb), "expected at most " + std::to_string(kHeaderMax) + " bytes, got " +
                                      std::to_string(body.size()));
  }
  std::optional<Message> message = Chooser<Message>::read(verb, shape, reader);
  if (message) {
    reader.finish();
  } else {
    message = unknown<Message>(verb, shape, reader);
  }
  if (reader.failed()) return refused(escaped(verb), reader.error());
  return std::move(*message);
}

template <class Message>
Result<void> check_message(const Message& message, Result<Message> (*decode_body)(std::uint8_t, ByteView)) {
  const Written written = write(message);
  const std::string verb(verb_of(message));
  if (!written.bad_key.empty()) return refused(verb, written.bad_key + ": expected UTF-8");
  const std::uint64_t size =
      kFrameHeadSize + 4 + written.json.size() + (written.attachment ? written.attachment->size() : 0);
  if (size > kFrameMax) {
    return refused(verb,
                   "expected at most " + std::to_string(kFrameMax) + " bytes, got " + std::to_string(size));
  }
  const EncodedFrame frame = frame_of(written);
  // The attachment is not looked at, so an empty one stands for it.
  const ByteView body = ByteView(*frame.head).subspan(kFrameHeadSize);
  const auto verdict = decode_body(frame.attachment ? kFrameAttached : kFrameObject, body);
  return verdict ? Result<void>() : Result<void>(verdict.error());
}

}  // namespace

EncodedFrame encode(const ClientMessage& message) { return frame_of(write(message)); }
EncodedFrame encode(const ServerMessage& message) {
  const Yours* yours = std::get_if<Yours>(&message);
  if (yours == nullptr || yours->clock) return frame_of(write(message));
  // What is said most often is always the same.
  static const EncodedFrame kYours = frame_of(write(message));
  return kYours;
}

SharedAnswer encode_shared(const ServerMessage& message) {
  Written written = write(message);
  ENSURE(!written.attachment);
  const std::string_view verb = verb_of(message);
  written.json.erase(0, beginning_of(verb).size());
  return {verb, std::make_shared<const std::string>(std::move(written.json))};
}

EncodedFrame encode_answer(const SharedAnswer& answer, AskId re) {
  const std::string beginning = beginning_of(answer.verb) + ",\"re\":" + std::to_string(re);
  const std::uint64_t body_size = beginning.size() + answer.rest->size();
  ENSURE(body_size < std::numeric_limits<std::uint32_t>::max());
  Bytes bytes;
  ByteWriter out(bytes);
  out.raw(encode_frame_head({kFrameObject, static_cast<std::uint32_t>(body_size)}));
  out.raw(as_bytes(beginning));
  return {std::make_shared<const Bytes>(std::move(bytes)), answer.rest};
}

Result<void> check(const ClientMessage& message) { return check_message(message, &decode_client); }
Result<void> check(const ServerMessage& message) { return check_message(message, &decode_server); }

Result<ClientMessage> decode_client(std::uint8_t kind, ByteView body) {
  return decode<ClientMessage>(kind, body, kClientValuesMax);
}
Result<ServerMessage> decode_server(std::uint8_t kind, ByteView body) {
  return decode<ServerMessage>(kind, body, kServerValuesMax);
}

std::string_view verb_of(const ClientMessage& message) {
  return std::visit([](const auto& m) -> std::string_view { return verb_of_one(m); }, message);
}
std::string_view verb_of(const ServerMessage& message) {
  return std::visit([](const auto& m) -> std::string_view { return verb_of_one(m); }, message);
}

}  // namespace callboard::protocol
