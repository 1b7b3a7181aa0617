#include <catch2/catch.hpp>

#include "protocol/data_connection.h"
#include "tests/scripted/script.h"

namespace callboard::protocol::data_connection_test {
using namespace script;

namespace {

const UniqueId kTicket{0x0123, 0x4567};

Bytes text(std::string_view view) {
  const auto bytes = as_bytes(view);
  return {bytes.begin(), bytes.end()};
}

Bytes bytes_of(const ServerMessage& message) { return protocol::bytes_of(encode(message)); }

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Bytes greeting() { return bytes_of(Greeting{1, "callboard", {7, 8}}); }

}  // namespace

TEST_CASE("a data connection opens with its ticket alone") {
  const auto opening = DataConnection(kTicket, kStart).opening();
  FrameReader reader;
  reader.push(as_bytes(*opening.head));
  const auto frame = reader.next();
  REQUIRE((frame && *frame));
  const auto message = decode_client((*frame)->kind, (*frame)->body);
  REQUIRE(message);
  CHECK(std::get<Ticket>(*message).ticket == kTicket);
  CHECK_FALSE(opening.attachment);
  CHECK(reader.take_rest().empty());
}

TEST_CASE("ready may come with or without the greeting, cut anywhere, and what follows is the transfer's") {
  for (const bool greets : {true, false}) {
    const auto start = greets ? greeting() + bytes_of(Ready{}) : bytes_of(Ready{});
    const auto all = start + text("bulk");
    for (std::size_t cut = 0; cut <= all.size(); ++cut) {
      INFO("greets=" << greets << " cut=" << cut);
      DataConnection connection(kTicket, kStart);
      auto rest = ByteView(all).subspan(cut);
      const auto first = connection.on_bytes(ByteView(all).first(cut));
      REQUIRE(first);
      CHECK(*first == (cut >= start.size()));
      Bytes bulk = connection.take_rest();
      if (!*first) {
        // The rest of the reader was taken to look at it; it belongs in front of what follows.
        bulk.insert(bulk.end(), rest.begin(), rest.end());
        const auto second = connection.on_bytes(bulk);
        REQUIRE(second);
        CHECK(*second);
        bulk = connection.take_rest();
        rest = {};
      }
      bulk.insert(bulk.end(), rest.begin(), rest.end());
      CHECK(as_text(bulk) == "bulk");
      CHECK(connection.step() == DataConnection::Step::finished);
      CHECK(connection.on_time(kStart + 1h));
    }
  }
}

TEST_CASE("bye in place of ready is an error with its outcome and reason") {
  DataConnection connection(kTicket, kStart);
  const auto result =
      connection.on_bytes(greeting() + bytes_of(Bye{Outcome::refused, "the ticket is not good"}));
  REQUIRE_FALSE(result);
  CHECK(result.error().outcome == Outcome::refused);
  CHECK(result.error().text == "the ticket is not good");
  DataConnection other(kTicket, kStart);
  CHECK(other.on_bytes(bytes_of(Bye{Outcome::done, ""})).error().outcome == Outcome::interrupted);
}

TEST_CASE("a data connection takes nothing but a greeting, ready and bye") {
  for (const auto& message : every_server_message()) {
    if (std::holds_alternative<Greeting>(message) || std::holds_alternative<Ready>(message)) continue;
    INFO(verb_of(message));
    DataConnection connection(kTicket, kStart);
    CHECK_FALSE(connection.on_bytes(bytes_of(message)));
  }
  DataConnection twice(kTicket, kStart);
  CHECK_FALSE(twice.on_bytes(greeting() + greeting()));
  DataConnection garbage(kTicket, kStart);
  CHECK_FALSE(garbage.on_bytes(text("GET / HTTP/1.1\r\n\r\n")));
}

TEST_CASE("a data connection that is not ready in time is given up") {
  const DataConnection connection(kTicket, kStart);
  CHECK(connection.deadline() == kStart + 30s);
  CHECK(connection.on_time(kStart + 30s - 1ns));
  CHECK(connection.on_time(kStart + 30s).error().outcome == Outcome::timed_out);
}

}  // namespace callboard::protocol::data_connection_test
