#include "client/pull_report.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "sync/relative_path.h"

namespace callboard::client {
namespace {

template <class T>
void append(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

constexpr std::string_view kBetweenGivers = ", ";

bool names_giver(const PullReport& report, const std::string& giver) {
  const std::string between(kBetweenGivers);
  return (between + report.giver + between).find(between + giver + between) != std::string::npos;
}

std::string with_more(std::string text, std::uint64_t more) {
  return more == 0 ? text : text + " (and " + std::to_string(more) + " more)";
}

Error ending_of_problems(const PullReport& report) {
  const Error& first = report.problems.front().error;
  const bool are_alike = std::ranges::all_of(
      report.problems, [&](const PullProblem& each) { return each.error.outcome == first.outcome; });
  return {are_alike ? first.outcome : Outcome::failed,
          with_more(first.text, report.problems.size() - 1 + report.problems_unlisted)};
}

// What is wrong with the private folder here is met by the pull of each item, and is one thing.
void erase_told(std::vector<PullProblem>& problems, const std::vector<PullProblem>& told) {
  const std::string within = std::string(sync::kPrivateFolder) + "/";
  std::erase_if(problems, [&](const PullProblem& each) {
    return each.path.starts_with(within) &&
           std::ranges::any_of(told, [&](const PullProblem& other) { return other.path == each.path; });
  });
}

bool is_of_files(const PullReport& report) {
  return report.outcome == Outcome::done || report.cause == PullCause::files;
}

bool comes_first(const PullReport& report) {
  return report.outcome == Outcome::cancelled ||
         (report.outcome != Outcome::done && report.cause == PullCause::disk);
}

}  // namespace

std::string text_of_conflict(const std::string& path, bool is_gone_there) {
  return quoted("/" + path) + (is_gone_there ? ": is gone at the giver, and here it is not what was pulled"
                                             : ": changed here and at the giver since the last pull");
}

// Where everything came, files that go or stay, and files that both sides changed, are for a person to look at.
Error ending_of_files(const PullReport& report) {
  if (!report.problems.empty()) return ending_of_problems(report);
  if (report.removals_refused > 0) {
    return {Outcome::refused, std::to_string(report.removals_refused) + " of " +
                                  std::to_string(report.removals_refused_of) +
                                  " files here would be removed, more than half: nothing was " +
                                  (report.has_changed ? "removed" : "changed") + ", --yes agrees"};
  }
  if (report.conflicts.empty()) return {Outcome::done, ""};
  const PullConflict& first = report.conflicts.front();
  return {Outcome::superseded,
          with_more(text_of_conflict(first.path, first.is_gone_there), report.conflicts.size() - 1)};
}

bool goes_by_item(const PullRequest& request) { return request.from.empty() && request.items.size() > 1; }

void add_report(PullReport& all, PullReport one) {
  const bool are_of_files = is_of_files(all) && is_of_files(one);
  if (all.outcome == Outcome::done || comes_first(one)) {
    all.outcome = one.outcome;
    all.cause = one.cause;
    all.text = one.text;
  } else if (is_of_files(all) && !is_of_files(one)) {
    all.cause = one.cause;  // How it ended stays as it is, whatever files follow.
  }
  if (!one.giver.empty() && !names_giver(all, one.giver))
    all.giver += (all.giver.empty() ? "" : std::string(kBetweenGivers)) + one.giver;
  all.has_changed = all.has_changed || one.has_changed;
  all.files += one.files;
  all.bytes += one.bytes;
  all.wire_bytes += one.wire_bytes;
  all.unchanged_files += one.unchanged_files;
  all.is_durable = all.is_durable && one.is_durable;
  all.files_reused += one.files_reused;
  all.bytes_reused += one.bytes_reused;
  append(all.changes, one.changes);
  all.removals_refused += one.removals_refused;
  all.removals_refused_of += one.removals_refused_of;
  all.removals_left += one.removals_left;
  append(all.versions, one.versions);
  append(all.open_versions, one.open_versions);
  append(all.conflicts, one.conflicts);
  append(all.removed, one.removed);
  erase_told(one.problems, all.problems);
  append(all.problems, one.problems);
  all.problems_unlisted += one.problems_unlisted;
  if (!are_of_files || all.outcome == Outcome::done) return;
  Error ending = ending_of_files(all);
  all.outcome = ending.outcome;
  all.text = std::move(ending.text);
}

void add_item_report(PullReport& all, const std::string& item, PullReport one) {
  // Who stopped it knows, and a conflict is told as one.
  if (!is_of_files(one) && !comes_first(one) && one.conflicts.empty()) {
    const Result<sync::RelativePath> path = sync::RelativePath::from_item(item);
    const std::string named = quoted(path ? path->to_item() : item);
    if (one.text.find(named) == std::string::npos) one.text = named + ": " + one.text;
    one.problems.push_back({path ? path->bytes() : item, {one.outcome, one.text}});
  }
  add_report(all, std::move(one));
}

bool ends_all(const PullRequest& request, const PullReport& one) {
  return comes_first(one) || (request.on_conflict == PullRequest::OnConflict::fail && !one.conflicts.empty());
}

}  // namespace callboard::client
