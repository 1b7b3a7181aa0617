#include "tools/cli/linked_pull.h"

#include <fmt/format.h>

#include <utility>

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

// Where whoever has the newest is asked: nobody has a newer one than this workstation.
bool is_ours_newest(const client::PullReport& report) {
  return report.outcome == Outcome::superseded && report.giver.empty();
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
  for (const sync::RelativePath& item : named_) follow(item);
  while (!left_.empty() && !stop_.stop_requested()) {
    const sync::LinkedFile linked = std::move(left_.front());
    left_.pop_front();
    if (tried(linked.file) == nullptr && !pull_item(linked, report)) return;
    settle(linked);
  }
  if (stop_.stop_requested()) report.outcome = Outcome::cancelled;
  sum_.unknown = unknown_.size();
  if (sum_.missing == 0 || report.outcome != Outcome::done) return;
  report.outcome = Outcome::not_found;
  report.text = fmt::format("{} that .blend files link to {} not found", files_text(sum_.missing),
                            sum_.missing == 1 ? "was" : "were");
}

const LinkedPull::Tried* LinkedPull::tried(const sync::RelativePath& path) const {
  for (sync::RelativePath at = path;; at = at.parent()) {
    if (const auto it = tried_.find(at); it != tried_.end()) return &it->second;
    if (at.is_root()) return nullptr;
  }
}

bool LinkedPull::pull_item(const sync::LinkedFile& linked, client::PullReport& report) {
  Output& output = outside_.run.output;
  output.line(fmt::format("{} links to {}", escaped(linked.by.to_item()), escaped(linked.item.to_item())));
  client::PullRequest request = request_;
  request.items = {linked.item.to_item()};
  client::PullReport one;
  const auto free =
      check_locks(outside_.run, outside_.visit, request.items, Below::counted, outside_.if_locked);
  if (free) {
    one = pull_from_somebody(request, linked);
  } else {
    one.outcome = free.error().outcome;
    one.text = free.error().text;
  }
  const Fate fate = judge(one, linked);
  tried_[linked.item] = {one.giver, fate};
  JsonObject object = linked_object(linked, "linked");
  object.add("from", one.giver);
  object.add("outcome", callboard::to_text(one.outcome));
  object.add("text", one.text);
  output.object(object);
  const bool goes_on = goes_on_after(one) && (one.outcome != Outcome::not_found || is_joined());
  const bool is_ours = is_ours_newest(one) && request_.from.empty();
  if (fate != Fate::absent && (is_ours || !one.giver.empty())) ++sum_.items;
  // The first failure is told when all is over.
  if (fate == Fate::failed && report.outcome != Outcome::done && one.problems.empty())
    output.warning(one.text);
  // What is missing, its files tell. A copy that is the newest one is as good as one that has come.
  if (fate == Fate::absent || is_ours) one = client::PullReport();
  note_coming(one);
  add_report(report, std::move(one));
  return goes_on;
}

// Nobody tells of files that are in no item. Who gave what links to it has it, if anybody.
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

LinkedPull::Fate LinkedPull::judge(const client::PullReport& report, const sync::LinkedFile& linked) const {
  // With a conflict all has come.
  if (report.outcome == Outcome::done || !report.conflicts.empty()) return Fate::had;
  const bool is_of_item = report.problems.size() == 1 && report.problems[0].path == linked.item.bytes();
  if (report.outcome == Outcome::not_found && (report.giver.empty() ? request_.from.empty() : is_of_item))
    return Fate::absent;
  return is_ours_newest(report) && request_.from.empty() ? Fate::had : Fate::failed;
}

bool LinkedPull::is_joined() {
  const auto workstation = outside_.visit.access().workstation().get();
  return workstation && workstation->is_joined;
}

void LinkedPull::follow(const sync::RelativePath& path) {
  const auto found = search_->look_into(path, stop_.get_token());
  // Cancelled alone, which run() looks for.
  if (!found) return;
  tell(*found);
  left_.insert(left_.end(), found->files.begin(), found->files.end());
}

// After its item was pulled, or not.
void LinkedPull::settle(const sync::LinkedFile& linked) {
  Output& output = outside_.run.output;
  const Tried& item = *tried(linked.file);
  const bool is_here = search_->is_here(linked.file);
  const bool is_coming = coming_.contains(linked.file.bytes());
  if (is_coming) unknown_.insert(linked.file.bytes());
  const std::string nobody =
      item.giver.empty() ? "nobody was found who has it" : quoted(item.giver) + " has no such file";
  if (is_here) {
    if (item.fate == Fate::absent)
      output.message(fmt::format("{} stays as it is here: {}", whole(linked.file), nobody));
    return follow(linked.file);
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

void LinkedPull::tell(const sync::FoundLinks& found) {
  Output& output = outside_.run.output;
  for (const sync::LinkElsewhere& link : found.elsewhere) {
    output.message(fmt::format("{} links to \"{}\", which {}", whole(link.by), escaped(link.path), link.why));
    JsonObject object{{"event", "elsewhere"}, {"text", link.why}};
    object.add_bytes("link", link.path);
    object.add_bytes("by", link.by.bytes());
    output.object(object);
  }
  for (const sync::BlendUnread& file : found.unread) {
    ++sum_.unread;
    output.warning(fmt::format("{} was not looked into for links: {}", whole(file.file), file.why));
    JsonObject object{{"event", "unread"}, {"text", file.why}};
    object.add_bytes("path", file.file.bytes());
    output.object(object);
  }
}

}  // namespace callboard::cli
