// What docs/nasty_cases.md says of cases that have no other place: each by a whole pull.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <set>
#include <string>

#include "base/limits.h"
#include "client/transfer_limits.h"
#include "tests/support/tree.h"
#include "tests/unit/client/transfer_rig.h"

namespace callboard::client::nasty_cases_test {
namespace {

namespace fs = std::filesystem;
using support::read_file;
using support::write_file;

struct stat status_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

// Fails the calls that `rule` has an errno for.
class FailingOps final : public sync::FileOps {
 public:
  using Rule = std::function<int(sync::FileCall, const std::string&)>;
  explicit FailingOps(Rule rule) : rule_(std::move(rule)) {}

 protected:
  int fault(sync::FileCall call, const std::string& name) override { return rule_(call, name); }

 private:
  Rule rule_;
};

TEST_CASE("files with several names arrive as files of their own, and a name here is never written through") {
  TransferRig rig;
  write_file(rig.giver() / "a", "theirs");
  fs::create_hard_link(rig.giver() / "a", rig.giver() / "b");
  write_file(rig.taker() / "a", "mine");
  fs::create_hard_link(rig.taker() / "a", rig.taker() / "twin of a");
  REQUIRE(rig.pull().pull.outcome == Outcome::superseded);  // Both have made an "a".
  CHECK(read_file(rig.taker() / "a") == "theirs");
  CHECK(read_file(rig.taker() / "b") == "theirs");
  CHECK(status_of(rig.taker() / "a").st_ino != status_of(rig.taker() / "b").st_ino);
  CHECK(read_file(rig.taker() / "twin of a") == "mine");
}

TEST_CASE("permissions arrive, but never the bits that lend somebody's rights") {
  TransferRig rig;
  write_file(rig.giver() / "tool", "x");
  write_file(rig.giver() / "plain", "x");
  REQUIRE(::chmod((rig.giver() / "tool").c_str(), 06755) == 0);
  REQUIRE(::chmod((rig.giver() / "plain").c_str(), 0640) == 0);
  fs::create_directory(rig.giver() / "shared");
  REQUIRE(::chmod((rig.giver() / "shared").c_str(), 03775) == 0);
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  CHECK((status_of(rig.taker() / "tool").st_mode & 07777) == 0755);
  CHECK((status_of(rig.taker() / "plain").st_mode & 07777) == 0640);
  CHECK((status_of(rig.taker() / "shared").st_mode & 07777) == 0775);
  CHECK(rig.pull().pull.files == 0);
}

TEST_CASE("clocks that go wrong decide nothing: the giver's content arrives, older or newer") {
  TransferRig rig;
  for (const std::int64_t seconds : {std::int64_t{0}, std::int64_t{4'000'000'000}}) {
    const std::string content = "of second " + std::to_string(seconds);
    write_file(rig.giver() / "a", content);
    const timespec times[2] = {{0, UTIME_OMIT}, {seconds, 0}};
    REQUIRE(::utimensat(AT_FDCWD, (rig.giver() / "a").c_str(), times, 0) == 0);
    REQUIRE(rig.pull().pull.outcome == Outcome::done);
    CHECK(read_file(rig.taker() / "a") == content);
    CHECK(status_of(rig.taker() / "a").st_mtim.tv_sec == seconds);
  }
}

TEST_CASE("other content of the same size and time is seen and pulled") {
  TransferRig rig;
  const timespec times[2] = {{0, UTIME_OMIT}, {1'000'000'000, 0}};
  for (const char* content : {"one", "two"}) {
    write_file(rig.giver() / "a", content);
    REQUIRE(::utimensat(AT_FDCWD, (rig.giver() / "a").c_str(), times, 0) == 0);
    REQUIRE(rig.pull().pull.outcome == Outcome::done);
    CHECK(read_file(rig.taker() / "a") == content);
  }
}

TEST_CASE("a project folder that cannot be written ends the pull before a byte of content has moved") {
  TransferRig rig;
  write_file(rig.giver() / "a", std::string(100'000, 'x'));
  FailingOps ops([](sync::FileCall call, const std::string&) {
    const bool writes = call == sync::FileCall::make_directory || call == sync::FileCall::create;
    return writes ? EROFS : 0;
  });
  RunOptions options;
  options.ops = &ops;
  const Ends ends = rig.pull(options);
  CHECK(ends.pull.outcome == Outcome::failed);
  CHECK(ends.pull.cause == PullCause::disk);
  CHECK_THAT(ends.pull.text, Catch::Contains("read-only file system"));
  CHECK(ends.give.bytes == 0);
}

TEST_CASE(
    "where another file system is mounted in the project its files are reported by name, the rest arrives") {
  TransferRig rig;
  write_file(rig.giver() / "mounted/a", "x");
  write_file(rig.giver() / "b", "x");
  FailingOps ops([](sync::FileCall call, const std::string& name) {
    return call == sync::FileCall::rename && name == "a" ? EXDEV : 0;
  });
  RunOptions options;
  options.ops = &ops;
  const Ends ends = rig.pull(options);
  REQUIRE(ends.pull.problems.size() == 1);
  CHECK(ends.pull.problems.front().path == "mounted/a");
  CHECK_THAT(ends.pull.problems.front().error.text, Catch::Contains("cross-device"));
  CHECK(read_file(rig.taker() / "b") == "x");
  CHECK_FALSE(fs::exists(rig.taker() / "mounted/a"));
}

TEST_CASE("an item of which it cannot be told what is here, or what is ignored, stops none of the others") {
  TransferRig rig;
  for (const char* file : {"a/x", "b/x", "c/x", "d/e/x"}) write_file(rig.giver() / file, "theirs");
  fs::create_directories(rig.taker() / "elsewhere");
  fs::create_directory_symlink("elsewhere", rig.taker() / "b");
  write_file(rig.taker() / "c/.callboardignore", std::string(2'000'000, '#'));
  write_file(rig.taker() / "d/.callboardignore", std::string(2'000'000, '#'));
  RunOptions options;
  options.request.items = {"/b/x", "/a", "/c", "/d/e"};
  const Ends ends = rig.pull(options);
  CAPTURE(ends.pull.text);
  CHECK(read_file(rig.taker() / "a/x") == "theirs");
  std::set<std::string> paths;
  for (const PullProblem& each : ends.pull.problems) paths.insert(each.path);
  CHECK(paths == std::set<std::string>{"b/x", "c", "d/e"});
  CHECK_FALSE(fs::exists(rig.taker() / "elsewhere/x"));
  CHECK_FALSE(fs::exists(rig.taker() / "c/x"));
  CHECK_FALSE(fs::exists(rig.taker() / "d/e"));

  options.request.items = {"/b/x"};
  const Ends alone = rig.pull(options);
  CHECK(alone.pull.outcome != Outcome::done);
  CHECK(alone.pull.problems.size() == 1);
}

TEST_CASE("names that other systems cannot have arrive as they are") {
  TransferRig rig;
  for (const char* name :
       {"con", "NUL.txt", "trailing dot.", "trailing space ", "a:b", "a<b>|?*", "back\\slash"}) {
    write_file(rig.giver() / name / name, name);
  }
  CHECK(rig.pull().pull.outcome == Outcome::done);
  CHECK(rig.differences().empty());
}

TEST_CASE("why an item does not come is told with its cause, and of very many at once by whole characters") {
  TransferRig rig;
  const std::string item = "rnd/Königsgrab-Szene-01/Einstellung-0003";
  write_file(rig.giver() / item / ".callboardignore", std::string(2'000'000, '#'));
  RunOptions options;
  for (const std::string& asked : {"/" + item, std::string("/rnd")}) {
    options.request.items = {asked};
    const Ends ends = rig.pull(options);
    REQUIRE(ends.pull.problems.size() == 1);
    CHECK_THAT(ends.pull.problems.front().error.text, Catch::EndsWith("expected at most 1048576 bytes"));
  }
  // In quotes, the 64th byte of its path is the first of a character's two.
  std::string wide = "/rnd/x";
  for (int i = 0; i < 40; ++i) wide += "ä";
  write_file(rig.giver() / wide.substr(1) / ".callboardignore", std::string(2'000'000, '#'));
  options.request.items.clear();
  for (std::size_t i = 0; i < kItemsPerPullMax; ++i) {
    options.request.items.push_back(wide + "/" + std::to_string(i));
    write_file(rig.giver() / options.request.items.back().substr(1), "");
  }
  const Ends ends = rig.pull(options);
  REQUIRE(ends.pull.problems.size() == kItemsPerPullMax);
  for (const PullProblem& each : ends.pull.problems)
    REQUIRE_THAT(each.error.text, Catch::Contains("ä") && !Catch::Contains("\\x"));
}

}  // namespace
}  // namespace callboard::client::nasty_cases_test
