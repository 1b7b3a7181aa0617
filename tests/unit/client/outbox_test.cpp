#include "client/outbox.h"

#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "base/limits.h"
#include "client/heard.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/server/small_disk.h"

namespace callboard::client::outbox_test {
namespace {

namespace fs = std::filesystem;

protocol::DocumentWrite edit(std::uint64_t op, const std::string& text) {
  protocol::DocumentWrite write;
  write.timestamp = {1000};
  write.base = 41;
  write.op = UniqueId{1, op};
  write.patch = true;
  write.document = std::make_shared<const std::string>(text);
  return write;
}

protocol::MessageAsk message(std::uint64_t op, const std::string& text) { return {0, text, UniqueId{1, op}}; }

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Desk {
  support::TempDir folder;
  fs::path file() const { return folder.path() / ".callboard/outbox"; }
  std::unique_ptr<Outbox> open(const std::string& project = "Moria's Race") const {
    auto opened = Outbox::open(folder.path().string(), project);
    REQUIRE(opened);
    return std::move(*opened);
  }
};

std::vector<std::uint64_t> operations(const Outbox& outbox) {
  std::vector<std::uint64_t> result;
  for (const auto& each : outbox.waiting()) result.push_back(operation_of(each).low);
  return result;
}

}  // namespace

TEST_CASE("what is kept is there in its order for the next process, until it is forgotten") {
  const Desk desk;
  {
    const auto outbox = desk.open();
    CHECK(outbox->waiting().empty());
    REQUIRE(outbox->keep(edit(1, R"([{"op":"remove","path":"/a"}])")));
    REQUIRE(outbox->keep(message(2, "hello")));
    REQUIRE(outbox->keep(edit(3, "[]")));
    outbox->forget(UniqueId{1, 2});
    outbox->forget(UniqueId{7, 7});
  }
  struct stat status {};
  REQUIRE(::stat(desk.file().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  const auto outbox = desk.open();
  REQUIRE(operations(*outbox) == std::vector<std::uint64_t>{1, 3});
  const auto& first = std::get<protocol::DocumentWrite>(outbox->waiting()[0]);
  CHECK(first.timestamp.ms == 1000);
  CHECK(first.base == 41);
  CHECK(first.patch);
  CHECK(*first.document == R"([{"op":"remove","path":"/a"}])");
  outbox->forget(UniqueId{1, 1});
  outbox->forget(UniqueId{1, 3});
  CHECK(outbox->waiting().empty());
  CHECK(fs::file_size(desk.file()) < 64);
}

TEST_CASE("an outbox that is cut off anywhere, or damaged, keeps what came whole before that") {
  const Desk desk;
  std::vector<std::size_t> ends;
  {
    const auto outbox = desk.open();
    for (const std::uint64_t op : {1u, 2u, 3u}) {
      REQUIRE(outbox->keep(message(op, "hello")));
      ends.push_back(fs::file_size(desk.file()));
    }
  }
  const std::string whole = read_file(desk.file());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    std::ofstream(desk.file(), std::ios::trunc | std::ios::binary) << whole.substr(0, size);
    const auto expected = static_cast<std::size_t>(
        std::count_if(ends.begin(), ends.end(), [&](std::size_t end) { return end <= size; }));
    const auto outbox = desk.open();
    CHECK(outbox->waiting().size() == expected);
    // And goes on from there.
    REQUIRE(outbox->keep(message(9, "later")));
  }
  CHECK(operations(*desk.open()) == std::vector<std::uint64_t>{1, 2, 9});
  std::string damaged = whole;
  damaged[ends[1] - 1] = 'X';
  std::ofstream(desk.file(), std::ios::trunc | std::ios::binary) << damaged;
  CHECK(operations(*desk.open()) == std::vector<std::uint64_t>{1});
}

TEST_CASE("one program at a time has the outbox, and only for the project that it waits for") {
  const Desk desk;
  {
    const auto outbox = desk.open();
    const auto second = Outbox::open(desk.folder.path().string(), "Moria's Race");
    REQUIRE_FALSE(second);
    CHECK(second.error().outcome == Outcome::locked);
    REQUIRE(outbox->keep(message(1, "hello")));
  }
  const auto other = Outbox::open(desk.folder.path().string(), "Another");
  REQUIRE_FALSE(other);
  CHECK(other.error().outcome == Outcome::refused);
  const auto outbox = desk.open();
  CHECK(operations(*outbox) == std::vector<std::uint64_t>{1});
  outbox->forget(UniqueId{1, 1});
}

TEST_CASE("what the outbox has no room for is refused, and what is in it stays") {
  const Desk desk;
  const auto outbox = desk.open();
  const std::string large(15 * MiB, 'x');
  for (const std::uint64_t op : {1u, 2u, 3u, 4u}) REQUIRE(outbox->keep(edit(op, large)));
  const auto refused = outbox->keep(edit(5, large));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome == Outcome::refused);
  CHECK(operations(*outbox) == std::vector<std::uint64_t>{1, 2, 3, 4});
}

TEST_CASE("an outbox that got full while it was emptied keeps what comes when there is room again") {
  const Desk desk;
  const auto outbox = desk.open();
  REQUIRE(outbox->keep(message(1, "hello")));
  {
    const server::SmallDisk full(0);
    outbox->forget(UniqueId{1, 1});
    CHECK_FALSE(outbox->keep(message(2, "no room")));
  }
  REQUIRE(outbox->keep(message(3, "room again")));
  REQUIRE(outbox->keep(message(4, "and more")));
  const std::string left = read_file(desk.file());
  const Desk next;
  fs::create_directory(next.file().parent_path());
  std::ofstream(next.file(), std::ios::binary) << left;
  CHECK(operations(*next.open()) == std::vector<std::uint64_t>{3, 4});
}

TEST_CASE("a file that is no outbox is left alone") {
  const Desk desk;
  fs::create_directory(desk.folder.path() / ".callboard");
  std::ofstream(desk.file()) << "something of somebody else's";
  const auto opened = Outbox::open(desk.folder.path().string(), "Moria's Race");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().outcome == Outcome::refused);
  CHECK(read_file(desk.file()) == "something of somebody else's");
}

// --- What was heard ---------------------------------------------------------------------------------------------------

namespace {

protocol::User user(std::uint64_t session, const std::string& name, const std::string& at = "") {
  protocol::User result;
  result.session = SessionId{session};
  result.name = name;
  result.at = at;
  return result;
}

protocol::Users users(bool full, std::vector<protocol::User> those) {
  protocol::Users tell;
  tell.full = full;
  tell.users = std::move(those);
  return tell;
}

}  // namespace

TEST_CASE("what is told again of users is passed on only where it differs") {
  Heard heard;
  CHECK(heard.hear(users(true, {user(1, "rigging"), user(2, "lighting")})).changed.size() == 2);
  CHECK(heard.hear(users(false, {user(2, "lighting")})).changed.empty());
  const auto moved = heard.hear(users(false, {user(2, "lighting", "/pln")}));
  REQUIRE(moved.changed.size() == 1);
  CHECK(moved.changed[0].at == "/pln");
  CHECK_FALSE(heard.hear(protocol::AtTell{SessionId{2}, "lighting", "/pln", {}}));
  CHECK(heard.hear(protocol::AtTell{SessionId{2}, "lighting", "", {}}));
  protocol::Users left;
  left.left = {{SessionId{1}, "rigging", "home"}};
  CHECK(heard.hear(left).left.size() == 1);
  CHECK(heard.hear(left).left.empty());
  // A whole list says who is missing, too.
  const auto news = heard.replace(users(true, {user(3, "layout")}));
  REQUIRE(news.changed.size() == 1);
  CHECK(news.changed[0].name == "layout");
  REQUIRE(news.left.size() == 1);
  CHECK(news.left[0].name == "lighting");
}

TEST_CASE("what is told again of copies, messages and conflicts is passed on only where it differs") {
  Heard heard;
  protocol::Assets assets;
  assets.items["/a"] = protocol::AssetCopy{"rigging", SessionId{1}, {1}};
  assets.items["/b"] = protocol::AssetCopy{"rigging", SessionId{1}, {1}};
  CHECK(heard.hear(assets).size() == 2);
  CHECK(heard.hear(assets).empty());
  assets.items["/b"] = std::nullopt;
  assets.items["/c"] = std::nullopt;
  const auto gone = heard.hear(assets);
  REQUIRE(gone.size() == 1);
  CHECK(gone.contains("/b"));
  protocol::Assets all;
  all.full = true;
  all.items["/d"] = protocol::AssetCopy{"rigging", SessionId{1}, {1}};
  const auto news = heard.replace(all);
  REQUIRE(news.size() == 2);
  CHECK_FALSE(news.at("/a"));
  CHECK(news.at("/d"));

  protocol::Messages messages;
  messages.messages = {{41, "rigging", "a", {}}, {42, "rigging", "b", {}}};
  CHECK(heard.hear(messages).size() == 2);
  messages.messages.push_back({43, "rigging", "c", {}});
  REQUIRE(heard.hear(messages).size() == 1);

  protocol::Conflicts conflicts;
  conflicts.conflicts.resize(1);
  conflicts.conflicts[0].number = 3;
  conflicts.conflicts[0].winner.revision = 812;
  CHECK(heard.hear(conflicts).size() == 1);
  CHECK(heard.hear(conflicts).empty());
  conflicts.conflicts[0].winner.revision = 813;
  CHECK(heard.hear(conflicts).size() == 1);
  heard.forget();
  CHECK(heard.hear(messages).size() == 3);
}

}  // namespace callboard::client::outbox_test
