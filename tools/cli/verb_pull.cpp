#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <optional>
#include <string>

#include "base/text.h"
#include "client/pull_report.h"
#include "sync/chunk_list.h"
#include "sync/ignore.h"
#include "tools/cli/linked_pull.h"
#include "tools/cli/locked_items.h"
#include "tools/cli/objects.h"
#include "tools/cli/progress.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

struct PullChoice {
  client::PullRequest request;
  std::string from;
  std::string on_conflict;
  std::optional<double> wait_for_space;
  bool no_sync = false;
  bool verbose = false;
  bool refuses_locked = false;
  bool linked = false;
};

struct Pulled {
  client::PullReport report;
  LinkedPull::Sum linked{};
};

// How often progress is looked at; a terminal is redrawn no faster than that.
constexpr Duration kLookPeriod = 100ms;
constexpr Duration kEventPeriod = 250ms;

std::string_view to_text(client::ChangeKind kind) {
  switch (kind) {
    case client::ChangeKind::added:
      return "add";
    case client::ChangeKind::changed:
      return "change";
    case client::ChangeKind::metadata:
      return "metadata";
    case client::ChangeKind::directory:
      return "directory";
    case client::ChangeKind::symlink:
      return "link";
    case client::ChangeKind::removed:
      return "remove";
    case client::ChangeKind::renamed:
      return "rename";
  }
  return "";
}

ProgressState to_state(const client::PullProgress& progress) {
  return {.files_done = progress.files_done + progress.files_reused,
          .files_wanted = progress.files_total,
          .bytes_done = progress.bytes_done + progress.bytes_reused,
          .bytes_wanted = progress.bytes_total,
          .is_total_known = progress.listed,
          .current = progress.current};
}

// Shows progress until the answer is there.
client::PullReport follow(Run& run, const client::Transfer& transfer) {
  Progress shown(run.output);
  Instant event_due = system_clock().monotonic() + kEventPeriod;
  const auto answer = transfer.report();
  std::string paused;
  while (!answer.wait_for(kLookPeriod)) {
    const client::PullProgress progress = transfer.progress();
    const Instant now = system_clock().monotonic();
    shown.show(to_state(progress), now);
    // Told once, however often it is tried again.
    if (paused != progress.paused && !progress.paused.empty())
      run.output.warning("paused: " + progress.paused);
    paused = progress.paused;
    if (now < event_due) continue;
    event_due = now + kEventPeriod;
    JsonObject object{{"event", "progress"}};
    add_progress(object, progress);
    run.output.object(object);
  }
  const auto report = answer.get();
  if (report) return *report;
  client::PullReport failed;
  failed.outcome = report.error().outcome;
  failed.text = report.error().text;
  return failed;
}

// Of items that are pulled one by one those before the one with the conflict came.
bool goes_by_item(const PullChoice& choice) { return choice.linked || client::goes_by_item(choice.request); }

// A conflict that it was not to go on with was found before anything was, or would be, changed.
bool changes_nothing(const PullChoice& choice, const client::PullReport& report) {
  if (choice.request.on_conflict != client::PullRequest::OnConflict::fail || report.conflicts.empty())
    return false;
  return choice.request.dry_run ? report.changes.empty() : !report.has_changed;
}

// What became of a file that both sides changed.
std::string_view fate(const PullChoice& choice, const client::PullConflict& conflict) {
  const bool is_dry = choice.request.dry_run;
  if (conflict.is_after_changes) return "nothing more was changed";
  if (choice.request.on_conflict == client::PullRequest::OnConflict::fail) {
    if (goes_by_item(choice))
      return is_dry ? "nothing of its item would be changed" : "nothing of its item was changed";
    return is_dry ? "nothing would be changed" : "nothing was changed";
  }
  if (conflict.is_kept_here) return is_dry ? "yours would stay" : "yours stays";
  if (conflict.is_gone_there)
    return is_dry                 ? "yours would become a version"
           : conflict.is_replaced ? "yours is a version now"
                                  : "yours did not go";
  if (is_dry) return "the giver's would take its place, yours become a version";
  return conflict.is_replaced ? "the giver's took its place" : "the giver's did not take its place";
}

// As people write it, in quotes.
std::string quoted_item(const std::string& path) { return callboard::quoted("/" + path); }

void show_conflicts(Output& output, const PullChoice& choice, const client::PullReport& report) {
  for (const client::PullConflict& conflict : report.conflicts) {
    output.message(fmt::format("{} {}: {}", quoted_item(conflict.path),
                               conflict.is_gone_there ? "is gone there, and here it is not what was pulled"
                                                      : "was changed here and there",
                               fate(choice, conflict)));
    const bool stays = conflict.is_kept_here || (!choice.request.dry_run && !conflict.is_replaced);
    JsonObject object{
        {"event", "conflict"}, {"kept", stays ? "here" : "version"}, {"gone_there", conflict.is_gone_there}};
    object.add_bytes("path", conflict.path);
    output.object(object);
  }
}

void show_details(Output& output, const PullChoice& choice, const client::PullReport& report) {
  for (const client::PullChange& change : report.changes) {
    const std::string from = change.from.empty() ? "" : escaped("/" + change.from) + " → ";
    output.line(fmt::format("{:<10} {:>9}  {}{}", to_text(change.kind), human_bytes(change.size_bytes), from,
                            escaped("/" + change.path)));
    JsonObject object{{"event", "change"}, {"kind", to_text(change.kind)}, {"size", change.size_bytes}};
    object.add_bytes("path", change.path);
    if (!change.from.empty()) object.add_bytes("from", change.from);
    output.object(object);
  }
  show_conflicts(output, choice, report);
  for (const auto& [path, kept_as] : report.versions) {
    const bool is_open = std::find(report.open_versions.begin(), report.open_versions.end(), kept_as) !=
                         report.open_versions.end();
    output.message(fmt::format("{} {} {}", quoted_item(path),
                               is_open ? "is open in a program here, which goes on with what is kept as"
                                       : "was changed here and is kept as",
                               escaped(kept_as)));
    JsonObject object{{"event", "version"}, {"open", is_open}};
    object.add_bytes("path", path);
    object.add_bytes("kept_as", kept_as);
    output.object(object);
  }
  for (const auto& [path, kept_as] : report.removed) {
    output.message(fmt::format("{} is not there and is kept as {}", quoted_item(path), escaped(kept_as)));
    JsonObject object{{"event", "removed"}};
    object.add_bytes("path", path);
    object.add_bytes("kept_as", kept_as);
    output.object(object);
  }
  for (const client::PullProblem& problem : report.problems) {
    // The error that ends the pull says it, too.
    if (problem.error.text != report.text) output.warning(problem.error.text);
    JsonObject object{{"event", "problem"},
                      {"outcome", callboard::to_text(problem.error.outcome)},
                      {"text", problem.error.text}};
    object.add_bytes("path", problem.path);
    output.object(object);
  }
}

std::uint64_t travelled_bytes(const client::PullReport& report) {
  return report.bytes - std::min(report.bytes_reused, report.bytes);
}

std::string unchanged_text(const client::PullReport& report, bool is_dry) {
  const bool is_one = report.unchanged_files == 1;
  return fmt::format("{} {} up to date", report.unchanged_files,
                     is_dry ? (is_one ? "is" : "are") : (is_one ? "was" : "were"));
}

void show_dry_sum(Output& output, const client::PullReport& report) {
  output.line(fmt::format("would pull {}, {}, from {}; {}", files_text(report.files),
                          human_bytes(report.bytes), escaped(report.giver), unchanged_text(report, true)));
  // Of a large file that is here in another version what is as it was need not travel.
  const bool is_at_most = std::ranges::any_of(report.changes, [](const client::PullChange& change) {
    return change.kind == client::ChangeKind::changed && change.size_bytes >= sync::kDeltaFileMin;
  });
  output.line(
      fmt::format("{}{} would travel", is_at_most ? "up to " : "", human_bytes(travelled_bytes(report))));
  const bool has_rules = std::ranges::any_of(report.changes, [](const client::PullChange& change) {
    return change.path.substr(change.path.rfind('/') + 1) == sync::kIgnoreFile;
  });
  if (has_rules)
    output.line(
        fmt::format("rules would come with it ({}): this goes by those that are here", sync::kIgnoreFile));
}

void show_sum(Output& output, const client::PullReport& report, double seconds) {
  if (report.files == 0 && !report.has_changed && report.outcome == Outcome::done)
    return output.line(fmt::format("up to date with {}", escaped(report.giver)));
  // What went is named.
  if (report.files == 0 && !report.removed.empty())
    return output.line(fmt::format("no new files from {}; {} moved to .callboard/versions; {}",
                                   escaped(report.giver), report.removed.size(),
                                   unchanged_text(report, false)));
  if (report.files == 0 && report.outcome == Outcome::done)
    return output.line(fmt::format("no new files from {}, but links, folders or modes; {}",
                                   escaped(report.giver), unchanged_text(report, false)));
  const auto rate =
      static_cast<std::uint64_t>(static_cast<double>(travelled_bytes(report)) / std::max(seconds, 0.001));
  output.line(fmt::format("pulled {}, {}, from {} in {:.1f} s ({}/s); {}", files_text(report.files),
                          human_bytes(report.bytes), escaped(report.giver), seconds, human_bytes(rate),
                          unchanged_text(report, false)));
}

// Of a dry run nothing came to the disk.
void show_verbose(Output& output, const PullChoice& choice, const client::PullReport& report) {
  const std::string wire = fmt::format("{} on the wire for {}", human_bytes(report.wire_bytes),
                                       human_bytes(choice.request.dry_run ? 0 : travelled_bytes(report)));
  if (choice.request.dry_run) return output.line(wire);
  output.line(fmt::format("{}; {}", wire,
                          !choice.request.sync ? "not waited for the disk (--no-sync)"
                          : report.is_durable  ? "all of it is on disk"
                                               : "the last of it may not be on disk"));
}

void show_linked(Output& output, const LinkedPull::Sum& linked) {
  std::string text = fmt::format("{} linked {} with it", linked.items, linked.items == 1 ? "item" : "items");
  if (linked.missing > 0) text += fmt::format("; {} not found", files_text(linked.missing));
  if (linked.found.unread > 0) text += fmt::format("; {} not looked into", files_text(linked.found.unread));
  output.line(text);
  if (linked.unknown == 0) return;
  const bool is_one = linked.unknown == 1;
  output.line(fmt::format("what {} .blend {} of these {} to will be known when {} here", linked.unknown,
                          is_one ? "file" : "files", is_one ? "links" : "link",
                          is_one ? "it is" : "they are"));
}

void show_summary(Output& output, const PullChoice& choice, const Pulled& pulled, Duration took) {
  const client::PullReport& report = pulled.report;
  const bool is_dry = choice.request.dry_run;
  if (is_dry) {
    show_dry_sum(output, report);
  } else {
    show_sum(output, report, std::chrono::duration<double>(took).count());
  }
  if (report.files_reused > 0) {
    output.line(fmt::format("{} of them, {}, {} already and {} not travel", report.files_reused,
                            human_bytes(report.bytes_reused),
                            report.files_reused == 1 ? "is here" : "are here", is_dry ? "would" : "did"));
  }
  if (report.removals_left > 0) {
    output.line(fmt::format("nothing {} removed: {}; {} here {} not there", is_dry ? "would be" : "was",
                            count_text(report.problems.size() + report.problems_unlisted, "problem"),
                            files_text(report.removals_left), report.removals_left == 1 ? "is" : "are"));
  }
  if (choice.linked) show_linked(output, pulled.linked);
  if (choice.verbose) show_verbose(output, choice, report);
  output.object({{"event", "pulled"},
                 {"outcome", callboard::to_text(report.outcome)},
                 {"text", report.text},
                 {"from", report.giver},
                 {"dry_run", is_dry},
                 {"synced", report.is_durable && !is_dry},
                 {"files", report.files},
                 {"bytes", report.bytes},
                 {"unchanged_files", report.unchanged_files},
                 {"files_reused", report.files_reused},
                 {"bytes_reused", report.bytes_reused},
                 {"wire_bytes", report.wire_bytes},
                 {"versions", report.versions.size()},
                 {"removed", report.removed.size()},
                 {"removals_left", report.removals_left},
                 {"removals_refused", report.removals_refused},
                 {"conflicts", report.conflicts.size()},
                 {"problems", report.problems.size()},
                 {"linked", pulled.linked.items},
                 {"missing", pulled.linked.missing},
                 {"unread", pulled.linked.found.unread},
                 {"elsewhere", pulled.linked.found.elsewhere},
                 {"links_left_out", pulled.linked.found.links_left_out},
                 {"files_left_out", pulled.linked.found.files_left_out},
                 {"milliseconds", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}});
}

Result<void> complete(PullChoice& choice) {
  using OnConflict = client::PullRequest::OnConflict;
  choice.request.from = choice.from == "newest" ? "" : choice.from;
  choice.request.sync = !choice.no_sync;
  // Whoever has the newest file need not have all of them.
  if (choice.request.mirror && choice.request.from.empty())
    return Error{Outcome::usage, "--mirror makes a copy like one user's: say whose with --from USER"};
  if (choice.on_conflict == "keep") {
    choice.request.on_conflict = OnConflict::keep;
  } else if (choice.on_conflict == "fail") {
    choice.request.on_conflict = OnConflict::fail;
  } else if (choice.on_conflict != "version") {
    return Error{Outcome::usage, "--on-conflict " + callboard::quoted(choice.on_conflict) +
                                     ": expected version, keep or fail"};
  }
  constexpr double kSecondsMax = 1e9;  // 30 years.
  if (choice.wait_for_space) {
    if (*choice.wait_for_space < 0 || *choice.wait_for_space > kSecondsMax)
      return Error{Outcome::usage, "--wait-for-space: expected 0 or more seconds"};
    choice.request.wait_for_space =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*choice.wait_for_space));
  }
  return {};
}

client::PullReport run_pull(Run& run, client::Access& access, const client::PullRequest& request) {
  const auto transfer = access.pull(request);
  const Interrupt::Listener listening = run.interrupt.listen([&] { transfer->cancel(); });
  return follow(run, *transfer);
}

// On a terminal alone; elsewhere --yes must say it.
bool agrees_to_removals(Run& run, const client::PullReport& report) {
  if (run.output.is_json() || isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) return false;
  run.output.message(fmt::format("{} of {} files here are not there: move them to .callboard/versions? [y/N]",
                                 report.removals_refused, report.removals_refused_of));
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

client::PullReport pull_items(Run& run, client::Access& access, const PullChoice& choice,
                              client::PullRequest request) {
  client::PullReport report = run_pull(run, access, request);
  const bool asks = report.removals_refused > 0 && !request.dry_run;
  if (!asks || !agrees_to_removals(run, report)) return report;
  // Most often nothing: it is known before.
  show_details(run.output, choice, report);
  request.agree_to_removals = true;
  return run_pull(run, access, request);
}

Result<Pulled> pull_linked(Run& run, Visit& visit, LockCheck& locks, const PullChoice& choice) {
  auto linked = LinkedPull::open(
      {.run = run,
       .visit = visit,
       .locks = locks,
       .pull = [&](const client::PullRequest& request) { return run_pull(run, visit.access(), request); }},
      choice.request);
  if (!linked) return linked.error();
  std::vector<client::PullRequest> requests{choice.request};
  // Here already, since it matters who gave what.
  if (client::goes_by_item(choice.request)) {
    requests.assign(choice.request.items.size(), choice.request);
    for (std::size_t i = 0; i < requests.size(); ++i) requests[i].items = {choice.request.items[i]};
  }
  Pulled all;
  for (const client::PullRequest& request : requests) {
    const client::PullReport one = pull_items(run, visit.access(), choice, request);
    if (requests.size() == 1) {
      client::add_report(all.report, one);
    } else {
      client::add_item_report(all.report, request.items.front(), one);
    }
    if (!(*linked)->goes_on_after(one)) return all;
    (*linked)->add_named(request.items, one);
  }
  (*linked)->run(all.report);
  all.linked = (*linked)->sum();
  return all;
}

Result<void> show_all(Run& run, const PullChoice& choice, const Pulled& pulled, Duration took) {
  const client::PullReport& report = pulled.report;
  show_details(run.output, choice, report);
  // A pull that never began, or found nothing of what it was to bring, has nothing to sum up.
  const bool found_nothing =
      report.files == 0 && report.unchanged_files == 0 && report.outcome != Outcome::done;
  const bool has_begun = !report.giver.empty() && (!found_nothing || run.output.is_json());
  if (report.outcome == Outcome::done ||
      (has_begun && (!changes_nothing(choice, report) || run.output.is_json())))
    show_summary(run.output, choice, pulled, took);
  if (report.outcome == Outcome::done) return {};
  if (run.interrupt.is_requested()) return Error{Outcome::cancelled, "stopped; what is verified is kept"};
  if (report.outcome == Outcome::interrupted) {
    return Error{report.outcome, report.text + "; run it again to go on from here"};
  }
  // Each is named already.
  if (report.outcome == Outcome::superseded && !report.conflicts.empty())
    return Error{report.outcome, files_text(report.conflicts.size()) + " changed here and there"};
  return Error{report.outcome, report.text};
}

Result<void> pull(Run& run, PullChoice& choice) {
  if (const Result<void> sound = complete(choice); !sound) return sound;
  // The settings are checked.
  choice.request.compress = compression_from(run.settings.text(Key::compress)).value();
  auto visit = Visit::open(run, Visit::Folder::needed);
  if (!visit) return visit.error();
  const IfLocked policy = choice.refuses_locked ? IfLocked::refuse : IfLocked::warn;
  LockCheck locks(run, **visit, Below::counted, policy);
  const auto locked = locks.find(choice.request.items);
  if (!locked) return locked.error();
  if (!locked->empty()) return locked->begin()->second;
  const Instant started = system_clock().monotonic();
  const auto pulled = choice.linked ? pull_linked(run, **visit, locks, choice)
                                    : Pulled{pull_items(run, (*visit)->access(), choice, choice.request)};
  if (!pulled) return pulled.error();
  return show_all(run, choice, *pulled, system_clock().monotonic() - started);
}

}  // namespace

void add_pull(Program& program) {
  auto choice = std::make_shared<PullChoice>();
  choice->from = "newest";
  choice->on_conflict = "version";
  auto& request = choice->request;
  program
      .add_verb({.name = "pull",
                 .summary = "bring items from another user's copy into yours",
                 .example = "callboard pull /dev/chr/Moria --from lighting\n"
                            "  callboard pull /rnd/scene-01/shot-03 --linked"})
      .takes({Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::items,
              Key::key_file, Key::compress})
      .texts(request.items, "ITEM", "folders or files of the project, / for all of it", Need::required)
      .text(choice->from, "--from USER", "whose copy (default: newest, whoever has that)")
      .flag(choice->linked, "--linked",
            "also the items that hold what their .blend files link to, and so on (libraries alone)")
      .flag(request.dry_run, "--dry-run", "only say what would change")
      .flag(choice->refuses_locked, "--unless-locked",
            "not while somebody else has an item locked (exit code 6)")
      .texts(request.include, "--include PATTERN", "only names that match, like *.blend or /dev/chr/**")
      .texts(request.exclude, "--exclude PATTERN", "leave out names that match")
      .flag(request.mirror, "--mirror",
            "with --from USER: also move what is not there to .callboard/versions")
      .flag(request.agree_to_removals, "--yes", "with --mirror: even more than half of the files here")
      .text(choice->on_conflict, "--on-conflict WHAT",
            "for files changed here and there, or gone there under --mirror: version (yours is kept as one; "
            "default), keep (yours stays) "
            "or fail (nothing is changed)")
      .seconds(choice->wait_for_space, "--wait-for-space SECONDS",
               "how long a full disk pauses it (default 300; 0: not at all)")
      .flag(choice->no_sync, "--no-sync", "do not wait until everything is on disk")
      .flag(choice->verbose, "--verbose", "also say what travelled, and whether it is on disk")
      .runs([choice](Run& run) { return pull(run, *choice); });
}

}  // namespace callboard::cli
