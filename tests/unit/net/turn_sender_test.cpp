#include "net/turn_sender.h"

#include <sys/socket.h>
#ifdef __linux__
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/limits.h"
#include "tests/support/skip.h"

namespace callboard::net::turn_sender_test {
namespace {

// One end of a connection that has something to send, and what became of it.
struct Desk final : TurnSender::Side {
  explicit Desk(std::string what) : parts{std::move(what)} {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    own = Fd(fds[0]);
    peer = Fd(fds[1]);
  }

  Sending offer(TurnSender::Parts& to) override {
    Sending sending;
    if (parts.empty()) return sending;
    for (std::size_t i = 0; i < parts.size(); ++i) to[i] = {parts[i].data(), parts[i].size()};
    sending.fd = own.get();
    sending.parts = std::span(to).first(parts.size());
    return sending;
  }
  void on_taken(std::int64_t size_bytes) override {
    REQUIRE(after == 0);
    taken = size_bytes;
  }
  void after_sending() override {
    ++after;
    if (on_after) on_after();
  }

  std::string heard() const {
    std::string text(4 * KiB, ' ');
    const ssize_t size = ::recv(peer.get(), text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return text;
  }

  Fd own;
  Fd peer;
  std::vector<std::string> parts;
  std::optional<std::int64_t> taken;
  int after = 0;
  std::function<void()> on_after;
};

// As one that the system lets do a part of them, and then no more.
class Failing final : public SendRing {
 public:
  std::size_t send(std::span<Sending> sends) override {
    ++asked;
    sends[0].taken = ::send(sends[0].fd, sends[0].parts[0].iov_base, sends[0].parts[0].iov_len, MSG_NOSIGNAL);
    return 1;
  }
  static inline int asked = 0;
};

std::vector<std::shared_ptr<Desk>> desks(std::size_t count) {
  std::vector<std::shared_ptr<Desk>> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(std::make_shared<Desk>("of " + std::to_string(i)));
  return all;
}

}  // namespace

TEST_CASE("where the system gives a ring there is one") {
#ifdef __linux__
  io_uring_params params{};
  const Fd ring(static_cast<int>(::syscall(SYS_io_uring_setup, 1, &params)));
  if (!ring) return support::skip_test("io_uring is forbidden here");
  CHECK(SendRing::open() != nullptr);
#else
  CHECK(SendRing::open() == nullptr);
#endif
}

TEST_CASE("what many have to send goes out together, whatever the system has for that") {
  const bool has_ring = GENERATE(true, false);
  const std::size_t count = GENERATE(1U, 2U, 300U);
  INFO("has_ring=" << has_ring << " count=" << count);
  TurnSender sender(has_ring ? SendRing::open() : nullptr);
  const auto all = desks(count);
  for (int round = 0; round < 3; ++round) {
    for (const auto& each : all) {
      each->after = 0;
      sender.add(each);
    }
    CHECK_FALSE(sender.is_empty());
    sender.send();
    CHECK(sender.is_empty());
    for (std::size_t i = 0; i < count; ++i) {
      CHECK(all[i]->after == 1);
      CHECK(all[i]->heard() == "of " + std::to_string(i));
    }
  }
}

TEST_CASE("each is told what became of its own: all, a part, nothing, and errors") {
  const bool has_ring = GENERATE(true, false);
  INFO("has_ring=" << has_ring);
  TurnSender sender(has_ring ? SendRing::open() : nullptr);
  const auto all = desks(6);
  all[1]->parts = {"some ", "more ", "parts"};
  all[2]->parts = {std::string(8 * MiB, 'x')};
  all[3]->parts = {};
  all[4]->peer.reset();
  all[5]->parts = {std::string(8 * MiB, 'y')};
  while (::send(all[5]->own.get(), all[5]->parts[0].data(), 4096, MSG_NOSIGNAL) > 0) {
  }
  for (const auto& each : all) sender.add(each);
  sender.send();
  CHECK(all[0]->taken == 4);
  CHECK(all[1]->heard() == "some more parts");
  REQUIRE(all[2]->taken);
  CHECK((*all[2]->taken > 0 && *all[2]->taken < static_cast<std::int64_t>(8 * MiB)));
  CHECK_FALSE(all[3]->taken);
  CHECK(all[4]->taken == -EPIPE);
  CHECK(all[5]->taken == -EAGAIN);
  for (const auto& each : all) CHECK(each->after == 1);
}

TEST_CASE("what many have goes out while others are written to, and who is called waits for the end") {
  TurnSender sender;
  const auto all = desks(kSendsAtOnce + 1);
  for (const auto& each : all) sender.add(each);
  CHECK(all.front()->heard() == "of 0");
  CHECK(all.front()->after == 0);
  CHECK(all.back()->heard().empty());
  all.front()->parts = {"again"};
  sender.add(all.front());
  sender.send();
  CHECK(all.front()->heard() == "again");
  CHECK(all.back()->heard() == "of " + std::to_string(kSendsAtOnce));
  CHECK(all.back()->after == 1);
}

TEST_CASE("what is added while others are told waits for the next time") {
  TurnSender sender;
  const auto all = desks(2);
  all[0]->on_after = [&] { sender.add(all[1]); };
  for (const auto& each : all) sender.add(each);
  sender.send();
  CHECK(all[1]->heard() == "of 1");
  CHECK(all[1]->heard().empty());
  CHECK_FALSE(sender.is_empty());
  all[0]->on_after = {};
  all[1]->after = 0;
  sender.send();
  CHECK(all[1]->heard() == "of 1");
}

TEST_CASE("a ring that fails is not used again, and nothing is sent twice or not at all") {
  Failing::asked = 0;
  TurnSender sender(std::make_unique<Failing>());
  const auto all = desks(3);
  for (int round = 0; round < 2; ++round) {
    for (const auto& each : all) {
      each->after = 0;
      sender.add(each);
    }
    sender.send();
    for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i]->heard() == "of " + std::to_string(i));
  }
  CHECK(Failing::asked == 1);
}

}  // namespace callboard::net::turn_sender_test
