#include <fmt/format.h>

#include "base/text.h"
#include "sync/relative_path.h"
#include "tools/cli/item_from.h"
#include "tools/cli/locked_items.h"
#include "tools/cli/objects.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

std::string ping_text(const client::User& user) {
  if (user.round_trip_us == 0 || user.away) return "-";
  return fmt::format("{:.1f} ms", static_cast<double>(user.round_trip_us) / 1000);
}

Result<void> list_users(Run& run) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto users = (*visit)->wait((*visit)->access().users());
  if (!users) return users.error();
  std::vector<std::vector<std::string>> rows{{"USER", "HOST", "AT", "SINCE", "JOINED", "SHARES", "PING"}};
  for (const client::User& user : *users) {
    rows.push_back({user.away ? user.name + " (away)" : user.name, user.host, user.at.empty() ? "-" : user.at,
                    user.at.empty() ? "-" : when(user.at_since), when(user.joined),
                    user.shares ? "yes" : "no", ping_text(user)});
    run.output.object(user_object(user));
  }
  if (users->empty()) {
    run.output.message("nobody is here yet");
  } else {
    run.output.table(rows);
  }
  return {};
}

Result<void> list_assets(Run& run) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto assets = (*visit)->wait((*visit)->access().assets());
  if (!assets) return assets.error();
  std::vector<std::vector<std::string>> rows{{"ITEM", "NEWEST AT", "MODIFIED"}};
  for (const auto& [item, copy] : *assets) {
    rows.push_back({item, copy.user, when(copy.timestamp)});
    run.output.object(asset_object(item, copy));
  }
  if (assets->empty()) {
    run.output.message("nobody who is here has an item");
  } else {
    run.output.table(rows);
  }
  return {};
}

Result<void> set_at(Run& run, const std::string& text) {
  const auto named = item_from(text);
  if (!named) return named.error();
  const std::string& item = *named;
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  if (auto free = check_locks(run, **visit, {item}, Below::left_out, IfLocked::warn); !free) return free;
  const auto done = (*visit)->wait((*visit)->access().at(item));
  if (!done && done.error().outcome == Outcome::not_found && !(*visit)->is_through_agent())
    return Error{Outcome::not_found, done.error().text + "; `callboard join` in this folder does it"};
  if (!done) return done.error();
  run.output.line(item.empty() ? "you work on nothing now" : "you work on " + escaped(item));
  run.output.object({{"event", "at"}, {"item", item}});
  return {};
}

}  // namespace

void add_users(Program& program) {
  program
      .add_verb(
          {.name = "users", .summary = "who is here, and what they work on", .example = "callboard users"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .runs(list_users);
}

void add_assets(Program& program) {
  program
      .add_verb({.name = "assets",
                 .summary = "who has the newest copy of each item",
                 .example = "callboard assets"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .runs(list_assets);
}

void add_at(Program& program) {
  auto item = std::make_shared<std::string>();
  program
      .add_verb({.name = "at",
                 .summary = "tell the others what you work on; without ITEM: on nothing",
                 .example = "callboard at /dev/chr/Moria"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .text(*item, "ITEM", "the item, e.g. /dev/chr/Moria")
      .runs([item](Run& run) { return set_at(run, *item); });
}

}  // namespace callboard::cli
