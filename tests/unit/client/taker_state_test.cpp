#include "client/taker_state.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

namespace callboard::client {
namespace {

protocol::GiverFrame opened() {
  protocol::OpenedItem item;
  item.entry.kind = EntryKind::directory;
  protocol::Opened frame;
  frame.items.push_back(item);
  return frame;
}

protocol::GiverFrame listing(const std::string& directory) {
  protocol::Listing frame;
  frame.number = 1;
  frame.directory = directory;
  return frame;
}

}  // namespace

// The planner ends when nothing is listed any more: a listing that is answered but not yet in its hands must count.
TEST_CASE("the last listing counts as under way from its frame until the planner has it") {
  int ends[2] = {-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const Fd other(ends[1]);
  net::DataSocket socket{Fd(ends[0])};
  TakerState state(socket);
  REQUIRE(state.open(protocol::OpenMode::pull, {protocol::OpenItem{"dev", {}}}));
  const auto first = state.on_frame(opened());
  REQUIRE(first);
  CHECK_FALSE(first->has_value());
  REQUIRE(state.next_listing());
  CHECK_FALSE(state.is_listing());

  REQUIRE(state.ask({*sync::RelativePath::from_bytes("dev")}));
  CHECK(state.is_listing());
  const auto last = state.on_frame(listing("dev"));
  REQUIRE(last);
  CHECK_FALSE(last->has_value());
  CHECK(state.is_listing());
  REQUIRE(state.next_listing());
  CHECK_FALSE(state.is_listing());
}

}  // namespace callboard::client
