#include "server/board/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/ensure.h"

namespace callboard::server {

Sha256 sha256(ByteView bytes) {
  Sha256 digest{};
  ENSURE(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return digest;
}

Sha256 sha256_of(UniqueId secret) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u64(secret.high);
  writer.u64(secret.low);
  return sha256(bytes);
}

bool is_same_secret(const Sha256& a, const Sha256& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace callboard::server
