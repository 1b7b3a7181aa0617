#include "client/taker_state.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include <catch2/catch.hpp>

#include "client/patient_ops.h"

namespace callboard::client::taker_state_test {
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

TEST_CASE("totals are known before the listing is, as the most it may come to, and exact after it") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const Fd other(ends[1]);
  net::DataSocket socket{Fd(ends[0])};
  TakerState state(socket);
  CHECK(state.progress().bytes_total == 0);
  state.set_announced(100, 5000);
  state.count_wanted(300);
  state.on_content(100);
  PullProgress progress = state.progress();
  CHECK_FALSE(progress.listed);
  CHECK(progress.files_total == 100);
  CHECK(progress.bytes_total == 5000);
  CHECK(progress.files_left() == 100);
  CHECK(progress.bytes_left() == 4900);
  state.set_listed();
  state.on_staged();
  progress = state.progress();
  CHECK(progress.files_total == 1);
  CHECK(progress.bytes_total == 300);
  CHECK(progress.files_left() == 0);
  CHECK(progress.bytes_left() == 200);
}

TEST_CASE(
    "time left is what is neither done nor reused, at the present rate, and unknown while nothing comes") {
  PullProgress progress;
  CHECK(progress.seconds_left() == 0);
  progress.bytes_total = 1000;
  CHECK_FALSE(progress.seconds_left());
  progress.bytes_done = 300;
  progress.bytes_reused = 200;
  progress.bytes_per_second = 100;
  CHECK(progress.seconds_left() == 5);
  progress.bytes_per_second = 120;
  CHECK(progress.seconds_left() == 5);
  // More came than was wanted, in vain.
  progress.bytes_reused = 900;
  CHECK(progress.bytes_left() == 0);
  CHECK(progress.seconds_left() == 0);
}

TEST_CASE("once a pull is cancelled no content is read or written any more, and what lies about is removed") {
  int ends[2] = {-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const Fd other(ends[1]);
  net::DataSocket socket{Fd(ends[0])};
  TakerState state(socket);
  sync::FileOps system;
  PatientOps ops(system, state);
  std::array<std::byte, 1> byte{};
  CHECK(ops.read_some(-1, byte).error == EBADF);
  state.cancel();
  CHECK(ops.read_some(-1, byte).error == ECANCELED);
  CHECK(ops.write_some(-1, byte).error == ECANCELED);
  CHECK(ops.copy_some(-1, -1, 1).error == ECANCELED);
  CHECK(ops.remove_file({-1, "x"}) == EBADF);
}

}  // namespace callboard::client::taker_state_test
