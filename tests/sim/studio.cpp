#include "tests/sim/studio.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"

namespace callboard::sim {
namespace {

// What the server keeps for one client beyond kUnsentBeforeHolding: one tell of everything. Documents have six places of
// at most kPaddingMax here, and may be in it twice, with a list of what is small.
constexpr std::uint64_t kPaddingMax = 48 * KiB;
constexpr std::uint64_t kKeptMax = kUnsentBeforeHolding + 16 * kPaddingMax;

enum Fault : std::uint64_t { connection, person, machine, server, disk, clock_set, kinds, task = kinds };

// With the task that counts, and the classes that it needs, where the board is worked on.
std::unique_ptr<ServerRun> make_server(Disk& disk, Duration heartbeat, Studio::Work work) {
  server::Stage::Options options;
  options.limits.heartbeat = heartbeat;
  if (work == Studio::Work::documents) return std::make_unique<ServerRun>(disk, std::move(options), "");
  options.schema = *document::Schema::from(kBoardSchema);
  return std::make_unique<ServerRun>(disk, std::move(options), kTallyProgram);
}

}  // namespace

Studio::Studio(std::uint64_t seed, bool is_told, Work work)
    : world_(seed, is_told), turn_watch_(testimony_, kKeptMax), work_(work) {
  world_.wiretap = &turn_watch_;
  server_machine_.name = "server";
  world_.addresses[Person::kServer] = &server_machine_;
  choose();
  if (work_ == Work::documents) return;
  world_.wiretap = &zone_watch_;
  world_.programs[kTallyProgram] = [this] { return make_tally(tally_faults_); };
  tally_faults_.refusal_percent = 10;
}

Studio::~Studio() {
  disk_.is_cut_off = true;
  // Its connections still ask for the machines of the others.
  world_.on(server_machine_, [this] { server_.reset(); });
  seats_.clear();
}

void Studio::choose() {
  const auto any = [this](auto... values) {
    const Duration all[] = {values...};
    return all[world_.below(std::size(all))];
  };
  life_ = any(2s, 10s, 40s, 100s);
  act_pause_ = life_ / static_cast<std::int64_t>(5 + world_.below(18));
  fault_pause_ = any(life_ / 3, life_ / 8, life_ / 20);
  faults_ = world_.chance(10) ? 0 : world_.random()();
  world_.weather.delay_max = any(100us, 1ms, 30ms, 400ms);
  world_.weather.turn_max = any(10us, 200us, 20ms);
  world_.weather.work_max = any(100us, 5ms, 800ms);
  world_.weather.pieces_max = 1 + world_.below(4);
  const bool is_large = world_.chance(3);
  world_.weather.window_bytes = is_large ? 64 * KiB : world_.chance(30) ? 2 * KiB : 200 * KiB;
  disk_.sync_max = any(200us, 10ms, 500ms);
  disk_.torn_percent = world_.chance(50) ? 50 : 0;
  const std::size_t padding = is_large ? kPaddingMax : world_.chance(20) ? 500 : 0;
  const bool rewrites = world_.chance(50);
  // Otherwise too little is told to anybody for the limit of what is kept for him to be seen.
  has_sleeper_ = is_large && world_.chance(20);
  if (has_sleeper_) {
    life_ = 40s;
    act_pause_ = life_ / 40;
  }
  const bool breaks_locks = work_ == Work::board && world_.chance(25);
  const auto people = 2 + world_.below(4);
  for (std::uint64_t i = 0; i < people; ++i) {
    auto seat = std::make_unique<Seat>();
    seat->machine.name = "seat" + std::to_string(i);
    seat->machine.drift_ppm = static_cast<std::int64_t>(world_.below(2000)) - 1000;
    if (world_.chance(30))
      seat->machine.wall_offset_ms = static_cast<std::int64_t>(world_.below(7'200'000)) - 3'600'000;
    // Two may have one name.
    const std::string name = world_.chance(20) ? "twin" : "user" + std::to_string(i);
    seat->person = std::make_unique<Person>(world_, seat->machine, name,
                                            Person::Habits{.patches = !world_.chance(25) && !has_sleeper_,
                                                           .padding_bytes = padding,
                                                           .rewrites = rewrites,
                                                           .board = work_ == Work::board ? &board_ : nullptr,
                                                           .breaks_locks = breaks_locks},
                                            testimony_);
    seats_.push_back(std::move(seat));
  }
}

void Studio::run() {
  start_server();
  live();
  end_faults();
  rest();
  check_log(disk_.operations, testimony_);
  if (work_ == Work::board) check_board_log(disk_.operations, board_, testimony_);
  totals_.operations = disk_.operations.size();
  totals_.acknowledged = testimony_.writes.size() + testimony_.said.size() + board_.changes.size() +
                         board_.tallied.size() + board_.locks.grants().size();
  totals_.shown = testimony_.shown.size() + board_.shown.size();
  totals_.seconds = std::chrono::duration<double>(world_.now().time_since_epoch()).count();
}

// --- A life full of faults ------------------------------------------------------------------------------------------

void Studio::live() {
  for (const auto& seat : seats_) {
    world_.after(world_.between(0ns, life_ / 4), [&seat = *seat] { seat.person->start(); });
    have_person_act(*seat);
  }
  have_fault();
  if (has_sleeper_) {
    world_.after(life_ / 4, [this] { seats_.back()->machine.asleep_until = world_.now() + life_ / 2; });
  }
  world_.run_until(world_.now() + life_);
}

void Studio::have_person_act(Seat& seat) {
  after_a_while(2 * act_pause_, [this, &seat] {
    seat.person->act();
    have_person_act(seat);
  });
}

// Runs the event unless the faults are over by then.
void Studio::after_a_while(Duration most, std::function<void()> event) {
  world_.after(world_.between(0ns, most), [this, event = std::move(event)] {
    if (!is_over_) event();
  });
}

void Studio::have_fault() {
  after_a_while(2 * fault_pause_, [this] {
    const std::uint64_t kind = world_.below(Fault::kinds + (work_ == Work::board ? 1 : 0));
    if ((faults_ >> kind) & 1) {
      ++totals_.faults;
      if (kind == Fault::connection) hurt_connection();
      if (kind == Fault::person) hurt_person();
      if (kind == Fault::machine) hurt_machine();
      if (kind == Fault::server) hurt_server();
      if (kind == Fault::disk) hurt_disk();
      if (kind == Fault::clock_set) hurt_clock();
      if (kind == Fault::task) hurt_task();
    }
    have_fault();
  });
}

void Studio::hurt_connection() {
  std::erase_if(world_.connections, [](const auto& each) { return each.expired(); });
  if (world_.connections.empty()) return;
  const auto victim = world_.connections[world_.below(world_.connections.size())].lock();
  constexpr Breakable::Heard kHeard[] = {Breakable::Heard::by_both, Breakable::Heard::by_client,
                                         Breakable::Heard::by_server};
  world_.note("a connection breaks");
  victim->break_off(kHeard[world_.below(3)]);
}

void Studio::hurt_person() {
  Seat& seat = any_seat();
  if (!seat.person->is_running()) return seat.person->start();
  if (world_.below(2) == 0) return seat.person->leave();
  if (world_.below(2) == 0) return seat.person->kill();
  seat.machine.is_dead = true;
  seat.machine.unplugged_until = world_.now() + world_.between(1s, 30s);
  seat.person->kill();
  seat.machine.is_dead = false;
}

void Studio::hurt_machine() {
  Machine& victim = world_.chance(20) ? server_machine_ : any_seat().machine;
  const Duration most = world_.chance(30) ? 70s : 3s;
  world_.note("trouble at " + victim.name);
  Instant& until = world_.below(2) == 0 ? victim.unplugged_until : victim.asleep_until;
  until = std::max(until, world_.now() + world_.between(1ms, most));
  board_.locks.on_trouble(&victim == &server_machine_ ? nullptr : &victim);
}

void Studio::hurt_server() {
  if (!server_) return;
  if (world_.chance(30)) return stop_server();
  const bool is_power_lost = world_.below(2) == 0;
  server_machine_.is_dead = is_power_lost;
  if (is_power_lost && world_.chance(50)) disk_.sessions.clear();
  if (is_power_lost) server_machine_.unplugged_until = world_.now() + world_.between(1s, 20s);
  kill_server();
  server_machine_.is_dead = false;
  after_a_while(5s, [this] { start_server(); });
}

void Studio::hurt_disk() {
  world_.note("the disk is full");
  disk_.is_full = true;
  after_a_while(8s, [this] { disk_.is_full = false; });
}

void Studio::hurt_clock() {
  Machine& victim = world_.chance(30) ? server_machine_ : any_seat().machine;
  victim.wall_offset_ms = static_cast<std::int64_t>(world_.below(14'400'000)) - 7'200'000;
  world_.note("the clock is set at " + victim.name);
}

// For a while it crashes at most of what it is told.
void Studio::hurt_task() {
  world_.note("the task crashes");
  tally_faults_.crash_percent = 70;
  after_a_while(2s, [this] { tally_faults_.crash_percent = 0; });
}

// --- The server -----------------------------------------------------------------------------------------------------

void Studio::start_server() {
  if (server_) return;
  world_.note("the server starts");
  disk_.is_cut_off = false;
  ++testimony_.server_starts;
  server_started_ = world_.now();
  server_ = world_.on(server_machine_, [this] { return make_server(disk_, kHeartbeat, work_); });
}

void Studio::kill_server() {
  world_.note("the server is killed");
  ++totals_.crashes;
  disk_.is_cut_off = true;
  world_.on(server_machine_, [this] { server_.reset(); });
}

void Studio::stop_server() {
  if (server_->is_stopping()) return;
  world_.note("the server stops");
  world_.on(server_machine_, [this] {
    server_->stop("maintenance", [this, stopping = server_.get()] {
      world_.after(0ns, [this, stopping] {
        // It may have been killed meanwhile.
        if (server_.get() != stopping) return;
        world_.on(server_machine_, [this] { server_.reset(); });
        world_.after(world_.between(0ns, 3s), [this] { start_server(); });
      });
    });
  });
}

// --- Quiet ----------------------------------------------------------------------------------------------------------

void Studio::end_faults() {
  is_over_ = true;
  disk_.is_full = false;
  disk_.sync_max = 2ms;
  tally_faults_ = {};
  world_.weather.delay_max = 1ms;
  world_.weather.turn_max = 100us;
  world_.weather.work_max = 5ms;
  // What sleeps or is unplugged comes to itself in its time.
  Instant end = std::max(server_machine_.unplugged_until, server_machine_.asleep_until);
  for (const auto& seat : seats_)
    end = std::max({end, seat->machine.unplugged_until, seat->machine.asleep_until});
  world_.run_until(std::max(end, world_.now()));
  world_.note("quiet");
  start_server();
}

bool Studio::wait(Duration limit, const std::function<bool()>& is_reached) {
  const Instant end = world_.now() + limit;
  while (!is_reached()) {
    if (world_.now() >= end) return false;
    world_.run_until(world_.now() + 500ms);
  }
  return true;
}

bool Studio::are_all_joined() const {
  return std::ranges::all_of(seats_, [&](const auto& seat) {
    const Picture& picture = seat->person->picture();
    return seat->person->is_running() && picture.is_joined() && seat->person->unanswered() == 0 &&
           picture.users().size() == seats_.size();
  });
}

void Studio::rest() {
  // Until then somebody may believe that he is there: from the last that was on its way to him.
  world_.run_until(world_.now() + kOnItsWay + kSilenceLimit);
  const bool are_joined = wait(kRestLimit - kSilenceLimit - kOnItsWay, [this] {
    start_server();
    for (const auto& seat : seats_) {
      if (!seat->person->is_running()) seat->person->start();
    }
    return are_all_joined();
  });
  if (!are_joined) return wrong("not all are there, each answered and seen by all: " + unrest());
  // What was lost before it was quiet is not made good by what is told next.
  come_to_rest("before anybody says his last");
  // Each in turn, so that it is known whose words are the last.
  for (const auto& seat : seats_) {
    seat->person->act_last();
    const bool is_done = wait(kLastLimit, [&] { return seat->person->unanswered() == 0; });
    if (!is_done || !seat->person->is_last_done())
      return wrong(seat->person->name() + ": what is asked when all is quiet is not done");
  }
  come_to_rest("after all have said their last");
}

void Studio::come_to_rest(const std::string& when) {
  // What belongs to sessions that the server before this one had is kept for them for so long.
  if (work_ == Work::board) world_.run_until(std::max(world_.now(), server_started_ + kGrace + kLastLimit));
  read_board();
  if (!wait(kLastLimit, [this] { return unrest().empty(); })) wrong("no rest " + when + ": " + unrest());
}

void Studio::read_board() {
  if (work_ != Work::board) return;
  for (const auto& seat : seats_) seat->person->hand()->read_all();
}

// Why the board is not what everybody sees of it.
std::string Studio::board_unrest() const {
  std::set<SessionId> here;
  for (const auto& seat : seats_) here.insert(seat->person->picture().session());
  const Timestamp now =
      World::get().on(const_cast<Machine&>(server_machine_), [] { return system_clock().wall(); });
  for (const auto& seat : seats_) {
    const BoardHand& hand = *seat->person->hand();
    if (const auto stale = stale_in(hand.all(), disk_.operations, here, now); !stale.empty()) return stale;
    if (const auto lacking = hand.lacks(); !lacking.empty()) return seat->person->name() + " " + lacking;
  }
  return "";
}

// Why it is not over; empty when everybody sees what there is.
std::string Studio::unrest() const {
  std::optional<Due> due;
  for (const auto& seat : seats_) {
    const Person& person = *seat->person;
    const Picture& picture = person.picture();
    if (!person.is_running() || !picture.is_joined()) return person.name() + " is not there";
    if (person.unanswered() != 0) return person.name() + " waits for an answer";
    if (!picture.is_writable()) return person.name() + " believes that the disk is full";
    if (picture.users().size() != seats_.size())
      return person.name() + " sees " + std::to_string(picture.users().size()) + " people";
    for (const auto& other : seats_) {
      if (const auto missed = what_is_missed(picture, *other->person); !missed.empty())
        return person.name() + " does not see " + missed;
    }
    const auto difference = picture.difference(seats_.front()->person->picture());
    if (!difference.empty()) return person.name() + ": " + difference;
    if (!due) due.emplace(disk_.operations);
    if (const auto missed = due->lacking_in(picture); !missed.empty()) return person.name() + " " + missed;
    if (const auto untold = due->untold_to(picture, testimony_); !untold.empty())
      return person.name() + " " + untold;
  }
  return work_ == Work::board ? board_unrest() : "";
}

std::string Studio::what_is_missed(const Picture& picture, const Person& other) {
  const auto user = picture.users().find(other.picture().session());
  if (user == picture.users().end() || user->second.name != other.picture().name()) return other.name();
  // At first nobody has done anything for the last time.
  if (other.last_item().empty()) return "";
  if (user->second.at != other.last_item()) return "where " + other.name() + " is";
  const auto copy = picture.assets().find(other.last_item());
  if (copy == picture.assets().end() || copy->second.session != user->first)
    return "what " + other.name() + " has";
  return "";
}

}  // namespace callboard::sim
