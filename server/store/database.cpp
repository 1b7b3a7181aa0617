#include "server/store/database.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstdio>
#include <iterator>

#include "base/text.h"
#include "server/store/board_files.h"

namespace callboard::server {
namespace {

// "CBrd": tells our databases from others.
constexpr std::int64_t kApplicationId = 0x43427264;
constexpr std::int64_t kSchemaVersion = 4;
// From this on the tables are the same: it is read as it is where it cannot be brought up to date.
constexpr std::int64_t kReadableSchema = 3;

constexpr const char* kSchema = R"sql(
  BEGIN IMMEDIATE;
  CREATE TABLE operations (
    sequence INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    session INTEGER NOT NULL,
    user TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    record INTEGER NOT NULL,
    base INTEGER NOT NULL,
    value BLOB NOT NULL,
    counter INTEGER NOT NULL DEFAULT 0,
    form INTEGER NOT NULL DEFAULT 0,
    settles INTEGER NOT NULL DEFAULT 0,
    path TEXT NOT NULL DEFAULT '');
  CREATE TABLE keyframes (
    record INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (record, sequence));
  CREATE TABLE snapshot (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    sequence INTEGER NOT NULL,
    state BLOB NOT NULL);
  PRAGMA application_id = 1128428132;
  PRAGMA user_version = 4;
  COMMIT;
)sql";
// Not part of the schema: they answer faster, and an older program keeps them up.
constexpr const char* kIndexes =
    "CREATE INDEX IF NOT EXISTS audit ON operations (sequence) WHERE record = 5; "
    "CREATE INDEX IF NOT EXISTS records ON operations (sequence) WHERE record = 4;";
static_assert(kApplicationId == 1128428132 && kSchemaVersion == 4, "as written in kSchema");

// What makes each version's schema of the one before it; the first makes 2 of 1.
constexpr const char* kMigrations[] = {
    R"sql(
  BEGIN IMMEDIATE;
  ALTER TABLE operations ADD COLUMN counter INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE operations ADD COLUMN form INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE operations ADD COLUMN settles INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE keyframes (
    record INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (record, sequence));
  PRAGMA user_version = 2;
  COMMIT;
)sql",
    R"sql(
  BEGIN IMMEDIATE;
  ALTER TABLE operations ADD COLUMN path TEXT NOT NULL DEFAULT '';
  PRAGMA user_version = 3;
  COMMIT;
)sql",
    // From now on kept states are packed (packed_state.h); those that are there stay as they are.
    "PRAGMA user_version = 4"};
static_assert(std::size(kMigrations) == kSchemaVersion - 1, "one step from each version to the next");

// Checkpoints are made between commits, when their answers are out, not within one. The cache, in KiB: operations' ids fall
// anywhere in their index, some 25 bytes each, and a page that is not at hand is read for every one of them.
constexpr const char* kSettings =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; "
    "PRAGMA cache_size = -16384;";

// 1 MiB of 4 KiB pages; see Database::make_room().
constexpr int kRoomPages = 256;

// What means something in a URI is written as %XX.
std::string as_uri(std::string_view path) {
  std::string uri;
  for (const char c : path) {
    if (c == '%') uri += "%25";
    if (c == '?') uri += "%3f";
    if (c == '#') uri += "%23";
    if (c != '%' && c != '?' && c != '#') uri += c;
  }
  return uri;
}

int keep_wal_pages(void* pages, sqlite3*, const char*, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

bool is_missing(const std::filesystem::path& file) {
  std::error_code error;
  return std::filesystem::symlink_status(file, error).type() == std::filesystem::file_type::not_found;
}

}  // namespace

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Closer::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

// A failed bind (out of memory, too large) leaves NULL, which NOT NULL refuses at step().
Statement& Statement::bind(int index, std::uint64_t value) {
  return bind(index, static_cast<std::int64_t>(value));
}
Statement& Statement::bind(int index, std::int64_t value) {
  static_cast<void>(sqlite3_bind_int64(statement_.get(), index + 1, value));
  return *this;
}
Statement& Statement::bind(int index, std::string_view text) {
  static_cast<void>(sqlite3_bind_text64(statement_.get(), index + 1,
                                        text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_STATIC,
                                        SQLITE_UTF8));
  return *this;
}
Statement& Statement::bind(int index, ByteView blob) {
  const void* data = blob.data() == nullptr ? static_cast<const void*>("") : blob.data();
  static_cast<void>(sqlite3_bind_blob64(statement_.get(), index + 1, data, blob.size(), SQLITE_STATIC));
  return *this;
}

Result<bool> Statement::step() {
  const int rc = sqlite3_step(statement_.get());
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  return Error{Outcome::failed, sqlite3_errmsg(sqlite3_db_handle(statement_.get()))};
}

void Statement::reset() {
  if (!statement_) return;
  // The error it repeats was that of step().
  static_cast<void>(sqlite3_reset(statement_.get()));
  static_cast<void>(sqlite3_clear_bindings(statement_.get()));
}

std::int64_t Statement::i64(int column) const { return sqlite3_column_int64(statement_.get(), column); }
std::uint64_t Statement::u64(int column) const { return static_cast<std::uint64_t>(i64(column)); }
std::string_view Statement::text(int column) const { return as_text(blob(column)); }
ByteView Statement::blob(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Result<Database> Database::open_with(const std::filesystem::path& file, int flags) {
  sqlite3* handle = nullptr;
  const int rc = sqlite3_open_v2(file.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(handle);
  if (rc != SQLITE_OK)
    return Error{database.is_unreadable() ? Outcome::failed : Outcome::interrupted, sqlite3_errstr(rc)};
  sqlite3_extended_result_codes(handle, 1);
  // Another connection that recovers the write-ahead log after a crash holds everybody up for a moment.
  constexpr int kPatienceMs = 10'000;
  sqlite3_busy_timeout(handle, kPatienceMs);
  return database;
}

Result<void> Database::check_not_empty(const std::filesystem::path& file) {
  std::error_code error;
  const bool is_link = std::filesystem::is_symlink(std::filesystem::symlink_status(file, error));
  if (is_link && !std::filesystem::exists(file, error))
    return Error{Outcome::failed, "it is a link to " +
                                      callboard::quoted(std::filesystem::read_symlink(file, error).native()) +
                                      ", where there is nothing; is its disk there?"};
  if (std::filesystem::file_size(file, error) > 0 || error) return {};
  return Error{Outcome::failed, "it is empty, what was in it is lost"};
}

// It gets its name when there is something in it: one of that name without anything has lost it.
Result<void> Database::make(const std::filesystem::path& file) {
  if (auto free = check_nothing_left_of(file); !free) return free;
  const std::filesystem::path part = part_of(file);
  auto made = [&]() -> Result<void> {
    auto database = open_with(part, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (!database) return database.error();
    // What is broken off is made once more.
    if (auto set = database->run("PRAGMA journal_mode = MEMORY"); !set) return set;
    return database->run(kSchema);
  }();
  if (made && ::rename(part.c_str(), file.c_str()) != 0) made = os_error("create it", errno);
  if (!made) remove_part(part);
  return made;
}

Result<Database> Database::open(const std::filesystem::path& file, Missing missing) {
  const std::string doing = "database " + callboard::quoted(file.native());
  // A link that leads nowhere is one to a disk that is not there, and is not to be replaced by an empty board.
  const bool is_made = missing == Missing::is_made && is_missing(file);
  if (auto there = is_made ? make(file) : check_not_empty(file); !there) return there.error().prefixed(doing);
  auto database = open_with(file, SQLITE_OPEN_READWRITE);
  if (!database) return database.error().prefixed(doing);
  if (auto ready = database->set_up(); !ready) return ready.error().prefixed(doing);
  if (auto made = database->make_room(file); !made) return made.error().prefixed(doing);
  sqlite3_wal_hook(database->database_.get(), &keep_wal_pages, database->wal_pages_.get());
  return database;
}

std::uint64_t Database::bytes_ahead(const std::filesystem::path& file) {
  std::error_code error;
  const auto real = std::filesystem::canonical(file, error);
  const auto size_bytes = error ? 0 : std::filesystem::file_size(real.native() + "-wal", error);
  return error ? 0 : size_bytes;
}

Result<Database> Database::open_reader(const std::filesystem::path& file, Schema schema) {
  const std::string doing = "database " + callboard::quoted(file.native());
  if (auto there = check_not_empty(file); !there) return there.error().prefixed(doing);
  auto database = open_with(file, SQLITE_OPEN_READWRITE);
  if (!database) return database.error().prefixed(doing);
  // What was written ahead is for whoever writes: it may be of another file that had this name. Where there is nothing the files
  // that SQLite makes for this one go with it.
  if (bytes_ahead(file) > 0) database->keep_ahead();
  const auto version = database->version();
  if (!version) {
    Error why = version.error().prefixed(doing);
    if (why.outcome == Outcome::failed && !database->is_unreadable()) why.outcome = Outcome::interrupted;
    return why;
  }
  const bool is_readable = version->schema == kSchemaVersion || schema == Schema::older_too;
  if (version->is_empty || !is_readable) {
    return Error{Outcome::refused, doing + ": expected schema version " + std::to_string(kSchemaVersion) +
                                       ", got " + std::to_string(version->schema)};
  }
  if (auto set = database->run("PRAGMA query_only = 1"); !set) return set.error().prefixed(doing);
  return database;
}

Result<Database> Database::open_as_left(const std::filesystem::path& file) {
  const std::string doing = "database " + callboard::quoted(file.native());
  for (const char* suffix : {"-wal", "-journal"}) {
    std::error_code error;
    const auto size_bytes = std::filesystem::file_size(file.native() + suffix, error);
    if (!error && size_bytes > 0) return Error{Outcome::failed, doing + ": it was not closed in order"};
  }
  auto database =
      open_with("file:" + as_uri(file.native()) + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  if (!database) return database.error().prefixed(doing);
  const auto version = database->version();
  if (!version) return version.error().prefixed(doing);
  if (version->schema >= kReadableSchema) return database;
  return Error{Outcome::failed, doing + ": it has to be brought up to date"};
}

Result<void> Database::check_schema(const std::filesystem::path& file) {
  if (is_missing(file)) return {};
  const std::string doing = "database " + callboard::quoted(file.native());
  if (auto there = check_not_empty(file); !there) return there.error().prefixed(doing);
  auto database = open_with(file, SQLITE_OPEN_READONLY);
  if (!database) return database.error().prefixed(doing);
  const auto version = database->version();
  return version ? Result<void>() : version.error().prefixed(doing);
}

// Beside the schema, as an older program leaves it alone.
Result<void> Database::note_project(const std::filesystem::path& file, std::string_view project) {
  auto database = open_with(file, SQLITE_OPEN_READWRITE);
  if (!database) return database.error();
  constexpr const char* kEmptyNote =
      "CREATE TABLE IF NOT EXISTS backup_of (project TEXT NOT NULL); DELETE FROM backup_of";
  if (auto made = database->run(kEmptyNote); !made) return made;
  auto noted = database->prepare("INSERT INTO backup_of VALUES (?)");
  if (!noted) return noted.error();
  const auto done = noted->bind(0, project).step();
  return done ? Result<void>() : Result<void>(done.error());
}

std::optional<std::string> Database::project_of(const std::filesystem::path& file) {
  auto database = open_with(file, SQLITE_OPEN_READONLY);
  if (!database) return std::nullopt;
  auto noted = database->prepare("SELECT project FROM backup_of");
  if (!noted) return std::nullopt;
  const auto row = noted->step();
  return row && *row ? std::optional(std::string(noted->text(0))) : std::nullopt;
}

void Database::heed(std::stop_token stop) {
  // Instructions of SQLite's machine between two looks: well under a millisecond.
  constexpr int kInstructions = 1000;
  stop_ = std::make_unique<std::stop_token>(std::move(stop));
  const auto is_stopped = [](void* token) {
    return static_cast<const std::stop_token*>(token)->stop_requested() ? 1 : 0;
  };
  sqlite3_progress_handler(database_.get(), kInstructions, is_stopped, stop_.get());
}

Result<std::int64_t> Database::number(const char* sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  auto row = statement->step();
  if (!row) return row.error();
  return *row ? statement->i64(0) : 0;
}

Result<Database::Version> Database::version() {
  const auto application = number("PRAGMA application_id");
  if (!application) return application.error();
  const auto schema = number("PRAGMA user_version");
  if (!schema) return schema.error();
  const auto tables = number("SELECT count(*) FROM sqlite_master");
  if (!tables) return tables.error();
  const bool is_empty = *tables == 0 && *application == 0 && *schema == 0;
  if (!is_empty && *application != kApplicationId) {
    return Error{Outcome::refused, "it is not a callboard database"};
  }
  if (*schema > kSchemaVersion) {
    return Error{Outcome::refused, "schema version " + std::to_string(*schema) +
                                       " is newer than this program's " + std::to_string(kSchemaVersion) +
                                       "; use the callboard that wrote it, or a newer one"};
  }
  return Version{is_empty, *schema};
}

Result<void> Database::set_up() {
  const auto found = version();
  if (!found) return found.error();
  if (auto set = run(kSettings); !set) return set;
  if (auto ready = migrate(found->schema); !ready) return ready;
  return run(kIndexes);
}

// A commit that lengthens the write-ahead log waits for the file system's own journal besides, twice as long as one that
// writes over what was there before. So the log is lengthened here, by changes that change nothing and wait for no disk.
Result<void> Database::make_room(const std::filesystem::path& file) {
  constexpr std::uintmax_t kPageBytes = 4096;
  std::error_code error;
  const auto size = std::filesystem::file_size(file.native() + "-wal", error);
  if (!error && size >= kRoomPages * kPageBytes) return {};
  if (auto set = run("PRAGMA synchronous = OFF"); !set) return set;
  const std::string change = "PRAGMA user_version = " + std::to_string(kSchemaVersion);
  // Without room on the disk everything goes on as it can.
  for (int i = 0; i < kRoomPages && run(change.c_str()); ++i) {
  }
  if (auto set = run("PRAGMA synchronous = FULL"); !set) return set;
  checkpoint();
  return {};
}

Result<void> Database::migrate(std::int64_t from) {
  if (from < 1) return Error{Outcome::refused, "it is not a callboard database"};
  for (std::int64_t version = from; version < kSchemaVersion; ++version) {
    if (auto done = run(kMigrations[version - 1]); !done) {
      roll_back();
      return done.error().prefixed("bring schema version " + std::to_string(version) + " up to date");
    }
  }
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int rc = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (rc != SQLITE_OK) return last_error();
  return Statement(statement);
}

Result<void> Database::run(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return last_error();
  return {};
}

int Database::changes() const { return sqlite3_changes(database_.get()); }

void Database::roll_back() {
  if (!database_ || sqlite3_get_autocommit(database_.get()) != 0) return;
  // When even this fails SQLite has rolled back already, or the connection is about to be opened anew.
  static_cast<void>(sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr));
}

void Database::checkpoint() {
  static_cast<void>(
      sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr));
  *wal_pages_ = 0;
}

void Database::keep_ahead() {
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

bool Database::was_hindered() const {
  switch (sqlite3_errcode(database_.get()) & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return false;
    default:
      return true;
  }
}

bool Database::is_damaged() const {
  const int code = sqlite3_errcode(database_.get()) & 0xff;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

bool Database::is_unreadable() const {
  switch (const int code = sqlite3_extended_errcode(database_.get()); code) {
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
    case SQLITE_IOERR_CORRUPTFS:
    case SQLITE_IOERR_DATA:
      return true;
    default:
      if ((code & 0xff) != SQLITE_CANTOPEN) return is_damaged();
  }
  // It is there, but this process has too much open, or there is no room for what stands beside it.
  const int system = sqlite3_system_errno(database_.get());
  return system != EMFILE && system != ENFILE && system != ENOMEM && system != ENOSPC && system != EDQUOT;
}

Error Database::last_error() const { return Error{Outcome::failed, sqlite3_errmsg(database_.get())}; }

}  // namespace callboard::server
