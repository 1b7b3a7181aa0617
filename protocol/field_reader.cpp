#include "protocol/field_reader.h"

#include <charconv>
#include <limits>

#include "base/text.h"

namespace callboard::protocol {
namespace {

// The number where it is a whole one without fraction or exponent and fits; nullopt otherwise.
template <class T>
std::optional<T> whole_number(const JsonValue& json) {
  T value{};
  const char* end = json.text.data() + json.text.size();
  if (json.kind != JsonValue::Kind::number) return std::nullopt;
  const auto parsed = std::from_chars(json.text.data(), end, value);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(value) : std::nullopt;
}

std::string range(std::uint64_t min, std::uint64_t max) {
  return std::to_string(min) + "-" + std::to_string(max);
}

// Whether a component of the path is "." or "..".
bool has_step(std::string_view path) {
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    const auto component = path.substr(0, end);
    if (component == "." || component == "..") return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

}  // namespace

void FieldReader::expect(bool holds, std::string_view error) {
  if (!holds && !failed()) fail(std::string(error));
}

void FieldReader::expect_object() { static_cast<void>(is_object(*object_)); }

void FieldReader::optional_attachment(Document& document) {
  if (attachment_) document = std::make_shared<const std::string>(as_text(*attachment_));
  attachment_read_ = true;
}

void FieldReader::miss(std::string_view key) {
  if (failed()) return;
  fail("missing");
  in(key);
}

void FieldReader::fail(std::string text) { error_ = std::move(text); }

void FieldReader::in(std::string_view where) { error_ = std::string(where) + ": " + error_; }

void FieldReader::in_entry(std::size_t index) { in("entry " + std::to_string(index)); }

void FieldReader::fail_type(std::string_view expected, const Json& got) {
  constexpr std::size_t kShown = 64;
  const std::string what(got.kind == Json::Kind::number ? got.text.substr(0, kShown) : got.kind_name());
  fail("expected " + std::string(expected) + ", got " + what);
}

const std::string_view* FieldReader::text_of(const Json& json, std::string_view expected) {
  if (json.kind == Json::Kind::string) return &json.text;
  fail_type(expected, json);
  return nullptr;
}

void FieldReader::check_text(std::string_view text, const TextRule& rule) {
  const bool by_bytes = rule.unit == Unit::bytes;
  const std::size_t size = by_bytes ? text.size() : code_point_count(text);
  if (size < rule.min || size > rule.max) {
    return fail("expected " + range(rule.min, rule.max) + (by_bytes ? " bytes" : " characters") + ", got " +
                std::to_string(size));
  }
  if (rule.one_line && has_control_character(text))
    return fail("expected no control characters, got " + callboard::quoted(text));
  if (rule.one_line && (text.starts_with(' ') || text.ends_with(' '))) {
    return fail("expected no space at either end, got " + callboard::quoted(text));
  }
  if (rule.path && !text.empty() && (text.front() != '/' || text.find('\0') != std::string_view::npos)) {
    return fail("expected a path that starts with \"/\", got " + callboard::quoted(text));
  }
  if (!rule.steps && has_step(text))
    return fail("expected no \".\" or \"..\" in the path, got " + callboard::quoted(text));
}

void FieldReader::in_key(std::string_view key) { in(quoted(key)); }

void FieldReader::read(const Json& json, std::string_view& value, const TextRule& rule) {
  const std::string_view* text = text_of(json, "text");
  if (text == nullptr) return;
  check_text(*text, rule);
  if (!failed()) value = *text;
}

void FieldReader::read(const Json& json, std::string& value, const TextRule& rule) {
  std::string_view text;
  read(json, text, rule);
  if (!failed()) value = text;
}

void FieldReader::read(const Json& json, bool& value) {
  if (json.kind != Json::Kind::boolean) return fail_type("true or false", json);
  value = json.truth;
}

std::uint64_t FieldReader::unsigned_up_to(const Json& json, std::uint64_t max) {
  const auto number = whole_number<std::uint64_t>(json);
  if (number && *number <= max) return *number;
  fail_type("an integer of " + range(0, max), json);
  return 0;
}

void FieldReader::read(const Json& json, std::int64_t& value) {
  const auto number = whole_number<std::int64_t>(json);
  if (!number) return fail_type("an integer of 64 bits", json);
  value = *number;
}

void FieldReader::read(const Json& json, Timestamp& value) {
  value.ms = static_cast<std::int64_t>(unsigned_up_to(json, kTimestampMaxMs));
}

void FieldReader::read(const Json& json, std::chrono::milliseconds& value) {
  value = std::chrono::milliseconds(unsigned_up_to(json, std::numeric_limits<std::uint32_t>::max()));
}

void FieldReader::read(const Json& json, SessionId& value) {
  const std::string_view* text = text_of(json, "16 hex digits");
  if (text == nullptr) return;
  const auto id = session_id_from(*text);
  if (!id) return fail("expected 16 hex digits, got " + callboard::quoted(*text));
  value = *id;
}

void FieldReader::read(const Json& json, AccessKey& value) {
  const std::string_view* text = text_of(json, "a key");
  if (text == nullptr) return;
  auto key = access_key_from(*text);
  // One that is written otherwise, with a space after it, is not the same text again.
  if (!key || to_line(*key) != *text) return fail("expected a key");
  value = std::move(*key);
}

void FieldReader::read(const Json& json, UniqueId& value) {
  const std::string_view* text = text_of(json, "32 hex digits");
  if (text == nullptr) return;
  const auto id = unique_id_from(*text);
  if (!id) return fail("expected 32 hex digits, got " + callboard::quoted(*text));
  value = *id;
}

void FieldReader::read(const Json& json, Outcome& value) {
  const std::string_view* text = text_of(json, "an outcome");
  if (text != nullptr) value = outcome_from(*text);
}

void FieldReader::read(const Json& json, DocumentRecord& value) {
  const std::string_view* text = text_of(json, "\"story\" or \"analytics\"");
  if (text == nullptr) return;
  if (*text != "story" && *text != "analytics") {
    return fail("expected \"story\" or \"analytics\", got " + callboard::quoted(*text));
  }
  value = *text == "story" ? DocumentRecord::story : DocumentRecord::analytics;
}

void FieldReader::read(const Json& json, Compression& value) {
  const std::string_view* text = text_of(json, "\"auto\" or \"always\"");
  if (text == nullptr) return;
  // What a later version says beyond that is something that the giver, or this server, does not know how to do.
  value = compression_from(*text).value_or(Compression::never);
}

void FieldReader::read(const Json& json, RecordAction& value) {
  constexpr std::string_view kExpected = "make, set, put, give or remove";
  const std::string_view* text = text_of(json, kExpected);
  if (text == nullptr) return;
  const auto action = record_action_from(*text);
  if (!action) return fail("expected " + std::string(kExpected) + ", got " + callboard::quoted(*text));
  value = *action;
}

void FieldReader::read(const Json& json, Camera& value) {
  if (json.kind != Json::Kind::array || json.count != 2) return fail_type("two integers", json);
  read(*json.first(), value.x);
  if (!failed()) read(*json.first()->next(), value.y);
}

bool FieldReader::is_null(const Json& json) { return json.kind == Json::Kind::null; }

bool FieldReader::is_object(const Json& json) {
  if (json.kind != Json::Kind::object) fail_type("an object", json);
  return json.kind == Json::Kind::object;
}

void FieldReader::for_each_element(const Json& json, std::size_t max,
                                   const std::function<void(const Json&)>& visit) {
  if (json.kind != Json::Kind::array) return fail_type("an array", json);
  if (!has_count(json, max)) return;
  const Json* element = json.first();
  for (std::uint32_t i = 0; i < json.count && !failed(); ++i, element = element->next()) visit(*element);
}

void FieldReader::for_each_member(
    const Json& json, std::size_t max,
    const std::function<void(std::string_view key, const Json& member)>& visit) {
  if (!is_object(json) || !has_count(json, max)) return;
  const Json* member = json.first();
  for (std::uint32_t i = 0; i < json.count && !failed(); ++i, member = member->next())
    visit(member->key, *member);
}

bool FieldReader::has_count(const Json& json, std::size_t max) {
  if (json.count <= max) return true;
  fail("expected at most " + std::to_string(max) + " entries, got " + std::to_string(json.count));
  return false;
}

}  // namespace callboard::protocol
