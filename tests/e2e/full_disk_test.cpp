// Disks that are really full: a small file system of its own, mounted where the program writes.
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "tests/e2e/studio.h"
#include "tests/support/blend.h"
#include "tests/support/skip.h"
#include "tests/support/tree.h"

namespace callboard::e2e::full_disk_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using support::write_file;

// A file system of that many MiB, in memory, at a folder that it makes.
class SmallDisk {
 public:
  SmallDisk(fs::path at, int size_mib) : at_(std::move(at)) {
    fs::create_directories(at_);
    mount(0, size_mib);
  }
  ~SmallDisk() { static_cast<void>(::umount2(at_.c_str(), MNT_DETACH)); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const fs::path& path() const { return at_; }
  void grow(int size_mib) { mount(MS_REMOUNT, size_mib); }
  // Leaves not a byte free.
  void fill() {
    const std::string page(4096, 'x');
    std::ofstream filler(at_ / "filler", std::ios::binary);
    while (filler.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  }
  void make_room() { fs::remove(at_ / "filler"); }

  // Why none can be made here; nullopt when one can.
  static std::optional<std::string> why_not() {
    if (::geteuid() != 0) return "mounting a small file system needs root";
    const support::TempDir somewhere;
    try {
      const SmallDisk disk(somewhere.path() / "disk", 1);
      return std::nullopt;
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

 private:
  void mount(unsigned long flags, int size_mib) {
    const std::string size = "size=" + std::to_string(size_mib) + "m";
    if (::mount("callboard-test", at_.c_str(), "tmpfs", flags, size.c_str()) == 0) return;
    throw std::runtime_error("a small file system cannot be mounted here: " +
                             std::string(std::strerror(errno)));
  }

  fs::path at_;
};

TEST_CASE("a pull that cannot fit is refused before the first byte, and comes when there is room") {
  if (const auto reason = SmallDisk::why_not()) return support::skip_test(*reason);
  Studio studio;
  SmallDisk disk(studio.folder("lighting"), 4);
  const auto rigging = studio.add_user("rigging");
  const auto lighting = studio.add_user("lighting");
  support::make_tree(rigging / "dev",
                     {.seed = 3, .files = 40, .files_per_directory = 10, .size_max_bytes = 20'000});
  write_file(rigging / "rnd/large.exr", std::string(12'000'000, 'f'));
  studio.serve();
  const auto joined = studio.join("rigging");

  const auto failed = studio.run("lighting", {"pull", "/", "--from", "rigging"});
  INFO(failed.out << failed.err);
  CHECK(failed.ending.exit_code == 4);
  CHECK_THAT(failed.err, Contains("the disk has too little room: expected at least"));
  CHECK_FALSE(fs::exists(lighting / "rnd"));
  CHECK_FALSE(fs::exists(lighting / "dev"));

  disk.grow(64);
  const auto pulled = studio.run("lighting", {"pull", "/", "--from", "rigging"});
  INFO(pulled.out << pulled.err);
  CHECK(pulled.ending.exit_code == 0);
  CHECK(support::differences(rigging, lighting) == support::kNoDifference);
}

TEST_CASE("a pull of what is linked to ends at once when the disk has no room, and says just that") {
  if (const auto reason = SmallDisk::why_not()) return support::skip_test(*reason);
  Studio studio;
  SmallDisk disk(studio.folder("lighting"), 4);
  const auto rigging = studio.add_user("rigging");
  studio.add_user("lighting");
  write_file(rigging / "rnd/s1/shot/shot.blend",
             support::make_blend({"//../../../dev/chr/Moria/large.blend", "//../../../lib/b.blend"}));
  write_file(rigging / "dev/chr/Moria/large.blend", std::string(12'000'000, 'f'));
  write_file(rigging / "lib/b.blend", support::make_blend(std::vector<std::string>()));
  studio.serve();
  const auto joined = studio.join("rigging");
  const auto failed = studio.run("lighting", {"pull", "/rnd/s1/shot", "--linked", "--from", "rigging"});
  INFO(failed.out << failed.err);
  CHECK(failed.ending.exit_code == 4);
  CHECK_THAT(failed.err, Contains("error: the disk has too little room: expected at least"));
  joined->send_signal(SIGTERM);
  CHECK(exit_code(*joined) == 0);
  // The shot and what does not fit.
  CHECK(events(joined->printed(Stream::out), "giving").size() == 2);
}

TEST_CASE("a disk that gets full in mid-pull pauses it, and room makes it go on") {
  if (const auto reason = SmallDisk::why_not()) return support::skip_test(*reason);
  Studio studio;
  SmallDisk disk(studio.folder("lighting"), 16);
  const auto rigging = studio.add_user("rigging");
  const auto lighting = studio.add_user("lighting");
  write_file(rigging / "rnd/large.abc", std::string(4'000'000, 'f'));
  studio.serve({"--relay-rate", "2M"});
  const auto joined = studio.join("rigging");
  const auto pulling = studio.start("lighting", {"pull", "/rnd", "--from", "rigging", "--json"});
  wait_for_event(*pulling, "progress", [](const Json& event) { return event.at("bytes_done") > 0; });
  disk.fill();  // Most of it is still to come.
  wait_for_event(*pulling, "progress", [](const Json& event) { return event.at("paused") != ""; });
  CHECK_FALSE(fs::exists(lighting / "rnd"));
  SECTION("room comes") {
    disk.make_room();
    CHECK(exit_code(*pulling) == 0);
    CHECK(support::differences(rigging, lighting) == support::kNoDifference);
  }
  SECTION("the user gives up") {
    pulling->send_signal(SIGINT);
    CHECK(exit_code(*pulling) == 130);
    CHECK_FALSE(fs::exists(lighting / "rnd"));
  }
}

TEST_CASE(
    "a server on a full disk refuses writes with the cause, goes on otherwise, and recovers by itself") {
  if (const auto reason = SmallDisk::why_not()) return support::skip_test(*reason);
  Studio studio;
  SmallDisk disk(studio.home() / "small", 4);
  const auto rigging = studio.add_user("rigging");
  studio.add_user("lighting");
  write_file(rigging / "rig.txt", "bones");
  studio.serve({"--data", disk.path().string()});
  const auto joined = studio.join("rigging");
  REQUIRE(studio.run("lighting", {"say", "before"}).ending.exit_code == 0);

  disk.fill();
  // What the log has reserved already takes some. They are read, too: a `join` whose output is stuck does nothing else.
  const auto say_much = [&] {
    Finished said = studio.run("lighting", {"say", std::string(8000, 'x')});
    if (said.ending.exit_code == 0) wait_for_event(*joined, "message");
    return said;
  };
  Finished refused = say_much();
  for (int i = 0; i < 200 && refused.ending.exit_code == 0; ++i) refused = say_much();
  INFO(refused.err);
  CHECK(refused.ending.exit_code != 0);
  CHECK_THAT(refused.err, Contains("full"));
  const Json status = events(studio.run("lighting", {"status", "--json"}).out, "status").at(0);
  CHECK_THAT(status.at("read_only").get<std::string>(), Contains("full"));
  CHECK_THAT(studio.run("lighting", {"status"}).out, Contains("changes   refused: ") && Contains("full"));
  CHECK_THAT(studio.run("lighting", {"messages"}).out, Contains("lighting: before"));
  CHECK_THAT(studio.run("lighting", {"users"}).out, Contains("rigging"));
  const auto pulled = studio.run("lighting", {"pull", "/", "--from", "rigging"});
  INFO(pulled.err);
  CHECK(pulled.ending.exit_code == 0);

  disk.make_room();
  const auto said = studio.run("lighting", {"say", "after"});
  INFO(said.err);
  CHECK(said.ending.exit_code == 0);
  CHECK(wait_for_event(*joined, "message", [](const Json& each) {
          return each.at("text") == "after";
        }).at("user") == "lighting");
}

TEST_CASE("a server that was stopped in order starts on a full disk, and what it has is read") {
  if (const auto reason = SmallDisk::why_not()) return support::skip_test(*reason);
  Studio studio;
  SmallDisk disk(studio.home() / "small", 4);
  write_file(studio.add_user("rigging") / "story.json", R"({"a":1})");
  studio.serve({"--data", disk.path().string()});
  REQUIRE(studio.run("rigging", {"story", "set", "story.json"}).ending.exit_code == 0);
  studio.server().send_signal(SIGTERM);
  CHECK(exit_code(studio.server()) == 0);
  disk.fill();
  studio.serve({"--data", disk.path().string()});
  CHECK_THAT(studio.run("rigging", {"story", "get"}).out, Contains("{\"a\":1}"));
  CHECK_THAT(studio.run("rigging", {"history", "story"}).out, Contains("rigging"));
  CHECK_THAT(studio.run("rigging", {"status"}).out,
             Contains("changes   refused: ") && Contains("too little room"));
  const auto refused = studio.run("rigging", {"say", "hello"});
  CHECK(refused.ending.exit_code == 1);
  CHECK_THAT(refused.err, Contains("too little room"));
  disk.make_room();
  CHECK(studio.run("rigging", {"say", "hello"}).ending.exit_code == 0);
}

TEST_CASE("a disk that has no room for a board, or a backup, is named as that") {
  if (const auto reason = SmallDisk::why_not()) return support::skip_test(*reason);
  Studio studio;
  SmallDisk disk(studio.home() / "small", 4);
  studio.add_user("rigging");
  studio.serve();
  REQUIRE(studio.run("rigging", {"say", "hello"}).ending.exit_code == 0);
  studio.server().send_signal(SIGTERM);
  CHECK(exit_code(studio.server()) == 0);
  const auto backup = studio.home() / "backup";
  REQUIRE(studio.run("rigging", {"backup", backup.string()}).ending.exit_code == 0);
  disk.fill();
  const std::vector<std::string> serve{"serve", "--data", disk.path().string(), "--port", "0"};
  const auto empty = studio.run("rigging", serve);
  CHECK(empty.ending.exit_code == 1);
  CHECK_THAT(empty.err,
             Contains("too little room: expected 1.00 MiB, got 0 B") && !Contains("damaged, move"));
  fs::remove_all(disk.path() / "Moria%27s Race");
  auto restore = serve;
  restore.insert(restore.end(), {"--restore", backup.string()});
  const auto restored = studio.run("rigging", restore);
  CHECK(restored.ending.exit_code == 1);
  CHECK_THAT(restored.err, Contains("too little room: expected ") && Contains("got 0 B"));
}

}  // namespace
}  // namespace callboard::e2e::full_disk_test
