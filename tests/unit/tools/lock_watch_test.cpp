#include "tools/cli/lock_watch.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "base/own_folders.h"
#include "tests/unit/tools/captured.h"

namespace callboard::cli::lock_watch_test {
namespace {

using Catch::Contains;
using Lines = std::vector<std::string>;

const SessionId kSelf{7};
const SessionId kOther{8};

// A join of rigging's, told of locks and copies by hand.
struct Watched {
  Captured captured;
  Output output{captured.streams};
  Lines lines;
  LockWatch watch{output, [this](const std::string& line) { lines.push_back(line); }};

  Watched() {
    client::User self;
    self.session = kSelf;
    self.name = "rigging";
    watch.on_joined(self);
  }
  void lock(const std::string& item, SessionId owner, const std::string& fields) {
    client::RecordNews news;
    news.zone = kLocksFolder;
    news.changed.push_back({.path = std::string(kLocksFolder) + item,
                            .record_class = "lock",
                            .owner = owner,
                            .owner_name = owner == kSelf ? "rigging" : "lighting",
                            .by = "",
                            .revision = 1,
                            .timestamp = {},
                            .fields = fields});
    watch.on_records(news);
  }
  void free(const std::string& item) {
    client::RecordNews news;
    news.zone = kLocksFolder;
    news.gone.push_back({std::string(kLocksFolder) + item, false});
    watch.on_records(news);
  }
  void copy(const std::string& item, SessionId owner, std::int64_t ms) {
    watch.on_assets(
        {{item, client::AssetCopy{owner == kSelf ? "rigging" : "lighting", owner, Timestamp{ms}}}});
  }
  Lines take() { return std::exchange(lines, {}); }
};

}  // namespace

TEST_CASE("who loses a lock is told who broke it, and why") {
  Watched watched;
  watched.lock("/a", kSelf, R"({"since":1000})");
  watched.lock("/b", kSelf, R"({"since":1000})");
  watched.take();
  watched.lock("/a", kSelf, R"({"since":1000,"broken_by":"lighting","broken_why":"deadline"})");
  CHECK(watched.take().empty());
  watched.free("/a");
  CHECK(watched.take() == Lines{"/a is not yours any more: lighting broke your lock: deadline"});
  watched.lock("/b", kSelf, R"({"since":1000,"broken_by":"comp","broken_why":""})");
  watched.lock("/b", kOther, R"({"since":2000})");
  CHECK(watched.take() == Lines{"/b is lighting's now: comp broke your lock"});
}

TEST_CASE("who has a lock is told once who asks for it and who waits, with the command that hands it over") {
  Watched watched;
  watched.lock("/dev/chr/Moria", kSelf, R"({"since":1000})");
  CHECK(watched.take() == Lines{"/dev/chr/Moria is yours"});
  watched.lock("/dev/chr/Moria", kSelf, R"({"since":1000,"wanted":["lighting"]})");
  CHECK(watched.take() == Lines{"lighting asks you to hand /dev/chr/Moria over: "
                                "callboard unlock /dev/chr/Moria --to lighting"});
  watched.lock("/dev/chr/Moria", kSelf, R"({"since":1000,"wanted":["lighting"],"waiting":["comp"]})");
  CHECK(watched.take() == Lines{"comp waits for /dev/chr/Moria: callboard unlock /dev/chr/Moria"});
  watched.lock("/dev/chr/Moria", kSelf,
               R"({"since":1000,"wanted":["lighting"],"waiting":["comp"],"note":"x"})");
  CHECK(watched.take().empty());
  watched.lock("/dev/chr/Moria", kOther, R"({"since":2000,"waiting":["comp"]})");
  CHECK(watched.take() == Lines{"/dev/chr/Moria is lighting's now"});
  watched.lock("/dev/chr/Moria", kOther, R"({"since":2000,"wanted":["comp"]})");
  watched.free("/dev/chr/Moria");
  CHECK(watched.take().empty());
  CHECK(watched.captured.err().empty());
}

TEST_CASE("a lock that is taken away is told, and a command's words are quoted for the shell") {
  Watched watched;
  watched.output.set_json(true);
  watched.lock("/dev/it's", kSelf, R"({"since":1000,"wanted":["the light"]})");
  CHECK(watched.take().back() ==
        R"(the light asks you to hand /dev/it's over: callboard unlock '/dev/it'\\''s' --to 'the light')");
  watched.free("/dev/it's");
  CHECK(watched.take() == Lines{"/dev/it's is not yours any more"});
  CHECK_THAT(watched.captured.out(),
             Contains(R"({"event":"lock","item":"/dev/it's","user":"rigging")") &&
                 Contains(R"({"event":"lock_wanted","item":"/dev/it's","user":"the light","waits":false)") &&
                 Contains(R"({"event":"unlocked","item":"/dev/it's"})"));
}

TEST_CASE("who changes what somebody else has locked is warned, once") {
  Watched watched;
  watched.lock("/dev/chr", kOther, R"({"since":1000,"note":"moves"})");
  watched.copy("/dev/chr/Moria", kSelf, 900);
  CHECK(watched.captured.err().empty());
  watched.copy("/dev/chr/Moria", kSelf, 1001);
  CHECK_THAT(
      watched.captured.err(),
      Contains(
          "warning: \"/dev/chr/Moria\" was changed here, and \"lighting\" has locked \"/dev/chr\" since") &&
          Contains(": moves"));
  const auto told = watched.captured.err().size();
  watched.copy("/dev/chr/Moria", kSelf, 1500);
  CHECK(watched.captured.err().size() == told);
}

TEST_CASE("a change that is heard of after the lock is one, whatever the clocks say") {
  Watched watched;
  watched.copy("/dev/chr/Moria", kSelf, 800);
  watched.lock("/dev/chr/Moria", kOther, R"({"since":1000})");
  watched.copy("/dev/chr/Moria", kSelf, 800);
  CHECK(watched.captured.err().empty());
  watched.copy("/dev/chr/Moria", kSelf, 990);
  CHECK_THAT(watched.captured.err(), Contains("\"/dev/chr/Moria\" was changed here"));
}

TEST_CASE("what was pulled, changed elsewhere, or is one's own is no reason to warn") {
  Watched watched;
  watched.copy("/dev/chr/Moria", kOther, 2000);
  watched.copy("/dev/chr/Moria", kSelf, 2000);
  watched.lock("/dev/chr/Moria", kOther, R"({"since":1000})");
  watched.copy("/dev/chrome", kSelf, 3000);
  watched.lock("/dev/chr/Balin", kSelf, R"({"since":1000})");
  watched.copy("/dev/chr/Balin", kSelf, 3000);
  CHECK(watched.captured.err().empty());
  // The lock may be heard of after the change.
  watched.lock("/dev/chrome", kOther, R"({"since":2000})");
  CHECK_THAT(watched.captured.err(), Contains("\"/dev/chrome\" was changed here"));
}

}  // namespace callboard::cli::lock_watch_test
