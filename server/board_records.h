#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "server/calls/call_desk.h"
#include "server/own_records.h"
#include "server/record_desk.h"

namespace callboard::server {

// The server's own records by the doors that all records go through. What it refers to outlives it. Loop thread only.
class BoardRecords final : public OwnRecords {
 public:
  BoardRecords(RecordDesk& desk, const Clock& clock, RandomSource random)
      : desk_(desk), clock_(clock), random_(std::move(random)) {}

  Result<document::ValuePtr> find(std::string_view record_class, const std::string& path) const override;
  std::uint64_t revision(const std::string& path) const override;
  void put(OwnRecord record, Then then) override;
  void put_together(std::vector<OwnRecord> records, Then then) override;

 private:
  RecordDesk::Wish wish_for(OwnRecord record) const;

  RecordDesk& desk_;
  const Clock& clock_;
  RandomSource random_;
};

// Who was not answered before this server's predecessor ended asks again: what was done then is not done twice.
void remember_answers(const RecordDesk& records, CallDesk& calls);

}  // namespace callboard::server
