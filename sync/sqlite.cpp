#include "sync/sqlite.h"

#include <sqlite3.h>

namespace callboard::sync {
namespace {

constexpr int kPatienceMs = 10'000;
constexpr std::string_view kDamaged = "index is damaged: ";
constexpr std::string_view kFull = "index has no room: ";

Error failure(sqlite3* database, int code) {
  const int kind = code & 0xff;  // Without the extension.
  // Its path leads to it no more: it was removed or replaced, or its folder was moved, and what is written would be nobody's.
  const bool is_moved = database != nullptr && sqlite3_extended_errcode(database) == SQLITE_READONLY_DBMOVED;
  const bool damage = kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || is_moved;
  const std::string cause = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  if (kind == SQLITE_FULL) return Error{Outcome::failed, std::string(kFull) + cause};
  const Outcome outcome = kind == SQLITE_BUSY ? Outcome::timed_out : Outcome::failed;
  return Error{outcome, std::string(damage ? kDamaged : "index: ") + cause};
}

}  // namespace

bool is_damage(const Error& error) { return error.text.starts_with(kDamaged); }
bool is_out_of_room(const Error& error) { return error.text.starts_with(kFull); }

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::bind(int parameter, ByteView bytes) {
  // A null pointer would bind NULL, and the project folder's path is empty.
  const void* data = bytes.empty() ? static_cast<const void*>("") : bytes.data();
  const int code = sqlite3_bind_blob64(statement_.get(), parameter, data, bytes.size(), SQLITE_STATIC);
  ENSURE(code == SQLITE_OK);
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = failure(sqlite3_db_handle(statement_.get()), code);
  sqlite3_reset(statement_.get());
  return error;
}

ByteView Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return {static_cast<const std::byte*>(data), data == nullptr ? 0 : size};
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

void Statement::reset() { sqlite3_reset(statement_.get()); }

Result<void> Statement::run() {
  auto stepped = step();
  reset();
  if (!stepped) return stepped.error();
  return {};
}

void Sqlite::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Result<Sqlite> Sqlite::open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Sqlite sqlite;
  sqlite.database_.reset(raw);
  if (code != SQLITE_OK) return failure(raw, code);
  sqlite3_busy_timeout(raw, kPatienceMs);
  return sqlite;
}

Result<void> Sqlite::run(const char* sql) {
  const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(database_.get(), code);
  return {};
}

Result<Statement> Sqlite::prepare(const char* sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  Statement statement;
  statement.statement_.reset(raw);
  if (code != SQLITE_OK) return failure(database_.get(), code);
  return statement;
}

Result<std::int64_t> Sqlite::integer(const char* sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  auto row = statement->step();
  if (!row) return row.error();
  return *row ? statement->integer(0) : 0;
}

Result<void> Sqlite::check() {
  auto statement = prepare("PRAGMA quick_check(1)");
  if (!statement) return statement.error();
  auto row = statement->step();
  if (!row) return row.error();
  const std::string_view answer = *row ? as_text(statement->bytes(0)) : "no answer";
  if (answer == "ok") return {};
  return Error{Outcome::failed, std::string(kDamaged) + std::string(answer)};
}

Result<void> Sqlite::erase() {
  // The schema has to have been looked at before, whatever came of it.
  static_cast<void>(integer("SELECT count(*) FROM sqlite_master"));
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_RESET_DATABASE, 1, nullptr);
  auto erased = run("VACUUM");
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_RESET_DATABASE, 0, nullptr);
  return erased;
}

}  // namespace callboard::sync
