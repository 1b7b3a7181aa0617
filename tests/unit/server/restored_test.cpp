// What a server begins with that begins with a backup.
#include <unistd.h>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include "server/backup.h"
#include "server/store/data_folder.h"
#include "server/store/database.h"
#include "tests/unit/server/studio.h"
#include "tests/unit/server/temporary_folder.h"

namespace callboard::restored_test {
using namespace callboard::server;

namespace {
constexpr const char* kProject = "Moria's Race";
}  // namespace

TEST_CASE("a file that is no backup becomes nobody's board") {
  TemporaryFolder folder;
  const auto file = folder.path() / "notes.txt";
  std::ofstream(file) << std::string(8192, 'x');
  CHECK_FALSE(restore(file, folder.path(), kProject));
  CHECK_FALSE(std::filesystem::exists(folder.path() / folder_name(kProject) / "board.sqlite"));
}

TEST_CASE("a board that was moved away begins with what was written ahead of it") {
  TemporaryFolder folder;
  const auto moved = folder.path() / "moved.sqlite";
  {
    Studio studio;
    const auto client = studio.join("rigging");
    const auto file = studio.data() / folder_name(kProject) / kBoardFile;
    const protocol::MessageAsk message{.text = "to be kept", .op = UniqueId{1, 1}};
    CHECK(client->ask_for<protocol::Ok>(message).number == 1);
    // As one that was killed leaves them.
    for (const char* suffix : {"", "-wal"})
      std::filesystem::copy_file(file.native() + suffix, moved.native() + suffix);
  }
  REQUIRE(std::filesystem::file_size(moved.native() + "-wal") > 0);
  REQUIRE(restore(moved, folder.path(), kProject));
  auto database = Database::open_reader(folder.path() / folder_name(kProject) / kBoardFile);
  REQUIRE(database);
  CHECK(database->number("SELECT count(*) FROM operations").value() == 1);
}

TEST_CASE("a server that cannot have its port leaves no board behind, restored or new, and says what to do") {
  Studio studio;
  TemporaryFolder folder;
  const auto copy = folder.path() / "moria.sqlite";
  REQUIRE(back_up(studio.data(), kProject, copy));
  ServerOptions options = studio.options();
  options.data = folder.path() / "new";
  options.port = studio.server->listening().port;
  for (const auto& restore : {std::filesystem::path(), copy}) {
    options.restore = restore;
    const auto refused = studio.try_another(options);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().outcome == Outcome::locked);
    CHECK(refused.error().text == "listen on " + net::to_text(studio.server->listening()) +
                                      ": address already in use, by process " + std::to_string(::getpid()) +
                                      "; --port chooses another");
    CHECK_FALSE(std::filesystem::exists(options.data));
  }
  options.port = 0;
  CHECK(studio.try_another(options));
}

TEST_CASE("a restored board that cannot be read is taken back, and another backup may be tried") {
  Studio studio;
  TemporaryFolder folder;
  const auto copy = folder.path() / "moria.sqlite";
  const auto damaged = folder.path() / "damaged.sqlite";
  for (const auto& file : {copy, damaged}) REQUIRE(back_up(studio.data(), kProject, file));
  {
    auto database = Database::open(damaged);
    REQUIRE(database);
    REQUIRE(database->run("INSERT OR REPLACE INTO snapshot (one, sequence, state) VALUES (1, 9, x'00')"));
  }
  ServerOptions options = studio.options();
  options.data = folder.path() / "new";
  options.restore = damaged;
  const auto failed = studio.try_another(options);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().text.find("snapshot: expected format") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(options.data / folder_name(kProject) / "board.sqlite"));
  options.restore = copy;
  CHECK(studio.try_another(options));
}

}  // namespace callboard::restored_test
