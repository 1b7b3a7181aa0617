#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/access_key.h"
#include "base/bytes.h"
#include "base/result.h"

namespace callboard::net {

// One end of a TLS 1.3 conversation under a pre-shared key (docs/protocol.md, 2.7), without a socket: bytes in, bytes
// out. Both ends prove that they have the key; there are no certificates, tickets or early data.
// Used by one thread. After an error send what take_sealed() still has, an alert, and close: every later call does nothing.
class TlsEngine {
 public:
  // The secret of that identity; nullopt: nobody has it, and the handshake fails.
  using FindSecret = std::function<std::optional<Secret>(std::string_view identity)>;

  // The error of receive() where the other side says something else.
  static constexpr std::string_view kNoTls = "the other side does not speak TLS";

  static std::unique_ptr<TlsEngine> client(const AccessKey& key);
  static std::unique_ptr<TlsEngine> server(FindSecret find);
  static std::unique_ptr<TlsEngine> server(const AccessKey& key);  // For the holder of this one alone.
  ~TlsEngine();
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;

  // Whether a conversation can begin with this byte; no frame of ours does (docs/protocol.md, 2.7).
  static bool is_beginning(std::byte first) { return first == std::byte{0x16}; }

  // The client's first words; the server has none.
  void start();
  // What the peer sent. What it says by that is appended to `plain`. refused: there is no TLS, or not with this key.
  Result<void> receive(ByteView sealed, Bytes& plain);
  // The same for much, once it is_ready(): `sealed` is taken by the calls of read() that follow, without a copy of it here,
  // and has to stay until one returns 0, which says that no byte of it is left. The number of bytes put into `into`.
  void feed(ByteView sealed);
  Result<std::size_t> read(std::span<std::byte> into);
  // What is to be said; until is_ready() it waits.
  void send(ByteView plain);
  // Says that nothing more comes; what still waits is dropped.
  void finish();
  // For the wire, in order: what the calls before made.
  Bytes take_sealed();
  // The same into a buffer whose memory is used again.
  void take_sealed(Bytes& into);

  // Both ends have proven themselves.
  bool is_ready() const;
  // Of the key that is used; a server's is known from the client's first words on and proven when is_ready().
  const std::string& identity() const;
  std::size_t waiting_bytes() const;

 private:
  struct Impl;
  explicit TlsEngine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace callboard::net
