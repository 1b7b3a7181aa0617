#include "sync/index.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <optional>
#include <thread>

#include "sync/hash.h"
#include "sync/sqlite.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::sync::index_test {
namespace {

namespace fs = std::filesystem;
using support::TempDir;

RelativePath path(std::string_view bytes) { return RelativePath::from_bytes(bytes).value(); }

FileStatus status(std::uint64_t size_bytes) {
  FileStatus status;
  status.mode = 0644;
  status.size_bytes = size_bytes;
  status.mtime_ns = 1'600'000'000'123'456'789;
  status.ctime_ns = 1'700'000'000'000'000'001;
  status.inode = 42;
  return status;
}

Digest digest(std::string_view text) { return digest_of(as_bytes(text)); }

struct Project {
  TempDir folder;
  Root root = Root::open(folder.path()).value();
  fs::path database = folder / ".callboard/index.db";
  Index open() const { return Index::open(root).value(); }
};

// While it exists the program works there.
struct WorkingFolder {
  fs::path before = fs::current_path();
  explicit WorkingFolder(const fs::path& folder) { fs::current_path(folder); }
  ~WorkingFolder() { fs::current_path(before); }
};

Bytes packed(const std::vector<KnownFiles::Known>& files) {
  KnownFilesWriter writer;
  for (const auto& file : files) writer.add(file);
  return writer.finish();
}

TEST_CASE("a database that finds the disk full says so") {
  Result<Sqlite> database = Sqlite::open(":memory:");
  REQUIRE(database.has_value());
  REQUIRE(database->run("CREATE TABLE t (b BLOB)"));
  REQUIRE(database->integer("PRAGMA max_page_count = 4"));
  const Result<void> put = database->run("INSERT INTO t VALUES (zeroblob(1000000))");
  REQUIRE_FALSE(put.has_value());
  CHECK(is_out_of_room(put.error()));
  CHECK_FALSE(is_damage(put.error()));
}

TEST_CASE("a packed directory yields what was put in, in order, and for the very same status only") {
  const Bytes bytes = packed(
      {{"a", status(1), digest("a")}, {"b", status(2), digest("b")}, {"c\xff", status(3), digest("c")}});
  KnownFiles known(bytes);
  CHECK(known.size() == 3);
  CHECK(known.take("a", status(1)) == digest("a"));
  CHECK(known.take("aa", status(1)) == std::nullopt);
  CHECK(known.take("c\xff", status(3)) == digest("c"));
  CHECK(known.take("d", status(1)) == std::nullopt);

  const auto changed = [](auto change) {
    FileStatus other = status(1);
    change(other);
    return other;
  };
  for (const FileStatus& other :
       {changed([](auto& s) { ++s.size_bytes; }), changed([](auto& s) { ++s.mtime_ns; }),
        changed([](auto& s) { ++s.ctime_ns; }), changed([](auto& s) { ++s.inode; }),
        changed([](auto& s) { s.mode = 0600; })}) {
    CHECK(KnownFiles(bytes).take("a", other) == std::nullopt);
  }
  // A device number is another after the next mount.
  CHECK(KnownFiles(bytes).take("a", changed([](auto& s) { ++s.device; })) == digest("a"));
}

TEST_CASE("a packed directory that is cut short or damaged anywhere knows nothing") {
  const Bytes bytes = packed({{"a", status(1), digest("a")}, {"b", status(2), digest("b")}});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    KnownFiles cut(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)));
    CHECK(cut.next() == std::nullopt);
    Bytes flipped = bytes;
    flipped[size] ^= std::byte{1};
    CHECK(KnownFiles(flipped).next() == std::nullopt);
  }
}

TEST_CASE("times too close to the reading are not trusted") {
  constexpr std::int64_t kNow = 1'800'000'000'000'000'000;
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto unsettled = [](std::int64_t mtime_ns, std::int64_t ctime_ns) {
    FileStatus s = status(1);
    s.mtime_ns = mtime_ns;
    s.ctime_ns = ctime_ns;
    return is_unsettled(s, kNow);
  };
  CHECK_FALSE(unsettled(kNow - 2 * kSecond - 1, kNow - 2 * kSecond - 1));
  CHECK(unsettled(kNow - 2 * kSecond, kNow - 3 * kSecond));
  CHECK(unsettled(0, kNow - 2 * kSecond));
  CHECK(unsettled(0, kNow + 3600 * kSecond));
  // Set by hand, long ago.
  CHECK_FALSE(unsettled(kNow + 3600 * kSecond, kNow - 3600 * kSecond));
}

TEST_CASE("what the index was told is there after it was opened again") {
  const Project project;
  {
    Index index = project.open();
    const Index::KnownDirectory directories[] = {{path(""), packed({{"top", status(1), digest("t")}})},
                                                 {path("dev"), packed({{"a", status(2), digest("a")}})}};
    REQUIRE(index.store(directories).has_value());
  }
  const Index index = project.open();
  CHECK(index.notice().empty());
  CHECK(index.known_in(path("")).take("top", status(1)) == digest("t"));
  CHECK(index.known_digest(path("dev/a"), status(2)) == digest("a"));
  CHECK(index.known_digest(path("dev/a"), status(3)) == std::nullopt);
  CHECK(index.known_digest(path("dev/b"), status(2)) == std::nullopt);
  CHECK(index.known_in(path("absent")).size() == 0);
}

TEST_CASE("only vanished directories beneath the one scanned are forgotten") {
  const Project project;
  Index index = project.open();
  std::vector<Index::KnownDirectory> directories;
  for (const char* name : {"", "dev", "dev/a", "dev/b", "dev-2", "dev.x/y", "\xff\xff"}) {
    directories.push_back({path(name), packed({{"f", status(1), digest("f")}})});
  }
  REQUIRE(index.store(directories).has_value());

  REQUIRE(index.forget_vanished(path("dev"), {"dev", "dev/b"}).has_value());
  for (const char* kept : {"", "dev", "dev/b", "dev-2", "dev.x/y", "\xff\xff"}) {
    INFO(kept);
    CHECK(index.known_in(path(kept)).size() == 1);
  }
  CHECK(index.known_in(path("dev/a")).size() == 0);

  REQUIRE(index.forget_vanished(path(""), {"", "dev"}).has_value());
  for (const char* gone : {"dev/b", "dev-2", "dev.x/y", "\xff\xff"}) {
    INFO(gone);
    CHECK(index.known_in(path(gone)).size() == 0);
  }
  CHECK(index.known_in(path("dev")).size() == 1);
}

TEST_CASE("a pulled file is remembered and its content known beside what was known before") {
  const Project project;
  {
    Index index = project.open();
    const Index::KnownDirectory before[] = {
        {path("dev"), packed({{"b", status(9), digest("old b")}, {"c", status(3), digest("c")}})}};
    REQUIRE(index.store(before).has_value());
    const Index::Pulled pulled[] = {{path("dev/d"), digest("d"), status(4)},
                                    {path("dev/b"), digest("b"), status(2)},
                                    {path("dev/a"), digest("a"), status(1)},
                                    {path("top"), digest("t"), status(5)}};
    REQUIRE(index.record_pulled(pulled).has_value());
  }
  Index index = project.open();
  CHECK(index.pulled_digest(path("dev/b")).value() == digest("b"));
  CHECK(index.pulled_digest(path("top")).value() == digest("t"));
  CHECK(index.pulled_digest(path("dev/c")).value() == std::nullopt);
  CHECK(index.known_in(path("dev")).size() == 4);
  CHECK(index.known_digest(path("dev/a"), status(1)) == digest("a"));
  CHECK(index.known_digest(path("dev/b"), status(2)) == digest("b"));
  CHECK(index.known_digest(path("dev/b"), status(9)) == std::nullopt);
  CHECK(index.known_digest(path("dev/c"), status(3)) == digest("c"));
  CHECK(index.known_digest(path("dev/d"), status(4)) == digest("d"));

  REQUIRE(index.forget_pulled(path("dev/b")).has_value());
  CHECK(index.pulled_digest(path("dev/b")).value() == std::nullopt);
}

TEST_CASE(
    "a pulled file whose times are whole seconds is read once more before its content counts as known") {
  const Project project;
  Index index = project.open();
  FileStatus coarse = status(1);
  coarse.ctime_ns = 1'700'000'000'000'000'000;
  const Index::Pulled pulled[] = {{path("a"), digest("a"), coarse}};
  REQUIRE(index.record_pulled(pulled).has_value());
  CHECK(index.pulled_digest(path("a")).value() == digest("a"));
  CHECK(index.known_digest(path("a"), coarse) == std::nullopt);
}

TEST_CASE("what another process writes is seen at once") {
  const Project project;
  Index mine = project.open();
  Index other = project.open();
  const Index::KnownDirectory first[] = {{path("dev"), packed({{"a", status(1), digest("1")}})}};
  const Index::KnownDirectory second[] = {{path("dev"), packed({{"a", status(1), digest("2")}})}};
  REQUIRE(mine.store(first).has_value());
  CHECK(mine.known_digest(path("dev/a"), status(1)) == digest("1"));
  REQUIRE(other.store(second).has_value());
  CHECK(mine.known_digest(path("dev/a"), status(1)) == digest("2"));
  REQUIRE(mine.store(first).has_value());
  CHECK(mine.known_digest(path("dev/a"), status(1)) == digest("1"));
}

TEST_CASE("two connections that write at the same time both get through") {
  const Project project;
  const auto write = [&](const std::string& directory) {
    Index index = project.open();
    for (int i = 0; i < 50; ++i) {
      const Index::Pulled pulled[] = {{path(directory + "/" + std::to_string(i)), digest("x"), status(1)}};
      if (!index.record_pulled(pulled)) return;
    }
  };
  std::thread other(write, "a");
  write("b");
  other.join();
  const Index index = project.open();
  CHECK(index.notice().empty());
  CHECK(index.known_in(path("a")).size() == 50);
  CHECK(index.known_in(path("b")).size() == 50);
}

TEST_CASE("a file that is no database is copied aside and the index made anew") {
  const Project project;
  for (const std::string& garbage :
       {std::string("not a database at all, just text that is long enough to be looked at"),
        std::string(8192, '\xa5'), std::string("SQLite format 3\0 and then nothing", 33)}) {
    support::write_file(project.database, garbage);
    Index index = project.open();
    CHECK(index.notice().find("made anew") != std::string::npos);
    CHECK(support::read_file(project.folder / ".callboard/index.db.damaged") == garbage);
    const Index::Pulled pulled[] = {{path("a"), digest("a"), status(1)}};
    CHECK(index.record_pulled(pulled).has_value());
    CHECK(project.open().notice().empty());
    CHECK(project.open().pulled_digest(path("a")).value() == digest("a"));
  }
}

TEST_CASE("a page damaged deep inside is noticed when it is met, and the index works again") {
  const Project project;
  {
    Index index = project.open();
    std::vector<Index::Pulled> pulled;
    for (int i = 0; i < 2000; ++i)
      pulled.push_back({path("dev/" + std::to_string(i)), digest("x"), status(1)});
    REQUIRE(index.record_pulled(pulled).has_value());
  }
  std::string bytes = support::read_file(project.database);
  REQUIRE(bytes.size() > 40'000);
  std::fill(bytes.begin() + 4096, bytes.end(), '\x5a');  // All but the page with the schema.
  support::write_file(project.database, bytes);

  Index index = project.open();
  CHECK(index.known_digest(path("dev/7"), status(1)) == std::nullopt);
  CHECK(index.notice().find("made anew") != std::string::npos);
  const Index::Pulled pulled[] = {{path("a"), digest("a"), status(1)}};
  CHECK(index.record_pulled(pulled).has_value());
  CHECK(index.pulled_digest(path("a")).value() == digest("a"));
  CHECK(project.open().notice().empty());
}

TEST_CASE("an index whose file is removed while it is open makes a fresh one, and goes on") {
  const Project project;
  Index index = project.open();
  const Index::Pulled before[] = {{path("a"), digest("a"), status(1)}};
  REQUIRE(index.record_pulled(before).has_value());
  std::filesystem::remove(project.database);
  const Index::Pulled after[] = {{path("b"), digest("b"), status(1)}};
  CHECK(index.record_pulled(after).has_value());
  CHECK(index.pulled_digest(path("b")).value() == digest("b"));
  CHECK(project.open().pulled_digest(path("b")).value() == digest("b"));
  CHECK(project.open().pulled_digest(path("a")).value() == std::nullopt);
}

TEST_CASE("an index whose file is replaced by another while it is open goes on with that one") {
  const Project project;
  const Project other;
  {
    Index theirs = other.open();
    const Index::Pulled pulled[] = {{path("c"), digest("c"), status(1)}};
    REQUIRE(theirs.record_pulled(pulled).has_value());
  }
  Index index = project.open();
  const Index::Pulled before[] = {{path("a"), digest("a"), status(1)}};
  REQUIRE(index.record_pulled(before).has_value());
  fs::rename(other.database, project.database);
  const Index::Pulled after[] = {{path("b"), digest("b"), status(1)}};
  CHECK(index.record_pulled(after).has_value());
  CHECK(project.open().pulled_digest(path("a")).value() == std::nullopt);
  CHECK(project.open().pulled_digest(path("b")).value() == digest("b"));
  CHECK(project.open().pulled_digest(path("c")).value() == digest("c"));
}

TEST_CASE(
    "an index of a folder that was given by a relative path goes on so, too, wherever the program works "
    "later") {
  const TempDir parent;
  fs::create_directory(parent / "film");
  const fs::path database = parent / "film/.callboard/index.db";
  const bool stays = GENERATE(true, false);
  INFO(stays);
  std::optional<WorkingFolder> working(parent.path());
  Index index = Index::open(Root::open("film").value()).value();
  if (!stays) working.reset();
  SECTION("its file is removed") { fs::remove(database); }
  SECTION("its file is replaced by another") {
    const Project other;
    static_cast<void>(other.open());
    fs::rename(other.database, database);
  }
  const Index::Pulled pulled[] = {{path("b"), digest("b"), status(1)}};
  CHECK(index.record_pulled(pulled).has_value());
  const Index again = Index::open(Root::open(parent / "film").value()).value();
  CHECK(again.pulled_digest(path("b")).value() == digest("b"));
}

TEST_CASE(
    "an index whose folder is moved while it is open says so, and writes nothing to the one that comes in "
    "its place") {
  const TempDir parent;
  fs::create_directory(parent / "film");
  const Root root = Root::open(parent / "film").value();
  Index index = Index::open(root).value();
  fs::rename(parent / "film", parent / "old");
  fs::create_directories(parent / "film/.callboard");
  const Index::Pulled pulled[] = {{path("a"), digest("a"), status(1)}};
  const Result<void> recorded = index.record_pulled(pulled);
  REQUIRE_FALSE(recorded.has_value());
  CHECK(recorded.error().text == "index \"" + (parent / "film/.callboard/index.db").string() +
                                     "\": its folder was moved, or may not be looked into");
  CHECK(fs::is_empty(parent / "film/.callboard"));
}

TEST_CASE("an index from a newer version is left alone and done without") {
  const Project project;
  {
    Index index = project.open();
    const Index::Pulled pulled[] = {{path("a"), digest("a"), status(1)}};
    REQUIRE(index.record_pulled(pulled).has_value());
  }
  REQUIRE(Sqlite::open(project.database)->run("PRAGMA user_version = 7").has_value());
  const std::string before = support::read_file(project.database);
  {
    Index index = project.open();
    CHECK(index.notice().find("version 7") != std::string::npos);
    CHECK(index.pulled_digest(path("a")).value() == std::nullopt);
    const Index::Pulled pulled[] = {{path("b"), digest("b"), status(1)}};
    CHECK(index.record_pulled(pulled).has_value());
    CHECK(index.pulled_digest(path("b")).value() == digest("b"));
  }
  CHECK(support::read_file(project.database) == before);
}

TEST_CASE("another program's database in the index's place is set aside") {
  const Project project;
  fs::create_directory(project.folder / ".callboard");
  REQUIRE(Sqlite::open(project.database)->run("CREATE TABLE theirs(x); PRAGMA user_version = 1").has_value());
  Index index = project.open();
  CHECK(index.notice().find("something else") != std::string::npos);
  const Index::Pulled pulled[] = {{path("a"), digest("a"), status(1)}};
  CHECK(index.record_pulled(pulled).has_value());
}

}  // namespace
}  // namespace callboard::sync::index_test
