#include "protocol/datagram.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace callboard::protocol {
namespace {

constexpr std::string_view kBetween = " | ";
constexpr std::string_view kServer = "VCStudio MULTIUSER SERVER";
constexpr std::string_view kWhere = "VCStudio MULTIUSER WHERE";
constexpr std::string_view kAbort = "VCStudio ABORT MULTIUSER";
constexpr std::string_view kAborted = "VCStudio MULTIUSER ABORTED";
constexpr std::string_view kTerminal = "VCStudio MULTIUSER SERVER TERMINAL";

// More fields than any datagram of ours will ever have.
constexpr std::size_t kFieldsMax = 64;

// --- Writing --------------------------------------------------------------------------------------------------------

std::string percent_encoded(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    out += '%';
    out += kDigits[static_cast<std::uint8_t>(c) >> 4];
    out += kDigits[static_cast<std::uint8_t>(c) & 0xf];
  }
  return out;
}

// The bytes of the character at the front; one byte where there is no valid UTF-8.
std::string_view first_character(std::string_view text) {
  for (std::size_t size = 1; size <= 4 && size <= text.size(); ++size) {
    if (is_utf8(text.substr(0, size))) return text.substr(0, size);
  }
  return text.substr(0, 1);
}

// The longest whole characters of `text` that take at most `max_bytes`, escaped.
std::string value_of(std::string_view text, std::size_t max_bytes = kDatagramMax) {
  std::string out;
  while (!text.empty()) {
    const std::string_view c = first_character(text);
    const bool plain = c != "%" && c != "|" && !has_control_character(c);
    const std::string escaped = plain ? std::string(c) : percent_encoded(c);
    if (out.size() + escaped.size() > max_bytes) break;
    out += escaped;
    text.remove_prefix(c.size());
  }
  return out;
}

std::string joined(std::string_view head, std::initializer_list<std::string> fields) {
  std::string line(head);
  for (const std::string& field : fields) line.append(kBetween).append(field);
  return line;
}

// A project's name is at most 128 code points (512 bytes); whatever is longer is cut so that the rest still fits.
constexpr std::size_t kProjectMaxBytes = 1024;
constexpr std::size_t kUserMaxBytes = 300;

std::string project_value(const std::string& project) { return value_of(project, kProjectMaxBytes); }

std::string with(std::string line, const std::optional<Signature>& signature) {
  if (!signature) return line;
  line += joined("", {"at=" + std::to_string(signature->at.ms), "by=" + value_of(signature->by, 32),
                      "nonce=" + to_text(signature->nonce)});
  return signature->mac.empty() ? line : line + joined("", {"mac=" + signature->mac});
}

std::string with(std::string line, const std::optional<Marks>& marks) {
  if (!marks) return line;
  line += joined("", {"at=" + std::to_string(marks->at.ms)});
  return marks->row.empty() ? line : line + joined("", {"marks=" + marks->row});
}

std::string format_one(const Announcement& d) {
  std::string line =
      joined(kServer, {value_of(d.address, 64), project_value(d.project), "port=" + std::to_string(d.port)});
  if (d.id) line += joined("", {"id=" + to_text(*d.id)});
  line += joined("", {"proto=" + std::to_string(d.proto), "access=" + value_of(d.access, 32)});
  return with(with(std::move(line), d.signature), d.marks);
}
std::string format_one(const Search& d) {
  std::string line =
      d.project ? joined(kWhere, {"project=" + project_value(*d.project)}) : std::string(kWhere);
  if (!d.challenge) return line;
  return line + joined("", {"by=" + value_of(d.challenge->by, 32), "nonce=" + to_text(d.challenge->nonce)});
}
std::string format_one(const Abort& d) {
  std::string line =
      d.project ? joined(kAbort, {"project=" + project_value(*d.project)}) : std::string(kAbort);
  if (d.id) line += joined("", {"id=" + to_text(*d.id)});
  return with(std::move(line), d.signature);
}
std::string format_one(const AbortAcknowledged& d) {
  std::string line = joined(kAborted, {value_of(d.address, 64), project_value(d.project)});
  if (d.id) line += joined("", {"id=" + to_text(*d.id)});
  return with(std::move(line), d.signature);
}
std::string format_one(const TerminalLine& d) {
  const std::string line = joined(kTerminal, {value_of(d.time, 32), value_of(d.user, kUserMaxBytes), ""});
  return line + value_of(d.text, kDatagramMax - line.size());
}

// --- Reading --------------------------------------------------------------------------------------------------------

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  while (fields.size() < kFieldsMax) {
    const std::size_t end = line.find(kBetween);
    fields.push_back(line.substr(0, end));
    if (end == std::string_view::npos) break;
    line.remove_prefix(end + kBetween.size());
  }
  return fields;
}

// nullopt when an escape is broken, or the bytes it makes are not UTF-8.
std::optional<std::string> unescaped(std::string_view value) {
  std::string out;
  while (!value.empty()) {
    if (value.front() != '%') {
      out += value.front();
      value.remove_prefix(1);
      continue;
    }
    const auto byte = value.size() < 3 ? std::nullopt : from_hex(value.substr(1, 2));
    if (!byte) return std::nullopt;
    out += *byte;
    value.remove_prefix(3);
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

template <class T>
std::optional<T> number_from(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The key=value fields; fields of another form are ignored, of two with one key the first counts.
class Values {
 public:
  explicit Values(std::span<const std::string_view> fields) {
    for (const std::string_view field : fields) {
      const std::size_t equals = field.find('=');
      if (equals == std::string_view::npos) continue;
      values_.emplace(field.substr(0, equals), field.substr(equals + 1));
    }
  }
  std::optional<std::string_view> find(std::string_view key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::map<std::string_view, std::string_view> values_;
};

// Reads `key` into `out` by `convert`. False when it is there and says nonsense; not being there is no fault.
template <class T, class Convert>
bool take(const Values& values, std::string_view key, Convert convert, T& out) {
  const auto text = values.find(key);
  if (!text) return true;
  auto value = convert(*text);
  if (!value) return false;
  out = std::move(*value);
  return true;
}

bool is_address(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("0123456789abcdefABCDEF.:") == std::string_view::npos;
}

bool take_id(const Values& values, std::optional<UniqueId>& out) {
  return take(values, "id", unique_id_from, out);
}

bool take_project(const Values& values, std::optional<std::string>& out) {
  return take(values, "project", unescaped, out) && (!out || !out->empty());
}

std::optional<std::string> identity_from(std::string_view text) {
  const auto id = session_id_from(text);
  return id ? std::optional(std::string(text)) : std::nullopt;
}

std::optional<std::string> mac_from(std::string_view text) {
  const bool is_hex =
      text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return is_hex ? std::optional(std::string(text)) : std::nullopt;
}

std::optional<Timestamp> time_from(std::string_view text) {
  const auto ms = number_from<std::int64_t>(text);
  return ms && *ms >= 0 ? std::optional(Timestamp{*ms}) : std::nullopt;
}

// All of it, or none: what is not whole proves nothing.
bool take_signature(const Values& values, std::optional<Signature>& out) {
  if (!values.find("mac")) return true;
  Signature signature;
  const bool is_whole = values.find("at") && values.find("by") && values.find("nonce");
  const bool is_sound = is_whole && take(values, "at", time_from, signature.at) &&
                        take(values, "by", identity_from, signature.by) &&
                        take(values, "nonce", unique_id_from, signature.nonce) &&
                        take(values, "mac", mac_from, signature.mac);
  if (is_sound) out = std::move(signature);
  return is_sound;
}

std::optional<std::string> marks_from(std::string_view text) {
  return is_row_of_marks(text) ? std::optional(std::string(text)) : std::nullopt;
}

bool take_marks(const Values& values, std::optional<Marks>& out) {
  if (!values.find("marks")) return true;
  Marks marks;
  const bool is_sound = values.find("at") && take(values, "at", time_from, marks.at) &&
                        take(values, "marks", marks_from, marks.row);
  if (is_sound) out = std::move(marks);
  return is_sound;
}

std::optional<Datagram> parse_announcement(std::span<const std::string_view> fields) {
  if (fields.size() < 2 || !is_address(fields[0])) return std::nullopt;
  const auto project = unescaped(fields[1]);
  if (!project || project->empty()) return std::nullopt;
  Announcement d{.address = std::string(fields[0]), .project = *project, .id = {}, .proto = 0};
  const Values values(fields.subspan(2));
  const bool sound = take(values, "port", number_from<std::uint16_t>, d.port) && d.port != 0 &&
                     take(values, "proto", number_from<std::uint32_t>, d.proto) &&
                     take(values, "access", unescaped, d.access) && take_id(values, d.id) &&
                     take_signature(values, d.signature) && (d.signature || take_marks(values, d.marks));
  // What it does not tell is written all the same, and a row that is nobody's may leave no room for it.
  const bool has_room = sound && (!d.marks || format_one(d).size() <= kDatagramMax);
  return has_room ? std::optional<Datagram>(std::move(d)) : std::nullopt;
}

std::optional<Datagram> parse_acknowledgement(std::span<const std::string_view> fields) {
  if (fields.size() < 2 || !is_address(fields[0])) return std::nullopt;
  const auto project = unescaped(fields[1]);
  if (!project || project->empty()) return std::nullopt;
  AbortAcknowledged d{.address = std::string(fields[0]), .project = *project, .id = {}};
  const Values values(fields.subspan(2));
  if (!take_id(values, d.id) || !take_signature(values, d.signature)) return std::nullopt;
  return d;
}

std::optional<Datagram> parse_terminal(std::span<const std::string_view> fields) {
  if (fields.size() != 3) return std::nullopt;
  auto time = unescaped(fields[0]);
  auto user = unescaped(fields[1]);
  auto text = unescaped(fields[2]);
  if (!time || !user || !text) return std::nullopt;
  return TerminalLine{std::move(*time), std::move(*user), std::move(*text)};
}

std::optional<Datagram> parse_search(std::span<const std::string_view> fields) {
  Search d;
  const Values values(fields);
  if (!take_project(values, d.project)) return std::nullopt;
  Challenge challenge;
  if (!values.find("by") || !values.find("nonce")) return d;
  if (!take(values, "by", identity_from, challenge.by) ||
      !take(values, "nonce", unique_id_from, challenge.nonce))
    return std::nullopt;
  d.challenge = std::move(challenge);
  return d;
}

std::optional<Datagram> parse_abort(std::span<const std::string_view> fields) {
  Abort d;
  const Values values(fields);
  const bool is_sound =
      take_project(values, d.project) && take_id(values, d.id) && take_signature(values, d.signature);
  return is_sound ? std::optional<Datagram>(std::move(d)) : std::nullopt;
}

}  // namespace

bool is_row_of_marks(std::string_view text) {
  const auto is_of_base64url = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !text.empty() && text.size() % kMarkSize == 0 && std::ranges::all_of(text, is_of_base64url);
}

std::string format(const Datagram& datagram) {
  return std::visit([](const auto& d) { return format_one(d); }, datagram);
}

std::optional<Datagram> parse_datagram(ByteView bytes) {
  std::string_view line = as_text(bytes);
  if (line.size() > kDatagramMax || !is_utf8(line)) return std::nullopt;
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (has_control_character(line)) return std::nullopt;
  const std::vector<std::string_view> fields = split(line);
  const auto rest = std::span(fields).subspan(1);
  if (fields[0] == kServer) return parse_announcement(rest);
  if (fields[0] == kWhere) return parse_search(rest);
  if (fields[0] == kAbort) return parse_abort(rest);
  if (fields[0] == kAborted) return parse_acknowledgement(rest);
  if (fields[0] == kTerminal) return parse_terminal(rest);
  return std::nullopt;
}

}  // namespace callboard::protocol
