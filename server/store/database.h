#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace callboard::server {

// One prepared statement. Parameters and columns count from 0. What is bound must live until the next reset().
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  Statement& bind(int index, std::uint64_t value);
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, ByteView blob);

  // True: there is a row. False: it is done.
  Result<bool> step();
  void reset();

  std::uint64_t u64(int column) const;
  std::int64_t i64(int column) const;
  // Valid until the next step() or reset().
  std::string_view text(int column) const;
  ByteView blob(int column) const;

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

// One connection to the database of one project. One thread at a time.
class Database {
 public:
  // Makes a file that is missing, where it may, and brings one of an older program up to date. Refused for a schema newer than this program's or
  // for a file that is something else; fails for one without anything in it.
  enum class Missing { is_made, fails };
  static Result<Database> open(const std::filesystem::path& file, Missing missing = Missing::is_made);
  // What is written ahead of it and lies beside it.
  static std::uint64_t bytes_ahead(const std::filesystem::path& file);
  // For looking only, beside the one that writes; the file must be there and up to date, or of an older program where that
  // will do. failed: it is_unreadable(); interrupted: something else was in the way.
  enum class Schema { newest, older_too };
  static Result<Database> open_reader(const std::filesystem::path& file, Schema schema = Schema::newest);

  // For looking only where there is no room for what SQLite puts beside a file that is open: as who closed it last left it.
  // Nobody writes to it meanwhile. Fails where its newest changes are in a write-ahead log beside it yet.
  static Result<Database> open_as_left(const std::filesystem::path& file);

  // Refused where it is not ours, or newer than this program; nothing else is looked at, and a file that is not there will do.
  static Result<void> check_schema(const std::filesystem::path& file);

  // Writes down in a backup whose it is, and reads it again, without changing the file; nullopt: it does not say.
  static Result<void> note_project(const std::filesystem::path& file, std::string_view project);
  static std::optional<std::string> project_of(const std::filesystem::path& file);

  Result<Statement> prepare(std::string_view sql);
  Result<void> run(const char* sql);
  // The first row's first column; 0 when there is no row.
  Result<std::int64_t> number(const char* sql);
  // Rows changed by the last statement.
  int changes() const;
  // Ends a transaction that failed; nothing happens when there is none.
  void roll_back();
  // Moves the write-ahead log into the database. Failing is harmless: the next one does it.
  void checkpoint();
  // Nor when it is closed, as it is otherwise.
  void keep_ahead();
  // Whether the last call failed, and not because of what is in the file: another program, the disk or a stop
  // was in the way.
  bool was_hindered() const;
  // Whether the last call failed because of what is in the file …
  bool is_damaged() const;
  // … or because it, or the disk beneath, cannot be read at all.
  bool is_unreadable() const;
  // Statements that run when a stop is requested, and all later ones, fail.
  void heed(std::stop_token stop);
  // Pages in the write-ahead log after the last commit. Up to kWalRoomPages its file has room already.
  static constexpr int kWalRoomPages = 200;
  int wal_pages() const { return *wal_pages_; }

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}

  struct Version {
    bool is_empty = false;
    std::int64_t schema = 0;
  };
  static Result<void> check_not_empty(const std::filesystem::path& file);
  static Result<void> make(const std::filesystem::path& file);
  static Result<Database> open_with(const std::filesystem::path& file, int flags);
  Result<Version> version();
  Result<void> set_up();
  Result<void> make_room(const std::filesystem::path& file);
  Result<void> migrate(std::int64_t from);
  Error last_error() const;

  // On the heap: SQLite keeps their addresses.
  std::unique_ptr<int> wal_pages_ = std::make_unique<int>(0);
  std::unique_ptr<std::stop_token> stop_;
  std::unique_ptr<sqlite3, Closer> database_;
};

}  // namespace callboard::server
