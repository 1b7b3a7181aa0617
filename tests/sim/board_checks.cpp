#include "tests/sim/board_checks.h"

#include <algorithm>
#include <memory>

#include "base/document/parse.h"
#include "base/ensure.h"
#include "protocol/codec.h"
#include "server/board/record_table.h"
#include "tests/sim/tally.h"

namespace callboard::sim {
namespace {

std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> all;
  for (std::size_t at = 1; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    all.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

bool is_kept(const client::Record& record) { return record.revision != 0; }

// Whether it is told who is in its zone: of a secret its owner, in whichever session.
bool is_told(const client::Record& record, const server::RecordOwner& who) {
  if (record.record_class == "quiet") return false;
  return record.record_class != "secret" ||
         server::is_of(server::RecordOwner{record.owner, record.owner_name}, who);
}

}  // namespace

bool is_lasting(const std::string& record_class) {
  return record_class != "lamp" && record_class != "cursor" && record_class != "bell";
}

bool is_within(const std::string& zone, const std::string& path) {
  const auto wanted = components(zone);
  const auto given = components(path);
  if (given.size() < wanted.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] != "*" && wanted[i] != given[i]) return false;
  }
  return true;
}

// --- BoardPicture ---------------------------------------------------------------------------------------------------

void BoardPicture::on_exited(const std::string& zone) {
  asked_.erase(zone);
  zones_.erase(zone);
  std::erase_if(newest_, [&](const auto& each) { return each.first.first == zone; });
}

void BoardPicture::on_records(const client::RecordNews& news) {
  if (!asked_.contains(news.zone)) wrong("is told of the zone " + news.zone + ", where it is not");
  Zone& zone = zones_[news.zone];
  for (const client::Record& record : news.changed) {
    if (!is_within(news.zone, record.path)) wrong("is told of " + record.path + " in " + news.zone);
    const auto known = zone.find(record.path);
    // What it knows of the session before is its own.
    const bool is_news = known == zone.end() || !(known->second == record);
    if (is_news && !is_told(record, self_)) wrong("is told of " + record.path + ", which is not for it");
    if (!is_kept(record)) continue;
    zone[record.path] = record;
    if (!is_lasting(record.record_class)) continue;
    board_.shown.push_back(record);
    std::uint64_t& newest = newest_[{news.zone, record.path}];
    if (record.revision < newest) wrong(record.path + " goes back to " + std::to_string(record.revision));
    newest = record.revision;
  }
  for (const client::RecordGone& gone : news.gone) {
    if (zone.erase(gone.path) == 0) wrong("is told that " + gone.path + " is gone, which it does not know");
  }
}

std::uint64_t BoardPicture::revision_of(const std::string& path) const {
  std::uint64_t newest = 0;
  for (const auto& [name, zone] : zones_) {
    const auto found = zone.find(path);
    if (found != zone.end()) newest = std::max(newest, found->second.revision);
  }
  return newest;
}

std::string BoardPicture::lacks(const std::vector<client::Record>& all) const {
  for (const auto& [name, zone] : zones_) {
    std::size_t count = 0;
    for (const client::Record& record : all) {
      if (!is_within(name, record.path) || !is_told(record, self_)) continue;
      ++count;
      const auto known = zone.find(record.path);
      if (known == zone.end()) return "does not know of " + record.path + " in " + name;
      if (!(known->second == record)) {
        return "has " + record.path + " in " + name + " at " + std::to_string(known->second.revision) +
               ", not at " + std::to_string(record.revision);
      }
    }
    if (count < zone.size()) return "knows of what is not there in " + name;
  }
  return "";
}

// --- ZoneWatch ------------------------------------------------------------------------------------------------------

void ZoneWatch::on_client_said(std::uint64_t connection, ByteView bytes) {
  next_.on_client_said(connection, bytes);
  Line& line = lines_[connection];
  line.client.push(bytes);
  for (auto frame = line.client.next(); frame && *frame; frame = line.client.next()) {
    const auto said = protocol::decode_client((**frame).kind, (**frame).body);
    if (!said) continue;
    if (const auto* enter = std::get_if<protocol::EnterAsk>(&*said)) {
      zones_[line.session].insert(enter->zone);
      std::erase_if(line.exits, [enter](const auto& each) { return each.second == enter->zone; });
    }
    if (const auto* exit = std::get_if<protocol::ExitAsk>(&*said)) line.exits[exit->id] = exit->zone;
  }
}

void ZoneWatch::on_server_said(std::uint64_t connection, ByteView bytes) {
  next_.on_server_said(connection, bytes);
  Line& line = lines_[connection];
  line.server.push(bytes);
  for (auto frame = line.server.next(); frame && *frame; frame = line.server.next()) {
    const auto said = protocol::decode_server((**frame).kind, (**frame).body);
    if (!said) continue;
    if (const auto* welcome = std::get_if<protocol::Welcome>(&*said)) line.session = welcome->session;
    const auto* ok = std::get_if<protocol::Ok>(&*said);
    if (ok != nullptr && line.exits.contains(ok->re)) zones_[line.session].erase(line.exits[ok->re]);
    const auto* told = std::get_if<protocol::Records>(&*said);
    if (told != nullptr && !told->re) judge(line, *told);
  }
}

void ZoneWatch::judge(const Line& line, const protocol::Records& told) {
  const std::string who = "session " + to_text(line.session);
  if (!zones_[line.session].contains(told.zone))
    testimony_.violations.push_back(who + " is told of the zone " + told.zone + ", where it is not");
  const auto list = document::parse(*told.records);
  ENSURE(list);
  for (const document::ValuePtr& each : *(*list)->array()) {
    const std::string& path = *each->member("path")->string();
    if (!is_within(told.zone, path))
      testimony_.violations.push_back(who + " is told of " + path + " in " + told.zone);
  }
}

// --- The log --------------------------------------------------------------------------------------------------------

namespace {

// Records by the model: operations in the order of the log, each as docs/records.md has it.
struct ModelRecord {
  std::string record_class;
  server::RecordOwner owner;
  std::string by;
  std::uint64_t revision = 0;
  document::ValuePtr fields;
};

class RecordModel {
 public:
  explicit RecordModel(const std::vector<server::Committed>& operations) {
    for (const server::Committed& each : operations) {
      if (each.operation.record != server::Record::record) continue;
      server::Operation operation = each.operation;
      ENSURE(server::read_edits(operation));
      if (apply(each.sequence, operation)) effective_[each.sequence] = operation;
    }
  }

  // Null: it came to nothing, or there is none.
  const server::Operation* effective(std::uint64_t sequence) const {
    const auto found = effective_.find(sequence);
    return found == effective_.end() ? nullptr : &found->second;
  }
  const std::map<std::uint64_t, server::Operation>& all_effective() const { return effective_; }
  // As it was by that revision.
  const ModelRecord* version(const std::string& path, std::uint64_t revision) const {
    const auto found = versions_.find({path, revision});
    return found == versions_.end() ? nullptr : &found->second;
  }
  const std::map<std::string, ModelRecord>& now() const { return now_; }
  bool was_owned(const std::string& path, SessionId session) const {
    return std::ranges::any_of(versions_, [&](const auto& each) {
      return each.first.first == path && each.second.owner.session == session;
    });
  }

 private:
  bool apply(std::uint64_t sequence, const server::Operation& operation) {
    const server::RecordChange& change = *operation.change;
    const auto found = now_.find(operation.path);
    const bool is_there = found != now_.end();
    if (change.action == RecordAction::make && is_there) return false;
    const bool may_make =
        change.action == RecordAction::make ||
        (change.action == RecordAction::put && !change.record_class.empty() && operation.base == 0);
    if (!is_there && !may_make) return false;
    if (is_there && !may_change(found->second, operation)) return false;
    if (change.action == RecordAction::remove) return now_.erase(operation.path) > 0;
    ModelRecord after =
        is_there ? found->second : ModelRecord{change.record_class, change.owner, "", 0, nullptr};
    if (change.action == RecordAction::give) after.owner = change.owner;
    if (change.action == RecordAction::set) after.fields = merged(after.fields, change.fields);
    if (change.action == RecordAction::make || change.action == RecordAction::put)
      after.fields = change.fields;
    after.by = operation.user;
    after.revision = sequence;
    now_[operation.path] = after;
    versions_[{operation.path, sequence}] = after;
    return true;
  }
  static bool may_change(const ModelRecord& now, const server::Operation& operation) {
    if (operation.base != 0 && operation.base != now.revision) return false;
    if (!operation.change->is_owners) return true;
    return now.owner.session == operation.session || now.owner.user == operation.user;
  }
  static document::ValuePtr merged(const document::ValuePtr& before, const document::ValuePtr& change) {
    document::Object fields = *before->object();
    for (const document::Member& each : *change->object()) {
      std::erase_if(fields, [&](const auto& field) { return field.key == each.key; });
      if (!std::holds_alternative<std::monostate>(each.value->content())) fields.push_back(each);
    }
    return document::make_value(std::move(fields));
  }

  std::map<std::string, ModelRecord> now_;
  std::map<std::pair<std::string, std::uint64_t>, ModelRecord> versions_;
  std::map<std::uint64_t, server::Operation> effective_;
};

std::string difference(const client::Record& record, const ModelRecord& model) {
  if (record.record_class != model.record_class) return "class " + record.record_class;
  if (record.owner_name != model.owner.user) return "owner " + record.owner_name;
  if (record.by != model.by) return "by " + record.by;
  const auto fields = document::parse(record.fields);
  if (!fields || !document::equal(*fields, model.fields))
    return "fields " + record.fields + ", expected " + document::print(*model.fields);
  return "";
}

void check_changes(const RecordModel& model, const BoardTestimony& board, Testimony& testimony) {
  for (const BoardTestimony::Change& change : board.changes) {
    const server::Operation* operation = model.effective(change.revision);
    const bool is_there = operation != nullptr && operation->path == change.path &&
                          operation->change->action == change.action &&
                          operation->value->find(change.token) != std::string::npos;
    if (is_there) continue;
    testimony.violations.push_back(std::string(to_text(change.action)) + " of " + change.path + " by " +
                                   change.by + " was acknowledged as " + std::to_string(change.revision) +
                                   " and is not in the log");
  }
}

void check_shown_records(const RecordModel& model, const BoardTestimony& board, Testimony& testimony) {
  for (const client::Record& record : board.shown) {
    const ModelRecord* version = model.version(record.path, record.revision);
    const std::string wrong = version == nullptr ? "it is not in the log" : difference(record, *version);
    if (!wrong.empty())
      testimony.violations.push_back(record.path + " " + std::to_string(record.revision) +
                                     " was shown: " + wrong);
  }
}

std::vector<std::string> tokens_in(const document::ValuePtr& fields) {
  std::vector<std::string> tokens;
  for (const auto& each : *fields->member("value")->member("said")->array())
    tokens.push_back(*each->string());
  return tokens;
}

// What a call made of the state stays in it, and is there once; each makes one more of what was there before.
void check_tally(const RecordModel& model, const BoardTestimony& board, Testimony& testimony) {
  std::vector<std::string> said;
  std::uint64_t steps = 0;
  for (const auto& [sequence, operation] : model.all_effective()) {
    if (operation.path != kTallyState) continue;
    ++steps;
    const auto now = tokens_in(operation.change->fields);
    const bool is_next = now.size() <= said.size() + 1 && now.size() >= said.size() &&
                         std::equal(said.begin(), said.end(), now.begin());
    if (!is_next)
      testimony.violations.push_back("the tally at " + std::to_string(sequence) + " forgets what was said");
    said = now;
  }
  std::set<std::string> once(said.begin(), said.end());
  if (once.size() < said.size()) testimony.violations.push_back("something is in the tally twice");
  for (const BoardTestimony::Tallied& each : board.tallied) {
    if (each.place >= 1 && each.place <= said.size() && said[each.place - 1] == each.token) continue;
    testimony.violations.push_back("call " + each.token + " was acknowledged as " +
                                   std::to_string(each.place) + " and is not in the tally");
  }
}

void check_grants(const RecordModel& model, const BoardTestimony& board, Testimony& testimony) {
  for (const LockWatch::Grant& grant : board.locks.grants()) {
    if (!model.was_owned("/locks" + grant.item, grant.session))
      testimony.violations.push_back("the lock of " + grant.item + " was granted to " + grant.user +
                                     " and is not in the log");
  }
}

std::int64_t until_of(const client::Record& lock) {
  const auto fields = document::parse(lock.fields);
  const auto until = (*fields)->member("until");
  return until == nullptr ? 0 : std::stoll(std::get<document::Number>(until->content()).text);
}

}  // namespace

void check_board_log(const std::vector<server::Committed>& operations, const BoardTestimony& board,
                     Testimony& testimony) {
  const RecordModel model(operations);
  check_changes(model, board, testimony);
  check_shown_records(model, board, testimony);
  check_tally(model, board, testimony);
  check_grants(model, board, testimony);
}

std::string stale_in(const std::vector<client::Record>& all, const std::vector<server::Committed>& operations,
                     const std::set<SessionId>& here, Timestamp server_time) {
  // Leases are looked at no more often than once a second.
  constexpr std::int64_t kLate_ms = 2000;
  const RecordModel model(operations);
  std::size_t count = 0;
  for (const client::Record& record : all) {
    if (record.record_class == "cursor" && !here.contains(record.owner))
      return record.path + " is there without its session " + to_text(record.owner);
    if (record.record_class == "lock") {
      const std::int64_t until = until_of(record);
      if (until == 0 && !here.contains(record.owner))
        return record.path + " is there without its session " + to_text(record.owner);
      if (until != 0 && until + kLate_ms < server_time.ms) return record.path + " is there after its lease";
    }
    if (!is_lasting(record.record_class)) continue;
    if (record.record_class != "secret") ++count;
    const auto found = model.now().find(record.path);
    if (found == model.now().end()) return record.path + " is there, and not in the log";
    if (found->second.revision != record.revision) return record.path + " is not what the log has";
  }
  // A secret is read by its owner alone.
  const auto are_public = std::ranges::count_if(
      model.now(), [](const auto& each) { return each.second.record_class != "secret"; });
  return static_cast<std::ptrdiff_t>(count) < are_public ? "something of the log is not there" : "";
}

}  // namespace callboard::sim
