#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "sync/root.h"
#include "sync/sqlite.h"

namespace callboard::sync {

inline constexpr const char* kIndexName = "index.db";

// The index's database with everything prepared.
struct IndexDatabase {
  Sqlite sqlite;
  Statement known_get, known_put, known_delete, known_beneath;
  Statement pulled_get, pulled_put, pulled_delete;
  Statement chunks_get, chunks_put, chunks_delete;
  Statement data_version;
  std::string notice;  // Not empty: what was wrong with the file and what was done about it.
};

enum class IndexCheck {
  quick,
  thorough
};  // Thorough reads every page: when an error said that it is damaged.

// `private_fd` is the open private folder, `path` that of kIndexName in it. A damaged file is copied aside and emptied;
// one from a newer version is left alone, and the index lives in memory.
Result<IndexDatabase> open_index_database(int private_fd, const std::string& path, IndexCheck check);
Result<IndexDatabase> open_index_in_memory();

}  // namespace callboard::sync
