#include "tests/sim/checks.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/document/parse.h"
#include "base/ensure.h"
#include "base/limits.h"
#include "server/board/board.h"

namespace callboard::sim {

using client::DocumentName;

namespace {

std::string name_of(DocumentName name) { return name == DocumentName::story ? "story" : "analytics"; }

server::Record record_of(DocumentName name) {
  return name == DocumentName::story ? server::Record::story : server::Record::analytics;
}

std::string text_of(const document::ValuePtr& value) {
  return value == nullptr ? "(none)" : document::print(*value);
}

std::string text_of(const client::Assets& assets) {
  std::string text;
  for (const auto& [item, copy] : assets)
    text += item + " " + to_text(copy.session) + " " + std::to_string(copy.timestamp.ms) + ", ";
  return text;
}

// The verb is what the server and the library write first.
std::string_view verb_in(const protocol::FrameView& frame) {
  constexpr std::string_view kStart = "{\"verb\":\"";
  std::string_view text = as_text(frame.body);
  if (frame.kind == protocol::kFrameAttached) text.remove_prefix(4);
  ENSURE(text.starts_with(kStart));
  text.remove_prefix(kStart.size());
  return text.substr(0, text.find('"'));
}

}  // namespace

// --- Picture --------------------------------------------------------------------------------------------------------

void Picture::wrong(const std::string& what) { testimony_.violations.push_back(who_ + ": " + what); }

void Picture::on_joined(SessionId session, const std::string& name) {
  if (is_joined_) wrong("joined twice");
  const Instant now = World::get().now();
  const bool is_other = session_ && *session_ != session;
  if (is_other && lost_at_ && now - *lost_at_ < kSureGrace && server_starts_ == testimony_.server_starts)
    wrong("came back at once, and was taken for somebody else");
  if (!session_ || is_other) {
    messages_.clear();
    users_.clear();
    assets_.clear();
  }
  is_joined_ = true;
  session_ = session;
  name_ = name;
  is_writable_ = true;
  server_starts_ = starts_before_;
}

void Picture::on_left(const Error& why) {
  // A side that breaks the protocol is told so in these words.
  const bool is_expected = why.outcome == Outcome::interrupted || why.outcome == Outcome::timed_out ||
                           why.outcome == Outcome::not_found || why.outcome == Outcome::done ||
                           why.outcome == Outcome::cancelled;
  if (!is_expected) wrong("lost its session: " + why.text);
  if (std::exchange(is_joined_, false)) {
    lost_at_ = World::get().now();
    const Machine* own = World::get().running();
    const bool was_away =
        own != nullptr && *lost_at_ - std::max(own->asleep_until, own->unplugged_until) < kGrace;
    if (why.outcome == Outcome::timed_out || was_away) lost_at_.reset();
  }
  starts_before_ = testimony_.server_starts;
}

void Picture::on_document(DocumentName name, const client::Document& document) {
  client::Document& known = name == DocumentName::story ? story_ : analytics_;
  if (document.revision < known.revision)
    return wrong(name_of(name) + " goes back to " + std::to_string(document.revision));
  if (document.text == nullptr) return wrong(name_of(name) + " is shown without text");
  known = document;
  testimony_.shown.push_back({name, document});
}

void Picture::on_users(const std::vector<client::User>& users, const std::vector<client::Departure>& left) {
  for (const client::User& user : users) {
    if (gone_.contains(user.session)) wrong("is told of " + to_text(user.session) + " who has left");
    users_[user.session] = user;
    is_own_at_known_ |= user.session == session_;
  }
  for (const client::Departure& departure : left) {
    if (!gone_.insert(departure.session).second)
      wrong("is told twice that " + to_text(departure.session) + " left");
    if (users_.erase(departure.session) == 0)
      wrong("is told that " + to_text(departure.session) + " left, whom it never saw");
    if (session_ && departure.session == *session_) wrong("is told that it left itself");
  }
  std::set<std::string> names;
  for (const auto& [session, user] : users_) {
    if (!names.insert(user.name).second) wrong("sees two named " + user.name);
  }
}

void Picture::on_at(const client::User& user) {
  const auto found = users_.find(user.session);
  if (found == users_.end())
    return wrong("is told where " + to_text(user.session) + " is, whom it does not see");
  found->second.at = user.at;
}

void Picture::on_own_at(const std::optional<std::string>& item) {
  is_own_at_known_ = item.has_value();
  if (item && session_ && users_.contains(*session_)) users_[*session_].at = *item;
}

void Picture::on_assets(const client::AssetChanges& changes) {
  for (const auto& [item, copy] : changes) {
    if (copy) {
      assets_[item] = *copy;
    } else {
      assets_.erase(item);
    }
  }
}

void Picture::on_messages(const std::vector<client::Message>& messages) {
  for (const client::Message& message : messages) {
    if (!messages_.empty() && message.number <= *messages_.rbegin()) {
      wrong("is told message " + std::to_string(message.number) + " after " +
            std::to_string(*messages_.rbegin()));
    }
    messages_.insert(message.number);
    const auto [known, is_new] = testimony_.messages.emplace(message.number, message.text);
    if (!is_new && known->second != message.text) {
      wrong("message " + std::to_string(message.number) + " is " + message.text + ", and " + known->second +
            " to another");
    }
  }
}

std::string Picture::difference(const Picture& other) const {
  for (const auto name : {DocumentName::story, DocumentName::analytics}) {
    if (document(name).revision != other.document(name).revision) {
      return name_of(name) + " is at " + std::to_string(document(name).revision) + " and at " +
             std::to_string(other.document(name).revision);
    }
  }
  const auto is_unknown = [](const Picture& picture, SessionId user) {
    return user == picture.session() && !picture.is_own_at_known_;
  };
  const auto same_user = [&](const auto& a, const auto& b) {
    const bool is_same_at =
        a.second.at == b.second.at || is_unknown(*this, a.first) || is_unknown(other, a.first);
    return a.first == b.first && a.second.name == b.second.name && is_same_at &&
           a.second.camera_x == b.second.camera_x && a.second.camera_y == b.second.camera_y;
  };
  if (!std::ranges::equal(users_, other.users_, same_user)) {
    std::string all;
    for (const auto* picture : {this, &other}) {
      for (const auto& [session, user] : picture->users_)
        all += ' ' + user.name + " at \"" + user.at + "\" " + std::to_string(user.camera_x) + ' ' +
               std::to_string(user.camera_y);
      all += picture == this ? ", to another" : "";
    }
    return "who is there, and where:" + all;
  }
  const auto same_copy = [](const auto& a, const auto& b) {
    return a.first == b.first && a.second.session == b.second.session &&
           a.second.timestamp == b.second.timestamp;
  };
  if (!std::ranges::equal(assets_, other.assets_, same_copy))
    return "who has which item: " + text_of(assets_) + ", and " + text_of(other.assets_);
  return "";
}

// --- TurnWatch ------------------------------------------------------------------------------------------------------

void TurnWatch::tell(std::uint64_t connection, std::string_view way, std::string_view verb,
                     std::size_t size_bytes) {
  World& world = World::get();
  if (!world.is_told()) return;
  world.note("line " + std::to_string(connection) + std::string(way) + std::string(verb) + " " +
             std::to_string(size_bytes));
}

void TurnWatch::on_client_said(std::uint64_t connection, ByteView bytes) {
  Line& line = lines_[connection];
  line.client.push(bytes);
  for (auto frame = line.client.next(); frame && *frame; frame = line.client.next()) {
    const std::string_view verb = verb_in(**frame);
    tell(connection, "> ", verb, frame->value().body.size());
    if (line.holder == Holder::joining || line.is_over || verb == "bye") continue;
    if (verb == "turn?") {
      // What follows is said in that turn, before the server's `yours` for it or after it.
      if (std::exchange(line.holder, Holder::client) == Holder::server) ++line.owed;
      continue;
    }
    if (line.holder != Holder::client)
      testimony_.violations.push_back("a client said out of turn: " + std::string(verb));
    if (verb == "yours") line.holder = Holder::server;
  }
}

void TurnWatch::on_server_said(std::uint64_t connection, ByteView bytes) {
  Line& line = lines_[connection];
  line.server.push(bytes);
  for (auto frame = line.server.next(); frame && *frame; frame = line.server.next()) {
    const std::string_view verb = verb_in(**frame);
    tell(connection, "< ", verb, frame->value().body.size());
    if (line.is_over) testimony_.violations.push_back("the server said after its bye: " + std::string(verb));
    if (verb == "bye") {
      line.is_over = true;
      continue;
    }
    if (line.owed > 0) {
      // What was on its way before, and then the `yours` that is owed.
      if (verb == "yours") --line.owed;
      continue;
    }
    if (line.holder == Holder::client)
      testimony_.violations.push_back("the server said out of turn: " + std::string(verb));
    if (verb == "yours") line.holder = Holder::client;
  }
}

void TurnWatch::on_server_keeps(std::uint64_t, std::uint64_t unsent_bytes) {
  if (unsent_bytes <= kept_max_bytes_) return;
  testimony_.violations.push_back("the server keeps " + std::to_string(unsent_bytes) +
                                  " bytes for one client");
  kept_max_bytes_ = UINT64_MAX;
}

// --- The log --------------------------------------------------------------------------------------------------------

namespace {

// Documents at growing revisions, by the model: edits in the order of their stamps.
class Fold {
 public:
  Fold(const std::vector<server::Committed>& operations, server::Record record) {
    for (const auto& each : operations) {
      if (each.operation.record != record) continue;
      operations_.push_back(each);
      ENSURE(server::read_edits(operations_.back().operation));
    }
  }
  const document::ValuePtr& at(std::uint64_t revision) {
    while (next_ < operations_.size() && operations_[next_].sequence <= revision)
      add(operations_[next_++].operation);
    return growth_.root();
  }

 private:
  void add(const server::Operation& operation) {
    const auto place = std::ranges::upper_bound(
        applied_, stamp_of(operation), {}, [](const server::Operation* each) { return stamp_of(*each); });
    const bool is_last = place == applied_.end();
    applied_.insert(place, &operation);
    if (is_last) return apply(operation);
    growth_ = {};
    for (const server::Operation* each : applied_) apply(*each);
  }
  void apply(const server::Operation& operation) { growth_.apply(*operation.edits); }

  std::vector<server::Committed> operations_;
  std::size_t next_ = 0;
  std::vector<const server::Operation*> applied_;
  document::Growth growth_;
};

// `printed` is what the value is printed as: mostly that is the text, which then need not be read.
bool is_text_of(const std::string& text, const document::ValuePtr& value, const std::string& printed) {
  if (text == printed) return true;
  const auto shown = document::parse(text);
  return shown && document::equal(*shown, value);
}

void check_shown(const std::vector<server::Committed>& operations, DocumentName name, Testimony& testimony) {
  std::map<std::uint64_t, std::set<client::Document const*>> by_revision;
  for (const auto& shown : testimony.shown) {
    if (shown.document == name) by_revision[shown.what.revision].insert(&shown.what);
  }
  Fold fold(operations, record_of(name));
  const std::uint64_t last = operations.empty() ? 0 : operations.back().sequence;
  for (const auto& [revision, documents] : by_revision) {
    if (revision > last)
      testimony.violations.push_back(name_of(name) + " was shown as of an operation that is not there");
    const document::ValuePtr& expected = fold.at(revision);
    const std::string printed = text_of(expected);
    std::set<const std::string*> compared;
    for (const client::Document* document : documents) {
      if (!compared.insert(document->text.get()).second) continue;
      if (is_text_of(*document->text, expected, printed)) continue;
      testimony.violations.push_back(name_of(name) + " " + std::to_string(revision) + " was shown as " +
                                     document->text->substr(0, 2000) + ", expected " +
                                     printed.substr(0, 2000));
    }
  }
}

void check_writes(const std::vector<server::Committed>& operations, Testimony& testimony) {
  std::map<std::uint64_t, const server::Operation*> by_sequence;
  for (const auto& each : operations) by_sequence[each.sequence] = &each.operation;
  for (const auto& write : testimony.writes) {
    const auto found = by_sequence.find(write.revision);
    const bool is_there = found != by_sequence.end() && found->second->record == record_of(write.document) &&
                          found->second->value->find(write.token) != std::string::npos;
    if (is_there) continue;
    testimony.violations.push_back("write " + write.token + " by " + write.by + " was acknowledged as " +
                                   std::to_string(write.revision) + " and is not in the log");
  }
}

void check_messages(const std::vector<server::Committed>& operations, Testimony& testimony) {
  std::vector<std::string> texts;
  std::set<std::string> once;
  for (const auto& each : operations) {
    if (each.operation.record != server::Record::messages) continue;
    texts.push_back(*each.operation.value);
    if (!once.insert(texts.back()).second)
      testimony.violations.push_back("message " + texts.back() + " is there twice");
  }
  const auto is_there = [&](std::uint64_t number, const std::string& text) {
    return number >= 1 && number <= texts.size() && texts[number - 1] == text;
  };
  for (const auto& said : testimony.said) {
    if (!is_there(said.number, said.text))
      testimony.violations.push_back("message " + said.text + " was acknowledged and is not in the log");
  }
  for (const auto& [number, text] : testimony.messages) {
    if (!is_there(number, text))
      testimony.violations.push_back("message " + text + " was told and is not in the log");
  }
}

// A document's: later than all that its author had seen.
void check_stamps(const std::vector<server::Committed>& operations, Testimony& testimony) {
  for (const auto& each : operations) {
    if (!server::is_document(each.operation.record)) continue;
    for (const auto& other : operations) {
      if (other.sequence > each.operation.base) break;
      if (other.operation.record != each.operation.record) continue;
      if (stamp_of(other.operation) >= stamp_of(each.operation))
        testimony.violations.push_back("operation " + std::to_string(each.sequence) +
                                       " is older than what it is based on");
    }
  }
}

// Later than all that he wrote before, in one session and to one run of the server: one that is asked again of the next
// counts as made then.
void check_order(const std::vector<server::Committed>& operations, Testimony& testimony) {
  std::map<std::uint64_t, const server::Operation*> by_sequence;
  for (const auto& each : operations) by_sequence[each.sequence] = &each.operation;
  auto writes = testimony.writes;
  std::ranges::sort(writes, {}, [](const auto& write) { return std::tie(write.by, write.number); });
  std::map<std::tuple<SessionId, server::Record, std::uint64_t>, server::Stamp> newest;
  for (const auto& write : writes) {
    const auto found = by_sequence.find(write.revision);
    // What settles a conflict is made of what is there, not of what its author knew.
    if (found == by_sequence.end() || write.token.empty() || write.server == 0) continue;
    const server::Operation& operation = *found->second;
    server::Stamp& own = newest[{operation.session, operation.record, write.server}];
    if (stamp_of(operation) <= own)
      testimony.violations.push_back("write " + write.token + " as " + std::to_string(write.revision) +
                                     " at " + std::to_string(operation.timestamp.ms) + "." +
                                     std::to_string(operation.counter) +
                                     " is older than its author's last at " + std::to_string(own.time.ms) +
                                     "." + std::to_string(own.counter));
    own = std::max(own, stamp_of(operation));
  }
}

}  // namespace

Due::Due(const std::vector<server::Committed>& operations)
    : story_(Fold(operations, server::Record::story).at(UINT64_MAX)),
      analytics_(Fold(operations, server::Record::analytics).at(UINT64_MAX)) {
  std::uint64_t number = 0;
  for (const auto& each : operations) {
    if (each.operation.record != server::Record::messages) continue;
    said_.push_back({++number, each.operation.session});
  }
  if (said_.size() > kMessagesPerTell)
    said_.erase(said_.begin(), said_.end() - std::ptrdiff_t{kMessagesPerTell});
  server::Board board;
  for (server::Committed each : operations) {
    ENSURE(server::read_edits(each.operation));
    board.apply(each.sequence, each.operation);
  }
  for (const server::Conflict& each : board.conflicts().open()) {
    for (const server::Side* side : {&each.winner, &each.loser}) conflicts_[side->user].insert(each.number);
  }
}

std::string Due::untold_to(const Picture& picture, const Testimony& testimony) const {
  const auto open = conflicts_.find(picture.name());
  // A join tells no more at once.
  if (open == conflicts_.end() || open->second.size() > kConflictsPerTell) return "";
  const auto told = testimony.conflicts.find(picture.name());
  for (const std::uint64_t number : open->second) {
    if (told == testimony.conflicts.end() || !told->second.contains(number))
      return "was not told of conflict " + std::to_string(number);
  }
  return "";
}

std::string Due::lacking_in(const Picture& picture) const {
  for (const Said& each : said_) {
    // What somebody says himself he hears in the answer.
    if (each.by != picture.session() && !picture.messages().contains(each.number))
      return "was not told message " + std::to_string(each.number);
  }
  for (const auto name : {DocumentName::story, DocumentName::analytics}) {
    const document::ValuePtr& expected = name == DocumentName::story ? story_ : analytics_;
    const client::Document& known = picture.document(name);
    if (expected == nullptr && known.text == nullptr) continue;
    if (known.text == nullptr || !is_text_of(*known.text, expected, text_of(expected)))
      return "has an old " + name_of(name);
  }
  return "";
}

void check_log(const std::vector<server::Committed>& operations, Testimony& testimony) {
  check_writes(operations, testimony);
  check_messages(operations, testimony);
  check_stamps(operations, testimony);
  check_order(operations, testimony);
  check_shown(operations, DocumentName::story, testimony);
  check_shown(operations, DocumentName::analytics, testimony);
}

}  // namespace callboard::sim
