#include "protocol/field_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "base/ensure.h"
#include "base/json_scanner.h"
#include "base/text.h"

namespace callboard::protocol {
namespace {

// The size of the UTF-8 sequence at the front; 0 when there is none.
std::size_t sequence_size(std::string_view bytes) {
  for (std::size_t size = 1; size <= 4 && size <= bytes.size(); ++size) {
    if (is_utf8(bytes.substr(0, size))) return size;
  }
  return 0;
}

std::string mended(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const std::size_t size = sequence_size(bytes);
    out += size == 0 ? "\xef\xbf\xbd" : bytes.substr(0, size);
    bytes.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

void append_escaped(std::string_view utf8, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  while (!utf8.empty()) {
    std::size_t plain = 0;
    while (plain < utf8.size() && JsonScanner::is_plain(utf8[plain])) ++plain;
    out += utf8.substr(0, plain);
    utf8.remove_prefix(plain);
    if (utf8.empty()) return;
    const char c = utf8.front();
    utf8.remove_prefix(1);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += "\\u00";
      out += kDigits[static_cast<std::uint8_t>(c) >> 4];
      out += kDigits[static_cast<std::uint8_t>(c) & 0xf];
    }
  }
}

template <class T>
void append_number(T value, std::string& out) {
  std::array<char, 24> digits;
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

}  // namespace

FieldWriter::FieldWriter(std::string_view verb, std::string& json) : json_(json) {
  json_ += "{\"verb\":\"";
  append_escaped(verb, json_);
  json_ += '"';
}

void FieldWriter::separate() {
  if (json_.back() != '{') json_ += ',';
}

// Ours are short: one piece that is appended costs a third of five.
void FieldWriter::begin_field(std::string_view key) {
  std::array<char, 64> piece;
  ENSURE(key.size() + 4 <= piece.size());
  char* end = piece.data();
  if (json_.back() != '{') *end++ = ',';
  *end++ = '"';
  end = std::copy(key.begin(), key.end(), end);
  *end++ = '"';
  *end++ = ':';
  json_.append(piece.data(), static_cast<std::size_t>(end - piece.data()));
}

void FieldWriter::begin_member(std::string_view key) {
  separate();
  text(key);
  json_ += ':';
}

void FieldWriter::signed_number(std::int64_t value) { append_number(value, json_); }
void FieldWriter::unsigned_number(std::uint64_t value) { append_number(value, json_); }

void FieldWriter::write(SessionId value) { text(to_text(value)); }
void FieldWriter::write(UniqueId value) { text(to_text(value)); }
void FieldWriter::write(const AccessKey& value) { text(to_line(value)); }
void FieldWriter::write(DocumentRecord value) { text(to_text(value)); }
void FieldWriter::write(Outcome value) { text(to_text(value)); }
void FieldWriter::write(Compression value) { text(to_text(value)); }
void FieldWriter::write(RecordAction value) { text(to_text(value)); }

void FieldWriter::write(const Camera& value) {
  json_ += '[';
  write(value.x);
  json_ += ',';
  write(value.y);
  json_ += ']';
}

void FieldWriter::text(std::string_view value) {
  json_ += '"';
  if (is_utf8(value)) {
    append_escaped(value, json_);
  } else {
    not_utf8_ = true;
    append_escaped(mended(value), json_);
  }
  json_ += '"';
}

void FieldWriter::write(const std::string& value, const TextRule& rule) {
  if (!rule.cut) return text(value);
  if (is_utf8(value)) return text(cut(value, rule.max));
  // Mended before it is cut: what replaces a byte is longer than it.
  not_utf8_ = true;
  text(cut(mended(value), rule.max));
}

}  // namespace callboard::protocol
