#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>

#include "client/answer.h"
#include "client/inbox.h"
#include "client/item_watch.h"
#include "client/key_file.h"
#include "client/last_server.h"
#include "client/pull_progress.h"
#include "client/taker_turns.h"
#include "client/workstation.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"
#include "tests/unit/client/fake_server.h"

namespace callboard::client::shell_parts_test {
namespace {

TEST_CASE("two states of a pull are the same only when nothing that is told of them differs") {
  const PullProgress one;
  PullProgress other;
  CHECK(other == one);
  other.paused = "disk full, waiting for room";
  CHECK_FALSE(other == one);
  other = one;
  other.bytes_reused = 1;
  CHECK_FALSE(other == one);
  other = one;
  other.bytes_per_second = 1;
  CHECK_FALSE(other == one);
  other = one;
  other.files_total = 1;
  CHECK_FALSE(other == one);
}

TEST_CASE("an answer's first setting counts and tells whoever listens, once") {
  const Answer<int> answer;
  std::vector<int> told;
  answer.then([&](const Result<int>& result) { told.push_back(*result); });
  CHECK_FALSE(answer.wait_for(0s));
  CHECK(answer.set(1));
  CHECK_FALSE(answer.set(2));
  CHECK(answer.wait_for(0s));
  CHECK(*answer.get() == 1);
  answer.then([&](const Result<int>& result) { told.push_back(10 + *result); });
  CHECK(told == std::vector<int>{1, 11});
}

TEST_CASE("an answer waited for on one thread is brought by another") {
  const Answer<std::string> answer;
  std::thread bringing([answer] { answer.set(Error{Outcome::locked, "held"}); });
  CHECK(answer.get().error().text == "held");
  bringing.join();
}

TEST_CASE("a listener may ask for the answer again while it is told") {
  const Answer<int> answer;
  int heard = 0;
  answer.then([&](const Result<int>&) { heard = *answer.get(); });
  answer.set(5);
  CHECK(heard == 5);
}

TEST_CASE("of two threads that take turns one receives while the other writes, and the order stays") {
  TakerTurns turns;
  std::promise<void> received_by_other;
  std::string written;
  auto receiving = turns.receive();
  const std::uint64_t first = turns.take_place();
  receiving.unlock();
  std::thread other([&] {
    auto own = turns.receive();
    const std::uint64_t second = turns.take_place();
    own.unlock();
    received_by_other.set_value();
    turns.write(second, [&] { written += "second"; });
  });
  turns.write(first, [&] {
    received_by_other.get_future().wait();
    written += "first ";
  });
  other.join();
  CHECK(written == "first second");
}

TEST_CASE("a thread that takes turns goes on alone while the other is busy elsewhere") {
  TakerTurns turns;
  std::string written;
  for (const char* piece : {"a", "b", "c"}) {
    auto receiving = turns.receive();
    const std::uint64_t place = turns.take_place();
    receiving.unlock();
    turns.write(place, [&] { written += piece; });
  }
  CHECK(written == "abc");
}

TEST_CASE("tasks run on the loop in the order they were posted") {
  net::Loop loop;
  Inbox inbox(loop);
  std::vector<int> ran;
  inbox.post([&] { ran.push_back(1); });
  inbox.post([&] {
    ran.push_back(2);
    inbox.post([&] { ran.push_back(4); });
  });
  inbox.post([&] { ran.push_back(3); });
  CHECK(ran.empty());
  REQUIRE(loop.run_until([&] { return ran.size() == 4; }, kTestLimit));
  CHECK(ran == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("tasks that will not run are refused, before and after the end") {
  net::Loop loop;
  Inbox inbox(loop);
  int ran = 0;
  int refused = 0;
  inbox.post([&] { ++ran; }, [&] { ++refused; });
  inbox.close();
  CHECK(refused == 1);
  inbox.post([&] { ++ran; }, [&] { ++refused; });
  CHECK(refused == 2);
  loop.run();
  CHECK(ran == 0);
}

TEST_CASE("the last server is remembered in the folder") {
  const support::TempDir folder;
  const std::string path = folder.path().string();
  CHECK_FALSE(LastServer(path).get());
  LastServer(path).set({"10.0.0.7", 4100});
  CHECK(LastServer(path).get() == net::Endpoint{"10.0.0.7", 4100});
  LastServer(path).set({"fe80::1%eth0", 4100});
  CHECK(LastServer(path).get() == net::Endpoint{"fe80::1%eth0", 4100});
  CHECK_FALSE(std::filesystem::exists(folder / ".callboard/last_server.new"));
}

TEST_CASE("a last server that cannot be read is none") {
  const support::TempDir folder;
  std::filesystem::create_directory(folder / ".callboard");
  for (const char* text : {"", "\n", "host:99999\n", ":\n"}) {
    std::ofstream(folder / ".callboard/last_server") << text;
    INFO(text);
    CHECK_FALSE(LastServer(folder.path().string()).get());
  }
}

TEST_CASE("without a folder the last server is remembered for the object's life") {
  LastServer server("");
  server.set({"10.0.0.7", 4100});
  CHECK(server.get() == net::Endpoint{"10.0.0.7", 4100});
  CHECK_FALSE(LastServer("").get());
}

TEST_CASE("a folder is the same workstation each time, and held by one at a time") {
  const support::TempDir folder;
  const std::string path = folder.path().string();
  std::optional<UniqueId> id;
  {
    const Workstation first(path, "ws-07");
    id = first.id();
    REQUIRE(id);
    CHECK_FALSE(Workstation(path, "ws-07").id());
  }
  CHECK(Workstation(path, "ws-07").id() == id);
  // Reached by another name it is the same folder still.
  CHECK(Workstation(path + "/.callboard/..", "ws-07").id() == id);
}

TEST_CASE("a shared folder and a copied one are other workstations") {
  const support::TempDir top;
  std::filesystem::create_directory(top / "one");
  const auto id = Workstation((top / "one").string(), "ws-07").id();
  std::filesystem::copy(top / "one", top / "two", std::filesystem::copy_options::recursive);
  const auto copied = Workstation((top / "two").string(), "ws-07").id();
  const auto shared = Workstation((top / "one").string(), "ws-08").id();
  REQUIRE(copied);
  REQUIRE(shared);
  CHECK(copied != id);
  CHECK(shared != id);
}

TEST_CASE("a broken workstation file is written anew, and without a folder there is no workstation") {
  const support::TempDir folder;
  std::filesystem::create_directory(folder / ".callboard");
  std::ofstream(folder / ".callboard/workstation") << "nonsense";
  const auto id = Workstation(folder.path().string(), "ws-07").id();
  CHECK(id);
  CHECK(Workstation(folder.path().string(), "ws-07").id() == id);
  CHECK_FALSE(Workstation("", "ws-07").id());
  CHECK_FALSE(Workstation((folder / "nowhere").string(), "ws-07").id());
}

struct Watched {
  support::TempDir top;
  std::unique_ptr<ProjectFolder> folder;
  net::Loop loop;
  int first_looks = 0;
  std::vector<ItemWatch::Changes> changes;

  Watched() {
    add("dev/chr/Moria/rig.txt");
    folder = ProjectFolder::open(top.path().string()).value();
  }
  void add(const std::string& path) {
    std::filesystem::create_directories((top / path).parent_path());
    std::ofstream(top / path) << "x";
  }
  std::unique_ptr<ItemWatch> watch() {
    ItemWatch::Handlers handlers;
    handlers.on_first_look = [this] { ++first_looks; };
    handlers.on_changes = [this](const ItemWatch::Changes& each) { changes.push_back(each); };
    handlers.on_warning = [](std::string_view) {};
    return std::make_unique<ItemWatch>(loop, *folder, sync::ItemPatterns(), std::move(handlers));
  }
};

TEST_CASE("the first look finds the items and is no change") {
  Watched here;
  const auto watch = here.watch();
  CHECK_FALSE(watch->items());
  REQUIRE(here.loop.run_until([&] { return here.first_looks == 1; }, kTestLimit));
  REQUIRE(watch->items());
  CHECK(watch->items()->size() == 1);
  CHECK(watch->items()->contains("/dev/chr/Moria"));
  CHECK(here.changes.empty());
}

TEST_CASE("items that come, change and go are told, the others are not") {
  Watched here;
  here.add("dev/chr/Gimli/rig.txt");
  here.add("dev/chr/Balin/rig.txt");
  const auto watch = here.watch();
  REQUIRE(here.loop.run_until([&] { return here.first_looks == 1; }, kTestLimit));
  here.add("pln/plan.txt");
  std::filesystem::remove_all(here.top / "dev/chr/Gimli");
  std::filesystem::last_write_time(here.top / "dev/chr/Moria/rig.txt",
                                   std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  watch->look_now();
  // In one report or in several, as the watch hears of them.
  const auto told_so_far = [&] {
    ItemWatch::Changes all;
    for (const auto& each : here.changes) {
      for (const auto& [item, timestamp] : each) all[item] = timestamp;
    }
    return all;
  };
  REQUIRE(here.loop.run_until([&] { return told_so_far().size() >= 3; }, kTestLimit));
  const ItemWatch::Changes told = told_so_far();
  CHECK(told.size() == 3);
  CHECK(told.at("/pln"));
  CHECK(told.at("/dev/chr/Moria"));
  CHECK_FALSE(told.at("/dev/chr/Gimli"));
  CHECK(here.first_looks == 1);
}

TEST_CASE("a look asked for while one runs follows it") {
  Watched here;
  const auto watch = here.watch();
  watch->look_now();
  here.add("pln/plan.txt");
  REQUIRE(
      here.loop.run_until([&] { return watch->items() && watch->items()->contains("/pln"); }, kTestLimit));
  CHECK(here.first_looks == 1);
}

TEST_CASE("a watch may end while it looks") {
  Watched here;
  auto watch = here.watch();
  watch.reset();
  here.loop.run();
  CHECK(here.first_looks == 0);
}

TEST_CASE("a key that others can read is refused with the command that mends it, and no error shows a key") {
  const support::TempDir folder;
  const std::string path = (folder / ".callboard/key").string();
  CHECK_FALSE(key_of_folder(folder.path().string())->has_value());
  const AccessKey key = make_access_key(system_random());
  support::write_file(path, to_line(key) + "\n");
  std::filesystem::permissions(path, std::filesystem::perms(0640));
  const auto readable = key_of_folder(folder.path().string());
  REQUIRE_FALSE(readable);
  CHECK(readable.error().outcome == Outcome::refused);
  CHECK(readable.error().text.find("run: chmod 600 '" + path + "'") != std::string::npos);
  std::filesystem::permissions(path, std::filesystem::perms(0600));
  CHECK(**key_of_folder(folder.path().string()) == key);
  const std::string broken = to_line(key).substr(0, 60);
  support::write_file(path, broken);
  const auto wrong = key_of_folder(folder.path().string());
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().text.find(broken.substr(10, 20)) == std::string::npos);
}

TEST_CASE("a key file that a shell has emptied is refused with what to do, also where others can read it") {
  const support::TempDir folder;
  support::write_file(folder / ".callboard/key", "");
  std::filesystem::permissions(folder / ".callboard/key", std::filesystem::perms(0644));
  const auto empty = key_of_folder(folder.path().string());
  REQUIRE_FALSE(empty);
  CHECK(empty.error().outcome == Outcome::refused);
  CHECK(empty.error().text.find("/.callboard/key\": it is empty; put the line in it") != std::string::npos);
}

}  // namespace
}  // namespace callboard::client::shell_parts_test
