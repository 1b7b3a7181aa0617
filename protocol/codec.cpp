#include "protocol/codec.h"

#include <algorithm>
#include <array>
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
#include "protocol/plain_reader.h"
#include "protocol/server_fields.h"
#include "protocol/shapes.h"
#include "protocol/verbs.h"

namespace callboard::protocol {
namespace {

// Values and keys a message may have: bounds the tree that is built of it, about 50 bytes each. The largest a client
// sends is a list of items (key and value each); a server's has four more keys and values in every item.
constexpr std::size_t kClientValuesMax = 2 * kItemsMax + 64;
constexpr std::size_t kServerValuesMax = 8 * kItemsToldMax + 64;
// What such a one has at most in values takes a thread that decodes 14 KiB, and they stay with it.
constexpr std::size_t kSmallJson = 512;

constexpr std::string_view kBareYours = R"({"verb":"yours"})";
constexpr std::string_view kBareTurnRequest = R"({"verb":"turn?"})";

// --- Encoding -------------------------------------------------------------------------------------------------------

constexpr std::size_t kHeaderLengthSize = 4;
// What has no attachment is mostly shorter.
constexpr std::size_t kMostFrames = 120;
// Up to this size an attachment is copied behind its head, for many.
constexpr std::size_t kJoinedMax = 1 * KiB;

// As FieldWriter begins.
constexpr std::string_view kBeforeVerb = R"({"verb":")";
std::string beginning_of(std::string_view verb) { return std::string(kBeforeVerb).append(verb) + '"'; }
template <std::size_t kVerbSize>
constexpr auto beginning_as_array(std::string_view verb) {
  std::array<char, kBeforeVerb.size() + kVerbSize + 1> beginning{};
  char* const end = std::copy(kBeforeVerb.begin(), kBeforeVerb.end(), beginning.data());
  *std::copy(verb.begin(), verb.end(), end) = '"';
  return beginning;
}

struct Written {
  const Document* attachment;  // The message's own; null where it has none.
  std::string_view bad_key;
};

// Big-endian, in four bytes.
void put_size(std::uint64_t size, char* place) {
  const auto byte = [size](int shift) { return static_cast<char>((size >> shift) & 0xff); };
  place[0] = byte(24);
  place[1] = byte(16);
  place[2] = byte(8);
  place[3] = byte(0);
}

// Puts what stands before the JSON into the room for it.
void finish_head(const Document* attachment, std::string& text, std::size_t start) {
  if (attachment == nullptr) text.erase(start + kFrameHeadSize, kHeaderLengthSize);
  const std::uint64_t size = text.size() - start - kFrameHeadSize;
  const std::uint64_t body_size = size + (attachment == nullptr ? 0 : (*attachment)->size());
  ENSURE(body_size < std::numeric_limits<std::uint32_t>::max());
  char* const head = text.data() + start;
  put_size(body_size + kFrameKindSize, head);
  head[kFrameHeadSize - kFrameKindSize] = static_cast<char>(attachment ? kFrameAttached : kFrameObject);
  if (attachment != nullptr) put_size(size - kHeaderLengthSize, head + kFrameHeadSize);
}

template <class T>
FieldWriter writer_of(const T& m, std::string& text) {
  if constexpr (HasRecord<T> || HasVerb<T>) {
    return FieldWriter(verb_of_one(m), text);
  } else {
    // Known before anything is said.
    static constexpr auto kBeginning = beginning_as_array<kVerb<T>.size()>(kVerb<T>);
    return FieldWriter(FieldWriter::Begun{{kBeginning.data(), kBeginning.size()}}, text);
  }
}

// Appends the frame to the text, but for its attachment.
template <class Message>
Written write(const Message& message, std::string& text) {
  const std::size_t start = text.size();
  text.append(kFrameHeadSize + kHeaderLengthSize, '\0');
  Written written{};
  std::visit(
      [&](const auto& m) {
        FieldWriter writer = writer_of(m, text);
        describe(writer, m);
        writer.finish();
        written = {writer.attachment(), writer.bad_key()};
      },
      message);
  finish_head(written.attachment, text, start);
  return written;
}

template <class Message>
EncodedFrame frame_of(const Message& message) {
  std::string head;
  head.reserve(kMostFrames);
  const Document* attachment = write(message, head).attachment;
  return {std::make_shared<const std::string>(std::move(head)), attachment ? *attachment : nullptr};
}

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

// One of many is looked for by its first letters: they are compared as a number.
class Verb {
 public:
  constexpr explicit Verb(std::string_view text) : text_(text) {
    for (const char c : text.substr(0, sizeof beginning_)) {
      beginning_ = beginning_ << 8 | static_cast<unsigned char>(c);
    }
  }

  std::string_view text() const { return text_; }
  // Mostly the verb is not longer than that, or another one.
  bool operator==(const Verb& other) const {
    return beginning_ == other.beginning_ && text_.size() == other.text_.size() &&
           (text_.size() <= sizeof beginning_ || text_ == other.text_);
  }

 private:
  std::string_view text_;
  std::uint64_t beginning_ = 0;
};

template <class T>
inline constexpr Verb kVerbOf{kVerb<T>};

constexpr Verb kStory{"story"};
constexpr Verb kAnalytics{"analytics"};

template <class T>
bool is_verb_of(const Verb& verb) {
  if constexpr (HasRecord<T>) {
    return verb == kStory || verb == kAnalytics;
  } else if constexpr (HasVerb<T>) {
    return false;
  } else {
    return verb == kVerbOf<T>;
  }
}

template <class T, class Reader, class Message>
void read_as(const Verb& verb, Reader& reader, Message& message) {
  T& value = message.template emplace<T>();
  if constexpr (HasRecord<T>) {
    value.record = verb == kStory ? DocumentRecord::story : DocumentRecord::analytics;
  } else if constexpr (HasVerb<T>) {
    value.verb = verb.text();
  }
  describe(reader, value);
}

// Tries the message's alternatives in turn: the first with this verb and shape it is.
template <class Message, class Alternatives = typename Message::variant>
struct Chooser;
template <class Message, class... T>
struct Chooser<Message, std::variant<T...>> {
  // Whether there is one.
  static bool read(const Verb& verb, const Shape& shape, FieldReader& reader, Message& message) {
    const auto attempt = [&]<class Candidate>(std::type_identity<Candidate>) {
      if (!is_verb_of<Candidate>(verb) || !has_shape_of<Candidate>(shape)) return false;
      read_as<Candidate>(verb, reader, message);
      return true;
    };
    return (attempt(std::type_identity<T>{}) || ...);
  }
};

template <class Message>
void read_unknown(const Verb& verb, const Shape& shape, FieldReader& reader, Message& message) {
  using Waiting = std::conditional_t<std::is_same_v<Message, ClientMessage>, UnknownAsk, UnknownAnswer>;
  constexpr std::string_view key = std::is_same_v<Message, ClientMessage> ? "id" : "re";
  if (shape.has(key)) {
    read_as<Waiting>(verb, reader, message);
  } else {
    read_as<UnknownTell>(verb, reader, message);
  }
}

// Whether it is one of these, as we write it. Each is the only one of its verb with the fields that it must have.
template <class... T>
bool read_plain(const Parts& parts, ClientMessage& message) {
  if (parts.json.size() > kSmallJson || !parts.json.starts_with(kBeforeVerb)) return false;
  std::string_view rest = parts.json;
  rest.remove_prefix(kBeforeVerb.size());
  const std::size_t size = rest.find('"');
  if (size == std::string_view::npos) return false;
  const Verb verb(rest.substr(0, size));
  rest.remove_prefix(size + 1);
  PlainReader reader(rest, parts.attachment);
  const auto attempt = [&]<class Candidate>(std::type_identity<Candidate>) {
    if (!is_verb_of<Candidate>(verb)) return false;
    read_as<Candidate>(verb, reader, message);
    return true;
  };
  return (attempt(std::type_identity<T>{}) || ...) && reader.is_whole();
}

// What is said most often is always the same, and need not be taken apart.
template <class Message>
bool read_bare(std::uint8_t kind, ByteView body, Message& message) {
  if (kind != kFrameObject || body.size() > kBareTurnRequest.size()) return false;
  const std::string_view text = as_text(body);
  if (text == kBareYours) {
    message.template emplace<Yours>();
    return true;
  }
  if constexpr (std::is_same_v<Message, ClientMessage>) {
    if (text == kBareTurnRequest) {
      message.template emplace<TurnRequest>();
      return true;
    }
  }
  return false;
}

template <class Message>
Result<void> read(std::uint8_t kind, ByteView body, std::size_t values_max, Message& message) {
  if (read_bare(kind, body, message)) return {};
  const auto parts = split(kind, body);
  if (!parts) return parts.error();
  // What people's programs say most.
  if constexpr (std::is_same_v<Message, ClientMessage>) {
    if (read_plain<Yours, TurnRequest, CallAsk, RecordAsk, DocumentWrite, AtAsk, CameraAsk>(*parts, message))
      return {};
  }
  // Most messages are small: the memory for the values of one is that of the one before.
  static thread_local JsonTree small;
  JsonTree large;
  JsonTree& tree = parts->json.size() <= kSmallJson ? small : large;
  if (const auto parsed = parse_json(parts->json, values_max, tree); !parsed)
    return parsed.error().prefixed("frame");

  FieldReader reader(tree.root(), parts->attachment);
  const Shape shape{reader, parts->attachment.has_value()};
  std::string_view text;
  reader.expect_object();
  reader.required("verb", text, kVerbText);
  if (reader.failed()) return refused("frame", reader.error());
  if (kind == kFrameObject && body.size() > kHeaderMax && !may_be_long<Message>(text)) {
    return refused(escaped(text), "expected at most " + std::to_string(kHeaderMax) + " bytes, got " +
                                      std::to_string(body.size()));
  }
  const Verb verb(text);
  if (Chooser<Message>::read(verb, shape, reader, message)) {
    reader.finish();
  } else {
    read_unknown(verb, shape, reader, message);
  }
  return reader.failed() ? refused(escaped(text), reader.error()) : Result<void>();
}

// Read where it is handed over, in place of one that is nothing to move: a message has many members.
template <class Message>
Result<Message> decode(std::uint8_t kind, ByteView body, std::size_t values_max) {
  Result<Message> message{Message(Yours{})};
  if (const auto done = read(kind, body, values_max, *message); !done) message = done.error();
  return message;
}

template <class Message>
Result<void> check_message(const Message& message, Result<Message> (*decode_body)(std::uint8_t, ByteView)) {
  std::string text;
  const Written written = write(message, text);
  const std::string verb(verb_of(message));
  if (!written.bad_key.empty()) return refused(verb, std::string(written.bad_key) + ": expected UTF-8");
  const std::uint64_t size = text.size() + (written.attachment ? (*written.attachment)->size() : 0);
  if (size > kFrameMax) {
    return refused(verb,
                   "expected at most " + std::to_string(kFrameMax) + " bytes, got " + std::to_string(size));
  }
  // The attachment is not looked at, so an empty one stands for it.
  const ByteView body = as_bytes(text).subspan(kFrameHeadSize);
  const auto verdict = decode_body(written.attachment ? kFrameAttached : kFrameObject, body);
  return verdict ? Result<void>() : Result<void>(verdict.error());
}

}  // namespace

Bytes bytes_of(const EncodedFrame& frame) {
  Bytes bytes;
  bytes.reserve(frame.size_bytes());
  ByteWriter writer(bytes);
  writer.raw(as_bytes(*frame.head));
  if (frame.attachment) writer.raw(as_bytes(*frame.attachment));
  return bytes;
}

EncodedFrame encode(const ClientMessage& message) { return frame_of(message); }
EncodedFrame encode(const ServerMessage& message) {
  const Yours* yours = std::get_if<Yours>(&message);
  if (yours == nullptr || yours->clock) return frame_of(message);
  // What is said most often is always the same.
  static const EncodedFrame kYours = frame_of(message);
  return kYours;
}
EncodedFrame encode_for_many(const ServerMessage& message) {
  std::string text;
  const Document& attachment = append_encoded(message, text);
  if (attachment == nullptr || attachment->size() > kJoinedMax)
    return {std::make_shared<const std::string>(std::move(text)), attachment};
  text += *attachment;
  return {std::make_shared<const std::string>(std::move(text)), nullptr};
}
const Document& append_encoded(const ServerMessage& message, std::string& text) {
  static const Document kNone;
  const Document* attachment = write(message, text).attachment;
  return attachment == nullptr ? kNone : *attachment;
}

SharedAnswer encode_shared(const ServerMessage& message) {
  std::string text;
  const Written written = write(message, text);
  ENSURE(!written.attachment);
  const std::string_view verb = verb_of(message);
  text.erase(0, kFrameHeadSize + beginning_of(verb).size());
  return {verb, std::make_shared<const std::string>(std::move(text))};
}

EncodedFrame encode_answer(const SharedAnswer& answer, AskId re) {
  const std::string beginning = beginning_of(answer.verb) + ",\"re\":" + std::to_string(re);
  const std::uint64_t body_size = beginning.size() + answer.rest->size();
  ENSURE(body_size < std::numeric_limits<std::uint32_t>::max());
  std::string head(as_text(encode_frame_head({kFrameObject, static_cast<std::uint32_t>(body_size)})));
  head += beginning;
  return {std::make_shared<const std::string>(std::move(head)), answer.rest};
}

Result<void> check(const ClientMessage& message) { return check_message(message, &decode_client); }
Result<void> check(const ServerMessage& message) { return check_message(message, &decode_server); }

Result<ClientMessage> decode_client(std::uint8_t kind, ByteView body) {
  return decode<ClientMessage>(kind, body, kClientValuesMax);
}
Result<void> decode_client(std::uint8_t kind, ByteView body, ClientMessage& message) {
  return read(kind, body, kClientValuesMax, message);
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
