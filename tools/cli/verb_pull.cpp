#include <fmt/format.h>

#include "base/text.h"
#include "tools/cli/progress.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

struct Choice {
  client::PullRequest request;
  std::string from;
  bool no_sync = false;
  bool verbose = false;
};

// How often progress is looked at; a terminal is redrawn no faster than that.
constexpr Duration kLookPeriod = 100ms;
constexpr Duration kEventPeriod = 1s;

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
  }
  return "";
}

ProgressState to_state(const client::PullProgress& progress) {
  return {.files_done = progress.files_done,
          .files_wanted = progress.files_wanted,
          .bytes_done = progress.bytes_done,
          .bytes_wanted = progress.bytes_wanted,
          .is_total_known = progress.listed,
          .current = progress.current};
}

JsonObject progress_object(const client::PullProgress& progress) {
  return {{"event", "progress"},
          {"files_done", progress.files_done},
          {"files_wanted", progress.files_wanted},
          {"bytes_done", progress.bytes_done},
          {"bytes_wanted", progress.bytes_wanted},
          {"files_reused", progress.files_reused},
          {"bytes_reused", progress.bytes_reused},
          {"is_total_known", progress.listed}};
}

// Shows progress until the answer is there.
client::PullReport follow(Run& run, const client::Transfer& transfer) {
  Progress shown(run.output);
  Instant event_due = system_clock().monotonic() + kEventPeriod;
  const auto answer = transfer.report();
  while (!answer.wait_for(kLookPeriod)) {
    const client::PullProgress progress = transfer.progress();
    const Instant now = system_clock().monotonic();
    shown.show(to_state(progress), now);
    if (now < event_due) continue;
    event_due = now + kEventPeriod;
    run.output.object(progress_object(progress));
  }
  const auto report = answer.get();
  if (report) return *report;
  client::PullReport failed;
  failed.outcome = report.error().outcome;
  failed.text = report.error().text;
  return failed;
}

void show_details(Output& output, const client::PullReport& report) {
  for (const client::PullChange& change : report.changes) {
    output.line(fmt::format("{:<10} {:>9}  {}", to_text(change.kind), human_bytes(change.size_bytes),
                            escaped(change.path)));
    JsonObject object{{"event", "change"}, {"kind", to_text(change.kind)}, {"size", change.size_bytes}};
    object.add_bytes("path", change.path);
    output.object(object);
  }
  for (const auto& [path, kept_as] : report.versions) {
    output.message(
        fmt::format("{} was changed here and is kept as {}", callboard::quoted(path), escaped(kept_as)));
    JsonObject object{{"event", "version"}};
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

void show_summary(Output& output, const Choice& choice, const client::PullReport& report, Duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  const std::uint64_t travelled = report.bytes - std::min(report.reused_bytes, report.bytes);
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(travelled) / std::max(seconds, 0.001));
  if (choice.request.dry_run) {
    output.line(fmt::format("would pull {} files, {}, from {}; {} are up to date", report.files,
                            human_bytes(report.bytes), escaped(report.giver), report.unchanged_files));
  } else if (report.files == 0 && report.outcome == Outcome::done) {
    output.line(fmt::format("up to date with {}", escaped(report.giver)));
  } else {
    output.line(fmt::format("pulled {} files, {}, from {} in {:.1f} s ({}/s); {} were up to date",
                            report.files, human_bytes(report.bytes), escaped(report.giver), seconds,
                            human_bytes(rate), report.unchanged_files));
  }
  if (report.reused_files > 0) {
    output.line(fmt::format(
        "{} of them, {}, {} already and {} not travel", report.reused_files, human_bytes(report.reused_bytes),
        report.reused_files == 1 ? "is here" : "are here", choice.request.dry_run ? "would" : "did"));
  }
  if (choice.verbose) {
    output.line(
        fmt::format("{} on the wire; {}", human_bytes(report.wire_bytes),
                    choice.request.sync ? "all of it is on disk" : "not waited for the disk (--no-sync)"));
  }
  output.object({{"event", "pulled"},
                 {"outcome", callboard::to_text(report.outcome)},
                 {"text", report.text},
                 {"from", report.giver},
                 {"dry_run", choice.request.dry_run},
                 {"synced", choice.request.sync},
                 {"files", report.files},
                 {"bytes", report.bytes},
                 {"reused_files", report.reused_files},
                 {"reused_bytes", report.reused_bytes},
                 {"unchanged_files", report.unchanged_files},
                 {"wire_bytes", report.wire_bytes},
                 {"versions", report.versions.size()},
                 {"problems", report.problems.size()},
                 {"milliseconds", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}});
}

Result<void> pull(Run& run, Choice& choice) {
  auto visit = Visit::open(run, Visit::Folder::needed);
  if (!visit) return visit.error();
  choice.request.from = choice.from == "newest" ? "" : choice.from;
  choice.request.sync = !choice.no_sync;
  const Instant started = system_clock().monotonic();
  const auto transfer = (*visit)->client().pull(choice.request);
  client::PullReport report;
  {
    const Interrupt::Listener listening = run.interrupt.listen([&] { transfer->cancel(); });
    report = follow(run, *transfer);
  }
  const Duration took = system_clock().monotonic() - started;
  show_details(run.output, report);
  // A pull that never began, or found nothing of what it was to bring, has nothing to sum up.
  const bool found_nothing =
      report.files == 0 && report.unchanged_files == 0 && report.outcome != Outcome::done;
  const bool has_begun = !report.giver.empty() && (!found_nothing || run.output.is_json());
  if (report.outcome == Outcome::done || has_begun) show_summary(run.output, choice, report, took);
  if (report.outcome == Outcome::done) return {};
  if (run.interrupt.is_requested()) return Error{Outcome::cancelled, "stopped; what is verified is kept"};
  if (report.outcome == Outcome::interrupted) {
    return Error{report.outcome, report.text + "; run it again to go on from here"};
  }
  return Error{report.outcome, report.text};
}

}  // namespace

void add_pull(Program& program) {
  auto choice = std::make_shared<Choice>();
  choice->from = "newest";
  auto& request = choice->request;
  program
      .add_verb({.name = "pull",
                 .summary = "bring items from another user's copy into yours",
                 .example = "callboard pull /dev/chr/Moria --from lighting"})
      .takes({Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask})
      .texts(request.items, "ITEM", "folders or files of the project, / for all of it", Need::required)
      .text(choice->from, "--from USER", "whose copy (default: newest, whoever has that)")
      .flag(request.dry_run, "--dry-run", "only say what would change")
      .texts(request.include, "--include PATTERN", "only names that match, like *.blend or /dev/chr/**")
      .texts(request.exclude, "--exclude PATTERN", "leave out names that match")
      .flag(choice->no_sync, "--no-sync", "do not wait until everything is on disk")
      .flag(choice->verbose, "--verbose", "also say what travelled, and whether it is on disk")
      .runs([choice](Run& run) { return pull(run, *choice); });
}

}  // namespace callboard::cli
