// Copies on a file system that shares blocks: an XFS of its own, mounted where the taker's folder is.
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/limits.h"
#include "tests/e2e/studio.h"
#include "tests/support/skip.h"
#include "tests/support/tree.h"

namespace callboard::e2e::shared_blocks_test {
namespace {

namespace fs = std::filesystem;

// As small as they are made; its image has holes.
class SharingDisk {
 public:
  explicit SharingDisk(fs::path at) : at_(std::move(at)) {
    fs::create_directories(at_);
    image_ = at_.parent_path() / "sharing.image";
    support::write_file(image_, "");
    fs::resize_file(image_, 400 * MiB);
    why_not_ = run("mkfs.xfs -q -m reflink=1 '" + image_.string() + "'") ? "" : "mkfs.xfs is not to be had";
    if (why_not_.empty() && !run("mount -o loop '" + image_.string() + "' '" + at_.string() + "'"))
      why_not_ = "an XFS image cannot be mounted here";
  }
  ~SharingDisk() {
    if (why_not_.empty()) static_cast<void>(::umount2(at_.c_str(), MNT_DETACH));
  }
  SharingDisk(const SharingDisk&) = delete;
  SharingDisk& operator=(const SharingDisk&) = delete;
  const std::string& why_not() const { return why_not_; }

 private:
  static bool run(const std::string& line) {
    const support::Finished done = support::run(
        {.words = {"sh", "-c", "PATH=$PATH:/usr/sbin:/sbin " + line}, .directory = {}, .environment = {}});
    return done.ending.exit_code == 0;
  }

  fs::path at_;
  fs::path image_;
  std::string why_not_;
};

// How many of a file's bytes lie in blocks that another file has, too.
std::uint64_t shared_bytes(const fs::path& path) {
  constexpr std::size_t kExtentsMax = 4096;
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(file);
  std::vector<std::uint64_t> room((sizeof(fiemap) + kExtentsMax * sizeof(fiemap_extent)) / 8 + 1);
  auto* map = reinterpret_cast<fiemap*>(room.data());
  map->fm_length = FIEMAP_MAX_OFFSET;
  map->fm_flags = FIEMAP_FLAG_SYNC;
  map->fm_extent_count = kExtentsMax;
  REQUIRE(::ioctl(file.get(), FS_IOC_FIEMAP, map) == 0);
  std::uint64_t shared = 0;
  for (std::size_t i = 0; i < map->fm_mapped_extents; ++i) {
    const fiemap_extent& extent = map->fm_extents[i];
    if ((extent.fe_flags & FIEMAP_EXTENT_SHARED) != 0) shared += extent.fe_length;
  }
  return std::min(shared, static_cast<std::uint64_t>(fs::file_size(path)));
}

TEST_CASE("what is copied here shares its blocks where the file system can, and is never a hard link") {
  Studio studio;
  const SharingDisk disk(studio.folder("lighting"));
  if (!disk.why_not().empty()) return support::skip_test(disk.why_not());
  const fs::path giver = studio.add_user("rigging");
  const fs::path taker = studio.add_user("lighting");
  constexpr std::uint64_t kSize = 24 * MiB + 12'345;
  support::make_large_file({.path = giver / "dev/scene.blend", .size_bytes = kSize, .seed = 3});
  // Slow enough that an edited file travels in chunks.
  studio.serve({"--relay-rate", "40M"});
  const auto joined = studio.join("rigging");
  const std::vector<std::string> pull{"pull", "/dev", "--from", "rigging", "--json"};
  REQUIRE(studio.run("lighting", pull).ending.exit_code == 0);
  CHECK(shared_bytes(taker / "dev/scene.blend") == 0);

  SECTION("a file under another name") {
    fs::copy_file(giver / "dev/scene.blend", giver / "dev/renamed.blend");
    const auto pulled = studio.run("lighting", pull);
    INFO(pulled.out << pulled.err);
    REQUIRE(pulled.ending.exit_code == 0);
    CHECK(events(pulled.out, "pulled").at(0).at("files_reused") == 1);
    CHECK(shared_bytes(taker / "dev/renamed.blend") == kSize);
    CHECK(fs::hard_link_count(taker / "dev/renamed.blend") == 1);
    CHECK(fs::hard_link_count(taker / "dev/scene.blend") == 1);
  }
  SECTION("what is as it was in an edited file") {
    // Somebody keeps the version of before: it is what the blocks are shared with when that is replaced.
    fs::create_hard_link(taker / "dev/scene.blend", taker / "dev/before.blend");
    const std::string edit(64 * KiB, 'e');
    {
      const Fd file(::open((giver / "dev/scene.blend").c_str(), O_WRONLY | O_CLOEXEC));
      REQUIRE(file);
      for (off_t at = 777; at < static_cast<off_t>(kSize - edit.size()); at += 5'000'000)
        REQUIRE(::pwrite(file.get(), edit.data(), edit.size(), at) == static_cast<ssize_t>(edit.size()));
    }
    const auto pulled = studio.run("lighting", pull);
    INFO(pulled.out << pulled.err);
    REQUIRE(pulled.ending.exit_code == 0);
    CHECK(events(pulled.out, "pulled").at(0).at("wire_bytes") < 4 * MiB);
    CHECK(support::read_file(taker / "dev/scene.blend") == support::read_file(giver / "dev/scene.blend"));
    CHECK(shared_bytes(taker / "dev/scene.blend") > kSize - 4 * MiB);
    CHECK(fs::hard_link_count(taker / "dev/scene.blend") == 1);
    CHECK(support::read_file(taker / "dev/before.blend") != support::read_file(giver / "dev/scene.blend"));
  }
}

}  // namespace
}  // namespace callboard::e2e::shared_blocks_test
