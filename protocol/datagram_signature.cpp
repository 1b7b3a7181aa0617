#include "protocol/datagram_signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <string_view>

#include "base/ensure.h"
#include "base/text.h"

namespace callboard::protocol {
namespace {

using Mac = std::array<std::uint8_t, 32>;

constexpr std::string_view kMacField = " | mac=";

Mac hmac(const std::array<std::uint8_t, 32>& key, std::string_view text) {
  Mac mac{};
  unsigned size_bytes = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  ENSURE(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, text.size(), mac.data(),
              &size_bytes) != nullptr);
  ENSURE(size_bytes == mac.size());
  return mac;
}

// TLS uses the secret itself; what signs datagrams follows from it and says nothing of it.
Mac mac_of(const Secret& secret, std::string_view line) {
  return hmac(hmac(secret, "callboard datagrams 1"), line);
}

}  // namespace

std::string format_signed(const Datagram& datagram, const Secret& secret) {
  std::string line = format(datagram);
  const Mac mac = mac_of(secret, line);
  line += kMacField;
  line += to_hex({reinterpret_cast<const char*>(mac.data()), mac.size()});
  return line;
}

bool is_signed_with(ByteView bytes, const Secret& secret) {
  std::string_view line = as_text(bytes);
  if (line.ends_with('\n')) line.remove_suffix(1);
  const std::size_t at = line.rfind(kMacField);
  if (at == std::string_view::npos) return false;
  const auto told = from_hex(line.substr(at + kMacField.size()));
  const Mac right = mac_of(secret, line.substr(0, at));
  return told && told->size() == right.size() && CRYPTO_memcmp(told->data(), right.data(), right.size()) == 0;
}

}  // namespace callboard::protocol
