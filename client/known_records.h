#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/record_types.h"
#include "protocol/message.h"

namespace callboard::client {

// The records of an answer or a tell. failed: they are no list of records.
struct RecordList {
  std::vector<Record> records;
  std::vector<RecordGone> gone;
};
Result<RecordList> to_records(const protocol::Records& told);

// What this client was told of the records in one zone. What is told again, because the connection was lost or the server is
// another one, is no news; what was known and is not there any more, is. Client's thread only.
class KnownRecords {
 public:
  // nullopt: nothing of it is news. That all is told of what there is, is, be it nothing.
  Result<std::optional<RecordNews>> hear(const protocol::Records& told);
  // All that is known, for somebody who has heard none of it; nullopt: nothing was told yet.
  std::optional<RecordNews> all(const std::string& zone) const;

 private:
  std::map<std::string, Record> known_;
  bool is_told_ = false;                       // What there is, or a part of it.
  std::optional<std::set<std::string>> seen_;  // Set: it is told anew what there is, so far these.
};

}  // namespace callboard::client
