#include "server/audit.h"

#include <fmt/format.h>

#include <utility>

#include "base/mask.h"
#include "net/endpoint.h"

namespace callboard::server {

std::optional<std::uint64_t> Occasions::note(const std::string& kind, Instant now) {
  auto seen = seen_.find(kind);
  if (seen == seen_.end() && seen_.size() >= max_) {
    std::erase_if(seen_, [&](const auto& each) { return now - each.second.told >= period_; });
    if (seen_.size() >= max_) seen = seen_.find("");
  }
  if (seen == seen_.end()) {
    seen_[seen_.size() < max_ ? kind : ""] = {now, 0};
    return 1;
  }
  ++seen->second.count;
  if (now - seen->second.told < period_) return std::nullopt;
  seen->second.told = now;
  return std::exchange(seen->second.count, 0);
}

Audit::Audit(const Clock& clock, RandomSource random, EventLog& events, Append append)
    : clock_(clock), random_(std::move(random)), events_(events), append_(std::move(append)) {}

void Audit::note(AuditEntry entry) {
  entry.timestamp = clock_.wall();
  append(std::move(entry), make_operation_id(clock_.wall(), random_), nullptr);
}

void Audit::note_earlier(AuditEntry entry, UniqueId operation, std::function<void(bool is_written)> then) {
  append(std::move(entry), operation, std::move(then));
}

void Audit::append(AuditEntry entry, UniqueId operation, std::function<void(bool is_written)> then) {
  for (std::string* text : {&entry.user, &entry.about, &entry.text}) *text = masked(*text);
  Event event{
      .kind = Event::Kind::audit, .user = entry.user, .text = "audit", .fields = {{"what", entry.what}}};
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) event.fields.emplace_back(key, value);
  };
  add("about", entry.about);
  add("key", entry.key);
  add("from", entry.from);
  add("text", entry.text);
  events_.note(std::move(event));
  ++noted_;
  append_(operation_of(std::move(entry), operation), [this, then = std::move(then)](bool is_written) {
    ++written_;
    while (!waiting_.empty() && waiting_.front().first <= written_) {
      const auto next = std::move(waiting_.front().second);
      waiting_.pop_front();
      next();
    }
    if (then) then(is_written);
  });
}

void Audit::when_written(std::function<void()> then) {
  if (written_ == noted_) return then();
  waiting_.emplace_back(noted_, std::move(then));
}

void Audit::note_let_in(AuditEntry entry, bool is_visit) {
  if (is_visit && !visits_.note(entry.key + " " + entry.from, clock_.monotonic())) return;
  entry.what = "let_in";
  if (is_visit) entry.text = "a command; more of its within 10 minutes are not listed";
  note(std::move(entry));
}

void Audit::note_refused(AuditEntry entry) {
  const auto count = refusals_.note(net::network_of(entry.from), clock_.monotonic());
  if (!count) return;
  entry.what = "refused";
  if (*count > 1)
    entry.text = fmt::format("{} times since the last of these; the newest: {}", *count, entry.text);
  note(std::move(entry));
}

}  // namespace callboard::server
