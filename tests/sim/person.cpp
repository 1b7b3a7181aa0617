#include "tests/sim/person.h"

#include <utility>

#include "base/document/edits.h"
#include "base/document/parse.h"

namespace callboard::sim {

using client::DocumentName;

namespace {

// Few places, so that people meet in them.
constexpr std::uint64_t kPlaces = 5;
constexpr std::size_t kDocumentsKnown = 4;
// Of what those do who work on the board: now and then they do something else.
constexpr std::uint64_t kBoardPercent = 85;

}  // namespace

const net::Endpoint Person::kServer{"server", 64646};

Person::Person(World& world, Machine& machine, std::string name, Habits habits, Testimony& testimony)
    : world_(world),
      machine_(machine),
      name_(std::move(name)),
      habits_(habits),
      testimony_(testimony),
      picture_(std::make_unique<Picture>(name_, testimony)) {
  if (habits.board == nullptr) return;
  hand_ = std::make_unique<BoardHand>(
      BoardHand::Seat{world, machine, name_, testimony, *habits.board, habits.breaks_locks});
}

Person::~Person() {
  if (client_) kill();
}

void Person::start() {
  client::Options options;
  options.project = "Moria";
  options.user = name_;
  client::SessionKeeper::Options session;
  session.identity.name = name_;
  session.identity.project = options.project;
  session.identity.patches = habits_.patches;
  session.search.project = options.project;
  session.server = kServer;
  picture_ = std::make_unique<Picture>(name_ + "." + std::to_string(++run_), testimony_);
  unanswered_ = 0;
  tell("starts");
  world_.on(machine_, [&] {
    client_ = std::make_unique<client::Client::Impl>(std::move(options), this, nullptr, std::move(session));
    if (hand_) hand_->on_started(*client_, *picture_);
    client_->begin();
  });
}

void Person::kill() {
  tell("is killed");
  world_.on(machine_, [this] { client_.reset(); });
  on_ended();
  picture_->on_left({Outcome::interrupted, "killed"});
}

void Person::leave() {
  tell("leaves");
  if (hand_) hand_->on_leaving();
  world_.on(machine_, [this] { client_->leave(); });
}

void Person::on_ended() {
  unanswered_ = 0;
  if (hand_) hand_->on_ended();
}

void Person::tell(const std::string& what) { world_.note(name_ + " " + what); }

// --- What is heard --------------------------------------------------------------------------------------------------

void Person::on_joined(std::string_view, const client::User& self) {
  tell("joined as " + self.name);
  picture_->on_joined(self.session, self.name);
  if (hand_) hand_->on_joined(self.session);
}

void Person::on_left(const Error& why, bool will_rejoin) {
  tell("lost the session: " + why.text);
  picture_->on_left(why);
  if (hand_) hand_->on_lost();
  if (will_rejoin) return;
  // The library's thread would end now.
  world_.after(0ns, [this, run = run_] {
    if (run != run_ || !client_) return;
    world_.on(machine_, [this] {
      client_->end();
      client_.reset();
    });
    on_ended();
  });
}

void Person::on_document(DocumentName name, const client::Document& document) {
  const client::Document& known = picture_->document(name);
  if (document.revision == known.revision && document.text == known.text) return;
  picture_->on_document(name, document);
  auto& all = name == DocumentName::story ? known_stories_ : known_analytics_;
  all.push_back(document);
  if (all.size() > kDocumentsKnown) all.pop_front();
}

void Person::on_story(const client::Document& document) {
  tell("is shown story " + std::to_string(document.revision));
  on_document(DocumentName::story, document);
}

void Person::on_analytics(const client::Document& document) {
  tell("is shown analytics " + std::to_string(document.revision));
  on_document(DocumentName::analytics, document);
}

void Person::on_conflicts(const std::vector<client::Conflict>& conflicts) {
  for (const auto& each : conflicts) {
    tell("hears of conflict " + std::to_string(each.number));
    testimony_.conflicts[picture_->name()].insert(each.number);
    conflicts_.push_back(each);
  }
  while (conflicts_.size() > kDocumentsKnown) conflicts_.pop_front();
}

void Person::on_writable(bool writable, std::string_view) {
  tell(writable ? "hears that the disk takes writes" : "hears that the disk is full");
  picture_->on_writable(writable);
}

void Person::on_assets(const client::AssetChanges& changes) {
  for (const auto& [item, copy] : changes)
    tell("hears that " + item + (copy ? " is with " + to_text(copy->session) : " is with nobody"));
  picture_->on_assets(changes);
}

void Person::on_users(const std::vector<client::User>& users, const std::vector<client::Departure>& left) {
  for (const auto& user : users) tell("sees " + user.name + " " + to_text(user.session));
  for (const auto& each : left) tell("hears that " + each.name + " left " + to_text(each.session));
  picture_->on_users(users, left);
}

void Person::on_at(const client::User& user) { picture_->on_at(user); }

void Person::on_messages(const std::vector<client::Message>& messages) { picture_->on_messages(messages); }

void Person::on_warning(std::string_view text) {
  testimony_.violations.push_back(name_ + " is warned: " + std::string(text));
}

// --- What is done ---------------------------------------------------------------------------------------------------

void Person::act() {
  if (!client_) return;
  if (hand_ && world_.chance(kBoardPercent)) return hand_->act();
  switch (world_.below(20)) {
    case 0:
    case 1:
      return say(new_token());
    case 2:
      return go("/rnd/" + std::to_string(world_.below(kPlaces)));
    case 3:
    case 4:
      return have("/dev/" + std::to_string(world_.below(kPlaces)), world_.below(3) != 0);
    case 5:
      return read();
    case 6:
      return restore();
    case 7:
      return settle();
    default:
      return write();
  }
}

void Person::act_last() {
  last_acts_ = 0;
  last_item_ = "/last/" + new_token();
  go(last_item_);
  have(last_item_, true);
  say(new_token());
  write_whole(DocumentName::story, {});
  write_whole(DocumentName::analytics, {});
  if (hand_) hand_->act_last();
}

// Two people may have one name, but not one seat.
std::string Person::new_token() { return machine_.name + "-" + std::to_string(++last_token_) + "."; }

std::string Person::value_of(const std::string& token) {
  const std::size_t padding = habits_.padding_bytes == 0 ? 0 : world_.below(habits_.padding_bytes);
  return '"' + token + std::string(padding, 'x') + '"';
}

void Person::write() {
  const auto name = world_.below(4) == 0 ? DocumentName::analytics : DocumentName::story;
  const auto& all = name == DocumentName::story ? known_stories_ : known_analytics_;
  if (all.empty()) return write_whole(name, {});
  // What one worked from may be out of date.
  const client::Document& from = all[world_.chance(70) ? all.size() - 1 : world_.below(all.size())];
  const std::uint64_t base = world_.chance(70) ? from.revision : 0;
  switch (world_.below(8)) {
    case 0:
      return write_whole(name, habits_.rewrites && world_.chance(30) ? client::Document{} : from);
    case 1:
    case 2:
      return write_whole(name, from);
    case 3:
    case 4:
      return write_part(name, base);
    default:
      return write_patch(name, base);
  }
}

void Person::write_part(DocumentName name, std::uint64_t base) {
  const std::string token = new_token();
  client::DocumentChange change;
  change.document = name;
  change.base = base;
  change.at = world_.below(3) == 0 ? "/shots/-" : "/k" + std::to_string(world_.below(kPlaces));
  change.content = value_of(token);
  if (*change.at == "/shots/-") change.content = R"({"id":")" + token + R"(","by":)" + change.content + "}";
  send(std::move(change), token);
}

void Person::write_patch(DocumentName name, std::uint64_t base) {
  const std::string token = new_token();
  const std::string place = std::to_string(world_.below(kPlaces));
  const std::string other = std::to_string(kPlaces);
  const std::string mine = R"({"op":"add","path":"/k)" + place + R"(","value":)" + value_of(token) + "}";
  client::DocumentChange change;
  change.document = name;
  change.base = base;
  change.patch = true;
  switch (world_.below(5)) {
    case 0:
      change.content = "[" + mine + R"(,{"op":"remove","path":"/k)" + other + R"("}])";
      break;
    case 1:
      change.content = R"([{"op":"move","from":"/shots/0","path":"/shots/1"},)" + mine + "]";
      break;
    case 2:
      change.content = R"([{"op":"remove","path":"/shots/0"},)" + mine + "]";
      break;
    default:
      change.content = "[" + mine + "]";
  }
  send(std::move(change), token);
}

void Person::write_whole(DocumentName name, const client::Document& from) {
  const std::string token = new_token();
  client::DocumentChange change;
  change.document = name;
  change.base = from.revision;
  if (from.text == nullptr) {
    change.content = R"({"k0":)" + value_of(token) + R"(,"shots":[{"id":"a"},{"id":"b"},{"id":"c"}]})";
    return send(std::move(change), token);
  }
  document::Growth growth;
  growth.apply({document::Edit::Kind::set, {}, *document::parse(*from.text), {}});
  const document::Step place{"", "k" + std::to_string(world_.below(kPlaces + 1))};
  growth.apply({document::Edit::Kind::set, {place}, *document::parse(value_of(token)), {}});
  change.content = document::print(*growth.root());
  send(std::move(change), token);
}

void Person::restore() {
  if (known_analytics_.empty()) return;
  client::DocumentChange change;
  change.document = DocumentName::analytics;
  change.restore = known_analytics_.front().revision;
  send(std::move(change), "");
}

void Person::settle() {
  if (conflicts_.empty()) return;
  client::DocumentChange change;
  change.document = conflicts_.front().document;
  change.settles = conflicts_.front().number;
  change.take = world_.below(2) == 0;
  conflicts_.pop_front();
  send(std::move(change), "");
}

void Person::send(client::DocumentChange change, std::string token) {
  const DocumentName name = change.document;
  tell("writes " + token + " base " + std::to_string(change.base) + " " + change.at.value_or("") +
       (change.patch ? " " + change.content.substr(0, 200) : ""));
  ++unanswered_;
  auto answer = world_.on(machine_, [&] { return client_->change(std::move(change)); });
  answer.then([this, run = run_, name, token, number = ++last_write_,
               server = testimony_.server_starts](const Result<client::WriteResult>& result) {
    if (run != run_) return;
    --unanswered_;
    tell(token + (result ? " is revision " + std::to_string(result->revision)
                         : " is not taken: " + result.error().text));
    if (!result) return;
    ++last_acts_;
    testimony_.writes.push_back({machine_.name, number, name, token, result->revision,
                                 server == testimony_.server_starts ? server : 0});
    if (result->current.text && result->current.revision >= picture_->document(name).revision)
      on_document(name, result->current);
  });
}

template <class Wire>
void Person::ask(protocol::ClientMessage message, std::function<void(const Result<Wire>&)> on_answer) {
  ++unanswered_;
  const auto convert = [](protocol::ServerMessage reply) -> Result<Wire> {
    if (auto* wire = std::get_if<Wire>(&reply)) return std::move(*wire);
    return Error{Outcome::failed, "an answer of the wrong kind"};
  };
  auto answer = world_.on(machine_, [&] { return client_->ask<Wire>(std::move(message), convert); });
  answer.then([this, run = run_, on_answer = std::move(on_answer)](const Result<Wire>& result) {
    if (run != run_) return;
    --unanswered_;
    if (result) ++last_acts_;
    on_answer(result);
  });
}

void Person::say(std::string text) {
  protocol::MessageAsk message;
  message.text = text;
  message.op = make_operation_id(system_clock().wall(), system_random());
  ++unanswered_;
  const auto convert = [](protocol::ServerMessage reply) -> Result<protocol::Ok> {
    if (auto* ok = std::get_if<protocol::Ok>(&reply)) return *ok;
    return Error{Outcome::failed, "an answer of the wrong kind"};
  };
  auto answer =
      world_.on(machine_, [&] { return client_->write<protocol::Ok>(std::move(message), convert, {}); });
  answer.then([this, run = run_, text](const Result<protocol::Ok>& ok) {
    if (run != run_) return;
    --unanswered_;
    tell("said " + text + (ok ? " as " + std::to_string(ok->number.value_or(0)) : ": " + ok.error().text));
    if (!ok) return;
    ++last_acts_;
    testimony_.said.push_back({text, ok->number.value_or(0)});
  });
}

void Person::go(std::string item) {
  protocol::AtAsk message;
  message.item = item;
  ask<protocol::Ok>(message, [this, item](const Result<protocol::Ok>& ok) {
    picture_->on_own_at(ok ? std::optional(item) : std::nullopt);
  });
}

void Person::have(std::string item, bool has_it) {
  protocol::AssetsChange message;
  auto& timestamp = message.items[std::move(item)];
  if (has_it) timestamp = world_.on(machine_, [] { return system_clock().wall(); });
  ask<protocol::Ok>(message, [](const Result<protocol::Ok>&) {});
}

void Person::read() {
  const auto record =
      world_.below(2) == 0 ? protocol::DocumentRecord::story : protocol::DocumentRecord::analytics;
  switch (world_.below(5)) {
    case 0:
      return ask<protocol::Users>(protocol::UsersAsk{}, [](const Result<protocol::Users>&) {});
    case 1:
      return ask<protocol::Assets>(protocol::AssetsRead{}, [](const Result<protocol::Assets>&) {});
    case 2:
      return ask<protocol::Messages>(protocol::MessagesAsk{}, [](const Result<protocol::Messages>&) {});
    case 3: {
      protocol::HistoryAsk history;
      history.document = record;
      return ask<protocol::Revisions>(history, [](const Result<protocol::Revisions>&) {});
    }
    default: {
      protocol::DocumentRead whole;
      whole.record = record;
      const auto known = picture_
                             ->document(record == protocol::DocumentRecord::story ? DocumentName::story
                                                                                  : DocumentName::analytics)
                             .revision;
      return ask<protocol::DocumentState>(whole, [this, known](const Result<protocol::DocumentState>& state) {
        if (state && state->revision < known)
          testimony_.violations.push_back(name_ + " reads what is older than what it was shown");
        if (!state || state->document == nullptr) return;
        const auto name =
            state->record == protocol::DocumentRecord::story ? DocumentName::story : DocumentName::analytics;
        const client::Document read{state->document, state->revision, state->by, state->session,
                                    state->timestamp};
        testimony_.shown.push_back({name, read});
        // Who is not told patches is not told again what he has read.
        if (!habits_.patches && state->revision > picture_->document(name).revision) on_document(name, read);
      });
    }
  }
}

}  // namespace callboard::sim
