// kill -9 at any moment of a pull: of the giver, the taker, the server. The next try succeeds, and what had arrived is whole.
#include <signal.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/e2e/moments.h"
#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::kill_test {
namespace {

namespace fs = std::filesystem;

constexpr int kMoments = 20;

const std::vector<std::string> kPull{"pull", "/dev", "--from", "rigging", "--json"};

// A pull of small and large files, of about a tenth of a second.
struct Pair : Studio {
  fs::path giver = add_user("rigging");
  fs::path taker = add_user("lighting");
  std::unique_ptr<Process> joined;
  std::chrono::microseconds pull_time{};

  Pair() {
    support::make_tree(giver / "dev",
                       {.seed = 1, .files = 200, .files_per_directory = 20, .size_max_bytes = 40'000});
    // Two of one content: what a try left of it can serve one of them alone.
    for (const auto& [name, seed] : {std::pair{"a", 2u}, std::pair{"m", 2u}, std::pair{"z", 3u}}) {
      support::make_large_file({.path = giver / "dev" / name, .size_bytes = 12 << 20, .seed = seed});
    }
    serve();
    joined = join("rigging");
    const auto started = std::chrono::steady_clock::now();
    check_pull();
    pull_time =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started);
    forget();
  }
  void check_pull() {
    const auto pulled = run("lighting", kPull);
    CAPTURE(pulled.out, pulled.err);
    CHECK(pulled.ending.exit_code == 0);
    CHECK(support::differences(giver, taker) == support::kNoDifference);
    CHECK(leftovers().empty());
  }
  // Files that still wait for their name.
  std::vector<std::string> leftovers() const {
    std::vector<std::string> found;
    const auto folder = taker / ".callboard/tmp";
    if (!fs::exists(folder)) return found;
    for (const auto& each : fs::recursive_directory_iterator(folder)) {
      if (!each.is_directory()) found.push_back(each.path().lexically_relative(folder));
    }
    return found;
  }
  // The taker has nothing again.
  void forget() const {
    fs::remove_all(taker / "dev");
    for (const auto& each : fs::directory_iterator(taker / ".callboard")) {
      if (each.path().filename() != "config" && each.path().filename() != "last_server")
        fs::remove_all(each.path());
    }
  }
  // Lets a pull run until the moment; whether it was still running then.
  std::unique_ptr<Process> pull_until(std::chrono::microseconds moment) const {
    auto pulling = start("lighting", kPull);
    pulling->wait(std::chrono::duration_cast<std::chrono::milliseconds>(moment));
    return pulling;
  }
};

TEST_CASE("a giver killed at any moment ends the pull by name, and the next try finishes it", "[giver]") {
  Moments moments;
  Pair pair;
  int interrupted = 0;
  for (int i = 0; i < kMoments; ++i) {
    const auto moment = moments.within(pair.pull_time);
    CAPTURE(moments.seed(), i, moment.count());
    const auto pulling = pair.pull_until(moment);
    pair.joined->send_signal(SIGKILL);
    // Only when all of it is gone is its name free again.
    REQUIRE(pair.joined->wait());
    const int code = exit_code(*pulling);
    CAPTURE(pulling->printed(Stream::out), pulling->printed(Stream::err));
    // 3: it was gone before it was asked.
    CHECK((code == 0 || code == 3 || code == 9));
    if (code != 0) CHECK_FALSE(pulling->printed(Stream::err).empty());
    interrupted += code == 9 ? 1 : 0;
    CHECK(wrong_files(pair.giver, pair.taker) == support::kNoDifference);
    pair.joined = pair.join("rigging");
    pair.check_pull();
    pair.forget();
  }
  CHECK(interrupted > 0);
}

TEST_CASE("a taker killed at any moment leaves whole files only, and the next try finishes it", "[taker]") {
  Moments moments;
  Pair pair;
  int killed = 0;
  for (int i = 0; i < kMoments; ++i) {
    const auto moment = moments.within(pair.pull_time);
    CAPTURE(moments.seed(), i, moment.count());
    const auto pulling = pair.pull_until(moment);
    pulling->send_signal(SIGKILL);
    const auto ending = pulling->wait();
    REQUIRE(ending);
    killed += ending->signal == SIGKILL ? 1 : 0;
    CHECK(wrong_files(pair.giver, pair.taker) == support::kNoDifference);
    pair.check_pull();
    pair.forget();
  }
  CHECK(killed > 0);
  // The giver has learnt of each, and gives on.
  for (const auto& each : events(pair.joined->printed(Stream::out), "given")) {
    CHECK((each.at("outcome") == "done" || each.at("outcome") == "interrupted"));
  }
}

TEST_CASE("a server killed at any moment ends the pull by name, and the next try finishes it", "[server]") {
  Moments moments;
  Pair pair;
  int interrupted = 0;
  for (int i = 0; i < kMoments; ++i) {
    const auto moment = moments.within(pair.pull_time);
    CAPTURE(moments.seed(), i, moment.count());
    const auto pulling = pair.pull_until(moment);
    pair.kill_server();
    const int code = exit_code(*pulling);
    CAPTURE(pulling->printed(Stream::out), pulling->printed(Stream::err));
    CHECK((code == 0 || code == 3 || code == 9));
    interrupted += code == 9 ? 1 : 0;
    if (code == 9) CHECK_THAT(pulling->printed(Stream::err), Catch::Contains("the server is gone"));
    CHECK(wrong_files(pair.giver, pair.taker) == support::kNoDifference);
    pair.serve();
    // Nobody starts the giver anew: it comes back by itself.
    wait_for_event(*pair.joined, "joined");
    pair.check_pull();
    pair.forget();
  }
  CHECK(interrupted > 0);
}

}  // namespace
}  // namespace callboard::e2e::kill_test
