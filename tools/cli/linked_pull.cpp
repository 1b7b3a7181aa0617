#include "tools/cli/linked_pull.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/own_folders.h"
#include "base/text.h"
#include "client/pull_report.h"

namespace callboard::cli {
namespace {

// Never cut: somebody has to find it.
std::string whole(const sync::RelativePath& path) { return '"' + escaped(path.to_item()) + '"'; }

Result<sync::ItemPatterns> item_patterns(const Settings& settings) {
  std::string text;
  for (const std::string& each : settings.list(Key::items)) text += each + " ";
  return text.empty() ? sync::ItemPatterns() : sync::ItemPatterns::from(text);
}

// What one pull asks for at most, so that it is soon told what came of some.
constexpr std::size_t kTogetherMax = 256;

// Where whoever has the newest is asked: nobody has a newer one than this workstation.
bool is_ours_newest(const client::PullReport& report) {
  return report.outcome == Outcome::superseded && report.giver.empty();
}

// It ended as it did because of these, each of which is in one item alone.
bool is_of_problems(const client::PullReport& report) {
  return !report.problems.empty() && report.text.starts_with(report.problems.front().error.text);
}

// Nothing was done for any item, perhaps because of one of them.
bool is_of_all(const client::PullReport& report) {
  const bool is_failure = report.outcome == Outcome::failed || report.outcome == Outcome::refused;
  return is_failure && !report.giver.empty() && report.problems.empty() && report.files == 0;
}

// How it ended for this item of several.
Error ending_of(const client::PullReport& report, const sync::LinkedFile& linked) {
  for (const client::PullProblem& problem : report.problems) {
    if (is_at_or_below(problem.path, linked.item.bytes())) return problem.error;
  }
  bool is_mere_conflict = report.outcome == Outcome::superseded && !report.conflicts.empty();
  for (const client::PullConflict& conflict : report.conflicts) {
    if (is_at_or_below(conflict.path, linked.item.bytes())) is_mere_conflict = false;
  }
  if (is_mere_conflict || is_of_problems(report)) return {Outcome::done, ""};
  return {report.outcome, report.text};
}

// What is absent is told file by file, when it is known what is here.
void leave_out(client::PullReport& report, const std::set<std::string>& absent) {
  const bool was_of_problems = is_of_problems(report);
  std::erase_if(report.problems, [&](const auto& problem) { return absent.contains(problem.path); });
  if (absent.empty() || !was_of_problems) return;
  if (!report.problems.empty()) {
    report.text = report.problems.front().error.text;
  } else if (!report.conflicts.empty()) {
    report.outcome = Outcome::superseded;
    report.text = files_text(report.conflicts.size()) + " changed here and there";
  } else {
    report.outcome = Outcome::done;
    report.text.clear();
  }
}

JsonObject linked_object(const sync::LinkedFile& linked, std::string_view event) {
  JsonObject object{{"event", event}};
  object.add_bytes("item", linked.item.to_item());
  object.add_bytes("path", linked.file.bytes());
  object.add_bytes("by", linked.by.bytes());
  return object;
}

}  // namespace

Result<std::unique_ptr<LinkedPull>> LinkedPull::open(Outside outside, client::PullRequest request) {
  auto items = item_patterns(outside.run.settings);
  if (!items) return items.error();
  auto wanted = sync::Patterns::from(request.include, request.exclude);
  if (!wanted) return wanted.error();
  const auto workstation = outside.visit.access().workstation().get();
  if (!workstation) return workstation.error();
  auto root = sync::Root::open(workstation->folder);
  if (!root) return root.error();
  request.mirror = false;
  request.agree_to_removals = false;
  std::unique_ptr<LinkedPull> pull(new LinkedPull(std::move(outside), std::move(request), std::move(*root)));
  pull->search_ = std::make_unique<sync::LinkSearch>(pull->root_, std::move(*items), std::move(*wanted));
  return pull;
}

void LinkedPull::add_named(const std::vector<std::string>& items, const client::PullReport& report) {
  note_coming(report);
  for (const std::string& path : coming_) {
    if (sync::is_blend_name(path)) unknown_.insert(path);
  }
  for (const std::string& item : items) {
    const auto path = sync::RelativePath::from_item(item);
    if (!path) continue;
    const bool is_had =
        report.outcome == Outcome::done || is_ours_newest(report) || !report.conflicts.empty();
    tried_[*path] = {report.giver, is_had ? Fate::had : Fate::failed};
    named_.push_back(*path);
  }
}

bool LinkedPull::goes_on_after(const client::PullReport& report) const {
  if (report.outcome == Outcome::cancelled || report.outcome == Outcome::interrupted) return false;
  // Nothing is to be changed then.
  if (request_.on_conflict == client::PullRequest::OnConflict::fail && !report.conflicts.empty())
    return false;
  // Otherwise the one user who is asked, or the server, is not there.
  return report.outcome == Outcome::done || report.outcome == Outcome::locked || !report.giver.empty() ||
         request_.from.empty();
}

void LinkedPull::run(client::PullReport& report) {
  const Interrupt::Listener listening = outside_.run.interrupt.listen([this] { stop_.request_stop(); });
  // Cancelled alone, which is looked for below.
  for (const sync::RelativePath& item : named_)
    static_cast<void>(search_->look_into(item, following(), stop_.get_token()));
  const bool is_through = pull_all(report);
  if (is_through && stop_.stop_requested()) report.outcome = Outcome::cancelled;
  end(report);
}

bool LinkedPull::pull_all(client::PullReport& report) {
  while (!left_.empty() && !stop_.stop_requested()) {
    const std::vector<sync::LinkedFile> links = take_next();
    if (!pull_untried(links, report)) return false;
    for (const sync::LinkedFile& linked : links) settle(linked);
  }
  return true;
}

void LinkedPull::end(client::PullReport& report) {
  sum_.found = search_->counts();
  sum_.unknown = unknown_.size();
  tell_left_out();
  if (report.outcome != Outcome::done) return;
  if (sum_.found.links_left_out + sum_.found.files_left_out > 0) {
    report.outcome = Outcome::failed;
    report.text = fmt::format("more is linked to than --linked follows: expected at most {} files",
                              sync::LinkLimits().links);
  } else if (sum_.missing > 0) {
    report.outcome = Outcome::not_found;
    report.text = fmt::format("{} that .blend files link to {} not found", files_text(sum_.missing),
                              sum_.missing == 1 ? "was" : "were");
  }
}

const LinkedPull::Tried* LinkedPull::tried(const sync::RelativePath& path) const {
  for (sync::RelativePath at = path;; at = at.parent()) {
    if (const auto it = tried_.find(at); it != tried_.end()) return &it->second;
    if (at.is_root()) return nullptr;
  }
}

// A file that is in no item nobody tells of. Who gave what links to it has it, if anybody.
client::PullRequest LinkedPull::request_for(const sync::LinkedFile& linked) const {
  client::PullRequest request = request_;
  request.files_alone = linked.item == linked.file;
  const Tried* by = tried(linked.by);
  if (request.from.empty() && request.files_alone && by != nullptr) request.from = by->giver;
  return request;
}

std::vector<sync::LinkedFile> LinkedPull::take_next() {
  std::vector<sync::LinkedFile> links{std::move(left_.front())};
  left_.pop_front();
  const client::PullRequest request = request_for(links.front());
  // Each may have its newest copy somewhere else.
  if (request.from.empty()) return links;
  std::deque<sync::LinkedFile> others;
  for (; !left_.empty() && links.size() < kTogetherMax; left_.pop_front()) {
    const client::PullRequest other = request_for(left_.front());
    const bool is_same = other.from == request.from && other.files_alone == request.files_alone;
    if (is_same) {
      links.push_back(std::move(left_.front()));
    } else {
      others.push_back(std::move(left_.front()));
    }
  }
  left_.insert(left_.begin(), std::make_move_iterator(others.begin()), std::make_move_iterator(others.end()));
  return links;
}

bool LinkedPull::pull_untried(const std::vector<sync::LinkedFile>& links, client::PullReport& report) {
  std::vector<sync::LinkedFile> untried;
  std::set<sync::RelativePath> items;
  for (const sync::LinkedFile& linked : links) {
    if (tried(linked.file) != nullptr || !items.insert(linked.item).second) continue;
    outside_.run.output.line(
        fmt::format("{} links to {}", escaped(linked.by.to_item()), escaped(linked.item.to_item())));
    untried.push_back(linked);
  }
  return untried.empty() || pull_together(untried, report);
}

bool LinkedPull::pull_together(std::span<const sync::LinkedFile> links, client::PullReport& report) {
  client::PullRequest request = request_for(links.front());
  request.items.clear();
  for (const sync::LinkedFile& linked : links) request.items.push_back(linked.item.to_item());
  client::PullReport one;
  const auto free =
      check_locks(outside_.run, outside_.visit, request.items, Below::counted, outside_.if_locked);
  if (free) {
    one = pull_from_somebody(request, links.front());
  } else {
    one.outcome = free.error().outcome;
    one.text = free.error().text;
  }
  // One of them stops no other.
  if (links.size() > 1 && (one.outcome == Outcome::locked || is_of_all(one))) {
    const std::size_t half = links.size() / 2;
    return pull_together(links.first(half), report) && pull_together(links.subspan(half), report);
  }
  return take_report(links, std::move(one), report);
}

bool LinkedPull::take_report(std::span<const sync::LinkedFile> links, client::PullReport one,
                             client::PullReport& report) {
  const bool is_ours = is_ours_newest(one) && request_.from.empty();
  std::set<std::string> absent;
  bool has_failed = false;
  for (const sync::LinkedFile& linked : links) {
    const Error ending = links.size() == 1 ? Error{one.outcome, one.text} : ending_of(one, linked);
    const Fate fate = judge(one, linked, ending);
    tried_[linked.item] = {one.giver, fate};
    JsonObject object = linked_object(linked, "linked");
    object.add("from", one.giver);
    object.add("outcome", callboard::to_text(ending.outcome));
    object.add("text", ending.text);
    outside_.run.output.object(object);
    if (fate == Fate::absent) absent.insert(linked.item.bytes());
    if (fate != Fate::absent && (is_ours || !one.giver.empty())) ++sum_.items;
    has_failed = has_failed || fate == Fate::failed;
  }
  // The first failure is told when all is over.
  if (has_failed && report.outcome != Outcome::done && one.problems.empty())
    outside_.run.output.warning(one.text);
  const bool goes_on = goes_on_after(one) && (one.outcome != Outcome::not_found || is_joined());
  // A copy that is the newest one is as good as one that has come.
  if (goes_on && (is_ours || absent.size() == links.size())) return true;
  leave_out(one, absent);
  note_coming(one);
  add_report(report, std::move(one));
  return goes_on;
}

// What is of no item to others, who may call other folders items, nobody tells of either.
client::PullReport LinkedPull::pull_from_somebody(const client::PullRequest& request,
                                                  const sync::LinkedFile& linked) {
  client::PullReport report = outside_.pull(request);
  const bool is_unknown = report.outcome == Outcome::not_found && report.giver.empty();
  const Tried* by = tried(linked.by);
  if (!is_unknown || !request.from.empty() || by == nullptr || by->giver.empty()) return report;
  client::PullRequest again = request;
  again.from = by->giver;
  return outside_.pull(again);
}

LinkedPull::Fate LinkedPull::judge(const client::PullReport& report, const sync::LinkedFile& linked,
                                   const Error& ending) const {
  if (ending.outcome == Outcome::done) return Fate::had;
  // With a conflict all has come.
  if (ending.outcome == Outcome::superseded && !report.giver.empty()) return Fate::had;
  if (is_ours_newest(report) && request_.from.empty()) return Fate::had;
  const bool is_absent =
      report.giver.empty()
          ? ending.outcome == Outcome::not_found && request_.from.empty()
          : std::ranges::any_of(report.problems, [&](const client::PullProblem& problem) {
              return problem.path == linked.item.bytes() && problem.error.outcome == Outcome::not_found;
            });
  return is_absent ? Fate::absent : Fate::failed;
}

bool LinkedPull::is_joined() {
  const auto workstation = outside_.visit.access().workstation().get();
  return workstation && workstation->is_joined;
}

// After its item was pulled, or not.
void LinkedPull::settle(const sync::LinkedFile& linked) {
  Output& output = outside_.run.output;
  const Tried& item = *tried(linked.file);
  const bool is_here = search_->is_file_here(linked.file);
  const bool is_coming = coming_.contains(linked.file.bytes());
  if (is_coming) unknown_.insert(linked.file.bytes());
  const std::string nobody =
      item.giver.empty() ? "nobody was found who has it" : quoted(item.giver) + " has no such file";
  if (is_here) {
    if (item.fate == Fate::absent)
      output.message(fmt::format("{} stays as it is here: {}", whole(linked.file), nobody));
    // Cancelled alone, which pull_all() looks for.
    static_cast<void>(search_->look_into_file(linked.file, following(), stop_.get_token()));
    return;
  }
  // The failure is told.
  if (is_coming || item.fate == Fate::failed) return;
  ++sum_.missing;
  output.warning(
      fmt::format("{} links to {}, which is not here, and {}", whole(linked.by), whole(linked.file), nobody));
  output.object(linked_object(linked, "missing"));
}

void LinkedPull::note_coming(const client::PullReport& report) {
  for (const client::PullChange& change : report.changes) {
    if (change.kind == client::ChangeKind::added || change.kind == client::ChangeKind::changed)
      coming_.insert(change.path);
  }
}

sync::LinkSearch::Tell LinkedPull::following() {
  return [this](const sync::FoundLinks& found) {
    Output& output = outside_.run.output;
    for (const sync::LinkElsewhere& link : found.elsewhere) {
      output.message(
          fmt::format("{} links to \"{}\", which {}", whole(link.by), escaped(link.path), link.why));
      JsonObject object{{"event", "elsewhere"}, {"text", link.why}};
      object.add_bytes("link", link.path);
      object.add_bytes("by", link.by.bytes());
      output.object(object);
    }
    for (const sync::BlendUnread& file : found.unread) {
      output.warning(fmt::format("{} was not looked into for links: {}", whole(file.file), file.why));
      JsonObject object{{"event", "unread"}, {"text", file.why}};
      object.add_bytes("path", file.file.bytes());
      output.object(object);
    }
    left_.insert(left_.end(), found.files.begin(), found.files.end());
  };
}

void LinkedPull::tell_left_out() const {
  Output& output = outside_.run.output;
  const sync::LinkCounts& found = sum_.found;
  const std::uint64_t untold = found.elsewhere + found.unread - found.told;
  if (untold > 0)
    output.message(
        fmt::format("... and {} more links that lead elsewhere or files that were not looked into", untold));
  if (found.links_left_out + found.files_left_out == 0) return;
  output.warning(fmt::format(
      "{} links were not followed, and {} .blend files not looked into: pull what is missing by its name",
      found.links_left_out, found.files_left_out));
}

}  // namespace callboard::cli
