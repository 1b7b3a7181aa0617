#include "tools/cli/visit.h"

#include <array>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "tools/cli/agent_access.h"
#include "tools/cli/key_choice.h"

namespace callboard::cli {

Result<client::Options> client_options(const Run& run) {
  auto project = run.settings.required(Key::project);
  if (!project) return project.error();
  auto name = run.settings.required(Key::name);
  if (!name) return name.error();
  client::Options options;
  options.project = std::move(*project);
  options.user = std::move(*name);
  options.server = run.settings.text(Key::server);
  options.discovery_port = run.settings.port(Key::discovery_port);
  options.ask_addresses = run.settings.list(Key::ask);
  for (const std::string& each : run.settings.list(Key::items)) {
    options.item_patterns += (options.item_patterns.empty() ? "" : " ") + each;
  }
  if (run.settings.project_folder()) options.folder = run.settings.project_folder()->native();
  auto key = chosen_key(run);
  if (!key) return key.error();
  if (*key) options.key = to_line(**key);
  return options;
}

// How often it was in, and what ended it.
class Visit::Stays final : public client::Listener {
 public:
  void on_joined(std::string_view, const client::User&) override {
    const std::lock_guard lock(mutex_);
    ++joins_;
    is_in_ = true;
    changed_.notify_one();
  }
  void on_left(const Error& why, bool will_rejoin) override {
    const std::lock_guard lock(mutex_);
    is_in_ = false;
    if (will_rejoin) return;
    end_ = why;
    changed_.notify_one();
  }

  // Until it is in once more than when this was called last; `say` is called when that takes long. A server that stops answers
  // that it does, over and over; one that sends somebody off says so a moment after what was under way has failed.
  Result<void> wait_for_join(const std::function<void()>& say) {
    constexpr auto kMoment = std::chrono::milliseconds(200);
    const auto is_over = [this] { return end_ || (is_in_ && joins_ > known_); };
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kMoment, is_over)) {
      say();
      changed_.wait(lock, is_over);
    }
    known_ = joins_;
    return end_ ? Result<void>(*end_) : Result<void>();
  }
  std::optional<Error> end() {
    const std::lock_guard lock(mutex_);
    return end_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t joins_ = 0;
  std::uint64_t known_ = 1;
  bool is_in_ = false;
  std::optional<Error> end_;
};

Visit::~Visit() = default;

Visit::Visit(Run& run, std::unique_ptr<client::Access> access) : run_(run), access_(std::move(access)) {
  // Not make_unique: a Listener cannot be moved.
  listening_.reset(new Interrupt::Listener(run.interrupt.listen([here = access_.get()] { here->leave(); })));
}

Result<std::unique_ptr<Visit>> Visit::open(Run& run, Folder folder, Stay stay) {
  if (auto agent = find_agent(run)) {
    std::unique_ptr<Visit> visit(new Visit(run, std::move(agent)));
    visit->through_agent_ = true;
    return visit;
  }
  auto options = client_options(run);
  if (!options) return options.error();
  if (folder == Folder::needed && options->folder.empty()) {
    return Error{
        Outcome::usage,
        "no project folder here: run `callboard init` in your copy of the project, or give --folder"};
  }
  options->visit = true;
  options->stays = stay == Stay::on;
  auto stays = std::make_unique<Stays>();
  auto client = client::Client::start(std::move(*options), stays.get());
  if (!client) return client.error();
  const client::Answer<client::User> joined = (*client)->joined();
  std::unique_ptr<Visit> visit(new Visit(run, std::move(*client)));
  visit->stays_ = std::move(stays);
  if (auto there = visit->wait(joined); !there) return there.error();
  return visit;
}

Result<void> Visit::go_on(Run& run, std::unique_ptr<Visit>& visit, const Error& why) {
  const bool is_away = visit->through_agent_ && why.outcome == Outcome::not_found;
  if (run.interrupt.is_requested()) return Error{Outcome::cancelled, ""};
  // What is asked after the end says no more than that there was one.
  if (const auto end = visit->stays_ ? visit->stays_->end() : std::nullopt) return *end;
  if (why.outcome != Outcome::interrupted && !is_away) return why;
  const auto say = [&run] { run.output.message("the connection was lost; waiting for the server"); };
  if (!visit->stays_) say();
  auto back = visit->stays_ ? visit->stays_->wait_for_join(say) : come_back(run, visit, why);
  if (run.interrupt.is_requested()) return Error{Outcome::cancelled, ""};
  if (back) run.output.message("the connection was lost; the server is there again");
  return back;
}

// The agent's session comes back by itself. One that has gone was ended, or sent off: no other way is taken behind that.
Result<void> Visit::come_back(Run& run, std::unique_ptr<Visit>& visit, const Error& why) {
  constexpr auto kPause = std::chrono::seconds(1);
  client::Answer<bool> stopped;
  const Interrupt::Listener listening = run.interrupt.listen([stopped] { stopped.set(true); });
  for (;;) {
    if (stopped.wait_for(kPause)) return Error{Outcome::cancelled, ""};
    auto other = open(run, Folder::unused, Stay::on);
    if (other && !(*other)->through_agent_) return why;
    const auto there = other ? (*other)->wait((*other)->access().users()) : other.error();
    if (there) {
      visit = std::move(*other);
      return {};
    }
    const Outcome outcome = there.error().outcome;
    const bool is_away =
        outcome == Outcome::not_found || outcome == Outcome::interrupted || outcome == Outcome::timed_out;
    if (!is_away) return there.error();
  }
}

Result<void> report_kept(Run& run, std::string_view what) {
  run.output.message(std::string("no server at the moment: ") + std::string(what) +
                     " is kept in this folder; the join here sends it once there is a server");
  run.output.object({{"event", "kept"}});
  return {};
}

std::string when(Timestamp timestamp) {
  const auto seconds = static_cast<std::time_t>(timestamp.ms / 1000);
  const auto now = static_cast<std::time_t>(system_clock().wall().ms / 1000);
  std::tm then{};
  std::tm today{};
  if (localtime_r(&seconds, &then) == nullptr || localtime_r(&now, &today) == nullptr) return "?";
  const bool is_today = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), is_today ? "%H:%M" : "%Y-%m-%d %H:%M", &then);
  return text.data();
}

}  // namespace callboard::cli
