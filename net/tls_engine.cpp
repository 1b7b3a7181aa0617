#include "net/tls_engine.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/ensure.h"
#include "base/limits.h"

namespace callboard::net {
namespace {

// The one of TLS 1.3 whose hash our keys are for. AES is in the hardware of every workstation.
constexpr const char* kCipherSuites = "TLS_AES_128_GCM_SHA256";
constexpr std::array<unsigned char, 2> kCipherId{0x13, 0x01};
// All that a peer says until it is proven; ours say less than 1 KiB. What a stranger can make us keep.
constexpr std::uint64_t kHandshakeMax = 16 * KiB;

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
};
using Context = std::unique_ptr<SSL_CTX, Free>;

// What OpenSSL knows of a key.
SSL_SESSION* new_session(SSL* ssl, const Secret& secret) {
  std::unique_ptr<SSL_SESSION, Free> session(SSL_SESSION_new());
  const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, kCipherId.data());
  const bool is_made = session != nullptr && cipher != nullptr &&
                       SSL_SESSION_set1_master_key(session.get(), secret.data(), secret.size()) == 1 &&
                       SSL_SESSION_set_cipher(session.get(), cipher) == 1 &&
                       SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION) == 1;
  return is_made ? session.release() : nullptr;
}

Context new_context(const SSL_METHOD* method) {
  Context context(SSL_CTX_new(method));
  ENSURE(context != nullptr);
  SSL_CTX* raw = context.get();
  ENSURE(SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) == 1);
  ENSURE(SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION) == 1);
  ENSURE(SSL_CTX_set_ciphersuites(raw, kCipherSuites) == 1);
  ENSURE(SSL_CTX_set1_groups_list(raw, "X25519:P-256") == 1);
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  ENSURE(SSL_CTX_set_num_tickets(raw, 0) == 1);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  ENSURE(SSL_CTX_set_max_early_data(raw, 0) == 1);
  // An idle session holds no buffers.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  return context;
}

// Where OpenSSL reads what the peer sent and writes what goes to the wire. Its own memory for that copies all of it once more,
// and clears it each time.
struct Wire {
  ByteView incoming;
  Bytes outgoing;
};

int on_wire_read(BIO* bio, char* into, std::size_t size_bytes, std::size_t* read_bytes) noexcept {
  auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *read_bytes = std::min(size_bytes, wire.incoming.size());
  if (*read_bytes == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::copy_n(wire.incoming.data(), *read_bytes, reinterpret_cast<std::byte*>(into));
  wire.incoming = wire.incoming.subspan(*read_bytes);
  return 1;
}

int on_wire_write(BIO* bio, const char* bytes, std::size_t size_bytes, std::size_t* written_bytes) noexcept {
  auto& outgoing = static_cast<Wire*>(BIO_get_data(bio))->outgoing;
  const auto* first = reinterpret_cast<const std::byte*>(bytes);
  outgoing.insert(outgoing.end(), first, first + size_bytes);
  *written_bytes = size_bytes;
  return 1;
}

// There is nothing to flush, and nothing else that a source of bytes need know.
long on_wire_control(BIO*, int command, long, void*) noexcept { return command == BIO_CTRL_FLUSH ? 1 : 0; }

// What a client's first words are so far (RFC 8446, 4 and 5.1). OpenSSL keeps 36 KiB and more for whoever has not said all of
// them, and clears them: most of the time that half a handshake takes. So only a whole hello in one record, as everybody's is,
// comes to it.
enum class Hello { incomplete, whole, none };

Hello hello_in(ByteView heard) {
  constexpr std::size_t kRecordHeaderBytes = 5;
  constexpr std::size_t kMessageHeaderBytes = 4;
  constexpr std::byte kClientHello{1};
  const auto number_at = [&](std::size_t at, std::size_t size) {
    std::size_t number = 0;
    for (const std::byte each : heard.subspan(at, size))
      number = number << 8 | std::to_integer<std::size_t>(each);
    return number;
  };
  if (!TlsEngine::is_beginning(heard[0]) || (heard.size() > 1 && heard[1] != std::byte{3}))
    return Hello::none;
  if (heard.size() < kRecordHeaderBytes) return Hello::incomplete;
  const std::size_t record = number_at(3, 2);
  if (record < kMessageHeaderBytes || record > kHandshakeMax) return Hello::none;
  if (heard.size() < kRecordHeaderBytes + kMessageHeaderBytes) return Hello::incomplete;
  const std::size_t message = number_at(kRecordHeaderBytes + 1, 3);
  if (heard[kRecordHeaderBytes] != kClientHello || kMessageHeaderBytes + message > record) return Hello::none;
  return heard.size() < kRecordHeaderBytes + record ? Hello::incomplete : Hello::whole;
}

BIO* new_wire(Wire& wire) {
  static const std::unique_ptr<BIO_METHOD, Free> method = [] {
    std::unique_ptr<BIO_METHOD, Free> made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire"));
    ENSURE(made != nullptr);
    BIO_meth_set_read_ex(made.get(), &on_wire_read);
    BIO_meth_set_write_ex(made.get(), &on_wire_write);
    BIO_meth_set_ctrl(made.get(), &on_wire_control);
    return made;
  }();
  BIO* bio = BIO_new(method.get());
  ENSURE(bio != nullptr);
  BIO_set_data(bio, &wire);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace

struct TlsEngine::Impl {
  explicit Impl(bool accepts) : is_server(accepts) {}

  bool is_server;
  Bytes beginning;  // Of a server's peer, until there is an `ssl` for it.
  Wire wire;        // Before `ssl`, which refers to it.
  std::unique_ptr<SSL, Free> ssl;
  AccessKey key;  // A client's; of a server's the identity alone.
  FindSecret find;
  Bytes waiting;
  bool is_ready = false;
  std::uint64_t heard_bytes = 0;  // Until it is ready.
  bool is_broken = false;

  static SSL_CTX* client_context();
  static SSL_CTX* server_context();
  static int on_offer(SSL* ssl, const EVP_MD* hash, const unsigned char** identity,
                      std::size_t* identity_size, SSL_SESSION** session) noexcept;
  static int on_offered(SSL* ssl, const unsigned char* identity, std::size_t identity_size,
                        SSL_SESSION** session) noexcept;

  void open();
  Result<Bytes> gather(ByteView sealed);
  Result<void> shake_hands();
  Result<std::size_t> read(std::span<std::byte> into);
  Result<void> read_all(Bytes& plain);
  void write(ByteView plain);
  Error broken(int rc);
};

SSL_CTX* TlsEngine::Impl::client_context() {
  static const Context context = [] {
    Context made = new_context(TLS_client_method());
    // A server without the key may try a certificate. There is nobody whose certificate counts.
    SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_psk_use_session_callback(made.get(), &on_offer);
    return made;
  }();
  return context.get();
}

SSL_CTX* TlsEngine::Impl::server_context() {
  static const Context context = [] {
    Context made = new_context(TLS_server_method());
    SSL_CTX_set_psk_find_session_callback(made.get(), &on_offered);
    return made;
  }();
  return context.get();
}

int TlsEngine::Impl::on_offer(SSL* ssl, const EVP_MD* hash, const unsigned char** identity,
                              std::size_t* identity_size, SSL_SESSION** session) noexcept {
  const auto* impl = static_cast<Impl*>(SSL_get_ex_data(ssl, 0));
  *session = nullptr;
  // A hash is named when the server asks for another hello; then only a key for that hash may be offered.
  if (hash != nullptr && EVP_MD_get_type(hash) != NID_sha256) return 1;
  *session = new_session(ssl, impl->key.secret);
  if (*session == nullptr) return 0;
  *identity = reinterpret_cast<const unsigned char*>(impl->key.identity.data());
  *identity_size = impl->key.identity.size();
  return 1;
}

int TlsEngine::Impl::on_offered(SSL* ssl, const unsigned char* identity, std::size_t identity_size,
                                SSL_SESSION** session) noexcept {
  auto* impl = static_cast<Impl*>(SSL_get_ex_data(ssl, 0));
  *session = nullptr;
  const std::string_view named(reinterpret_cast<const char*>(identity), identity_size);
  const auto secret = impl->find(named);
  if (!secret) return 1;
  impl->key.identity = named;
  *session = new_session(ssl, *secret);
  return *session == nullptr ? 0 : 1;
}

// What went wrong, for whoever reads the log or the terminal. OpenSSL's own words say nothing of keys.
Error TlsEngine::Impl::broken(int rc) {
  is_broken = true;
  waiting.clear();
  wire.incoming = {};
  const unsigned long code = ERR_peek_last_error();
  const int why = SSL_get_error(ssl.get(), rc);
  const char* words = ERR_reason_error_string(code);
  ERR_clear_error();
  const std::string cause = words != nullptr ? words : "error " + std::to_string(why);
  if (is_ready) return {Outcome::interrupted, "tls: " + cause};
  if (is_server) return {Outcome::refused, "tls handshake: " + cause};
  return {Outcome::refused,
          "the server does not take this key: it is unknown there, was revoked, or its time is over (" +
              cause + ")"};
}

void TlsEngine::Impl::open() {
  ssl.reset(SSL_new(is_server ? server_context() : client_context()));
  ENSURE(ssl != nullptr);
  BIO* bio = new_wire(wire);
  SSL_set_bio(ssl.get(), bio, bio);
  ENSURE(SSL_set_ex_data(ssl.get(), 0, this) == 1);
  if (is_server) {
    SSL_set_accept_state(ssl.get());
  } else {
    SSL_set_connect_state(ssl.get());
  }
}

// A client's first words, once they are a whole hello.
Result<Bytes> TlsEngine::Impl::gather(ByteView sealed) {
  beginning.insert(beginning.end(), sealed.begin(), sealed.end());
  const Hello hello = hello_in(beginning);
  if (hello == Hello::incomplete) return Bytes();
  if (hello == Hello::none) {
    is_broken = true;
    return Error{Outcome::refused, "tls handshake: expected a hello"};
  }
  open();
  return std::exchange(beginning, {});
}

Result<void> TlsEngine::Impl::shake_hands() {
  ERR_clear_error();
  const int rc = SSL_do_handshake(ssl.get());
  if (rc != 1) {
    if (SSL_get_error(ssl.get(), rc) == SSL_ERROR_WANT_READ) return {};
    return broken(rc);
  }
  // Nobody has proven anything otherwise: a handshake by certificate, for instance.
  if (SSL_session_reused(ssl.get()) != 1) return broken(rc);
  is_ready = true;
  write(std::exchange(waiting, {}));
  return {};
}

Result<std::size_t> TlsEngine::Impl::read(std::span<std::byte> into) {
  if (is_broken) return std::size_t{0};
  std::size_t size_bytes = 0;
  ERR_clear_error();
  const int rc = SSL_read_ex(ssl.get(), into.data(), into.size(), &size_bytes);
  if (rc == 1) return size_bytes;
  const int why = SSL_get_error(ssl.get(), rc);
  // After a goodbye of TLS nothing counts: the end of the connection follows, and says it.
  wire.incoming = {};
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
  return broken(rc);
}

Result<void> TlsEngine::Impl::read_all(Bytes& plain) {
  std::array<std::byte, 16 * KiB> buffer;  // The most that a record holds.
  for (;;) {
    const auto size_bytes = read(buffer);
    if (!size_bytes) return size_bytes.error();
    if (*size_bytes == 0) return {};
    plain.insert(plain.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*size_bytes));
  }
}

void TlsEngine::Impl::write(ByteView plain) {
  if (plain.empty()) return;
  std::size_t written_bytes = 0;
  ERR_clear_error();
  // Memory takes everything; what fails here has failed before, and receive() says so.
  if (SSL_write_ex(ssl.get(), plain.data(), plain.size(), &written_bytes) != 1) is_broken = true;
}

TlsEngine::TlsEngine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsEngine::~TlsEngine() = default;

std::unique_ptr<TlsEngine> TlsEngine::client(const AccessKey& key) {
  auto impl = std::make_unique<Impl>(false);
  impl->key = key;
  impl->open();
  return std::unique_ptr<TlsEngine>(new TlsEngine(std::move(impl)));
}

std::unique_ptr<TlsEngine> TlsEngine::server(const AccessKey& key) {
  return server([key](std::string_view identity) {
    return identity == key.identity ? std::optional(key.secret) : std::nullopt;
  });
}

std::unique_ptr<TlsEngine> TlsEngine::server(FindSecret find) {
  auto impl = std::make_unique<Impl>(true);
  impl->find = std::move(find);
  return std::unique_ptr<TlsEngine>(new TlsEngine(std::move(impl)));
}

void TlsEngine::start() {
  // Only what it makes of it can fail, and the peer's answer tells.
  if (!impl_->is_server) static_cast<void>(impl_->shake_hands());
}

Result<void> TlsEngine::receive(ByteView sealed, Bytes& plain) {
  if (impl_->is_broken || sealed.empty()) return {};
  // Records of a handshake and alerts begin so; an open server greets with a frame instead.
  const bool is_first = !impl_->is_ready && impl_->heard_bytes == 0;
  if (is_first && !is_beginning(sealed.front()) && sealed.front() != std::byte{0x15}) {
    impl_->is_broken = true;
    return Error{Outcome::refused, std::string(kNoTls)};
  }
  Bytes first_words;
  if (!impl_->ssl) {
    auto gathered = impl_->gather(sealed);
    if (!gathered) return gathered.error();
    first_words = *std::move(gathered);
  }
  impl_->wire.incoming = first_words.empty() ? sealed : ByteView(first_words);
  if (impl_->ssl && !impl_->is_ready) {
    if (auto shaken = impl_->shake_hands(); !shaken) return shaken;
  }
  if (impl_->is_ready) return impl_->read_all(plain);
  impl_->wire.incoming = {};
  impl_->heard_bytes += sealed.size();
  if (impl_->heard_bytes <= kHandshakeMax) return {};
  impl_->is_broken = true;
  return Error{Outcome::refused, "tls handshake: longer than it can be"};
}

void TlsEngine::feed(ByteView sealed) {
  ENSURE(impl_->is_ready && impl_->wire.incoming.empty());
  if (!impl_->is_broken) impl_->wire.incoming = sealed;
}

Result<std::size_t> TlsEngine::read(std::span<std::byte> into) { return impl_->read(into); }

void TlsEngine::send(ByteView plain) {
  if (impl_->is_broken) return;
  if (impl_->is_ready) return impl_->write(plain);
  impl_->waiting.insert(impl_->waiting.end(), plain.begin(), plain.end());
}

void TlsEngine::finish() {
  impl_->waiting.clear();
  if (impl_->is_ready && !impl_->is_broken) static_cast<void>(SSL_shutdown(impl_->ssl.get()));
}

Bytes TlsEngine::take_sealed() { return std::exchange(impl_->wire.outgoing, {}); }

void TlsEngine::take_sealed(Bytes& into) {
  into.clear();
  std::swap(into, impl_->wire.outgoing);
}

bool TlsEngine::is_ready() const { return impl_->is_ready; }
const std::string& TlsEngine::identity() const { return impl_->key.identity; }
std::size_t TlsEngine::waiting_bytes() const { return impl_->waiting.size(); }

}  // namespace callboard::net
