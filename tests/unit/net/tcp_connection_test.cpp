#include "net/tcp_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "net/data_socket.h"
#include "net/socket_posix.h"
#include "tests/unit/net/net_support.h"

namespace callboard::net::tcp_connection_test {
namespace {

// A listening socket whose queue is full: connecting to it gets no answer.
struct DeafListener {
  Fd listening;
  std::vector<Fd> waiting;
  Endpoint at;

  DeafListener() {
    listening = std::move(*open_socket(AF_INET, SOCK_STREAM));
    const auto any = *numeric_address({"127.0.0.1", 0});
    REQUIRE(::bind(listening.get(), any.get(), any.size_bytes) == 0);
    REQUIRE(::listen(listening.get(), 0) == 0);
    at = local_of(listening.get());
    const auto target = *numeric_address(at);
    for (int i = 0; i < 3; ++i) {
      waiting.push_back(std::move(*open_socket(AF_INET, SOCK_STREAM)));
      static_cast<void>(
          ::connect(waiting.back().get(), target.get(), target.size_bytes));  // The last ones hang.
    }
  }
};

Endpoint unused_endpoint() {
  const Fd bound = std::move(*open_socket(AF_INET, SOCK_STREAM));
  const auto any = *numeric_address({"127.0.0.1", 0});
  REQUIRE(::bind(bound.get(), any.get(), any.size_bytes) == 0);
  return local_of(bound.get());
}

}  // namespace

TEST_CASE("what one side writes the other reads, both ways, and both know each other's address") {
  Loop loop;
  Link link(loop);
  CHECK(link.client.connection->peer() == link.listener->local());
  CHECK(link.server.connection->peer() == link.client.connection->local());
  link.client.connection->write(pattern(1000, 1));
  link.server.connection->write(pattern(2000, 2));
  REQUIRE(loop.run_until(
      [&] { return link.client.received.size() == 2000 && link.server.received.size() == 1000; },
      kTestLimit));
  CHECK(link.server.received == pattern(1000, 1));
  CHECK(link.client.received == pattern(2000, 2));
  CHECK(link.server.connection->received_bytes() == 1000);
}

TEST_CASE("thousands of shared buffers of all sizes arrive in order") {
  Loop loop;
  Link link(loop);
  Bytes expected;
  for (std::uint32_t i = 0; i < 3000; ++i) {
    auto bytes = std::make_shared<const Bytes>(pattern(i % 7 == 0 ? 20'000 : i % 100, i));
    expected.insert(expected.end(), bytes->begin(), bytes->end());
    link.client.connection->write(bytes);
  }
  CHECK(link.client.connection->unsent_bytes() == expected.size());
  REQUIRE(loop.run_until([&] { return link.server.received.size() >= expected.size(); }, kTestLimit));
  CHECK(link.server.received == expected);
  REQUIRE(loop.run_until([&] { return link.client.drained > 0; }, kTestLimit));
  CHECK(link.client.connection->unsent_bytes() == 0);
  CHECK(link.client.connection->sent_bytes() == expected.size());
}

TEST_CASE("what is in many parts goes out in one turn where the kernel has room, and is not held up") {
  Loop loop;
  Link link(loop);
  constexpr std::size_t kParts = 40;  // More than are offered at a time, each too long to be copied together.
  for (std::uint32_t i = 0; i < kParts; ++i)
    link.client.connection->write(std::make_shared<const Bytes>(pattern(1200, i)));
  const std::uint64_t turn = loop.turn();
  loop.run_until([&] { return link.client.connection->sent_bytes() == kParts * 1200; }, kTestLimit);
  CHECK(link.client.connection->sent_bytes() == kParts * 1200);
  CHECK(loop.turn() <= turn + 1);
  CHECK(link.client.held_up == 0);
}

TEST_CASE("of many that write in a turn each sends its own, whatever becomes of the others") {
  Loop loop;
  // Some go out while the others are written to.
  std::vector<std::unique_ptr<Link>> links;
  for (std::size_t i = 0; i < kSendsAtOnce + 3; ++i) links.push_back(std::make_unique<Link>(loop));
  const auto own = [](std::size_t i) { return pattern(100 + i, static_cast<std::uint32_t>(i + 1)); };
  const std::size_t last = links.size() - 1;
  Bytes released_early{1};
  Bytes released;
  loop.post([&] {
    for (std::size_t i = 0; i < links.size(); ++i) links[i]->client.connection->write(own(i));
    links[0]->client.connection.reset();
    links[1]->client.connection->close_after_flush(1s);
    released_early = links[2]->client.connection->release_socket()->unsent;
    links[3]->client.connection->write(pattern(50, 9));
    links[last]->client.connection.reset();
    released = links[last - 1]->client.connection->release_socket()->unsent;
    links[last - 2]->client.connection->close_after_flush(1s);
  });
  const auto has_all = [&](std::size_t i) {
    Bytes expected = own(i);
    const Bytes more = pattern(50, 9);
    if (i == 3) expected.insert(expected.end(), more.begin(), more.end());
    return links[i]->server.received == expected;
  };
  REQUIRE(loop.run_until(
      [&] {
        for (std::size_t i = 0; i + 2 < links.size(); ++i) {
          if (!has_all(i)) return false;
        }
        return links[last]->server.ended == 1 && links[1]->server.ended == 1;
      },
      kTestLimit));
  CHECK(released_early.empty());
  CHECK(released == own(last - 1));
  CHECK(links[last]->server.received.empty());
  CHECK(links[4]->client.drained == 1);
}

TEST_CASE("what is written at once in a turn is gone when the call returns, and never overtakes what waits") {
  Loop loop;
  Link link(loop);
  TcpConnection& client = *link.client.connection;
  const SharedBytes piece = pattern(2100, 1);
  Bytes expected;
  const auto expect = [&](ByteView bytes) { expected.insert(expected.end(), bytes.begin(), bytes.end()); };
  const auto write_at_once = [&] {
    client.write_at_once(piece);
    expect(piece.view);
  };

  loop.post([&] {
    write_at_once();
    CHECK(client.unsent_bytes() == 0);
    CHECK(client.sent_bytes() == expected.size());
    client.write(pattern(50, 3));
    expect(pattern(50, 3));
    write_at_once();
    CHECK(client.unsent_bytes() == 2150);
  });
  REQUIRE(loop.run_until([&] { return !expected.empty(); }, kTestLimit));
  REQUIRE(loop.run_until([&] { return link.server.received.size() >= expected.size(); }, kTestLimit));
  CHECK(link.server.received == expected);

  link.server.connection->pause_reading();
  const std::size_t before = expected.size();
  loop.post([&] {
    for (int i = 0; i < 10'000; ++i) write_at_once();
  });
  REQUIRE(loop.run_until([&] { return expected.size() > before; }, kTestLimit));
  CHECK(client.unsent_bytes() > 0);
  CHECK(client.unsent_bytes() + client.sent_bytes() == expected.size());
  link.server.connection->resume_reading();
  REQUIRE(loop.run_until([&] { return link.server.received.size() >= expected.size(); }, kTestLimit));
  CHECK(link.server.received == expected);
}

TEST_CASE("a flood is read a share in each turn, and arrives whole") {
  constexpr std::size_t kFlooders = 24;
  constexpr std::size_t kFlood = 1 * MiB;
  // As libuv reads, into one buffer.
  constexpr std::uint64_t kBuffer = 16 * KiB;
  Loop loop;
  std::uint64_t turn = 0;
  std::uint64_t of_turn = 0;
  std::uint64_t most_of_all = 0;
  std::size_t received = 0;
  std::vector<std::uint64_t> of_each(kFlooders);
  std::uint64_t most_of_one = 0;
  const auto count = [&](std::size_t who, std::size_t size_bytes) {
    if (std::exchange(turn, loop.turn()) != loop.turn()) {
      of_turn = 0;
      of_each.assign(kFlooders, 0);
    }
    received += size_bytes;
    most_of_all = std::max(most_of_all, of_turn += size_bytes);
    most_of_one = std::max(most_of_one, of_each[who] += size_bytes);
  };
  std::vector<std::unique_ptr<TcpConnection>> readers;
  std::vector<Peer> flooders(kFlooders);
  const auto accept = [&](std::unique_ptr<TcpConnection> reader) {
    const std::size_t who = readers.size();
    readers.push_back(std::move(reader));
    readers.back()->start({.on_connected = {},
                           .on_bytes = [&, who](ByteView bytes) { count(who, bytes.size()); },
                           .on_drained = {},
                           .on_ended = [](const Error&) {}});
  };
  const auto listener = std::move(*TcpListener::listen(loop, {"127.0.0.1", 0}, {accept, {}}));
  for (Peer& each : flooders) {
    each.connection = TcpConnection::connect(loop, listener->local(), kTestLimit, each.handlers());
    each.connection->write(pattern(kFlood, 1));
  }
  REQUIRE(loop.run_until([&] { return received == kFlooders * kFlood; }, kTestLimit));
  CHECK(most_of_one == kReadShare);
  CHECK(most_of_all <= kReadOfAll + kFlooders * kBuffer);
}

TEST_CASE("a peer that does not read makes unsent_bytes grow, and reading again drains it") {
  Loop loop;
  Link link(loop);
  link.server.connection->pause_reading();
  const auto megabyte = std::make_shared<const Bytes>(pattern(1 * MiB));
  for (int i = 0; i < 32; ++i) {
    link.client.connection->write(megabyte);
  }
  int turns = 0;
  loop.run_until([&] { return ++turns > 50; }, 50ms);  // Nothing happens once the way is full.
  CHECK(link.server.received.empty());
  CHECK(link.client.held_up == 1);
  CHECK(link.client.drained == 0);
  CHECK(link.client.connection->unsent_bytes() > 8 * MiB);
  CHECK(link.client.connection->unsent_bytes() + link.client.connection->sent_bytes() == 32 * MiB);
  link.server.connection->resume_reading();
  REQUIRE(loop.run_until([&] { return link.server.received.size() == 32 * MiB; }, kTestLimit));
  REQUIRE(loop.run_until([&] { return link.client.drained == 1; }, kTestLimit));
  CHECK(link.client.connection->unsent_bytes() == 0);
}

TEST_CASE("bytes written before the connection is there wait for it") {
  Loop loop;
  Peer server;
  auto listener = TcpListener::listen(loop, {"127.0.0.1", 0},
                                      {[&](std::unique_ptr<TcpConnection> accepted) {
                                         server.connection = std::move(accepted);
                                         server.connection->start(server.handlers());
                                       },
                                       {}});
  REQUIRE(listener);
  Peer client;
  // A name, so that it is looked up.
  client.connection =
      TcpConnection::connect(loop, {"localhost", (*listener)->local().port}, kTestLimit, client.handlers());
  client.connection->write(pattern(500));
  client.connection->close_after_flush(kTestLimit);
  REQUIRE(loop.run_until([&] { return server.ended == 1; }, kTestLimit));
  CHECK(server.received == pattern(500));
  CHECK(server.why.outcome == Outcome::done);
}

TEST_CASE("a connection nobody accepts ends as not found") {
  Loop loop;
  Peer client;
  client.connection = TcpConnection::connect(loop, unused_endpoint(), kTestLimit, client.handlers());
  CHECK(client.ended == 0);
  loop.run();
  CHECK(client.ended == 1);
  CHECK(client.connected == 0);
  CHECK(client.why.outcome == Outcome::not_found);
  CHECK(client.why.text.find("connect to 127.0.0.1:") == 0);
}

TEST_CASE("a host that does not answer ends the connection at its time limit") {
  Loop loop;
  const DeafListener deaf;
  Peer client;
  client.connection = TcpConnection::connect(loop, deaf.at, 30ms, client.handlers());
  loop.run();
  CHECK(client.ended == 1);
  CHECK(client.why.outcome == Outcome::timed_out);
}

TEST_CASE("a connection given up while it is being made tells nothing") {
  Loop loop;
  const DeafListener deaf;
  Peer client;
  client.connection = TcpConnection::connect(loop, deaf.at, 1h, client.handlers());
  client.connection.reset();
  loop.run();
  CHECK(client.ended == 0);
}

TEST_CASE("closing tells the end exactly once, later, and the peer sees an orderly end") {
  Loop loop;
  Link link(loop);
  link.client.connection->close();
  link.client.connection->close();
  CHECK(link.client.ended == 0);
  CHECK(link.client.connection->is_closing());
  REQUIRE(loop.run_until([&] { return link.server.ended == 1 && link.client.ended == 1; }, kTestLimit));
  CHECK(link.client.why.outcome == Outcome::cancelled);
  CHECK(link.server.why.outcome == Outcome::done);
  link.client.connection->write(pattern(10));
  CHECK(link.client.connection->unsent_bytes() == 0);
}

TEST_CASE("closing after a flush delivers everything, though the peer has sent what nobody reads") {
  Loop loop;
  Link link(loop);
  link.server.connection->pause_reading();
  link.client.connection->write(pattern(100'000));
  REQUIRE(loop.run_until([&] { return link.client.drained == 1; }, kTestLimit));
  link.server.connection->write(pattern(3 * MiB, 7));
  link.server.connection->close_after_flush(kTestLimit);
  REQUIRE(loop.run_until([&] { return link.client.ended == 1 && link.server.ended == 0; }, kTestLimit));
  CHECK(link.client.received == pattern(3 * MiB, 7));
  CHECK(link.client.why.outcome == Outcome::done);
  REQUIRE(loop.run_until([&] { return link.server.ended == 1; }, kTestLimit));
  CHECK(link.server.why.outcome == Outcome::done);
  CHECK(link.server.received.empty());
}

TEST_CASE("a flush that the peer does not take is cut off at its limit") {
  Loop loop;
  Link link(loop);
  link.client.connection->pause_reading();
  link.server.connection->write(pattern(32 * MiB));
  link.server.connection->close_after_flush(30ms);
  REQUIRE(loop.run_until([&] { return link.server.ended == 1; }, kTestLimit));
  CHECK(link.server.why.outcome == Outcome::interrupted);
}

TEST_CASE("a reset by the peer ends the connection as interrupted") {
  Loop loop;
  Link link(loop);
  auto released = link.client.connection->release_socket();
  REQUIRE(released);
  loop.run_until([] { return true; }, 0s);
  reset_on_close(released->fd.get());
  released->fd.reset();
  link.listener.reset();
  link.client.connection.reset();
  REQUIRE(loop.run_until([&] { return link.server.ended == 1; }, kTestLimit));
  CHECK(link.server.why.outcome == Outcome::interrupted);
}

TEST_CASE("a connection may be destroyed inside each of its handlers") {
  const auto which = GENERATE(0, 1, 2, 3);
  INFO("handler " << which);
  Loop loop;
  Link link(loop);
  std::unique_ptr<TcpConnection> doomed;
  std::string seen;
  int calls = 0;
  const auto destroy = [&, text = std::string(100, 'x')] {
    ++calls;
    doomed.reset();
    seen = text;
  };
  TcpConnection::Handlers handlers;
  handlers.on_bytes = [](ByteView) {};
  handlers.on_ended = [](const Error&) {};
  if (which == 0) {
    handlers.on_connected = destroy;
  } else if (which == 1) {
    handlers.on_bytes = [destroy](ByteView) { destroy(); };
  } else if (which == 2) {
    handlers.on_drained = destroy;
  } else {
    handlers.on_ended = [destroy](const Error&) { destroy(); };
  }
  link.server.connection.reset();
  doomed = TcpConnection::connect(loop, link.listener->local(), kTestLimit, handlers);
  doomed->write(pattern(100));
  REQUIRE(loop.run_until([&] { return link.server.connection != nullptr || calls == 1; }, kTestLimit));
  if (link.server.connection) {
    link.server.connection->write(pattern(100));
    if (which == 3) {
      link.server.connection->close_after_flush(kTestLimit);
    }
  }
  REQUIRE(loop.run_until([&] { return calls == 1; }, kTestLimit));
  CHECK(seen == std::string(100, 'x'));
  loop.run_until([] { return true; }, 0s);
  CHECK(calls == 1);
}

TEST_CASE("a released socket goes on where the connection stopped, unsent bytes included") {
  Loop loop;
  Link link(loop);
  link.client.connection->pause_reading();
  link.server.connection->write(pattern(6 * MiB, 3));
  int turns = 0;
  loop.run_until([&] { return ++turns > 20; }, 100ms);
  link.server.connection->write(Bytes(10, std::byte{1}));
  const auto partly = link.server.connection->sent_bytes();
  auto released = link.server.connection->release_socket();
  REQUIRE(released);
  CHECK(partly > 0);
  CHECK(released->unsent.size() == 6 * MiB + 10 - partly);
  CHECK_FALSE(link.server.connection->release_socket());
  link.server.connection.reset();

  DataSocket socket(std::move(released->fd));
  link.client.connection->resume_reading();
  bool is_written = false;
  std::thread writer([&] { is_written = socket.write(released->unsent) && socket.finish_writing(); });
  REQUIRE(loop.run_until([&] { return link.client.ended == 1; }, kTestLimit));
  writer.join();
  CHECK(is_written);
  Bytes expected = pattern(6 * MiB, 3);
  expected.insert(expected.end(), 10, std::byte{1});
  CHECK(link.client.received == expected);
  CHECK(link.server.ended == 0);
}

TEST_CASE("IPv6 loopback works like IPv4") {
  Loop loop;
  Peer server;
  auto listener = TcpListener::listen(loop, {"::1", 0},
                                      {[&](std::unique_ptr<TcpConnection> accepted) {
                                         server.connection = std::move(accepted);
                                         server.connection->start(server.handlers());
                                       },
                                       {}});
  if (!listener) {
    WARN("no IPv6 here: " << listener.error().text);
    return;
  }
  Peer client;
  client.connection = TcpConnection::connect(loop, (*listener)->local(), kTestLimit, client.handlers());
  client.connection->write(pattern(10));
  REQUIRE(loop.run_until([&] { return server.received.size() == 10; }, kTestLimit));
  CHECK(server.connection->peer().host == "::1");
}

}  // namespace callboard::net::tcp_connection_test
