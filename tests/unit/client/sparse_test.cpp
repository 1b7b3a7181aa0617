// Files with holes: they stay sparse, whichever way they come.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/limits.h"
#include "sync/hash.h"
#include "tests/support/tree.h"
#include "tests/unit/client/transfer_rig.h"

namespace callboard::client::sparse_test {
namespace {

namespace fs = std::filesystem;

struct Extent {
  std::uint64_t offset = 0;
  std::string content;
};

std::string noise(std::size_t size_bytes, std::uint32_t seed) {
  std::string content(size_bytes, '\0');
  for (char& c : content) {
    seed = seed * 1664525 + 1013904223;
    c = static_cast<char>(seed >> 24);
  }
  return content;
}

void make_sparse(const fs::path& path, std::uint64_t size_bytes, const std::vector<Extent>& extents) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  REQUIRE(fd);
  for (const Extent& extent : extents) {
    const ssize_t put =
        ::pwrite(fd.get(), extent.content.data(), extent.content.size(), static_cast<off_t>(extent.offset));
    REQUIRE(put == static_cast<ssize_t>(extent.content.size()));
  }
  REQUIRE(::ftruncate(fd.get(), static_cast<off_t>(size_bytes)) == 0);
}

// What the file takes on its disk.
std::uint64_t taken_bytes(const fs::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

Digest digest_of_file(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const Result<sync::HashedFile> hashed = sync::hash_file(fd.get());
  REQUIRE(hashed.has_value());
  return hashed->digest;
}

}  // namespace

TEST_CASE("a file with holes arrives with its holes, which do not travel") {
  TransferRig rig;
  constexpr std::uint64_t kSize = 1 * GiB + 3;
  make_sparse(
      rig.giver() / "disk.img", kSize,
      {{0, noise(70'000, 1)}, {400 * MiB + 12'345, noise(1 * MiB, 2)}, {kSize - 100'000, noise(100'000, 3)}});
  const bool durable = GENERATE(false, true);
  RunOptions options;
  options.request.sync = durable;
  const Ends ends = rig.pull(options);
  INFO(ends.pull.text);
  REQUIRE(ends.pull.outcome == Outcome::done);
  CHECK(ends.pull.bytes == kSize);
  CHECK(ends.give.bytes == kSize);
  CHECK(ends.pull.wire_bytes < 2 * MiB);
  CHECK(fs::file_size(rig.taker() / "disk.img") == kSize);
  CHECK(taken_bytes(rig.taker() / "disk.img") < 3 * MiB);
  CHECK(digest_of_file(rig.taker() / "disk.img") == digest_of_file(rig.giver() / "disk.img"));
  CHECK(rig.pull().pull.files == 0);
}

TEST_CASE("a file that begins or ends with a hole, or is one, arrives") {
  TransferRig rig;
  make_sparse(rig.giver() / "begins", 3 * MiB, {{3 * MiB - 5, "12345"}});
  make_sparse(rig.giver() / "ends", 3 * MiB + 1, {{0, "12345"}});
  make_sparse(rig.giver() / "is", 64 * MiB - 1, {});
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  CHECK(rig.differences() == std::vector<std::string>{});
  CHECK(taken_bytes(rig.taker() / "begins") < 128 * KiB);
  CHECK(taken_bytes(rig.taker() / "ends") < 128 * KiB);
  CHECK(taken_bytes(rig.taker() / "is") < 128 * KiB);
}

TEST_CASE("a file with holes goes on where it broke off, in content or after a hole") {
  TransferRig rig;
  make_sparse(rig.giver() / "disk.img", 96 * MiB,
              {{0, noise(5 * MiB, 1)}, {40 * MiB, noise(5 * MiB, 2)}, {80 * MiB, noise(5 * MiB, 3)}});
  RunOptions options;
  options.cut_after_bytes = GENERATE(4 * MiB + 500'000, 5 * MiB + 64 * KiB, 8 * MiB, 13 * MiB);
  INFO(*options.cut_after_bytes);
  REQUIRE(rig.pull(options).pull.outcome == Outcome::interrupted);
  const std::vector<std::string> left = rig.temporary_files();
  REQUIRE(left.size() == 1);
  CHECK(taken_bytes(left[0]) < *options.cut_after_bytes + 1 * MiB);
  const Ends next = rig.pull();
  CHECK(next.pull.outcome == Outcome::done);
  CHECK(next.pull.wire_bytes < 15 * MiB - *options.cut_after_bytes + 2 * MiB);
  CHECK(rig.differences() == std::vector<std::string>{});
  CHECK(taken_bytes(rig.taker() / "disk.img") < 16 * MiB);
}

TEST_CASE("a file with holes that was edited comes as its changed chunks and stays sparse") {
  TransferRig rig;
  const fs::path disk = rig.giver() / "disk.raw";
  std::vector<Extent> extents = {{0, noise(10 * MiB, 1)}, {60 * MiB, noise(10 * MiB, 2)}};
  make_sparse(disk, 100 * MiB, extents);
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  extents[1].content.replace(5 * MiB, 300'000, noise(300'000, 4));
  make_sparse(disk, 100 * MiB, extents);
  const Ends edited = rig.pull();
  REQUIRE(edited.pull.outcome == Outcome::done);
  CHECK(edited.pull.wire_bytes < 2 * MiB);
  CHECK(rig.differences() == std::vector<std::string>{});
  CHECK(taken_bytes(rig.taker() / "disk.raw") < 22 * MiB);

  make_sparse(disk, 100 * MiB, {{20 * MiB, noise(10 * MiB, 5)}});
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  CHECK(rig.differences() == std::vector<std::string>{});
  CHECK(taken_bytes(rig.taker() / "disk.raw") < 12 * MiB);
}

TEST_CASE("a file with holes that is here under another name is copied with its holes") {
  TransferRig rig;
  make_sparse(rig.giver() / "one", 64 * MiB, {{8 * MiB, noise(1 * MiB, 1)}, {50 * MiB + 1, "end"}});
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  fs::copy_file(rig.giver() / "one", rig.giver() / "two");
  const Ends copied = rig.pull();
  REQUIRE(copied.pull.outcome == Outcome::done);
  CHECK(copied.pull.bytes_reused == 64 * MiB);
  CHECK(rig.differences() == std::vector<std::string>{});
  CHECK(taken_bytes(rig.taker() / "two") < 2 * MiB);
}

TEST_CASE("a giver whose file gets a hole filled while it is read sends it again") {
  TransferRig rig;
  const fs::path disk = rig.giver() / "disk.img";
  make_sparse(disk, 16 * MiB, {{0, noise(1 * MiB, 1)}, {12 * MiB, noise(1 * MiB, 2)}});
  bool is_filled = false;
  RunOptions options;
  options.while_reading = [&](const sync::RelativePath&) {
    if (is_filled) return;
    is_filled = true;
    make_sparse(disk, 16 * MiB, {{0, noise(14 * MiB, 3)}});
  };
  CHECK(rig.pull(options).pull.outcome == Outcome::done);
  CHECK(is_filled);
  CHECK(rig.differences() == std::vector<std::string>{});
}

}  // namespace callboard::client::sparse_test
