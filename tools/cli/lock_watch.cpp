#include "tools/cli/lock_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/document/members.h"
#include "base/document/parse.h"
#include "base/own_folders.h"
#include "base/text.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

std::vector<std::string> member_names(const document::Value& fields, std::string_view key) {
  std::vector<std::string> names;
  const auto value = fields.member(key);
  if (value == nullptr || value->array() == nullptr) return names;
  for (const document::ValuePtr& each : *value->array()) {
    if (each->string() != nullptr) names.push_back(*each->string());
  }
  return names;
}

// A word of a command line as a shell takes it.
std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./@:+,%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return escaped(quoted + "'");
}

}  // namespace

LockWatch::Lock LockWatch::lock_of(const client::Record& record) const {
  Lock lock;
  lock.facts.user = record.owner_name;
  lock.is_mine = (record.owner && record.owner == self_.session) ||
                 (!record.owner_name.empty() && record.owner_name == self_.name);
  const auto fields = document::parse(record.fields);
  if (!fields || (*fields)->object() == nullptr) return lock;
  lock.facts = lock_facts(record.owner_name, **fields);
  lock.wanted = member_names(**fields, "wanted");
  lock.waiting = member_names(**fields, "waiting");
  lock.broken_by = document::text_in(**fields, "broken_by");
  lock.broken_why = document::text_in(**fields, "broken_why");
  return lock;
}

void LockWatch::on_records(const client::RecordNews& news) {
  if (news.zone != kLocksFolder) return;
  const std::string_view zone = kLocksFolder;
  for (const client::Record& each : news.changed) {
    if (each.record_class == "lock" && each.path.size() > zone.size())
      on_lock(each.path.substr(zone.size()), lock_of(each), each);
  }
  for (const client::RecordGone& each : news.gone) {
    if (each.path.size() > zone.size()) on_free(each.path.substr(zone.size()));
  }
}

void LockWatch::on_lock(const std::string& item, Lock now, const client::Record& record) {
  const auto found = locks_.find(item);
  const bool is_same = found != locks_.end() && found->second.is_mine == now.is_mine &&
                       found->second.facts.user == now.facts.user &&
                       found->second.facts.since == now.facts.since;
  if (is_same) now.is_warned = found->second.is_warned;
  if (now.is_mine) {
    if (!is_same) {
      say_(escaped(item) + " is yours");
      output_.object(
          {{"event", "lock"}, {"item", item}, {"user", now.facts.user}, {"fields", JsonText{record.fields}}});
    }
    tell_askers(item, now, is_same ? &found->second : nullptr);
  } else if (found != locks_.end() && found->second.is_mine) {
    tell_lost(item, found->second, fmt::format("{}'s now", escaped(now.facts.user)),
              {{"event", "unlocked"}, {"item", item}, {"to", now.facts.user}});
  }
  locks_[item] = std::move(now);
  for (const auto& [copy, unused] : own_) {
    if (is_at_or_below(copy, item)) look_at_copy(copy, Heard::first);
  }
}

void LockWatch::tell_askers(const std::string& item, const Lock& now, const Lock* before) {
  const auto is_new = [&](const std::string& name, std::vector<std::string> Lock::*list) {
    return before == nullptr || std::ranges::find(before->*list, name) == (before->*list).end();
  };
  const auto tell = [&](const std::string& name, const std::string& line, const std::string& command,
                        bool waits) {
    say_(line + ": " + command);
    output_.object(
        {{"event", "lock_wanted"}, {"item", item}, {"user", name}, {"waits", waits}, {"command", command}});
  };
  const std::string unlock = "callboard unlock " + shell_word(item);
  for (const std::string& name : now.wanted) {
    if (is_new(name, &Lock::wanted))
      tell(name, fmt::format("{} asks you to hand {} over", escaped(name), escaped(item)),
           unlock + " --to " + shell_word(name), false);
  }
  for (const std::string& name : now.waiting) {
    if (is_new(name, &Lock::waiting))
      tell(name, fmt::format("{} waits for {}", escaped(name), escaped(item)), unlock, true);
  }
}

// `lock` as it was while it was one's own; `is` what it is by now.
void LockWatch::tell_lost(const std::string& item, const Lock& lock, const std::string& is,
                          JsonObject object) {
  std::string text = fmt::format("{} is {}", escaped(item), is);
  if (!lock.broken_by.empty()) {
    text += fmt::format(": {} broke your lock", escaped(lock.broken_by));
    if (!lock.broken_why.empty()) text += ": " + escaped(lock.broken_why, 200);
    object.add("by", lock.broken_by);
    object.add("note", lock.broken_why);
  }
  say_(text);
  output_.object(object);
}

void LockWatch::on_free(const std::string& item) {
  const auto found = locks_.find(item);
  if (found == locks_.end()) return;
  if (found->second.is_mine) {
    tell_lost(item, found->second, "not yours any more", {{"event", "unlocked"}, {"item", item}});
  }
  locks_.erase(found);
}

// What was pulled is as old as the giver's, and nobody's change here.
void LockWatch::on_assets(const client::AssetChanges& changes) {
  for (const auto& [item, copy] : changes) {
    if (!copy) continue;
    if (copy->session != self_.session) {
      others_[item] = copy->timestamp;
      own_.erase(item);
      continue;
    }
    const auto others = others_.find(item);
    if (others != others_.end() && others->second >= copy->timestamp) continue;
    const auto own = own_.find(item);
    const bool is_known = others != others_.end() || own != own_.end();
    const bool is_newer = own == own_.end() || own->second < copy->timestamp;
    own_[item] = copy->timestamp;
    look_at_copy(item, is_known && is_newer ? Heard::changed : Heard::first);
  }
}

void LockWatch::look_at_copy(const std::string& item, Heard heard) {
  const Timestamp changed = own_.at(item);
  for (auto& [locked, lock] : locks_) {
    if (lock.is_mine || !is_at_or_below(item, locked)) continue;
    // A change that is heard of now came after the lock that was heard of before, whatever the clocks say.
    if (heard == Heard::first && changed <= lock.facts.since) continue;
    // Each time that it is saved would be too often.
    if (std::exchange(lock.is_warned, true)) continue;
    const std::string text = fmt::format("{} was changed here, and {} has locked {} {}",
                                         callboard::quoted(item), callboard::quoted(lock.facts.user),
                                         locked == item ? std::string("it") : callboard::quoted(locked),
                                         since_and_why(lock.facts));
    warn_of_lock(output_, item, lock.facts, text);
  }
}

}  // namespace callboard::cli
