// What --mirror asks before it removes more than half.
#include <catch2/catch.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/tree.h"
#include "tests/unit/client/transfer_rig.h"

namespace callboard::client::transfer_brake_test {
namespace {

namespace fs = std::filesystem;
using support::read_file;
using support::write_file;

}  // namespace

TEST_CASE("--mirror of an empty folder removes nothing until somebody agrees") {
  TransferRig rig;
  for (const std::string name : {"a", "b", "c"}) write_file(rig.taker() / name, name);
  const Ends refused = rig.pull(mirroring());
  CHECK(refused.pull.outcome == Outcome::refused);
  CHECK(refused.pull.text ==
        "3 of 3 files here would be removed, more than half: nothing was changed, --yes agrees");
  CHECK(refused.pull.removals_refused == 3);
  CHECK(fs::exists(rig.taker() / "a"));
  write_file(rig.giver() / "a", "a");
  write_file(rig.giver() / "b", "b");
  const Ends third = rig.pull(mirroring());
  CHECK(third.pull.outcome == Outcome::done);
  CHECK(third.pull.removed.size() == 1);
  fs::remove(rig.giver() / "a");
  fs::remove(rig.giver() / "b");
  CHECK(rig.pull(mirroring(true)).pull.removed.size() == 2);
  CHECK_FALSE(fs::exists(rig.taker() / "a"));
}

TEST_CASE("--mirror of another folder than was meant changes nothing at all until somebody agrees") {
  TransferRig rig;
  for (int i = 0; i < 10; ++i) write_file(rig.taker() / ("mine" + std::to_string(i)), std::to_string(i));
  write_file(rig.giver() / "mine0", "theirs");
  write_file(rig.giver() / "new", "theirs");
  const Ends refused = rig.pull(mirroring());
  CHECK(refused.pull.outcome == Outcome::refused);
  CHECK(refused.pull.removals_refused == 9);
  CHECK(refused.pull.removals_refused_of == 10);
  CHECK_FALSE(refused.pull.has_changed);
  CHECK(refused.pull.conflicts.empty());
  CHECK(refused.give.files == 0);
  CHECK(read_file(rig.taker() / "mine0") == "0");
  CHECK_FALSE(fs::exists(rig.taker() / "new"));
  CHECK(rig.pull(mirroring(true)).pull.removed.size() == 9);
  CHECK(rig.differences() == std::vector<std::string>{});
}

TEST_CASE(
    "--mirror of another folder changes nothing either where rules would come, or something cannot be had") {
  TransferRig rig;
  for (int i = 0; i < 10; ++i) write_file(rig.taker() / ("mine" + std::to_string(i)), std::to_string(i));
  write_file(rig.giver() / "mine0", "theirs");
  SECTION("rules") { write_file(rig.giver() / ".callboardignore", "*.tmp\n"); }
  SECTION("a link that leaves the folder") { fs::create_symlink("/etc/passwd", rig.giver() / "out"); }
  const Ends refused = rig.pull(mirroring());
  CHECK(refused.pull.outcome == Outcome::refused);
  CHECK_FALSE(refused.pull.has_changed);
  CHECK(read_file(rig.taker() / "mine0") == "0");
}

}  // namespace callboard::client::transfer_brake_test
