#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace callboard::sync {

// A prepared statement. Bound bytes must live until the next reset(). The database must outlive it.
class Statement {
 public:
  Statement() = default;

  void bind(int parameter, ByteView bytes);  // Parameters count from 1.
  void bind(int parameter, std::string_view bytes) { bind(parameter, as_bytes(bytes)); }
  // True when there is a row to look at.
  Result<bool> step();
  // Valid until the next step() or reset().
  ByteView bytes(int column) const;  // Columns count from 0.
  std::int64_t integer(int column) const;
  // Ends the statement's hold on the database; do so after the last row.
  void reset();
  // For a statement without rows: step and reset.
  Result<void> run();

 private:
  friend class Sqlite;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// A connection to one database file. Thread: one at a time.
class Sqlite {
 public:
  // Makes the file when it is missing; ":memory:" has none. Waits up to 10 s for other processes.
  static Result<Sqlite> open(const std::string& path);

  Result<void> run(const char* sql);
  Result<Statement> prepare(const char* sql);
  // The single integer that `sql` yields.
  Result<std::int64_t> integer(const char* sql);
  // Reads every page; what is wrong is an error of is_damage().
  Result<void> check();
  // Empties the database, however damaged; other connections see an empty one.
  Result<void> erase();

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Close> database_;
};

// True for the errors above that say that the file is no sound database, or lies under its name no more.
bool is_damage(const Error& error);
// True for errors that tell of a full disk: the call did nothing and may be made again.
bool is_out_of_room(const Error& error);

}  // namespace callboard::sync
