#include "protocol/datagram_signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <optional>
#include <string_view>

#include "base/ensure.h"
#include "base/limits.h"
#include "base/text.h"

namespace callboard::protocol {
namespace {

using Mac = std::array<std::uint8_t, 32>;

constexpr std::string_view kMacField = " | mac=";
constexpr std::string_view kMarksField = " | marks=";
// Half of the HMAC, as RFC 4868 cuts it: nobody has more than a moment to guess it, and a row has room for more.
constexpr int kMarkBytes = 16;

Mac hmac_of(const std::array<std::uint8_t, 32>& key, std::string_view text) {
  Mac mac{};
  unsigned size_bytes = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  ENSURE(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, text.size(), mac.data(),
              &size_bytes) != nullptr);
  ENSURE(size_bytes == mac.size());
  return mac;
}

std::string written_mark(const DatagramKey& key, std::string_view text) {
  std::array<unsigned char, 25> digits{};  // 24 and a NUL.
  EVP_EncodeBlock(digits.data(), key.mark_of(text).data(), kMarkBytes);
  std::string mark(reinterpret_cast<const char*>(digits.data()), kMarkSize);
  for (char& c : mark) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return mark;
}

struct Parted {
  std::string_view text;  // What is signed,
  std::string_view by;    // and by what.
};

// By the last of the fields of that name.
std::optional<Parted> parted(ByteView bytes, std::string_view field) {
  std::string_view line = as_text(bytes);
  if (line.ends_with('\n')) line.remove_suffix(1);
  const std::size_t at = line.rfind(field);
  if (at == std::string_view::npos) return std::nullopt;
  return Parted{line.substr(0, at), line.substr(at + field.size())};
}

}  // namespace

DatagramKey::DatagramKey(const Secret& secret)
    : signing_(hmac_of(secret, "callboard datagrams 1")), marking_(hmac_of(secret, "callboard marks 1")) {}

Mac DatagramKey::signature_of(std::string_view text) const { return hmac_of(signing_, text); }
Mac DatagramKey::mark_of(std::string_view text) const { return hmac_of(marking_, text); }

bool is_fresh(Timestamp at, Timestamp now) {
  const auto age = std::chrono::milliseconds(now.ms - at.ms);
  return age <= kSignedFor && age >= -kSignedFor;
}

std::string format_signed(const Datagram& datagram, const DatagramKey& key) {
  std::string line = format(datagram);
  const Mac mac = key.signature_of(line);
  line += kMacField;
  line += to_hex({reinterpret_cast<const char*>(mac.data()), mac.size()});
  return line;
}

bool is_signed_with(ByteView line, const DatagramKey& key) {
  const auto parts = parted(line, kMacField);
  if (!parts) return false;
  const auto told = from_hex(parts->by);
  const Mac right = key.signature_of(parts->text);
  return told && told->size() == right.size() && CRYPTO_memcmp(told->data(), right.data(), right.size()) == 0;
}

std::size_t marks_max(const Announcement& announcement) {
  return (kDatagramMax - format(announcement).size() - kMarksField.size()) / kMarkSize;
}

std::string format_marked(const Announcement& announcement, std::span<const DatagramKey> keys) {
  const std::string text = format(announcement);
  std::string line = text + std::string(kMarksField);
  for (const DatagramKey& key : keys) line += written_mark(key, text);
  ENSURE(!keys.empty() && line.size() <= kDatagramMax);
  return line;
}

bool is_marked_with(ByteView line, const DatagramKey& key) {
  const auto parts = parted(line, kMarksField);
  if (!parts || !is_row_of_marks(parts->by)) return false;
  const std::string own = written_mark(key, parts->text);
  for (std::string_view row = parts->by; !row.empty(); row.remove_prefix(kMarkSize)) {
    if (CRYPTO_memcmp(row.data(), own.data(), kMarkSize) == 0) return true;
  }
  return false;
}

}  // namespace callboard::protocol
