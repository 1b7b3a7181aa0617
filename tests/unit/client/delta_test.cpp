// Large files of which the taker has an older version.
#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "client/chunk_keeper.h"
#include "client/delta_choice.h"
#include "client/project_folder.h"
#include "sync/chunk_list.h"
#include "sync/hash.h"
#include "sync/index.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"
#include "tests/unit/client/transfer_rig.h"

namespace callboard::client::delta_test {
namespace {

namespace fs = std::filesystem;
using support::read_file;
using support::TempDir;
using support::write_file;

constexpr std::uint64_t kSize = 12 * MiB;

std::string random_content(std::uint64_t size_bytes, std::uint64_t seed) {
  std::string content(size_bytes, '\0');
  std::uint64_t state = seed;
  for (std::size_t i = 0; i + 8 <= content.size(); i += 8) {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z ^= z >> 27;
    for (std::size_t byte = 0; byte < 8; ++byte) content[i + byte] = static_cast<char>(z >> (8 * byte));
  }
  return content;
}

// Both have the same 12 MiB under `name`.
struct Scene {
  explicit Scene(const std::string& file = "scene.blend") : name(file), content(random_content(kSize, 1)) {
    save(content);
    REQUIRE(rig.pull().pull.outcome == Outcome::done);
  }
  void save(const std::string& now) { write_file(rig.giver() / name, now); }
  PullReport pull(const RunOptions& options = {}) {
    const Ends ends = rig.pull(options);
    INFO(ends.pull.text << " / " << ends.give.text);
    return ends.pull;
  }
  // Its list of chunks in a workstation's index, under the digest of `of`.
  static void keep_list(const fs::path& folder, const std::string& described, const std::string& of) {
    const auto root = sync::Root::open(folder.string());
    sync::Index index = *sync::Index::open(*root);
    sync::ChunkList chunks;
    sync::Chunker chunker;
    chunker.update(as_bytes(described), chunks);
    chunker.finish(chunks);
    sync::keep_chunks(index, sync::digest_of(as_bytes(of)), chunks);
  }

  TransferRig rig;
  std::string name;
  std::string content;
};

TEST_CASE("of a large file that was edited only the changed chunks travel, again and again") {
  Scene scene;
  std::string now = scene.content;
  for (std::uint64_t round = 1; round <= 3; ++round) {
    now.replace(round * MiB, 64 * KiB, random_content(64 * KiB, round + 10));
    now.insert(round * 3 * MiB, random_content(12'345, round + 20));
    scene.save(now);
    const PullReport report = scene.pull();
    INFO(round);
    CHECK(report.outcome == Outcome::done);
    CHECK(report.files == 1);
    CHECK(report.wire_bytes > 64 * KiB + 12'345);
    CHECK(report.wire_bytes < 400 * KiB);
    CHECK(scene.rig.differences() == std::vector<std::string>{});
    CHECK(report.versions.empty());
  }
}

TEST_CASE("the list of a large file that came whole is made afterwards, of what is there alone") {
  const TempDir folder;
  fs::create_directories(folder / ".callboard");
  const std::string content = random_content(kSize, 3);
  for (const char* name : {"came.blend", "changed.blend", "moved.zst"}) write_file(folder / name, content);
  write_file(folder / "changed.blend", random_content(kSize, 4));
  const auto root = sync::Root::open(folder.path().string());
  sync::Index index = *sync::Index::open(*root);
  Entry entry;
  entry.kind = EntryKind::file;
  entry.size_bytes = kSize;
  const auto list_after = [&](const char* name, const std::string& described) {
    ChunkKeeper keeper(*root, index);
    entry.digest = sync::digest_of(as_bytes(described));
    keeper.add(sync::RelativePath::from_bytes(name).value(), entry);
    keeper.wait();
    return sync::kept_chunks(index, entry.digest, kSize);
  };
  CHECK_FALSE(list_after("changed.blend", content).has_value());
  CHECK_FALSE(list_after("moved.zst", content).has_value());
  CHECK_FALSE(list_after("vanished.blend", content).has_value());
  const auto list = list_after("came.blend", content);
  REQUIRE(list.has_value());
  CHECK(sync::total_bytes(*list) == kSize);
}

TEST_CASE("of a large file that came whole a pull tells in the end, of one whose list came it does not") {
  TransferRig rig;
  const std::string content = random_content(kSize, 5);
  write_file(rig.giver() / "new/scene.blend", content);
  write_file(rig.giver() / "new/small", "small");
  std::vector<std::string> told;
  RunOptions options;
  options.on_pulled = [&](const sync::RelativePath& path, const Entry& entry) {
    CHECK(read_file(rig.taker() / path.bytes()) == content);
    CHECK(entry.digest == sync::digest_of(as_bytes(content)));
    told.push_back(path.bytes());
  };
  REQUIRE(rig.pull(options).pull.outcome == Outcome::done);
  CHECK(told == std::vector<std::string>{"new/scene.blend"});

  write_file(rig.giver() / "new/scene.blend", content + "more");
  options.on_pulled = [&](const sync::RelativePath& path, const Entry&) { told.push_back(path.bytes()); };
  REQUIRE(rig.pull(options).pull.outcome == Outcome::done);
  CHECK(told.size() == 1);
}

TEST_CASE("who stays with a folder makes the list of what was pulled into it") {
  const TempDir folder;
  fs::create_directories(folder / ".callboard");
  const std::string content = random_content(kSize, 6);
  write_file(folder / "scene.blend", content);
  const auto project = ProjectFolder::open(folder.path().string());
  REQUIRE(project.has_value());
  (*project)->live().start();
  Entry entry;
  entry.kind = EntryKind::file;
  entry.size_bytes = kSize;
  entry.digest = sync::digest_of(as_bytes(content));
  (*project)->listing().on_pulled(sync::RelativePath::from_bytes("scene.blend").value(), entry);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const auto is_listed = [&] {
    return sync::kept_chunks((*project)->index(), entry.digest, kSize).has_value();
  };
  while (!is_listed() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(is_listed());
}

TEST_CASE("a list of chunks that both have kept travels as its groups") {
  Scene scene;
  std::string now = scene.content;
  now.replace(MiB, 1000, random_content(1000, 3));
  scene.save(now);
  Scene::keep_list(scene.rig.taker(), scene.content, scene.content);
  const PullReport report = scene.pull();
  CHECK(report.outcome == Outcome::done);
  // 1,000 chunks of 8 bytes are not among it.
  CHECK(report.wire_bytes < 60 * KiB);
  CHECK(scene.rig.differences() == std::vector<std::string>{});
}

TEST_CASE("what is compressed goes whole, known by its name or by its first bytes") {
  const bool by_name = GENERATE(true, false);
  Scene scene(by_name ? "frame.exr" : "scene.blend");
  std::string now = scene.content;
  now.replace(0, 4, by_name ? "abcd" : "\x28\xb5\x2f\xfd");
  scene.save(now);
  const PullReport report = scene.pull();
  CHECK(report.outcome == Outcome::done);
  CHECK(report.wire_bytes > kSize);
  CHECK(report.wire_bytes < kSize + 4 * KiB);
  CHECK(scene.rig.differences() == std::vector<std::string>{});
}

TEST_CASE("a file that changed everywhere goes whole, and costs its list more") {
  Scene scene;
  std::string now = scene.content;
  for (std::size_t at = 100; at + 8 < now.size(); at += 5 * KiB) now.replace(at, 8, "pointers");
  scene.save(now);
  const PullReport report = scene.pull();
  CHECK(report.outcome == Outcome::done);
  CHECK(report.wire_bytes > kSize);
  CHECK(report.wire_bytes < kSize + kSize / 500);
  CHECK(scene.rig.differences() == std::vector<std::string>{});
}

TEST_CASE("a file that shrank, grew or became another is what the giver has") {
  Scene scene;
  const std::string now =
      GENERATE(random_content(kSize, 99), random_content(8 * MiB, 1),
               random_content(kSize, 1) + random_content(3 * MiB, 2), std::string(9 * MiB, '\0'));
  scene.save(now);
  CHECK(scene.pull().outcome == Outcome::done);
  CHECK(scene.rig.differences() == std::vector<std::string>{});
}

TEST_CASE("a list that does not describe its file costs a round, and the file comes whole") {
  Scene scene;
  std::string now = scene.content;
  now.replace(2 * MiB, 100, random_content(100, 5));
  scene.save(now);
  // The giver lists what the file was before.
  Scene::keep_list(scene.rig.giver(), scene.content, now);
  const PullReport report = scene.pull();
  CHECK(report.outcome == Outcome::done);
  CHECK(report.wire_bytes > kSize);
  CHECK(scene.rig.differences() == std::vector<std::string>{});
  CHECK(scene.rig.temporary_files().empty());
}

TEST_CASE("an own list that was wrong is forgotten, and the file comes whole") {
  Scene scene;
  std::string now = scene.content;
  now.replace(2 * MiB, 100, random_content(100, 5));
  scene.save(now);
  std::string moved = scene.content.substr(100'000) + scene.content.substr(0, 100'000);
  Scene::keep_list(scene.rig.taker(), moved, scene.content);
  CHECK(scene.pull().outcome == Outcome::done);
  CHECK(scene.rig.differences() == std::vector<std::string>{});
}

TEST_CASE("an older version that is cut short while it is used costs a round, and is kept") {
  Scene scene;
  std::string now = scene.content;
  now.replace(MiB, 100, random_content(100, 5));
  now.replace(10 * MiB, 100, random_content(100, 6));
  scene.save(now);
  RunOptions options;
  bool done = false;
  options.while_reading = [&](const sync::RelativePath&) {
    if (!std::exchange(done, true)) write_file(scene.rig.taker() / scene.name, "mine");
  };
  const PullReport report = scene.pull(options);
  CHECK(report.outcome == Outcome::superseded);  // Changed here and there.
  CHECK(scene.rig.differences() == std::vector<std::string>{});
  REQUIRE(report.versions.size() == 1);
  CHECK(read_file(scene.rig.taker() / report.versions[0].second) == "mine");
}

TEST_CASE("a broken pull goes on without sending again what came, or what is in the older version") {
  Scene scene;
  std::string now = scene.content;
  now.replace(2 * MiB, 4 * MiB, random_content(4 * MiB, 7));
  now.replace(7 * MiB, 4 * MiB, random_content(4 * MiB, 8));
  scene.save(now);
  RunOptions cut;
  // In the second of the two stretches. What has come by then and is not yet read is lost: 2 MiB at most.
  cut.cut_after_bytes = 6 * MiB;
  const PullReport broken = scene.pull(cut);
  CHECK(broken.outcome == Outcome::interrupted);
  CHECK(read_file(scene.rig.taker() / scene.name) == scene.content);
  const PullReport again = scene.pull();
  CHECK(again.outcome == Outcome::done);
  CHECK(again.wire_bytes < 5 * MiB);
  CHECK(scene.rig.differences() == std::vector<std::string>{});
}

TEST_CASE("many large files that were edited come in one pull, among small ones") {
  TransferRig rig;
  const std::string content = random_content(8 * MiB + 5, 30);
  const auto name = [&](int i) { return rig.giver() / ("cache_" + std::to_string(i)); };
  for (int i = 0; i < 8; ++i) write_file(name(i), content + std::to_string(i));
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  for (int i = 0; i < 8; ++i) {
    write_file(name(i), content + "edited " + std::to_string(i));
    write_file(rig.giver() / "small" / std::to_string(i), "small");
  }
  const Ends ends = rig.pull();
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(ends.pull.files == 16);
  CHECK(ends.pull.wire_bytes < MiB);
  CHECK(rig.differences() == std::vector<std::string>{});
}

// --- The choice -------------------------------------------------------------------------------------------------------

TEST_CASE("chunks are chosen where they are cheaper than the whole file on the link at hand") {
  constexpr double kGigabit = 118e6;
  constexpr double kMemory = 3e9;
  const DeltaCosts edited{
      .size_bytes = 512 * MiB, .wanted_bytes = 2 * MiB, .ranges = 21, .link_rate = kGigabit};
  const DeltaCosts churned{
      .size_bytes = 512 * MiB, .wanted_bytes = 350 * MiB, .ranges = 10'000, .link_rate = kMemory};
  CHECK(delta_pays(edited));
  CHECK_FALSE(delta_pays(churned));

  DeltaCosts costs = edited;
  costs.link_rate = kMemory;
  CHECK(delta_pays(costs));
  costs.to_chunk_bytes = 512 * MiB;  // On a fast link there is no time to read the older version twice.
  CHECK_FALSE(delta_pays(costs));
  costs.link_rate = kGigabit;
  CHECK(delta_pays(costs));

  costs = churned;
  costs.link_rate = kGigabit;
  CHECK(delta_pays(costs));
  costs.wanted_bytes = 500 * MiB;
  CHECK_FALSE(delta_pays(costs));
}

TEST_CASE("the beginning of a file tells of all of it where it is changed all over") {
  const auto plan = [](const std::vector<std::pair<std::uint64_t, bool>>& stretches) {
    sync::DeltaPlan made;
    for (const auto& [size, is_wanted] : stretches) {
      made.segments.push_back({size, is_wanted ? std::nullopt : std::optional<std::uint64_t>(0)});
    }
    return made;
  };
  CHECK(is_changed_all_over(plan({{3, true}, {4, false}, {3, true}, {2, false}})));
  // A part put in behind a head as it was; edits in the head alone; another file; the same.
  CHECK_FALSE(is_changed_all_over(plan({{1, false}, {11, true}})));
  CHECK_FALSE(is_changed_all_over(plan({{1, true}, {1, false}, {1, true}, {9, false}})));
  CHECK_FALSE(is_changed_all_over(plan({{12, true}})));
  CHECK_FALSE(is_changed_all_over(plan({{12, false}})));
}

TEST_CASE("a link is as fast as a list came that was kept, and at least as fast as what came before one") {
  LinkRate kept;
  kept.on_part(true, 0.5, 1'000'000);
  CHECK(kept.bytes_a_second() == kUsualLinkRate);
  kept.on_part(true, 0.501, 2'000'000);
  CHECK(kept.bytes_a_second() == Approx(1e9));
  kept.on_part(true, 0.6, 3'000'000);
  CHECK(kept.bytes_a_second() == Approx(20e6));

  // As slow as it is cut: that says nothing.
  LinkRate made;
  made.on_part(false, 0.5, 1'000'000);
  made.on_part(false, 1.5, 2'000'000);
  CHECK(made.bytes_a_second() == kUsualLinkRate);

  LinkRate busy;
  busy.on_part(false, 0.5, 500'000'000);
  busy.on_part(false, 9.5, 501'000'000);
  CHECK(busy.bytes_a_second() == Approx(1e9));
  // A slow link may be one with pauses.
  LinkRate idle;
  idle.on_part(false, 100, 500'000'000);
  CHECK(idle.bytes_a_second() == kUsualLinkRate);
}

}  // namespace
}  // namespace callboard::client::delta_test
