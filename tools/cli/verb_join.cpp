#include <fmt/format.h>

#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <optional>
#include <utility>

#include "base/own_folders.h"
#include "base/text.h"
#include "client/agent.h"
#include "client/client.h"
#include "tools/cli/key_choice.h"
#include "tools/cli/lock_watch.h"
#include "tools/cli/objects.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

// Stays in the project: serves this folder to others, is the agent of the commands in it, and prints what happens.
namespace callboard::cli {
namespace {

class Reporter final : public client::Listener {
 public:
  explicit Reporter(Output& output)
      : output_(output), locks_(output, [this](const std::string& line) { say(line); }) {}

  // From any thread.
  bool is_joined() const { return is_joined_; }

  void on_searching(std::string_view why) override {
    output_.message(fmt::format("{}  looking for the server until there is one: {}",
                                to_local_time_of_day(system_clock().wall()), why));
    output_.object({{"event", "searching"}, {"why", why}});
  }

  void on_joined(std::string_view address, const client::User& self) override {
    shown_ = {};
    is_joined_ = true;
    told_.clear();
    locks_.on_joined(self);
    say(fmt::format("joined at {} as {}", address, callboard::quoted(self.name)));
    output_.object(
        {{"event", "joined"}, {"address", address}, {"name", self.name}, {"session", to_text(self.session)}});
    for (std::size_t i = 0; i < kDocuments.size(); ++i) {
      if (const auto found = std::exchange(found_[i], std::nullopt)) show_document(i, *found);
    }
  }

  void on_left(const Error& why, bool will_rejoin) override {
    output_.object(
        {{"event", "left"}, {"outcome", to_text(why.outcome)}, {"why", why.text}, {"rejoins", will_rejoin}});
    found_ = {};
    if (is_joined_.exchange(false)) {
      say(with_reason("left", why.text) + (will_rejoin ? "; tries to join again" : ""));
    } else if (will_rejoin && why.text != told_) {
      // Tried again and again; said once.
      say(fmt::format("not joined: {}; trying again", why.text));
      told_ = why.text;
    }
  }

  void on_story(const client::Document& document) override { show_document(0, document); }
  void on_analytics(const client::Document& document) override { show_document(1, document); }

  void on_conflicts(const std::vector<client::Conflict>& conflicts) override {
    for (const client::Conflict& each : conflicts) {
      say(fmt::format("conflict {}: {} and {} both changed {} {}; {}'s is the newer (callboard resolve {})",
                      each.number, escaped(each.loser.user), escaped(each.winner.user),
                      name_of(each.document), place_of(each), escaped(each.winner.user), each.number));
      output_.object(conflict_object(each));
    }
  }

  void on_writable(bool writable, std::string_view why) override {
    if (writable) {
      say("the server takes changes again");
    } else {
      output_.warning(fmt::format("the server refuses changes: {}", escaped(why)));
    }
    output_.object({{"event", "writable"}, {"writable", writable}, {"why", why}});
  }

  void on_assets(const client::AssetChanges& changes) override {
    for (const auto& [item, copy] : changes) {
      if (copy) {
        say(fmt::format("{}: newest copy at {}, {}", escaped(item), escaped(copy->user),
                        when(copy->timestamp)));
      } else {
        say(fmt::format("{}: nobody here has it any more", escaped(item)));
      }
      output_.object(asset_object(item, copy));
    }
    locks_.on_assets(changes);
  }

  void on_records(const client::RecordNews& news) override { locks_.on_records(news); }

  void on_users(const std::vector<client::User>& users, const std::vector<client::Departure>& left) override {
    // One who comes again with another session is here in the end.
    for (const client::Departure& each : left) {
      say(with_reason(escaped(each.name) + " left", each.reason));
      output_.object({{"event", "user_left"},
                      {"name", each.name},
                      {"session", to_text(each.session)},
                      {"why", each.reason}});
    }
    for (const client::User& user : users) {
      say(fmt::format("{} is here{}", escaped(user.name), user.at.empty() ? "" : ", at " + escaped(user.at)));
      output_.object(user_object(user));
    }
  }

  void on_at(const client::User& user) override {
    say(user.at.empty() ? fmt::format("{} works on nothing now", escaped(user.name))
                        : fmt::format("{} works on {}", escaped(user.name), escaped(user.at)));
    output_.object(
        {{"event", "at"}, {"name", user.name}, {"session", to_text(user.session)}, {"item", user.at}});
  }

  void on_messages(const std::vector<client::Message>& messages) override {
    for (const client::Message& each : messages) {
      say(fmt::format("{}: {}", output_.styled(Style::bold, escaped(each.user)), escaped(each.text)),
          each.timestamp);
      output_.object(message_object(each));
    }
  }

  void on_giving(std::uint64_t transfer, std::string_view taker, std::string_view item) override {
    say(fmt::format("giving {} to {}", escaped(item), escaped(taker)));
    output_.object({{"event", "giving"}, {"transfer", transfer}, {"taker", taker}, {"item", item}});
  }

  void on_given(std::uint64_t transfer, Outcome outcome, std::string_view text,
                std::uint64_t bytes) override {
    if (outcome == Outcome::done) {
      say(fmt::format("gave {}", human_bytes(bytes)));
    } else {
      say(fmt::format("giving ended: {}", escaped(text)));
    }
    output_.object({{"event", "given"},
                    {"transfer", transfer},
                    {"outcome", to_text(outcome)},
                    {"text", text},
                    {"bytes", bytes}});
  }

  void on_warning(std::string_view text) override { output_.warning(text); }

 private:
  // Who leaves in order gives "left" as the reason.
  static std::string with_reason(const std::string& text, std::string_view reason) {
    return reason == "left" || reason.empty() ? text : text + ": " + escaped(reason);
  }

  void say(const std::string& text, Timestamp when = system_clock().wall()) {
    output_.line(output_.styled(Style::dim, to_local_time_of_day(when)) + "  " + text);
  }

  static constexpr std::array<std::string_view, 2> kDocuments{"story", "analytics"};

  // What a command here has changed is told with its answer, and may be with the news, too.
  void show_document(std::size_t which, const client::Document& document) {
    // What the join finds comes before it is over.
    if (!is_joined_) {
      found_[which] = document;
      return;
    }
    const std::pair now(document.revision, document.timestamp);
    if (std::exchange(shown_[which], now) == now) return;
    const std::string_view name = kDocuments[which];
    say(fmt::format("{} is at revision {}, by {}", name, document.revision, escaped(document.by)));
    output_.object(document_object(name, document));
  }

  Output& output_;
  LockWatch locks_;
  std::atomic<bool> is_joined_ = false;
  std::string told_;  // Why it is not joined.
  // Of each of kDocuments: what the join under way found, and what was shown since.
  std::array<std::optional<client::Document>, 2> found_;
  std::array<std::pair<std::uint64_t, Timestamp>, 2> shown_;
};

// From the first join on, and again with every one after it.
void listen_to_locks(client::Client& client) {
  client.joined().then([&client](const Result<client::User>& self) {
    if (self) static_cast<void>(client.enter(std::string(kLocksFolder)));
  });
}

enum class Ended { for_good, with_another_key };

// How often one that is not in looks for another key.
constexpr Duration kKeyPeriod = 1s;

// Waits until the client has left. Keys are rotated while a workstation is in, or the server away: who is turned away, or not
// in, looks whether there is another by now.
Result<Ended> end_of(client::Client& client, const Reporter& reporter,
                     const std::function<bool()>& has_another_key) {
  const client::Answer<bool> left = client.left();
  bool is_key_another = false;
  while (!left.wait_for(kKeyPeriod)) {
    if (is_key_another || reporter.is_joined() || !has_another_key()) continue;
    is_key_another = true;
    client.leave();
  }
  if (is_key_another) return Ended::with_another_key;
  const Result<bool> end = left.get();
  if (end) return Ended::for_good;
  const bool is_turned_away = end.error().outcome == Outcome::refused;
  return is_turned_away && has_another_key() ? Result<Ended>(Ended::with_another_key) : end.error();
}

Result<Ended> join_once(Run& run) {
  auto options = client_options(run);
  if (!options) return options.error();
  if (options->folder.empty()) {
    return Error{
        Outcome::usage,
        "no project folder here: run `callboard init` in your copy of the project, or give --folder"};
  }
  auto place = client::AgentPlace::take(options->folder);
  if (!place && place.error().outcome == Outcome::locked) return place.error();
  client::agent::Hello hello = client::Agent::hello_of(*options);
  const auto has_another_key = [&run, own = options->key] {
    const auto now = chosen_key(run);
    return now && *now && to_line(**now) != own;
  };
  Reporter reporter(run.output);
  auto client = client::Client::start(std::move(*options), &reporter);
  if (!client) return client.error();
  if (!place) run.output.warning(place.error().text + "; commands here work without this join");
  listen_to_locks(**client);
  std::optional<client::Agent> agent;
  if (place) agent.emplace(std::move(*place), std::move(hello), **client, &reporter);
  const Interrupt::Listener listening = run.interrupt.listen([&] { (*client)->leave(); });
  const Result<Ended> ended = end_of(**client, reporter, has_another_key);
  // SIGTERM is how a service is ended as a matter of course; Ctrl-C is a user who breaks off.
  if (run.interrupt.signal_number() == SIGINT) return Error{Outcome::cancelled, ""};
  if (run.interrupt.is_requested()) return Ended::for_good;
  return ended;
}

Result<void> join(Run& run) {
  for (;;) {
    const auto ended = join_once(run);
    if (!ended) return ended.error();
    if (*ended == Ended::for_good) return {};
    run.output.message("another key was put here: joins anew with that");
  }
}

}  // namespace

void add_join(Program& program) {
  program
      .add_verb(
          {.name = "join",
           .summary =
               "be there: serve your folder to the others and print what happens, until Ctrl-C or SIGTERM",
           .example = "callboard join"})
      .takes({Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file,
              Key::items})
      .runs(join);
}

}  // namespace callboard::cli
