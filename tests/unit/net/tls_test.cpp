#include <malloc.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "base/limits.h"
#include "net/tls_engine.h"
#include "tests/unit/net/net_support.h"

namespace callboard::net::tls_test {
namespace {

AccessKey key_of(std::uint8_t seed) {
  AccessKey key;
  key.identity = "00000000000000" + std::to_string(10 + seed);
  key.secret.fill(seed);
  return key;
}

TlsEngine::FindSecret knows(std::vector<AccessKey> keys) {
  return [keys = std::move(keys)](std::string_view identity) -> std::optional<Secret> {
    for (const AccessKey& each : keys) {
      if (each.identity == identity) return each.secret;
    }
    return std::nullopt;
  };
}

// Both ends and the wire between them, which carries `step` bytes at a time.
struct Pair {
  std::unique_ptr<TlsEngine> client;
  std::unique_ptr<TlsEngine> server;
  Bytes heard_by_client;
  Bytes heard_by_server;
  Bytes wire;  // All that ever went over it.
  Result<void> client_ended;
  Result<void> server_ended;

  Pair(const AccessKey& key, TlsEngine::FindSecret find)
      : client(TlsEngine::client(key)), server(TlsEngine::server(std::move(find))) {
    client->start();
  }
  void carry(std::size_t step = 1'000'000) {
    for (bool has_moved = true; has_moved;) {
      has_moved = carry(*client, *server, heard_by_server, server_ended, step);
      has_moved |= carry(*server, *client, heard_by_client, client_ended, step);
    }
  }
  bool carry(TlsEngine& from, TlsEngine& to, Bytes& heard, Result<void>& ended, std::size_t step) {
    const Bytes sealed = from.take_sealed();
    wire.insert(wire.end(), sealed.begin(), sealed.end());
    for (std::size_t at = 0; at < sealed.size(); at += step) {
      auto received = to.receive(ByteView(sealed).subspan(at, std::min(step, sealed.size() - at)), heard);
      if (!received) ended = received;
    }
    return !sealed.empty();
  }
};

bool contains(const Bytes& bytes, std::string_view part) {
  return as_text(bytes).find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE(
    "two that have one key hear each other, cut at any byte, and the wire shows nothing but the identity") {
  const std::size_t step = GENERATE(1u, 7u, 1'000'000u);
  Pair pair(key_of(1), knows({key_of(2), key_of(1)}));
  pair.client->send(as_bytes("said before anything is proven"));
  pair.carry(step);
  CHECK((pair.client->is_ready() && pair.server->is_ready()));
  CHECK(pair.server->identity() == key_of(1).identity);
  CHECK(as_text(pair.heard_by_server) == "said before anything is proven");
  const Bytes large = pattern(300'000);
  pair.server->send(large);
  pair.carry(step);
  CHECK(pair.heard_by_client == large);
  CHECK(contains(pair.wire, key_of(1).identity));
  CHECK_FALSE(contains(pair.wire, "said before"));
  CHECK_FALSE(contains(pair.wire, std::string(16, '\1')));
}

TEST_CASE("without the key's secret nobody is let in, and nothing is said, on either side") {
  AccessKey forged = key_of(1);
  forged.secret[31] ^= 1;
  const AccessKey offered = GENERATE(true, false) ? forged : key_of(3);
  Pair pair(offered, knows({key_of(1)}));
  pair.client->send(as_bytes("a story"));
  pair.server->send(as_bytes("another story"));
  pair.carry();
  REQUIRE_FALSE(pair.server_ended);
  REQUIRE_FALSE(pair.client_ended);
  CHECK(pair.server_ended.error().outcome == Outcome::refused);
  CHECK(pair.client_ended.error().outcome == Outcome::refused);
  CHECK_THAT(pair.client_ended.error().text, Catch::Contains("does not take this key"));
  CHECK_FALSE((pair.client->is_ready() || pair.server->is_ready()));
  CHECK((pair.heard_by_client.empty() && pair.heard_by_server.empty()));
  CHECK_FALSE(contains(pair.wire, "story"));
}

TEST_CASE("every byte that is changed on its way ends the conversation, and what was said is not heard") {
  std::size_t at = 0;
  for (bool is_beyond = false; !is_beyond; at += 3) {
    INFO("byte " << at);
    Pair pair(key_of(1), knows({key_of(1)}));
    pair.carry();
    pair.client->send(as_bytes("a frame"));
    Bytes sealed = pair.client->take_sealed();
    is_beyond = at >= sealed.size();
    if (is_beyond) break;
    sealed[at] ^= std::byte{0x20};
    const auto received = pair.server->receive(sealed, pair.heard_by_server);
    CHECK(pair.heard_by_server.empty());
    // A length that was made longer waits for more.
    if (!received) CHECK(received.error().outcome == Outcome::interrupted);
  }
  CHECK(at > 20);
}

TEST_CASE("who never comes to the end of a handshake is not listened to for ever") {
  const auto server = TlsEngine::server(knows({key_of(1)}));
  // A first message of 64 KiB, in records of 1 KiB.
  Bytes record(5 + 1024);
  const std::uint8_t head[] = {0x16, 3, 1, 4, 0, 1, 1, 0, 0};
  std::transform(std::begin(head), std::end(head), record.begin(),
                 [](std::uint8_t b) { return std::byte{b}; });
  Bytes plain;
  std::size_t taken_bytes = 0;
  Result<void> heard;
  for (; heard && taken_bytes < 64 * KiB; taken_bytes += record.size()) {
    heard = server->receive(record, plain);
    std::fill(record.begin() + 5, record.end(), std::byte{0});
  }
  CHECK_FALSE(heard);
  CHECK(taken_bytes <= 18 * KiB);
}

TEST_CASE("half a handshake costs its bytes, and the other half finishes it") {
  constexpr std::uint64_t kEngines = 200;
  Pair pair(key_of(1), knows({key_of(1)}));
  const Bytes hello = pair.client->take_sealed();
  std::vector<std::unique_ptr<TlsEngine>> servers;
#if !defined(CALLBOARD_ASAN) && !defined(CALLBOARD_TSAN)  // Their memory is not counted.
  const std::uint64_t before = mallinfo2().uordblks;
#endif
  for (std::uint64_t i = 0; i < kEngines; ++i) {
    servers.push_back(TlsEngine::server(knows({key_of(1)})));
    REQUIRE(servers.back()->receive(ByteView(hello).first(hello.size() - 1), pair.heard_by_server));
  }
#if !defined(CALLBOARD_ASAN) && !defined(CALLBOARD_TSAN)
  CHECK(mallinfo2().uordblks - before < kEngines * 4 * KiB);
#endif
  CHECK(servers[0]->take_sealed().empty());
  REQUIRE(servers[0]->receive(ByteView(hello).last(1), pair.heard_by_server));
  CHECK_FALSE(servers[0]->take_sealed().empty());
}

TEST_CASE("what cannot become a hello is refused as soon as it is heard, and OpenSSL never sees it") {
  const auto bytes = [](std::initializer_list<int> values) {
    Bytes made;
    for (const int value : values) made.push_back(static_cast<std::byte>(value));
    return made;
  };
  // Another version; a record too long, empty, or shorter than a message; another message; one that is longer than its
  // record; an alert.
  for (const Bytes& said : {bytes({0x16, 2}), bytes({0x16, 3, 1, 0xff, 0xff}), bytes({0x16, 3, 1, 0, 0}),
                            bytes({0x16, 3, 1, 0, 1}), bytes({0x16, 3, 1, 1, 0, 2, 0, 0, 9}),
                            bytes({0x16, 3, 1, 1, 0, 1, 0, 1, 0}), bytes({0x15})}) {
    const auto server = TlsEngine::server(knows({key_of(1)}));
    Bytes plain;
    for (std::size_t i = 0; i + 1 < said.size(); ++i)
      REQUIRE(server->receive(ByteView(said).subspan(i, 1), plain));
    const auto heard = server->receive(ByteView(said).last(1), plain);
    REQUIRE_FALSE(heard);
    CHECK(heard.error().text == "tls handshake: expected a hello");
    CHECK(server->take_sealed().empty());
  }
}

TEST_CASE("a frame in place of TLS is told from a handshake by its first byte") {
  Pair pair(key_of(1), knows({key_of(1)}));
  const auto heard =
      pair.client->receive(as_bytes(std::string_view("\0\0\0\x11\1{", 6)), pair.heard_by_client);
  REQUIRE_FALSE(heard);
  CHECK(heard.error().text == TlsEngine::kNoTls);
  CHECK(TlsEngine::is_beginning(pair.client->take_sealed().front()));
  CHECK_FALSE(TlsEngine::is_beginning(std::byte{0}));
}

TEST_CASE("a secured connection carries what is written, and says whose key it is") {
  Loop loop;
  Link link(loop);
  link.server.connection->secure(TlsEngine::server(knows({key_of(1)})));
  link.client.connection->secure(TlsEngine::client(key_of(1)));
  const Bytes large = pattern(3'000'000);
  link.client.connection->write(Bytes(large));
  link.server.connection->write(pattern(2000, 2));
  REQUIRE(loop.run_until(
      [&] { return link.client.received.size() == 2000 && link.server.received.size() == large.size(); },
      kTestLimit));
  CHECK(link.server.received == large);
  CHECK(link.client.received == pattern(2000, 2));
  CHECK((link.server.connection->is_secured() && link.client.connection->is_secured()));
  CHECK(link.server.connection->key_identity() == key_of(1).identity);
  CHECK(link.server.connection->received_bytes() > large.size());
  CHECK(link.client.connection->unsent_bytes() == 0);
  // The relay moves bytes as they are: this is none for it.
  CHECK_FALSE(link.server.connection->release_socket());
  link.client.connection->close_after_flush(kTestLimit);
  REQUIRE(loop.run_until([&] { return link.server.ended == 1; }, kTestLimit));
  CHECK(link.server.why.outcome == Outcome::done);
}

TEST_CASE("both ends of a connection learn that the key is not taken") {
  Loop loop;
  Link link(loop);
  link.server.connection->secure(TlsEngine::server(knows({})));
  link.client.connection->secure(TlsEngine::client(key_of(1)));
  link.client.connection->write(pattern(1000));
  REQUIRE(loop.run_until([&] { return link.server.ended == 1 && link.client.ended == 1; }, kTestLimit));
  CHECK(link.client.why.outcome == Outcome::refused);
  CHECK_THAT(link.client.why.text, Catch::Contains("does not take this key"));
  CHECK(link.server.why.outcome == Outcome::refused);
  CHECK((link.server.received.empty() && link.client.received.empty()));
  CHECK_FALSE(link.server.connection->is_secured());
}

}  // namespace callboard::net::tls_test
