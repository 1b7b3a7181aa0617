#include "client/known_records.h"

#include <cstdint>
#include <utility>

#include "base/document/members.h"
#include "base/document/parse.h"

namespace callboard::client {
Result<RecordList> to_records(const protocol::Records& told) {
  // Records are nested as deep as documents, in an array of objects.
  const auto root = document::parse_deeper(*told.records, 2);
  if (!root || (*root)->array() == nullptr)
    return Error{Outcome::failed, "the server's list of records is malformed"};
  RecordList list;
  for (const document::ValuePtr& each : *(*root)->array()) {
    const std::string path = document::text_in(*each, "path");
    const auto fields = each->member("fields");
    if (path.empty()) return Error{Outcome::failed, "the server tells of a record without a path"};
    if (document::flag_in(*each, "gone")) {
      list.gone.push_back({path, document::flag_in(*each, "left")});
      continue;
    }
    if (fields == nullptr) return Error{Outcome::failed, "the server tells of a record without fields"};
    Record record;
    record.path = path;
    record.record_class = document::text_in(*each, "class");
    record.owner = session_id_from(document::text_in(*each, "owner")).value_or(SessionId{});
    record.owner_name = document::text_in(*each, "user");
    record.by = document::text_in(*each, "by");
    record.revision = document::number_in<std::uint64_t>(*each, "revision");
    record.timestamp = Timestamp{document::number_in<std::int64_t>(*each, "timestamp")};
    record.fields = document::print(*fields);
    list.records.push_back(std::move(record));
  }
  return list;
}

Result<std::optional<RecordNews>> KnownRecords::hear(const protocol::Records& told) {
  auto list = to_records(told);
  if (!list) return list.error();
  if (told.full) seen_.emplace();
  is_told_ = true;
  RecordNews news;
  news.zone = told.zone;
  news.is_complete = !told.more;
  for (Record& record : list->records) {
    const bool is_event = record.revision == 0;
    if (seen_ && !is_event) seen_->insert(record.path);
    if (!is_event) {
      const auto [known, is_new] = known_.try_emplace(record.path, record);
      if (!is_new && known->second == record) continue;
      known->second = record;
    }
    news.changed.push_back(std::move(record));
  }
  for (RecordGone& gone : list->gone) {
    if (seen_) seen_->erase(gone.path);
    if (known_.erase(gone.path) > 0) news.gone.push_back(std::move(gone));
  }
  const bool is_end = seen_ && !told.more;
  if (!is_end) {
    const bool is_news = !news.changed.empty() || !news.gone.empty();
    return is_news ? std::optional(std::move(news)) : std::nullopt;
  }
  // Of what is missing it is not known whether somebody removed it.
  std::erase_if(known_, [&](const auto& each) {
    if (seen_->contains(each.first)) return false;
    news.gone.push_back({each.first, true});
    return true;
  });
  seen_.reset();
  return std::optional(std::move(news));
}

std::optional<RecordNews> KnownRecords::all(const std::string& zone) const {
  if (!is_told_) return std::nullopt;
  RecordNews news;
  news.zone = zone;
  news.is_complete = !seen_;
  for (const auto& [path, record] : known_) news.changed.push_back(record);
  return news;
}

}  // namespace callboard::client
