// A lot: many files, and one that is larger than anybody should hold in memory.
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::large_test {
namespace {

namespace fs = std::filesystem;

struct Pair : Studio {
  fs::path giver = add_user("rigging");
  fs::path taker = add_user("lighting");
  std::unique_ptr<Process> joined;

  Pair() {
    serve();
    joined = join("rigging");
  }
  std::uint64_t server_memory() const {
    return objects(run("lighting", {"status", "--json"}).out).at(0).at("memory_bytes").get<std::uint64_t>();
  }
};

// Resident at its peak.
std::uint64_t peak_memory_bytes(const Process& process) {
  const auto status = support::read_file("/proc/" + std::to_string(process.id()) + "/status");
  const auto at = status.find("VmHWM:");
  if (at == std::string::npos) throw std::runtime_error("no VmHWM");
  return std::stoull(status.substr(at + 6)) * KiB;
}

// Where sanitizers keep freed memory and shadows, sizes say nothing.
#if defined(CALLBOARD_ASAN) || defined(CALLBOARD_TSAN)
constexpr bool kIsMemoryTrue = false;
#else
constexpr bool kIsMemoryTrue = true;
#endif

TEST_CASE("5,000 files arrive, and an edit of one costs one") {
  Pair pair;
  support::make_tree(pair.giver / "dev",
                     {.seed = 11, .files = 5000, .files_per_directory = 25, .size_max_bytes = 8192});
  const auto pulled = pair.run("lighting", {"pull", "/dev", "--from", "rigging", "--json"});
  CHECK(pulled.err.empty());
  CHECK(pulled.ending.exit_code == 0);
  CHECK(events(pulled.out, "pulled").at(0).at("files") == 5000);
  CHECK(support::differences(pair.giver, pair.taker) == support::kNoDifference);
  support::write_file(pair.giver / "dev/group-3/part-3/file-80.bin", "edited");
  const auto again = pair.run("lighting", {"pull", "/dev", "--from", "rigging", "--json"});
  const auto report = events(again.out, "pulled").at(0);
  CHECK(report.at("files") == 1);
  CHECK(report.at("bytes") == 6);
  CHECK(report.at("wire_bytes").get<std::uint64_t>() < 1 * MiB);
  CHECK(support::differences(pair.giver, pair.taker) == support::kNoDifference);
}

// There a smaller file does, too.
constexpr std::uint64_t kLargeBytes = kIsMemoryTrue ? 1 * GiB : 64 * MiB;

TEST_CASE("a file of 1 GiB goes through the server, and nobody's memory grows with it") {
  Pair pair;
  const auto space = fs::space(pair.home()).available;
  const std::uint64_t size_bytes = space > 4 * GiB ? kLargeBytes : 64 * MiB;
  if (size_bytes != kLargeBytes) WARN("only " << space << " bytes of space: 64 MiB instead of 1 GiB");
  support::make_large_file(
      {.path = pair.giver / "rnd/scene/shot/cache.abc", .size_bytes = size_bytes, .seed = 5});
  const auto before = pair.server_memory();
  const auto pulled = pair.start("lighting", {"pull", "/rnd/scene/shot", "--from", "rigging", "--json"});
  CHECK(exit_code(*pulled) == 0);
  CHECK(support::differences(pair.giver, pair.taker) == support::kNoDifference);
  const auto after = pair.server_memory();
  CAPTURE(before, after, peak_memory_bytes(pair.server()), peak_memory_bytes(*pair.joined));
  if (kIsMemoryTrue) {
    CHECK(after < before + 16 * MiB);
    CHECK(peak_memory_bytes(pair.server()) < before + 32 * MiB);
    CHECK(peak_memory_bytes(*pair.joined) < 256 * MiB);
  }
}

}  // namespace
}  // namespace callboard::e2e::large_test
