// Transfers whose content travels squeezed.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/limits.h"
#include "protocol/bulk.h"
#include "protocol/squeezed.h"
#include "tests/support/tree.h"
#include "tests/unit/client/transfer_rig.h"

namespace callboard::client::squeeze_test {
namespace {

namespace fs = std::filesystem;
using support::write_file;

RunOptions squeezing() {
  RunOptions options;
  options.request.compress = Compression::always;
  return options;
}

// A third of it is noise: what a compressor leaves of a scene.
std::string scene(std::uint64_t size_bytes, std::uint32_t seed) {
  std::string content;
  content.reserve(size_bytes + 24);
  while (content.size() < size_bytes) {
    for (int i = 0; i < 8; ++i) content += static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
    content += "vertex of a mesh";
  }
  content.resize(size_bytes);
  return content;
}

std::string noise(std::uint64_t size_bytes, std::uint32_t seed) {
  std::string content(size_bytes, '\0');
  for (char& c : content) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  return content;
}

PullReport pull(TransferRig& rig, const RunOptions& options) {
  const Ends ends = rig.pull(options);
  INFO(ends.pull.text << " / " << ends.give.text);
  REQUIRE(ends.pull.outcome == Outcome::done);
  CHECK(rig.differences() == std::vector<std::string>{});
  return ends.pull;
}

}  // namespace

TEST_CASE("large files, small files and what stands between them arrive squeezed as they are") {
  TransferRig rig;
  write_file(rig.giver() / "dev/scene.blend", scene(5 * MiB + 12'345, 1));
  write_file(rig.giver() / "dev/just-large", scene(kSmallFileMax + 1, 2));
  for (std::uint32_t i = 0; i < 300; ++i)
    write_file(rig.giver() / ("cache/" + std::to_string(i)), scene(i * 97, i));
  const Fd sparse(::open((rig.giver() / "disk.img").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  const std::string island = scene(600'000, 3);
  REQUIRE(::pwrite(sparse.get(), island.data(), island.size(), 8 * MiB) == 600'000);
  REQUIRE(::ftruncate(sparse.get(), 32 * MiB) == 0);
  const PullReport report = pull(rig, squeezing());
  CHECK(report.files == 303);
  CHECK(report.bytes == 5 * MiB + 12'345 + kSmallFileMax + 1 + 97 * 299 * 150 + 32 * MiB);
  // 10.3 MiB of content that is no hole.
  CHECK(report.wire_bytes > 3 * MiB);
  CHECK(report.wire_bytes < 6 * MiB);
}

TEST_CASE("what is compressed already is not squeezed, known by its name or by how it begins") {
  const bool by_name = GENERATE(true, false);
  const bool is_large = GENERATE(true, false);
  TransferRig rig;
  const std::uint64_t size_bytes = is_large ? 3 * MiB : 100 * KiB;
  std::string content = scene(size_bytes, 1);
  if (!by_name) content.replace(0, 4, "\x28\xb5\x2f\xfd");
  for (int i = 0; i < 3; ++i) {
    content[100] = static_cast<char>(i);
    write_file(rig.giver() / (std::to_string(i) + (by_name ? ".exr" : ".blend")), content);
  }
  CHECK(pull(rig, squeezing()).wire_bytes > 3 * size_bytes);
}

TEST_CASE("what does not become shorter travels as it is") {
  TransferRig rig;
  write_file(rig.giver() / "large", noise(5 * MiB, 1));
  for (std::uint32_t i = 0; i < 50; ++i)
    write_file(rig.giver() / ("small" + std::to_string(i)), noise(50'000, i + 2));
  const PullReport report = pull(rig, squeezing());
  CHECK(report.wire_bytes > report.bytes);
  CHECK(report.wire_bytes < report.bytes + 16 * KiB);
}

TEST_CASE("a file of which only a later part becomes shorter is tried again there") {
  TransferRig rig;
  write_file(rig.giver() / "mixed", noise(1 * MiB, 1) + scene(31 * MiB, 2));
  const PullReport report = pull(rig, squeezing());
  CHECK(report.wire_bytes < 26 * MiB);
}

TEST_CASE("a giver that does not know of squeezing, and a taker that does not want it, do without") {
  TransferRig rig;
  write_file(rig.giver() / "scene.blend", scene(2 * MiB, 1));
  RunOptions options = squeezing();
  options.old_giver = GENERATE(true, false);
  if (!options.old_giver) options.request.compress = Compression::never;
  CHECK(pull(rig, options).wire_bytes > 2 * MiB);
}

TEST_CASE("a pull cut in the middle of what is squeezed goes on from there") {
  TransferRig rig;
  write_file(rig.giver() / "scene.blend", scene(24 * MiB, 1));
  RunOptions options = squeezing();
  options.cut_after_bytes = GENERATE(1 * MiB + 1, 4 * MiB + 77, 7 * MiB);
  const Ends cut = rig.pull(options);
  REQUIRE(cut.pull.outcome == Outcome::interrupted);
  CHECK_FALSE(fs::exists(rig.taker() / "scene.blend"));
  const PullReport whole = pull(rig, squeezing());
  // All of it is 9 MiB so.
  CHECK(whole.wire_bytes < 11 * MiB - *options.cut_after_bytes);
}

TEST_CASE("many squeezed frames of few files, received while the writers are busy, find buffers") {
  constexpr int kFiles = 96;
  TransferRig rig;
  for (int i = 0; i < kFiles; ++i)
    write_file(rig.giver() / std::to_string(i % 7) / std::to_string(i),
               std::string(200 * KiB + static_cast<std::size_t>(i), 'x'));
  // Whatever the giver says is there before the first file is written.
  struct BusyDisk : sync::FileOps {
    std::atomic<int> read{0};
    int fault(sync::FileCall call, const std::string&) override {
      while (call == sync::FileCall::write && read < kFiles) std::this_thread::yield();
      return 0;
    }
  } disk;
  RunOptions options = squeezing();
  options.ops = &disk;
  options.while_reading = [&](const sync::RelativePath&) { disk.read += 1; };
  CHECK(pull(rig, options).files == kFiles);
}

TEST_CASE("a file that changes while it is squeezed comes as it is in the end") {
  TransferRig rig;
  write_file(rig.giver() / "scene.blend", scene(4 * MiB, 1));
  int blocks = 0;
  RunOptions options = squeezing();
  options.while_reading = [&](const sync::RelativePath&) {
    if (++blocks != 6) return;
    const bool shrinks = blocks % 2 == 0;
    write_file(rig.giver() / "scene.blend", scene(shrinks ? 700'000 : 5 * MiB, 2));
  };
  pull(rig, options);
  CHECK(blocks > 6);
}

TEST_CASE("what an edited file lacks travels squeezed") {
  TransferRig rig;
  std::string content = noise(12 * MiB, 1);
  write_file(rig.giver() / "scene.blend", content);
  pull(rig, squeezing());
  content.replace(2 * MiB, 1 * MiB, scene(1 * MiB, 3));
  content.insert(6 * MiB, scene(40'000, 4));
  write_file(rig.giver() / "scene.blend", content);
  const PullReport report = pull(rig, squeezing());
  CHECK(report.wire_bytes > 200 * KiB);
  CHECK(report.wire_bytes < 700 * KiB);
}

TEST_CASE("a squeezed frame that is a bomb, garbage, nested or not wanted ends the pull and leaves no file") {
  protocol::OpenedItem item;
  item.entry.kind = EntryKind::directory;
  item.entry.digest.bytes[0] = std::byte{1};
  item.files_below = 1;
  protocol::Opened opened;
  opened.items.push_back(item);
  Bytes script;
  protocol::encode(protocol::GiverFrame(opened), script);
  const std::size_t size_before = script.size();

  Bytes data;
  for (int i = 0; i < 2; ++i)
    protocol::encode(protocol::GiverFrame(protocol::Data{as_bytes(std::string(500'000, 'x'))}), data);
  protocol::Squeezer squeezer;
  const ByteView squeezed = squeezer.squeeze(data, data.size()).value();
  script.insert(script.end(), squeezed.begin(), squeezed.end());
  std::string expected;
  PullRequest request = squeezing().request;
  SECTION("content that no file wants, though it is short on the wire") {
    expected = "the giver broke the rules: content comes without a file";
  }
  SECTION("a size of 4 GiB") {
    for (std::size_t i = 5; i < 9; ++i) script[size_before + i] = std::byte{0xff};
    expected = "the giver broke the rules: squeezed: size: expected 1-1052672, got 4294967295";
  }
  SECTION("garbage") {
    for (std::size_t i = 9; i < 20; ++i) script[size_before + i] = std::byte{0x55};
    expected =
        "the giver broke the rules: squeezed: expected a zstd frame of 1000010 bytes: Unknown frame "
        "descriptor";
  }
  SECTION("it was not told that it may") {
    request.compress = Compression::never;
    expected = "the giver broke the rules: squeezed: it was not told that it may";
  }
  TransferRig rig;
  const PullReport report = rig.pull_from_script(script, request);
  CHECK(report.outcome == Outcome::refused);
  CHECK(report.text == expected);
  CHECK(report.files == 0);
  CHECK(rig.temporary_files() == std::vector<std::string>{});
  CHECK(support::differences(rig.giver(), rig.taker()) == std::vector<std::string>{});
}

TEST_CASE("more squeezed content than a file has does not get its name, or any") {
  protocol::OpenedItem item;
  item.entry.kind = EntryKind::directory;
  item.entry.digest.bytes[0] = std::byte{1};
  item.files_below = 1;
  Entry entry;
  entry.name = "a";
  entry.size_bytes = 400'000;
  Bytes script;
  protocol::encode(protocol::GiverFrame(protocol::Opened{.items = {item}}), script);
  protocol::encode(protocol::GiverFrame(protocol::Listing{.number = 1, .directory = {}, .entries = {entry}}),
                   script);
  Bytes frames;
  protocol::encode(protocol::GiverFrame(
                       protocol::File{.listing = 1, .whole = false, .size_bytes = 400'000, .content = {}}),
                   frames);
  protocol::encode(protocol::GiverFrame(protocol::Data{as_bytes(std::string(400'001, 'x'))}), frames);
  protocol::encode(protocol::GiverFrame(protocol::FileEnd{}), frames);
  protocol::Squeezer squeezer;
  const ByteView squeezed = squeezer.squeeze(frames, frames.size()).value();
  script.insert(script.end(), squeezed.begin(), squeezed.end());
  TransferRig rig;
  const PullReport report = rig.pull_from_script(script, squeezing().request);
  INFO(report.text);
  // Where it comes before it was wanted, that is what is wrong with it.
  CHECK(report.outcome == Outcome::refused);
  CHECK(report.files == 0);
  CHECK_FALSE(fs::exists(rig.taker() / "a"));
}

}  // namespace callboard::client::squeeze_test
