// What counts as pulled before, however it came here, and what is told of what took whose place.
#include <catch2/catch.hpp>

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "sync/hash.h"
#include "tests/support/tree.h"
#include "tests/unit/client/transfer_rig.h"

namespace callboard::client::pulled_before_test {
namespace {

namespace fs = std::filesystem;
using support::read_file;
using support::write_file;

// As cp -a does it.
void copy_by_hand(const TransferRig& rig, const std::string& name) {
  fs::copy(rig.giver() / name, rig.taker() / name, fs::copy_options::copy_symlinks);
  if (!fs::is_symlink(rig.giver() / name))
    fs::last_write_time(rig.taker() / name, fs::last_write_time(rig.giver() / name));
}

void note_as_killed(const TransferRig& rig, const std::string& name, const std::string& content) {
  const Digest digest = sync::digest_of(as_bytes(content));
  write_file(rig.taker() / ".callboard/tmp/killed/pulling",
             std::string(as_text(digest.bytes)) + name + std::string(1, '\0'));
}

// What is asked for that file fails.
class Failing final : public sync::FileOps {
 public:
  Failing(sync::FileCall call, std::string name, int errno_value)
      : call_(call), name_(std::move(name)), errno_(errno_value) {}

 protected:
  int fault(sync::FileCall call, const std::string& name) override {
    return call == call_ && name == name_ ? errno_ : 0;
  }

 private:
  sync::FileCall call_;
  std::string name_;
  int errno_;
};

}  // namespace

TEST_CASE("what was copied here by hand counts as pulled once a pull found it to be the same") {
  TransferRig rig;
  write_file(rig.giver() / "a", "first");
  write_file(rig.giver() / "another", "first");
  write_file(rig.giver() / "mode", "first");
  fs::create_symlink("a", rig.giver() / "link");
  for (const char* name : {"a", "mode", "link"}) copy_by_hand(rig, name);
  fs::permissions(rig.taker() / "mode", fs::perms::owner_all);
  const Ends first = rig.pull();
  CHECK(first.pull.outcome == Outcome::done);
  CHECK(first.pull.files == 1);
  CHECK(rig.differences() == std::vector<std::string>{});
  for (const char* name : {"a", "another", "mode"}) write_file(rig.giver() / name, "second");
  fs::remove(rig.giver() / "link");
  fs::create_symlink("another", rig.giver() / "link");
  const Ends second = rig.pull();
  CHECK(second.pull.outcome == Outcome::done);
  CHECK(second.pull.conflicts.empty());
  CHECK(rig.differences() == std::vector<std::string>{});
}

TEST_CASE("a file that was copied here by hand counts as pulled once a pull of it alone found it equal") {
  TransferRig rig;
  write_file(rig.giver() / "a", "first");
  copy_by_hand(rig, "a");
  RunOptions options;
  options.request.items = {"/a"};
  options.request.on_conflict = PullRequest::OnConflict::fail;
  CHECK(rig.pull(options).pull.unchanged_files == 1);
  write_file(rig.giver() / "a", "second");
  CHECK(rig.pull(options).pull.outcome == Outcome::done);
  CHECK(rig.differences() == std::vector<std::string>{});
}

TEST_CASE("a folder that was copied here by hand as a whole counts as pulled once a pull found it equal") {
  TransferRig rig;
  const std::vector<std::string> files{"top", "dev/a", "dev/deep/b", "other/c"};
  for (const std::string& name : files) {
    write_file(rig.giver() / name, "first");
    write_file(rig.taker() / name, "first");
    fs::last_write_time(rig.taker() / name, fs::last_write_time(rig.giver() / name));
  }
  SECTION("all of it") {
    const Ends first = rig.pull();
    CHECK(first.pull.outcome == Outcome::done);
    CHECK(first.pull.unchanged_files == 4);
  }
  SECTION("and something is new") {
    write_file(rig.giver() / "new", "new");
    CHECK(rig.pull().pull.outcome == Outcome::done);
  }
  for (const std::string& name : files) write_file(rig.giver() / name, "second");
  const Ends second = rig.pull();
  CHECK(second.pull.outcome == Outcome::done);
  CHECK(second.pull.conflicts.empty());
  CHECK(rig.differences() == std::vector<std::string>{});
}

TEST_CASE("what a killed pull noted is known as pulled before anything is compared") {
  TransferRig rig;
  write_file(rig.giver() / "a", "first");
  copy_by_hand(rig, "a");
  note_as_killed(rig, "a", "first");
  write_file(rig.giver() / "a", "second");
  const Ends ends = rig.pull();
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(ends.pull.conflicts.empty());
  CHECK(ends.pull.versions.empty());
  CHECK(read_file(rig.taker() / "a") == "second");
}

TEST_CASE("a note of a killed pull that cannot be read is a problem of each pull, which brings the rest") {
  TransferRig rig;
  write_file(rig.giver() / "a", "first");
  copy_by_hand(rig, "a");
  note_as_killed(rig, "a", "first");
  write_file(rig.giver() / "b", "first");
  Failing ops(sync::FileCall::open, "pulling-0", EIO);
  RunOptions options;
  options.ops = &ops;
  for (const char* name : {"b", "c"}) {
    write_file(rig.giver() / name, "second");
    const Ends ends = rig.pull(options);
    CHECK(ends.pull.outcome == Outcome::failed);
    REQUIRE(ends.pull.problems.size() == 1);
    CHECK(ends.pull.problems.front().path == ".callboard/tmp/kept/pulling-0");
    CHECK(read_file(rig.taker() / name) == "second");
  }
}

TEST_CASE("of a conflict it is told whether the giver's file did take the place of the local one") {
  TransferRig rig;
  for (const char* name : {"free", "refused"}) {
    write_file(rig.giver() / name, "theirs");
    write_file(rig.taker() / name, "mine");
  }
  Failing ops(sync::FileCall::rename, "refused", EACCES);
  RunOptions options;
  options.ops = &ops;
  const Ends ends = rig.pull(options);
  REQUIRE(ends.pull.conflicts.size() == 2);
  CHECK(ends.pull.conflicts[0].path == "free");
  CHECK(ends.pull.conflicts[0].is_replaced);
  CHECK(ends.pull.conflicts[1].path == "refused");
  CHECK_FALSE(ends.pull.conflicts[1].is_replaced);
  CHECK(read_file(rig.taker() / "refused") == "mine");
  REQUIRE(ends.pull.versions.size() == 1);
  CHECK(ends.pull.versions.front().first == "free");
}

}  // namespace callboard::client::pulled_before_test
