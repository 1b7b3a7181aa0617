#include "sync/index_database.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/text.h"

namespace callboard::sync {
namespace {

// "CBIX": no other program's database is taken for ours.
constexpr std::int64_t kApplicationId = 0x43424958;
constexpr std::int64_t kVersion = 1;

// One row for a directory's known files: loading a row for each file would take ten times as long. Rows of `known` keep
// their large blobs apart from the keys, so that the keys alone can be listed quickly.
constexpr const char* kSchema = R"(
  CREATE TABLE known(path BLOB PRIMARY KEY NOT NULL, files BLOB NOT NULL);
  CREATE TABLE pulled(directory BLOB NOT NULL, name BLOB NOT NULL, digest BLOB NOT NULL,
                      PRIMARY KEY(directory, name)) WITHOUT ROWID;
  PRAGMA application_id = 1128417624;
  PRAGMA user_version = 1;)";
static_assert(kApplicationId == 1128417624 && kVersion == 1, "as the schema sets them");

// Made where it is missing, whatever the version: who does not know it, leaves it alone. A row that is written again becomes
// the newest.
constexpr const char* kChunksTable =
    "CREATE TABLE IF NOT EXISTS chunks(content BLOB UNIQUE NOT NULL, list BLOB NOT NULL)";

// A rollback journal that is emptied, not deleted: two processes write here now and then, and SQLite 3.40 can damage a
// write-ahead log that two connections reset at once. NORMAL: a power cut may cost the last writes, never the file.
constexpr const char* kPragmas = R"(
  PRAGMA journal_mode = TRUNCATE;
  PRAGMA synchronous = NORMAL;
  PRAGMA cache_size = -8192;)";

// Held while the file is made, checked or set aside, so that processes that start together do it once.
class FolderLock {
 public:
  explicit FolderLock(int directory_fd)
      : fd_(::openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    // Without it (network file systems) the worst is that an index is made anew twice.
    if (fd_) static_cast<void>(::flock(fd_.get(), LOCK_EX));
  }

 private:
  Fd fd_;  // Closing it unlocks.
};

// What an open database is.
struct Verdict {
  enum class Kind { sound, damaged, newer };
  Kind kind = Kind::sound;
  std::string text;  // Unless sound: "is …".
};

Result<Verdict> check_version(Sqlite& sqlite) {
  auto application = sqlite.integer("PRAGMA application_id");
  if (!application) return application.error();
  auto version = sqlite.integer("PRAGMA user_version");
  if (!version) return version.error();
  auto tables = sqlite.integer("SELECT count(*) FROM sqlite_master");
  if (!tables) return tables.error();
  if (*application == 0 && *version == 0 && *tables == 0) {
    auto made = sqlite.run((std::string("BEGIN IMMEDIATE;") + kSchema + "COMMIT;").c_str());
    if (!made) return made.error();
    return Verdict{};
  }
  if (*application != kApplicationId) return Verdict{Verdict::Kind::damaged, "is something else"};
  if (*version == kVersion) return Verdict{};
  return Verdict{Verdict::Kind::newer,
                 "is of version " + std::to_string(*version) + ", this program knows 1"};
}

Result<void> prepare_all(IndexDatabase& index) {
  if (auto made = index.sqlite.run(kChunksTable); !made) return made;
  const std::pair<Statement*, const char*> all[] = {
      {&index.known_get, "SELECT files FROM known WHERE path = ?1"},
      {&index.known_put,
       "INSERT INTO known(path, files) VALUES(?1, ?2) ON CONFLICT(path) DO UPDATE SET files = "
       "excluded.files"},
      {&index.known_delete, "DELETE FROM known WHERE path = ?1"},
      {&index.known_beneath, "SELECT path FROM known WHERE path >= ?1 AND path < ?2 ORDER BY path"},
      {&index.pulled_get, "SELECT digest FROM pulled WHERE directory = ?1 AND name = ?2"},
      {&index.pulled_put,
       "INSERT INTO pulled(directory, name, digest) VALUES(?1, ?2, ?3) "
       "ON CONFLICT(directory, name) DO UPDATE SET digest = excluded.digest"},
      {&index.pulled_delete, "DELETE FROM pulled WHERE directory = ?1 AND name = ?2"},
      {&index.chunks_get, "SELECT list FROM chunks WHERE content = ?1"},
      {&index.chunks_put, "INSERT OR REPLACE INTO chunks(content, list) VALUES(?1, ?2)"},
      {&index.chunks_delete, "DELETE FROM chunks WHERE content = ?1"},
      {&index.data_version, "PRAGMA data_version"},
  };
  for (const auto& [statement, sql] : all) {
    auto prepared = index.sqlite.prepare(sql);
    if (!prepared) return prepared.error();
    *statement = *std::move(prepared);
  }
  return {};
}

struct Attempt {
  IndexDatabase database;
  Verdict verdict;
};

// Errors are those that a fresh database would have, too: disk full, no rights.
Result<Attempt> attempt(const std::string& path, IndexCheck check) {
  auto sqlite = Sqlite::open(path);
  if (!sqlite) return sqlite.error();
  Attempt attempt;
  attempt.database.sqlite = *std::move(sqlite);
  Result<void> done = attempt.database.sqlite.run(kPragmas);
  if (done) {
    auto verdict = check_version(attempt.database.sqlite);
    if (verdict) attempt.verdict = *verdict;
    if (!verdict) done = verdict.error();
  }
  if (done && check == IndexCheck::thorough) done = attempt.database.sqlite.check();
  if (done && attempt.verdict.kind == Verdict::Kind::sound) done = prepare_all(attempt.database);
  if (!done && !is_damage(done.error())) return done.error();
  if (!done) attempt.verdict = Verdict{Verdict::Kind::damaged, "is damaged"};
  return attempt;
}

constexpr const char* kAsideName = "index.db.damaged";

// A copy, best effort, for whoever wants to know what happened. Renaming the file itself would let another process that
// has it open write its journal beside the fresh one.
void copy_aside(int private_fd) {
  const Fd from(::openat(private_fd, kIndexName, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  const Fd to(::openat(private_fd, kAsideName, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  char block[64 * 1024];
  ssize_t size = 0;
  while (from && to && (size = ::read(from.get(), block, sizeof block)) > 0) {
    if (::write(to.get(), block, static_cast<std::size_t>(size)) != size) return;
  }
}

Result<IndexDatabase> without_file(std::string notice) {
  auto database = open_index_in_memory();
  if (database) database->notice = std::move(notice);
  return database;
}

}  // namespace

Result<IndexDatabase> open_index_database(int private_fd, const std::string& path, IndexCheck check) {
  const FolderLock lock(private_fd);
  auto first = attempt(path, check);
  if (!first) return first.error().prefixed("open " + quoted(path));
  const Verdict verdict = first->verdict;
  switch (verdict.kind) {
    case Verdict::Kind::sound:
      return std::move(first->database);
    case Verdict::Kind::newer:
      return without_file("the index of this folder " + verdict.text +
                          ": it is left alone, and everything is read anew");
    case Verdict::Kind::damaged:
      break;
  }
  copy_aside(private_fd);
  if (auto erased = first->database.sqlite.erase(); !erased)
    return erased.error().prefixed("erase " + quoted(path));
  first = attempt(path, IndexCheck::quick);
  if (!first) return first.error().prefixed("open " + quoted(path));
  if (first->verdict.kind != Verdict::Kind::sound) {
    return Error{Outcome::failed, "open " + quoted(path) + ": " + first->verdict.text};
  }
  first->database.notice = "the index of this folder " + verdict.text +
                           ": it is made anew, a copy is kept as \"" + kAsideName + "\"";
  return std::move(first->database);
}

Result<IndexDatabase> open_index_in_memory() {
  auto opened = attempt(":memory:", IndexCheck::quick);
  if (!opened) return opened.error();
  ENSURE(opened->verdict.kind == Verdict::Kind::sound);
  return std::move(opened->database);
}

}  // namespace callboard::sync
