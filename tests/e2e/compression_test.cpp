// What travels of contents over a link that is slower than compressing: a server whose relay lets 8 MiB a second through.
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "tests/e2e/gate.h"
#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::compression_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

struct SlowLink : Studio {
  fs::path giver = add_user("rigging");
  fs::path taker = add_user("lighting");
  std::unique_ptr<Process> giving;

  explicit SlowLink(const std::string& rate = "8M") {
    serve({"--relay-rate", rate});
    giving = join("rigging");
  }
  Json pull(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"pull", "/dev", "--from", "rigging", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const auto pulled = run("lighting", words);
    INFO(pulled.err);
    REQUIRE(pulled.ending.exit_code == 0);
    CHECK(support::differences(giver, taker) == support::kNoDifference);
    return events(pulled.out, "pulled").at(0);
  }
};

std::uint64_t wire_bytes(const Json& pulled) { return pulled.at("wire_bytes").get<std::uint64_t>(); }

// A scene and its caches, which become a twentieth; 1/`part` of 64 MiB.
void make_scene(const fs::path& folder, std::uint64_t part) {
  std::string scene;
  for (std::uint64_t i = 0; scene.size() < 48 * MiB / part; ++i)
    scene += "v " + std::to_string(i) + " 0.5 0.25 0.125\n";
  support::write_file(folder / "scene.obj", scene);
  for (std::uint64_t i = 0; i < 160 / part; ++i)
    support::write_file(folder / "cache" / std::to_string(i), scene.substr(i * 5000, 100 * KiB));
}

TEST_CASE("a scene of 64 MiB travels in far fewer bytes on a slow link, and --compress has the last word") {
  SlowLink link;
  make_scene(link.giver / "dev", 1);
  const std::uint64_t size_bytes = 48 * MiB + 160 * 100 * KiB;
  const Json pulled = link.pull();
  CHECK(pulled.at("bytes") > size_bytes - 1);
  // What went before it was known to be slow, and a fourth of the rest.
  CHECK(wire_bytes(pulled) < 16 * MiB + (size_bytes - 16 * MiB) / 4);

  fs::remove_all(link.taker / "dev");
  fs::remove_all(link.giver / "dev");
  make_scene(link.giver / "dev", 16);
  CHECK(wire_bytes(link.pull({"--compress", "never"})) > 4 * MiB - 200 * KiB);
  fs::remove_all(link.taker / "dev");
  CHECK(wire_bytes(link.pull({"--compress", "always"})) < 1 * MiB);
  CHECK(link.run("lighting", {"pull", "/dev", "--compress", "often"}).ending.exit_code == 2);
}

TEST_CASE("what is noise travels as it is on a slow link, too") {
  SlowLink link("24M");
  support::make_large_file({.path = link.giver / "dev/simulation.vdb", .size_bytes = 40 * MiB, .seed = 3});
  support::make_tree(link.giver / "dev/small",
                     {.seed = 11, .files = 200, .files_per_directory = 50, .size_max_bytes = 40'000});
  const Json pulled = link.pull();
  const std::uint64_t size_bytes = pulled.at("bytes").get<std::uint64_t>();
  CHECK(wire_bytes(pulled) > size_bytes);
  CHECK(wire_bytes(pulled) < size_bytes + 256 * KiB);
}

TEST_CASE("a pull that was killed in the middle of a compressed file goes on from there") {
  SlowLink link("2M");
  std::string scene;
  for (std::uint64_t i = 0; scene.size() < 24 * MiB; ++i)
    scene += "v " + std::to_string(i * 7919) + " 0.5 0.25\n";
  support::write_file(link.giver / "dev/scene.obj", scene);
  const std::vector<std::string> words = {"pull",   "/dev",       "--from", "rigging",
                                          "--json", "--compress", "always"};
  const auto pulling = link.start("lighting", words);
  wait_for_event(*pulling, "progress", [](const Json& event) { return event.at("bytes_done") > 8 * MiB; });
  pulling->send_signal(SIGKILL);
  REQUIRE(pulling->wait());
  CHECK_FALSE(fs::exists(link.taker / "dev"));
  const Json whole = link.pull({"--compress", "always"});
  CHECK(whole.at("bytes") == scene.size());
  // All of it is 5 MiB so; the third that was here already did not travel again.
  CHECK(wire_bytes(whole) < 4 * MiB);
}

// Older programs say nothing of `compress` in what they ask, and take no notice of it in what they are told.
TEST_CASE("with an older program on either side contents travel, and as they are") {
  SlowLink link("0");
  make_scene(link.giver / "dev", 16);
  const bool is_taker_old = GENERATE(true, false);
  std::vector<std::string> words{"pull", "/dev", "--from", "rigging", "--json", "--compress", "always"};
  Respelling between(link.server_address(), R"("compress":"always")", R"("squashed":"always")");
  if (is_taker_old) {
    words.insert(words.end(), {"--server", between.address()});
  } else {
    link.giving->send_signal(SIGINT);
    REQUIRE(link.giving->wait());
    link.giving = link.start("rigging", {"join", "--json", "--server", between.address()});
    wait_for_event(*link.giving, "joined");
  }
  const auto pulled = link.run("lighting", words);
  INFO(pulled.err);
  REQUIRE(pulled.ending.exit_code == 0);
  CHECK(support::differences(link.giver, link.taker) == support::kNoDifference);
  CHECK(between.heard() == 1);
  CHECK(wire_bytes(events(pulled.out, "pulled").at(0)) > 4 * MiB - 200 * KiB);
}

}  // namespace
}  // namespace callboard::e2e::compression_test
