#include "tests/sim/board_hand.h"

#include <utility>

#include "base/id.h"
#include "client/known_records.h"

namespace callboard::sim {
namespace {

constexpr const char* kClasses[] = {"note",  "note", "note",   "own", "secret",
                                    "quiet", "lamp", "cursor", "bell"};
constexpr const char* kZones[] = {"/a", "/b", "/*/note0", "/locks", "/tallies", "/"};
constexpr std::uint64_t kItems = 3;
constexpr std::size_t kTalliesKnown = 4;

std::string field(const char* name, const std::string& token) {
  return "{\"" + std::string(name) + "\":\"" + token + "\"}";
}

std::string class_of(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return name.substr(0, name.find_first_of("-0123456789"));
}

}  // namespace

// --- Its program ----------------------------------------------------------------------------------------------------

void BoardHand::on_started(client::Client::Impl& client, const Picture& people) {
  client_ = &client;
  people_ = &people;
  picture_ =
      std::make_unique<BoardPicture>(seat_.name + "." + std::to_string(++run_), seat_.testimony, seat_.board);
  session_ = {};
  is_leaving_ = false;
  unanswered_ = 0;
}

void BoardHand::on_ended() {
  client_ = nullptr;
  unanswered_ = 0;
  seat_.board.locks.on_over(seat_.machine);
  for (const auto& [item, count] : std::exchange(freeing_, {})) {
    for (int i = 0; i < count; ++i) seat_.board.locks.on_freeing_forgotten(item);
  }
}

void BoardHand::on_joined(SessionId session) {
  session_ = session;
  picture_->on_joined(session, people_->name());
  seat_.board.locks.on_joined(seat_.machine, session);
}

void BoardHand::on_leaving() {
  is_leaving_ = true;
  seat_.board.locks.on_over(seat_.machine);
}

void BoardHand::on_lost() { seat_.board.locks.on_lost(session_); }

template <class Wire>
void BoardHand::ask(protocol::ClientMessage message, std::function<void(const Result<Wire>&)> on_answer) {
  ++unanswered_;
  const auto convert = [](protocol::ServerMessage reply) -> Result<Wire> {
    if (auto* wire = std::get_if<Wire>(&reply)) return std::move(*wire);
    return Error{Outcome::failed, "an answer of the wrong kind"};
  };
  auto answer =
      seat_.world.on(seat_.machine, [&] { return client_->ask<Wire>(std::move(message), convert); });
  answer.then([this, run = run_, on_answer = std::move(on_answer)](const Result<Wire>& result) {
    if (run != run_ || !is_running()) return;
    --unanswered_;
    if (!result && result.error().outcome == Outcome::usage)
      seat_.testimony.violations.push_back(seat_.name + " is not understood: " + result.error().text);
    on_answer(result);
  });
}

void BoardHand::call(const std::string& name, const std::string& arguments, UniqueId op,
                     std::function<void(const Result<std::string>&)> on_answer) {
  tell("calls " + name + " " + arguments);
  ++unanswered_;
  client::CallOptions options;
  options.deadline = seat_.world.between(1s, 25s);
  options.op = op;
  auto answer = seat_.world.on(seat_.machine, [&] { return client_->call(name, arguments, options); });
  answer.then([this, run = run_, name, on_answer = std::move(on_answer)](const Result<std::string>& result) {
    if (run != run_ || !is_running()) return;
    --unanswered_;
    tell("has called " + name + ": " + (result ? *result : result.error().text));
    on_answer(result);
  });
}

// --- What is done ---------------------------------------------------------------------------------------------------

std::string BoardHand::new_token() { return seat_.machine.name + "-" + std::to_string(++last_token_) + "."; }

std::string BoardHand::any_item() { return "/i" + std::to_string(seat_.world.below(kItems)); }

void BoardHand::act() {
  if (!is_running()) return;
  const std::uint64_t what = seat_.world.below(20);
  if (what < 2) return enter(kZones[seat_.world.below(std::size(kZones))]);
  if (what < 3) return exit();
  if (what < 10) return change();
  if (what < 15) return act_on_lock();
  if (what < 16) return read(kZones[seat_.world.below(std::size(kZones))], [](const auto&) {});
  if (what < 18 && !tallies_.empty()) {
    const auto known = tallies_[seat_.world.below(tallies_.size())];
    return tally(known.first, known.second);
  }
  tallies_.emplace_back(new_token(), make_operation_id(system_clock().wall(), system_random()));
  if (tallies_.size() > kTalliesKnown) tallies_.erase(tallies_.begin());
  tally(tallies_.back().first, tallies_.back().second);
}

void BoardHand::act_last() {
  last_done_ = 0;
  enter("/a");
  for (const char* record_class : {"note", "lamp", "cursor"}) {
    protocol::RecordAsk ask;
    const std::string token = new_token();
    ask.path = "/a/" + std::string(record_class) + "-" + seat_.machine.name;
    ask.action = RecordAction::put;
    ask.record_class = record_class;
    ask.fields = std::make_shared<const std::string>(field("v", token));
    send(std::move(ask), token);
  }
  tally(new_token(), make_operation_id(system_clock().wall(), system_random()));
  // Given back once it is had, so that everybody has it.
  lock("/last", true, 0, [this] { free("/last", "unlock", R"({"item":"/last"})"); });
}

void BoardHand::enter(std::string zone) {
  picture_->on_enter_asked(zone);
  tell("enters " + zone);
  protocol::EnterAsk message;
  message.zone = zone;
  ask<protocol::Ok>(message, [this, zone](const Result<protocol::Ok>& ok) {
    if (!ok) return;
    ++last_done_;
    picture_->on_entered(zone);
    client_->zones().on_entered(zone, nullptr);
  });
}

void BoardHand::exit() {
  const auto& zones = picture_->zones();
  if (zones.empty()) return;
  auto chosen = zones.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(seat_.world.below(zones.size())));
  const std::string zone = chosen->first;
  tell("leaves " + zone);
  protocol::ExitAsk message;
  message.zone = zone;
  ask<protocol::Ok>(message, [this, zone](const Result<protocol::Ok>& ok) {
    const bool is_out = ok || ok.error().outcome == Outcome::not_found;
    if (is_out) picture_->on_exited(zone);
    static_cast<void>(client_->zones().on_exited(zone, ok ? Result<bool>(true) : Result<bool>(ok.error())));
  });
}

void BoardHand::read(const std::string& zone, std::function<void(std::vector<client::Record>)> then) {
  protocol::RecordsRead message;
  message.zone = zone;
  ask<protocol::Records>(message, [this, then = std::move(then)](const Result<protocol::Records>& told) {
    if (!told) return;
    auto list = client::to_records(*told);
    if (!list || told->more)
      return static_cast<void>(
          seat_.testimony.violations.push_back(seat_.name + " reads no list of records"));
    for (const client::Record& each : list->records) {
      if (is_lasting(each.record_class)) seat_.board.shown.push_back(each);
    }
    then(std::move(list->records));
  });
}

void BoardHand::read_all() {
  all_.clear();
  read("/", [this](std::vector<client::Record> records) { all_ = std::move(records); });
}

protocol::RecordAsk BoardHand::any_change(std::string& token) {
  World& world = seat_.world;
  protocol::RecordAsk ask;
  const std::string record_class = kClasses[world.below(std::size(kClasses))];
  ask.path = (world.below(2) == 0 ? "/a/" : "/b/") + record_class + std::to_string(world.below(2));
  if (world.chance(30)) ask.base = picture_->revision_of(ask.path);
  const std::uint64_t what = world.below(10);
  if (record_class == "bell" || what < 3) {
    ask.action = RecordAction::make;
    ask.base = 0;
  } else if (what < 5) {
    ask.action = RecordAction::put;
  } else if (what == 8 && !people_->users().empty()) {
    ask.action = RecordAction::give;
    auto heir = people_->users().begin();
    std::advance(heir, static_cast<std::ptrdiff_t>(world.below(people_->users().size())));
    ask.to = heir->first;
    return ask;
  } else if (what == 9) {
    ask.action = RecordAction::remove;
    return ask;
  }
  if (ask.action != RecordAction::set) ask.record_class = record_class;
  token = new_token();
  const char* name = record_class == "note" && world.below(2) == 0 ? "w" : "v";
  ask.fields = std::make_shared<const std::string>(field(name, token));
  return ask;
}

void BoardHand::change() {
  std::string token;
  protocol::RecordAsk ask = any_change(token);
  send(std::move(ask), std::move(token));
}

void BoardHand::send(protocol::RecordAsk message, std::string token) {
  message.op = make_operation_id(system_clock().wall(), system_random());
  tell(std::string(to_text(message.action)) + " " + message.path + " " + token + " base " +
       std::to_string(message.base));
  ask<protocol::Ok>(
      message, [this, token, path = message.path, action = message.action](const Result<protocol::Ok>& ok) {
        tell(path + " " + token +
             (ok ? " is revision " + std::to_string(ok->number.value_or(0))
                 : " is not taken: " + ok.error().text));
        if (!ok) return;
        ++last_done_;
        if (is_lasting(class_of(path)))
          seat_.board.changes.push_back({seat_.machine.name, path, action, token, ok->number.value_or(0)});
      });
}

// --- Locks and calls ------------------------------------------------------------------------------------------------

void BoardHand::act_on_lock() {
  World& world = seat_.world;
  const std::string item = any_item();
  const std::string arguments = field("item", item);
  switch (world.below(10)) {
    case 0:
    case 1:
    case 2:
      return free(item, "unlock", arguments);
    case 3: {
      if (people_->users().empty()) return;
      const std::string heir = people_->users().begin()->second.name;
      return free(item, "unlock", R"({"item":")" + item + R"(","to":")" + heir + "\"}");
    }
    case 4:
      if (seat_.breaks_locks) return free(item, "lock.break", arguments);
      return call("lock.ask", arguments, {}, [](const auto&) {});
    case 5:
      return lock(item, false, static_cast<std::int64_t>(1 + world.below(30)));
    default:
      return lock(item, world.chance(50), 0);
  }
}

void BoardHand::lock(const std::string& item, bool waits, std::int64_t lease_s, std::function<void()> then) {
  std::string arguments = R"({"item":")" + item + "\"";
  if (waits) arguments += R"(,"wait":true)";
  if (lease_s != 0) {
    arguments += R"(,"lease_s":)" + std::to_string(lease_s);
    begin_freeing(item);
  }
  call("lock", arguments + "}", {},
       [this, item, lease_s, before = session_, then = std::move(then)](const Result<std::string>& lock) {
         if (lease_s != 0) end_freeing(item, lock);
         if (!lock) return;
         ++last_done_;
         const bool has_lease = lock->find("\"until\"") != std::string::npos;
         if (session_ == before && !has_lease && !is_leaving_)
           seat_.board.locks.on_granted({item, session_, people_->name(), &seat_.machine});
         if (then) then();
       });
}

void BoardHand::free(const std::string& item, const std::string& name, const std::string& arguments) {
  begin_freeing(item);
  call(name, arguments, {}, [this, item](const Result<std::string>& freed) { end_freeing(item, freed); });
}

void BoardHand::begin_freeing(const std::string& item) {
  ++freeing_[item];
  seat_.board.locks.on_freeing(item);
}

void BoardHand::end_freeing(const std::string& item, const Result<std::string>& answer) {
  --freeing_[item];
  const bool may_still_come = !answer && (answer.error().outcome == Outcome::interrupted ||
                                          answer.error().outcome == Outcome::cancelled ||
                                          answer.error().outcome == Outcome::timed_out);
  if (may_still_come) return seat_.board.locks.on_freeing_forgotten(item);
  seat_.board.locks.on_freed(item);
}

void BoardHand::tally(const std::string& token, UniqueId op) {
  call("tally.add", field("token", token), op, [this, token](const Result<std::string>& place) {
    if (!place) return;
    ++last_done_;
    seat_.board.tallied.push_back({token, std::stoull(*place)});
  });
}

}  // namespace callboard::sim
