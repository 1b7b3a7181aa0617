#include "net/data_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <future>
#include <string_view>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "net/socket_posix.h"
#include "tests/unit/net/net_support.h"

namespace callboard::net::data_socket_test {
namespace {

struct Sockets {
  std::unique_ptr<DataSocket> one;
  std::unique_ptr<DataSocket> other;
  Sockets() {
    auto [first, second] = socket_pair();
    one = std::make_unique<DataSocket>(std::move(first));
    other = std::make_unique<DataSocket>(std::move(second));
  }
};

Bytes read_all(DataSocket& socket) {
  Bytes all;
  Bytes buffer(64 * KiB);
  for (;;) {
    const auto got = socket.read_some(buffer);
    if (!got || *got == 0) {
      return all;
    }
    all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*got));
  }
}

Fd file_of(const Bytes& content) {
  Fd fd(::memfd_create("content", MFD_CLOEXEC));
  REQUIRE(fd);
  REQUIRE(::write(fd.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  return fd;
}

}  // namespace

TEST_CASE("a data socket connects, writes, reads and counts") {
  auto listening = std::move(*open_socket(AF_INET, SOCK_STREAM));
  const auto any = *numeric_address({"127.0.0.1", 0});
  REQUIRE(::bind(listening.get(), any.get(), any.size_bytes) == 0);
  REQUIRE(::listen(listening.get(), 1) == 0);
  set_nonblocking(listening.get(), false);
  DataSocket client;
  CHECK_FALSE(client.is_open());
  REQUIRE(client.connect(local_of(listening.get()), kTestLimit));
  DataSocket server(Fd(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  REQUIRE(client.write(pattern(1000), DataSocket::More::yes));
  REQUIRE(client.write(pattern(500, 2)));
  Bytes got(1000);
  REQUIRE(server.read_exactly(got));
  CHECK(got == pattern(1000));
  got.resize(500);
  REQUIRE(server.read_exactly(got));
  CHECK(got == pattern(500, 2));
  CHECK(client.sent_bytes() == 1500);
  CHECK(server.received_bytes() == 1500);
}

TEST_CASE("neither end of a connection paces what it sends, whatever the system's default") {
  auto [connected, accepted] = socket_pair();
  for (const Fd* end : {&connected, &accepted}) {
    char name[16] = {};
    socklen_t size_bytes = sizeof(name) - 1;
    REQUIRE(::getsockopt(end->get(), IPPROTO_TCP, TCP_CONGESTION, name, &size_bytes) == 0);
    CHECK_FALSE(std::string_view(name).starts_with("bbr"));
  }
}

TEST_CASE("more parts than one call takes arrive whole and in order, empty ones among them") {
  Sockets sockets;
  std::vector<Bytes> parts;
  Bytes expected;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    parts.push_back(pattern(i % 5 == 0 ? 0 : (i * 37) % 4000, i));
    expected.insert(expected.end(), parts.back().begin(), parts.back().end());
  }
  const std::vector<ByteView> views(parts.begin(), parts.end());
  auto received = std::async(std::launch::async, [&] { return read_all(*sockets.other); });
  REQUIRE(sockets.one->write_parts(views));
  REQUIRE(sockets.one->finish_writing());
  CHECK(received.get() == expected);
  CHECK(sockets.one->sent_bytes() == expected.size());
}

TEST_CASE("a file is sent from an offset, and a shorter one says how much there was") {
  Sockets sockets;
  const Bytes content = pattern(9 * MiB);
  const Fd file = file_of(content);
  auto received = std::async(std::launch::async, [&] { return read_all(*sockets.other); });
  const auto sent = sockets.one->send_file(file.get(), 1000, 6 * MiB);
  REQUIRE(sent);
  CHECK(*sent == 6 * MiB);
  const auto rest = sockets.one->send_file(file.get(), 9 * MiB - 10, 100);
  REQUIRE(rest);
  CHECK(*rest == 10);
  REQUIRE(sockets.one->finish_writing());
  const Bytes got = received.get();
  REQUIRE(got.size() == 6 * MiB + 10);
  CHECK(std::ranges::equal(ByteView(got).first(6 * MiB), ByteView(content).subspan(1000, 6 * MiB)));
  CHECK(std::ranges::equal(ByteView(got).last(10), ByteView(content).last(10)));
}

TEST_CASE("a peer that is gone makes writing and sendfile fail without ending the process") {
  Sockets sockets;
  const Fd file = file_of(pattern(1 * MiB));
  sockets.other.reset();
  Result<void> written;
  for (int i = 0; i < 100 && written; ++i) {
    written = sockets.one->write(pattern(64 * KiB));
  }
  REQUIRE(!written);
  CHECK(written.error().outcome == Outcome::interrupted);
  const auto sent = sockets.one->send_file(file.get(), 0, 1 * MiB);
  REQUIRE(!sent);
  CHECK(sent.error().outcome == Outcome::interrupted);
}

TEST_CASE("a peer that closes early is an end to read_some and an error to read_exactly") {
  Sockets sockets;
  REQUIRE(sockets.one->write(pattern(10)));
  REQUIRE(sockets.one->finish_writing());
  Bytes into(11);
  const auto got = sockets.other->read_exactly(into);
  REQUIRE(!got);
  CHECK(got.error().outcome == Outcome::interrupted);
  CHECK(*sockets.other->read_some(into) == 0);
}

TEST_CASE("interrupt frees a thread that reads and one that writes, and every later call fails") {
  Sockets sockets;
  auto reading = std::async(std::launch::async, [&] {
    Bytes into(10);
    return sockets.one->read_exactly(into);
  });
  auto writing = std::async(std::launch::async, [&] {
    const Bytes megabyte(1 * MiB);
    Result<void> written;
    while (written) {
      written = sockets.one->write(megabyte);
    }
    return written;
  });
  sockets.one->interrupt();
  const auto read = reading.get();
  const auto written = writing.get();
  REQUIRE(!read);
  CHECK(read.error().outcome == Outcome::interrupted);
  REQUIRE(!written);
  CHECK(written.error().outcome == Outcome::interrupted);
  CHECK(!sockets.one->write(pattern(1)));
  DataSocket never;
  never.interrupt();
  const auto connected = never.connect({"127.0.0.1", 9}, kTestLimit);
  REQUIRE(!connected);
  CHECK(connected.error().outcome == Outcome::interrupted);
}

TEST_CASE("what two secured sockets say arrives as it was, from memory and from files, and not on the wire") {
  const AccessKey key = make_access_key(system_random());
  Sockets sockets;
  auto giving = std::async(std::launch::async, [&] {
    return sockets.one->secure(TlsEngine::server([&](std::string_view identity) {
      return identity == key.identity ? std::optional(key.secret) : std::nullopt;
    }));
  });
  REQUIRE(sockets.other->secure(TlsEngine::client(key)));
  REQUIRE(giving.get());
  const Bytes content = pattern(2'000'000);
  const Fd file(::memfd_create("content", MFD_CLOEXEC));
  REQUIRE(::write(file.get(), content.data(), content.size()) == std::ssize(content));
  auto sending = std::async(std::launch::async, [&] {
    const ByteView parts[] = {ByteView(content).first(3), {}, ByteView(content).first(700'000)};
    if (auto written = sockets.one->write_parts(parts, DataSocket::More::yes); !written) return written;
    const auto sent = sockets.one->send_file(file.get(), 5, content.size());
    CHECK(sent.value() == content.size() - 5);
    return sockets.one->write(ByteView(content).first(1));
  });
  Bytes expected(content.begin(), content.begin() + 3);
  expected.insert(expected.end(), content.begin(), content.begin() + 700'000);
  expected.insert(expected.end(), content.begin() + 5, content.end());
  expected.push_back(content[0]);
  Bytes got(expected.size());
  REQUIRE(sockets.other->read_exactly(got));
  CHECK(got == expected);
  CHECK(sending.get());
  CHECK(sockets.one->sent_bytes() > expected.size());
  REQUIRE(sockets.one->finish_writing());
  CHECK(sockets.other->read_some(got).value() == 0);
}

TEST_CASE("who does not have the transfer's key is told nothing on a secured socket") {
  Sockets sockets;
  auto giving = std::async(std::launch::async, [&] {
    return sockets.one->secure(TlsEngine::server([](std::string_view) { return std::optional(Secret{}); }));
  });
  const auto taken = sockets.other->secure(TlsEngine::client(make_access_key(system_random())));
  REQUIRE_FALSE(taken);
  CHECK(taken.error().outcome == Outcome::interrupted);
  CHECK_FALSE(giving.get());
}

TEST_CASE("silence beyond the limit is timed out") {
  Sockets sockets;
  REQUIRE(sockets.one->set_silence_limit(10ms));
  Bytes into(1);
  const auto got = sockets.one->read_some(into);
  REQUIRE(!got);
  CHECK(got.error().outcome == Outcome::timed_out);
}

TEST_CASE("connecting to nobody is not found") {
  Fd bound = std::move(*open_socket(AF_INET, SOCK_STREAM));
  const auto any = *numeric_address({"127.0.0.1", 0});
  REQUIRE(::bind(bound.get(), any.get(), any.size_bytes) == 0);
  DataSocket socket;
  const auto connected = socket.connect(local_of(bound.get()), kTestLimit);
  REQUIRE(!connected);
  CHECK(connected.error().outcome == Outcome::not_found);
  CHECK_FALSE(socket.is_open());
}

}  // namespace callboard::net::data_socket_test
