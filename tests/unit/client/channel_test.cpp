#include "client/channel.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <future>
#include <map>
#include <string>
#include <thread>

#include "base/fd.h"
#include "net/channel/channel_line.h"
#include "protocol/channel_frame.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::client::channel_test {
namespace {

using Catch::Contains;
using protocol::ChannelKind;

constexpr Duration kPatience = 20s;  // Only a test that hangs ever reaches it.
constexpr Duration kNoTime = 0s;

std::pair<Fd, Fd> socket_pair() {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

Bytes pattern(std::size_t size_bytes) {
  Bytes bytes(size_bytes);
  for (std::size_t i = 0; i < size_bytes; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 251);
  return bytes;
}

std::string text_of(const Result<std::optional<Bytes>>& message) {
  REQUIRE(message);
  REQUIRE(*message);
  return std::string(as_text(**message));
}

// A channel with both its ends here.
struct Pair {
  std::shared_ptr<channel::ChannelLine> our_line;
  std::shared_ptr<channel::ChannelLine> their_line;
  std::unique_ptr<Channel> theirs;
  std::unique_ptr<Channel> ours;

  Pair() {
    auto [one, other] = socket_pair();
    our_line = std::make_shared<channel::ChannelLine>(std::move(one));
    their_line = std::make_shared<channel::ChannelLine>(std::move(other));
    ours = std::make_unique<Channel>(our_line, Channel::End{"playblast", "lighting"}, Bytes());
    theirs = std::make_unique<Channel>(their_line, Channel::End{"playblast", "rigging"}, Bytes());
  }
  // There is no server whose word would be worth waiting for.
  ~Pair() {
    for (const auto& line : {our_line, their_line}) line->note_over({Outcome::done, ""});
  }
};

// One end of a channel, whose other end is spoken by hand.
struct ByHand {
  net::DataSocket peer;
  std::shared_ptr<channel::ChannelLine> line;
  std::unique_ptr<Channel> channel;

  explicit ByHand(Bytes already_read = {}) : ByHand(socket_pair(), std::move(already_read)) {}
  ByHand(std::pair<Fd, Fd> ends, Bytes already_read)
      : peer(std::move(ends.second)), line(std::make_shared<channel::ChannelLine>(std::move(ends.first))) {
    channel = std::make_unique<Channel>(line, Channel::End{"playblast", "lighting"}, std::move(already_read));
  }
  void say(ChannelKind kind, std::string_view body) { REQUIRE(peer.write(frame(kind, body))); }
  static Bytes frame(ChannelKind kind, std::string_view body) {
    Bytes bytes;
    protocol::append_frame(static_cast<std::uint8_t>(kind), as_bytes(body), bytes);
    return bytes;
  }
};

TEST_CASE("messages arrive whole, in order and with their lengths, both ways") {
  Pair pair;
  REQUIRE(pair.ours->send(as_bytes("one")));
  REQUIRE(pair.ours->send({}));
  REQUIRE(pair.ours->send(as_bytes("three")));
  REQUIRE(pair.theirs->send(as_bytes("back")));
  CHECK(text_of(pair.theirs->receive(kPatience)) == "one");
  CHECK(text_of(pair.theirs->receive(kPatience)).empty());
  CHECK(text_of(pair.theirs->receive(kPatience)) == "three");
  CHECK(text_of(pair.ours->receive(kPatience)) == "back");
  CHECK(pair.ours->sent_bytes() == 8);
  CHECK(pair.theirs->received_bytes() == 8);
  CHECK(pair.ours->name() == "playblast");
  CHECK(pair.ours->peer() == "lighting");
}

TEST_CASE("a message of any length is one message") {
  const std::size_t size_bytes = GENERATE(protocol::kChannelPieceMax - 1, protocol::kChannelPieceMax,
                                          protocol::kChannelPieceMax + 1, 3 * protocol::kChannelPieceMax + 5);
  Pair pair;
  const Bytes message = pattern(size_bytes);
  auto sending =
      std::async(std::launch::async, [&] { return pair.ours->send(message, kPatience).has_value(); });
  const auto received = pair.theirs->receive(kPatience);
  CHECK(sending.get());
  REQUIRE((received && *received));
  CHECK(**received == message);
}

TEST_CASE("bytes come as they are asked for, whatever they were written as") {
  Pair pair;
  REQUIRE(pair.ours->write(as_bytes("abc")));
  REQUIRE(pair.ours->write({}));
  REQUIRE(pair.ours->send({}));
  REQUIRE(pair.ours->send(as_bytes("def")));
  REQUIRE(pair.ours->finish());
  std::string all;
  for (;;) {
    std::array<std::byte, 2> some;
    const auto got = pair.theirs->read(some, kPatience);
    REQUIRE(got);
    if (*got == 0) break;
    all += as_text(ByteView(some).first(*got));
  }
  CHECK(all == "abcdef");
}

TEST_CASE("what came before the channel was made belongs to it, cut anywhere") {
  const Bytes whole = ByHand::frame(ChannelKind::message, "hello");
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    ByHand hand(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    if (size < whole.size()) REQUIRE(hand.peer.write(ByteView(whole).subspan(size)));
    CHECK(text_of(hand.channel->receive(kPatience)) == "hello");
  }
}

TEST_CASE("a receive that comes too early goes on later where it stood") {
  ByHand hand;
  const auto nothing = hand.channel->receive(kNoTime);
  REQUIRE_FALSE(nothing);
  CHECK(nothing.error().outcome == Outcome::timed_out);
  const Bytes whole = ByHand::frame(ChannelKind::part, "hel");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    REQUIRE(hand.peer.write(ByteView(whole).subspan(i, 1)));
    CHECK(hand.channel->receive(kNoTime).error().outcome == Outcome::timed_out);
  }
  hand.say(ChannelKind::message, "lo");
  CHECK(text_of(hand.channel->receive(kPatience)) == "hello");
}

TEST_CASE("who writes waits for who reads, and a limit ends that, and the channel") {
  ByHand hand;
  std::optional<Error> abandoned;
  hand.line->set_abandon([&](const Error& why) { abandoned = why; });
  const Bytes much = pattern(8 * MiB);
  const auto sent = hand.channel->send(much, 50ms);
  REQUIRE_FALSE(sent);
  CHECK(sent.error().outcome == Outcome::timed_out);
  CHECK(sent.error().text == "\"lighting\" does not take what is sent");
  CHECK(hand.channel->sent_bytes() < much.size());
  REQUIRE(abandoned);
  CHECK(abandoned->outcome == Outcome::interrupted);
  CHECK(hand.channel->send(as_bytes("more")).error().text == sent.error().text);
  CHECK(hand.channel->receive(kPatience).error().text == sent.error().text);
}

TEST_CASE("the other side's end is told once everything before it was read, and sending goes on") {
  Pair pair;
  REQUIRE(pair.ours->send(as_bytes("last")));
  REQUIRE(pair.ours->finish());
  CHECK(pair.ours->send(as_bytes("more")).error().outcome == Outcome::usage);
  CHECK(text_of(pair.theirs->receive(kPatience)) == "last");
  for (int i = 0; i < 2; ++i) {
    const auto end = pair.theirs->receive(kPatience);
    REQUIRE(end);
    CHECK_FALSE(*end);
  }
  REQUIRE(pair.theirs->send(as_bytes("answer")));
  CHECK(text_of(pair.ours->receive(kPatience)) == "answer");
}

TEST_CASE("a close waits until the other side has read everything and ended, too") {
  Pair pair;
  bool is_abandoned = false;
  pair.our_line->set_abandon([&](const Error&) { is_abandoned = true; });
  pair.their_line->set_abandon([&](const Error&) { is_abandoned = true; });
  auto closing = std::async(std::launch::async, [&] {
    return pair.ours->send(pattern(4 * MiB)).has_value() && pair.ours->close(kPatience).has_value();
  });
  CHECK((*pair.theirs->receive(kPatience))->size() == 4 * MiB);
  REQUIRE(pair.theirs->receive(kPatience));
  CHECK(closing.wait_for(0s) != std::future_status::ready);
  // Nothing more is to be said: with this it has ended in order.
  pair.theirs.reset();
  CHECK(closing.get());
  CHECK_FALSE(is_abandoned);
  CHECK(pair.ours->close());
  CHECK(pair.ours->send(as_bytes("x")).error().text == "the channel is closed");
}

TEST_CASE("both may close at the same time, with something unread") {
  Pair pair;
  REQUIRE(pair.ours->send(as_bytes("unread")));
  REQUIRE(pair.theirs->write(as_bytes("unread, too")));
  auto closing = std::async(std::launch::async, [&] { return pair.ours->close(kPatience).has_value(); });
  CHECK(pair.theirs->close(kPatience));
  CHECK(closing.get());
}

TEST_CASE("a close that the other side does not answer breaks it off") {
  Pair pair;
  std::optional<Error> abandoned;
  pair.our_line->set_abandon([&](const Error& why) { abandoned = why; });
  const auto closed = pair.ours->close(20ms);
  REQUIRE_FALSE(closed);
  CHECK(closed.error().outcome == Outcome::timed_out);
  CHECK(closed.error().text == "\"lighting\" did not end the channel in time");
  CHECK(abandoned);
}

TEST_CASE("a close has its limit also while another thread sends what nobody reads") {
  ByHand hand;
  auto sending = std::async(std::launch::async, [&] { return hand.channel->send(pattern(8 * MiB)); });
  Bytes first(1);
  REQUIRE(hand.peer.read_exactly(first));
  CHECK(hand.channel->send(as_bytes("more"), kNoTime).error().outcome == Outcome::timed_out);
  CHECK(hand.channel->finish(kNoTime).error().outcome == Outcome::timed_out);
  CHECK(hand.channel->close(20ms).error().text == "\"lighting\" did not end the channel in time");
  CHECK_FALSE(sending.get());
}

TEST_CASE("what is left of a message that came too late is read as bytes, or dropped at once") {
  ByHand hand;
  hand.say(ChannelKind::part, std::string(100'000, 'x'));
  CHECK(hand.channel->receive(kNoTime).error().outcome == Outcome::timed_out);
  Bytes some(60'000);
  CHECK(hand.channel->read(some, kPatience).value() == some.size());
  hand.say(ChannelKind::message, "end");
  CHECK(text_of(hand.channel->receive(kPatience)) == std::string(40'000, 'x') + "end");
}

TEST_CASE("a channel that goes before its end is broken off, and the other side hears why from the server") {
  Pair pair;
  pair.our_line->set_abandon([&](const Error& why) {
    pair.their_line->note_over({why.outcome, "\"rigging\": " + why.text});
  });
  REQUIRE(pair.ours->send(as_bytes("some")));
  pair.ours.reset();
  CHECK(text_of(pair.theirs->receive(kPatience)) == "some");
  const auto broken = pair.theirs->receive(kPatience);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().outcome == Outcome::interrupted);
  CHECK(broken.error().text == "\"rigging\": closed the channel before its end");
  CHECK(pair.theirs->send(as_bytes("x")).error().text == broken.error().text);
}

TEST_CASE("a cancel, and the end of the client, wake whoever waits") {
  Pair pair;
  const bool is_cancelled = GENERATE(true, false);
  auto waiting = std::async(std::launch::async, [&] { return pair.ours->receive().error(); });
  if (is_cancelled) {
    pair.ours->cancel();
    CHECK(waiting.get().outcome == Outcome::cancelled);
  } else {
    pair.our_line->end({Outcome::interrupted, "the server was stopped"});
    CHECK(waiting.get().text == "the server was stopped");
    CHECK(pair.ours->send(as_bytes("x")).error().text == "the server was stopped");
  }
}

TEST_CASE("a connection that breaks anywhere in a frame is an error, and never a message or an end") {
  const Bytes whole = ByHand::frame(ChannelKind::message, "hello");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    ByHand hand;
    hand.line->note_over({Outcome::interrupted, "\"lighting\" left"});
    if (size > 0) REQUIRE(hand.peer.write(ByteView(whole).first(size)));
    hand.peer.interrupt();
    const auto broken = hand.channel->receive(kPatience);
    REQUIRE_FALSE(broken);
    CHECK(broken.error().outcome == Outcome::interrupted);
    CHECK(broken.error().text == "\"lighting\" left");
  }
}

TEST_CASE("what is against the rules ends the channel, and who said it is told") {
  ByHand hand;
  std::optional<Error> abandoned;
  hand.line->set_abandon([&](const Error& why) { abandoned = why; });
  SECTION("a frame that none knows") {
    REQUIRE(hand.peer.write(Bytes(100, std::byte{0xff})));
    CHECK(hand.channel->receive(kPatience).error().outcome == Outcome::refused);
  }
  SECTION("bytes where a message belongs") {
    hand.say(ChannelKind::raw, "abc");
    CHECK_THAT(hand.channel->receive(kPatience).error().text, Contains("expected a message"));
  }
  SECTION("an end in the middle of a message") {
    hand.say(ChannelKind::part, "abc");
    hand.say(ChannelKind::end, std::string_view("\0\0\0", 3));
    CHECK_THAT(hand.channel->receive(kPatience).error().text, Contains("the rest of a message"));
  }
  SECTION("an end that is none") {
    hand.say(ChannelKind::end, "xyz");
    CHECK_THAT(hand.channel->receive(kPatience).error().text, Contains("expected an outcome"));
  }
  REQUIRE(abandoned);
  CHECK(abandoned->outcome == Outcome::refused);
  CHECK_FALSE(hand.channel->receive(kPatience));
}

TEST_CASE("an end that is not done is how the channel ended") {
  ByHand hand;
  REQUIRE(hand.peer.write(protocol::encode_channel_end({Outcome::failed, "the camera is gone"})));
  const auto ended = hand.channel->receive(kPatience);
  REQUIRE_FALSE(ended);
  CHECK(ended.error().outcome == Outcome::failed);
  CHECK(ended.error().text == "the camera is gone");
}

TEST_CASE("messages of several threads do not mix") {
  Pair pair;
  constexpr int kEach = 200;
  std::vector<std::jthread> senders;
  for (char letter = 'a'; letter < 'e'; ++letter) {
    senders.emplace_back([&, letter] {
      for (int i = 0; i < kEach; ++i)
        if (!pair.ours->send(as_bytes(std::string(1000 + static_cast<std::size_t>(i), letter)), kPatience))
          return;
    });
  }
  std::map<char, std::size_t> next;
  for (int i = 0; i < 4 * kEach; ++i) {
    const std::string message = text_of(pair.theirs->receive(kPatience));
    CHECK(message.find_first_not_of(message.front()) == std::string::npos);
    CHECK(message.size() == 1000 + next[message.front()]++);
  }
}

TEST_CASE("a file goes through as it is") {
  support::TempDir here;
  const std::size_t size_bytes = GENERATE(as<std::size_t>{}, 0, 1, 3 * MiB + 17);
  const Bytes content = pattern(size_bytes);
  support::write_file(here / "from", std::string(as_text(content)));
  Pair pair;
  auto sending = std::async(std::launch::async, [&] {
    const auto sent = pair.ours->send_file((here / "from").string());
    return sent && *sent == size_bytes && pair.ours->close(kPatience).has_value();
  });
  const auto received = pair.theirs->receive_file((here / "to").string());
  REQUIRE(received);
  CHECK(*received == size_bytes);
  CHECK(pair.theirs->close(kPatience));
  CHECK(sending.get());
  CHECK(support::read_file(here / "to") == support::read_file(here / "from"));
}

TEST_CASE("a file that cannot be read or made is named, and the channel goes on") {
  support::TempDir here;
  Pair pair;
  CHECK_THAT(pair.ours->send_file((here / "none").string()).error().text, Contains("none"));
  CHECK_THAT(pair.ours->receive_file((here / "none/file").string()).error().text, Contains("none/file"));
  REQUIRE(pair.ours->send(as_bytes("well")));
  CHECK(text_of(pair.theirs->receive(kPatience)) == "well");
}

}  // namespace
}  // namespace callboard::client::channel_test
