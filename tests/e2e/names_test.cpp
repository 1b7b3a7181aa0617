// What a file system can hold: odd names, kinds, modes, times. All of it arrives, or is refused by name.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::names_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using support::write_file;

struct Pair : Studio {
  fs::path giver = add_user("rigging");
  fs::path taker = add_user("lighting");
  std::unique_ptr<Process> joined;

  void open() {
    serve();
    joined = join("rigging");
  }
  Finished pull(std::vector<std::string> more) const {
    more.insert(more.begin(), {"pull", "--from", "rigging"});
    return run("lighting", more);
  }
};

TEST_CASE("names that break programs arrive as they are, as files and as folders") {
  Pair pair;
  for (const auto& name : support::awkward_names()) {
    write_file(pair.giver / "dev" / name, "content of " + name);
    write_file(pair.giver / "dev/folders" / name / "inside", "below " + name);
    fs::create_symlink(name, pair.giver / "dev" / fs::path("to " + name.substr(0, 200)));
  }
  pair.open();
  const auto pulled = pair.pull({"/dev", "--json"});
  CHECK(pulled.err.empty());
  CHECK(pulled.ending.exit_code == 0);
  CHECK(support::differences(pair.giver, pair.taker) == support::kNoDifference);

  // What cannot be JSON text is told in hex beside it.
  bool has_hex = false;
  for (const auto& each : objects(pair.run("lighting", {"ls", "/dev", "--from", "rigging", "--json"}).out)) {
    has_hex = has_hex || each.value("path_hex", "") == to_hex("dev/not utf-8 \xff\xfe");
    CHECK(each.at("here") == "same");
  }
  CHECK(has_hex);
  // A terminal gets no control characters out of a name.
  const auto shown = pair.run("lighting", {"ls", "/dev", "--from", "rigging", "--long"}).out;
  CHECK(shown.find('\x1b') == std::string::npos);
  CHECK(is_utf8(shown));
  // Escaped once.
  for (const auto& name : support::awkward_names()) CHECK_THAT(shown, Contains(escaped(name)));
}

TEST_CASE("one item is named by an awkward name on the command line") {
  Pair pair;
  for (const auto& name : support::awkward_names()) write_file(pair.giver / "dev/chr" / name / "file", name);
  pair.open();
  for (const auto& name : support::awkward_names()) {
    INFO(name);
    const auto pulled = pair.pull({"/dev/chr/" + name});
    CHECK(pulled.err.empty());
    CHECK(pulled.ending.exit_code == 0);
    CHECK(support::read_file(pair.taker / "dev/chr" / name / "file") == name);
  }
}

// Root reads everything: a giver that may not is another user.
TEST_CASE("a file that its giver may not read is left out by name, and all others arrive") {
  Pair pair;
  write_file(pair.giver / "dev/open", "open");
  write_file(pair.giver / "dev/secret", "secret");
  write_file(pair.giver / "dev/folder/inside", "inside");
  fs::permissions(pair.giver / "dev/secret", fs::perms::none);
  fs::permissions(pair.giver / "dev/folder", fs::perms::none);
  pair.serve();
  auto giving = pair.command(0, {"join", "--json"});
  giving.directory = pair.giver;
  if (::geteuid() == 0) {
    constexpr ::uid_t kNobody = 65534;
    giving.words.insert(giving.words.begin(),
                        {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"});
    for (const auto& each : fs::recursive_directory_iterator(pair.giver))
      REQUIRE(::lchown(each.path().c_str(), kNobody, kNobody) == 0);
    REQUIRE(::chown(pair.giver.c_str(), kNobody, kNobody) == 0);
    for (fs::path above = pair.giver.parent_path(); above != pair.home().parent_path();
         above = above.parent_path())
      fs::permissions(above, fs::perms::others_exec, fs::perm_options::add);
  }
  Process joined(giving);
  wait_for_event(joined, "joined");
  const auto pulled = pair.pull({"/dev"});
  // Who has all that can be had is told again what cannot.
  const auto again = pair.pull({"/dev"});
  CHECK(again.ending.exit_code != 0);
  CHECK_THAT(again.err, Contains("/dev/secret") && Contains("/dev/folder"));
  fs::permissions(pair.giver / "dev/folder", fs::perms::owner_all);  // For who tidies up.
  CHECK(pulled.ending.exit_code == 4);
  CHECK_THAT(pulled.err, Contains("/dev/secret") && Contains("permission denied"));
  CHECK_THAT(pulled.err, Contains("/dev/folder"));
  CHECK(support::read_file(pair.taker / "dev/open") == "open");
  CHECK_FALSE(fs::exists(pair.taker / "dev/secret"));
  CHECK_FALSE(fs::exists(pair.taker / "dev/folder/inside"));
  joined.send_signal(SIGINT);
  CHECK(exit_code(joined) == 130);
}

TEST_CASE("empty folders, links that stay inside, modes and times to the nanosecond are kept") {
  Pair pair;
  fs::create_directories(pair.giver / "dev/empty/in empty");
  write_file(pair.giver / "dev/chr/Moria/moria.blend", "BLENDER");
  write_file(pair.giver / "dev/zero", "");
  fs::create_symlink("Moria/moria.blend", pair.giver / "dev/chr/newest");
  fs::create_directory_symlink("../chr/Moria", pair.giver / "dev/empty/up and down");
  fs::create_symlink("nothing there", pair.giver / "dev/dangling");
  const auto old = pair.giver / "dev/script.sh";
  write_file(old, "#!/bin/sh");
  REQUIRE(chmod(old.c_str(), 0751) == 0);
  const std::array<timespec, 2> times{
      {{.tv_sec = 1, .tv_nsec = 999'999'999}, {.tv_sec = 946'684'799, .tv_nsec = 123'456'789}}};
  REQUIRE(utimensat(AT_FDCWD, old.c_str(), times.data(), 0) == 0);
  REQUIRE(chmod((pair.giver / "dev/empty").c_str(), 0750) == 0);
  pair.open();
  const auto pulled = pair.pull({"/"});
  CHECK(pulled.err.empty());
  CHECK(pulled.ending.exit_code == 0);
  CHECK(support::differences(pair.giver, pair.taker) == support::kNoDifference);

  // A new mode and a new time alone travel too, without the content.
  REQUIRE(chmod(old.c_str(), 0600) == 0);
  const auto again = objects(pair.pull({"/", "--json"}).out);
  CHECK(again.back().at("outcome") == "done");
  CHECK(again.back().at("bytes") == 0);
  CHECK(support::differences(pair.giver, pair.taker) == support::kNoDifference);
}

TEST_CASE("what is no file, folder or link inside the project is refused by name, the rest arrives") {
  Pair pair;
  const auto dev = pair.giver / "dev";
  write_file(dev / "good", "good");
  write_file(dev / "nested/good", "good");
  write_file(pair.home() / "secret", "secret");
  REQUIRE(mkfifo((dev / "fifo").c_str(), 0600) == 0);
  fs::create_symlink("../../../secret", dev / "escaping");
  fs::create_symlink("/etc/passwd", dev / "absolute");
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto at = (dev / "socket").string();
  REQUIRE(at.size() < sizeof address.sun_path);
  at.copy(address.sun_path, at.size());
  REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  close(fd);
  pair.open();

  const auto pulled = pair.pull({"/dev", "--json"});
  CAPTURE(pulled.out, pulled.err);
  std::vector<std::string> refused;
  for (const auto& each : events(pulled.out, "problem")) {
    CHECK(each.at("outcome") == "refused");
    refused.push_back(each.at("path"));
  }
  CHECK_THAT(refused, Catch::UnorderedEquals(std::vector<std::string>{"dev/fifo", "dev/escaping",
                                                                      "dev/absolute", "dev/socket"}));
  for (const auto& path : refused) CHECK_THAT(pulled.err, Contains(path));
  CHECK(support::read_file(pair.taker / "dev/good") == "good");
  CHECK(support::read_file(pair.taker / "dev/nested/good") == "good");
  for (const auto& path : refused) CHECK_FALSE(fs::exists(fs::symlink_status(pair.taker / path)));
  CHECK(pulled.ending.exit_code == 4);
}

TEST_CASE("an ignore file that is changed while its folder is given is obeyed at once") {
  Pair pair;
  write_file(pair.giver / "dev/a.blend", "a");
  write_file(pair.giver / "dev/a.blend1", "backup");
  write_file(pair.giver / "dev/cache/x", "x");
  pair.open();
  const auto seen = [&] {
    std::vector<std::string> paths;
    for (const auto& each :
         objects(pair.run("lighting", {"ls", "/dev", "--from", "rigging", "--json"}).out)) {
      paths.push_back(each.at("path"));
    }
    return paths;
  };
  CHECK(seen() == std::vector<std::string>{"dev/a.blend", "dev/cache"});
  write_file(pair.giver / ".callboardignore", "cache/\n!*.blend1\n");
  // lighting ignores backups by itself, and takes them once it is told to.
  CHECK(seen() == std::vector<std::string>{"dev/a.blend"});
  write_file(pair.taker / ".callboardignore", "!*.blend1\n");
  CHECK(seen() == std::vector<std::string>{"dev/a.blend", "dev/a.blend1"});
  CHECK(pair.pull({"/dev/cache"}).ending.exit_code == 3);
  CHECK(pair.pull({"/dev"}).ending.exit_code == 0);
  CHECK(fs::exists(pair.taker / "dev/a.blend1"));
  CHECK_FALSE(fs::exists(pair.taker / "dev/cache"));
  fs::remove(pair.giver / ".callboardignore");
  fs::remove(pair.taker / ".callboardignore");
  CHECK(seen() == std::vector<std::string>{"dev/a.blend", "dev/cache"});
}

TEST_CASE("nothing of .callboard is served, whatever it is called") {
  Pair pair;
  write_file(pair.giver / "dev/good", "good");
  write_file(pair.taker / "mine", "mine");
  const auto config = support::read_file(pair.taker / ".callboard/config");
  pair.open();
  for (const auto* item :
       {"/.callboard", "/.callboard/config", "/dev/../.callboard/config", "/./.callboard"}) {
    INFO(item);
    const auto pulled = pair.pull({item});
    CHECK(pulled.ending.exit_code != 0);
    CHECK(pulled.ending.exit_code != -1);
    CHECK_THAT(pulled.err, Contains("error: "));
  }
  CHECK(pair.pull({"/"}).ending.exit_code == 0);
  CHECK(support::read_file(pair.taker / ".callboard/config") == config);
  CHECK(support::read_file(pair.taker / "mine") == "mine");
}

}  // namespace
}  // namespace callboard::e2e::names_test
