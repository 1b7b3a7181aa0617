#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "server/board/history.h"
#include "server/store/database.h"

namespace callboard::server {

// The history in a log's database, through a connection of its own that only reads. What a document was is folded from
// the nearest keyframe before, by the very code that makes the board.
class SqliteHistory final : public History {
 public:
  static Result<std::unique_ptr<SqliteHistory>> open(const std::filesystem::path& file);
  // The same where the log is not open, and is not while `gate` is held; see Database::open_as_left().
  static Result<std::unique_ptr<SqliteHistory>> open_as_left(const std::filesystem::path& file,
                                                             std::shared_lock<std::shared_mutex> gate);

  bool is_for_once() const override { return gate_.owns_lock(); }
  bool is_broken() const override { return database_.is_unreadable(); }
  Result<Listing> list(const HistoryQuery& query) override;
  Result<Version> version(Record record, std::uint64_t number) override;
  Result<document::ValuePtr> document_at(Record record, std::uint64_t number) override;
  Result<void> visit_operations(Record record, const std::vector<UniqueId>& ids,
                                const std::function<void(const Committed&)>& visit) override;
  Result<void> visit_record(const std::string& path, std::uint64_t last,
                            const std::function<void(const Committed&)>& visit) override;
  Result<AuditListing> audit(std::uint64_t since, std::size_t count) override;

 private:
  explicit SqliteHistory(Database database, std::shared_lock<std::shared_mutex> gate = {})
      : gate_(std::move(gate)), database_(std::move(database)) {}

  // What a listing looks at: from this operation on.
  struct Reach {
    std::uint64_t oldest = 0;  // 0: there is none.
    bool is_limited = false;   // There may be more below.
  };
  Result<Reach> reach_of(const HistoryQuery& query);
  Result<Version> folded(Record record, std::uint64_t number);

  std::shared_lock<std::shared_mutex> gate_;
  Database database_;
};

}  // namespace callboard::server
