#include "tools/cli/linked_pull.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/limits.h"
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

// What one pull asks for at most, so that it is soon told what came of some, and asks fit their frames.
constexpr std::size_t kTogetherMax = 256;
constexpr std::size_t kTogetherBytes = 32 * KiB;  // Of their paths.
static_assert(kTogetherBytes + kTogetherMax * KiB < kBulkDataMax);
// Of files that are missing so many are named, and all counted: a screenful.
constexpr std::size_t kMissingNamed = 16;

// Where whoever has the newest is asked: nobody has a newer one than this workstation.
bool is_ours_newest(const client::PullReport& report) {
  return report.outcome == Outcome::superseded && report.giver.empty();
}

// How it ended for this item of several.
Error ending_of(const client::PullReport& report, const sync::LinkedFile& linked) {
  for (const client::PullProblem& problem : report.problems) {
    if (is_at_or_below(problem.path, linked.item.bytes())) return problem.error;
  }
  const bool is_of_files = report.cause == client::PullCause::files && report.problems_unlisted == 0;
  if (report.outcome == Outcome::done || !is_of_files) return {report.outcome, report.text};
  client::PullReport own;
  for (const client::PullConflict& conflict : report.conflicts) {
    if (is_at_or_below(conflict.path, linked.item.bytes())) own.conflicts.push_back(conflict);
  }
  return client::ending_of_files(own);
}

// What is absent is told file by file, when it is known what is here.
void leave_out(client::PullReport& report, const std::set<std::string>& absent) {
  std::erase_if(report.problems, [&](const auto& problem) { return absent.contains(problem.path); });
  if (absent.empty() || report.cause != client::PullCause::files) return;
  Error ending = client::ending_of_files(report);
  report.outcome = ending.outcome;
  report.text = std::move(ending.text);
}

client::PullReport not_pulled(const Error& why) {
  client::PullReport report;
  report.outcome = why.outcome;
  report.text = why.text;
  return report;
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
  if (report.outcome == Outcome::done) return true;
  if (client::ends_all(request_, report)) return false;
  if (report.cause == client::PullCause::files || report.outcome == Outcome::locked) return true;
  // Others may give what one who left, or never was there, does not: as long as there is a server.
  if (request_.from.empty()) return is_joined();
  return !report.giver.empty() && report.outcome != Outcome::interrupted;
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
  tell_missing();
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

// A file that is in no item nobody tells of, nor of what is of no item to others, who may call other folders items. Who gave
// what links to it has it, if anybody.
LinkedPull::Source LinkedPull::source_of(const sync::LinkedFile& linked) const {
  Source source{request_.from, linked.item == linked.file};
  if (!source.from.empty()) return source;
  const auto newest = newest_.of(linked.item);
  const bool is_unknown = source.files_alone || (newest && newest->user.empty());
  if (!is_unknown) {
    if (newest && !newest->is_own) source.from = newest->user;
    return source;
  }
  if (const Tried* by = tried(linked.by)) source.from = by->giver;
  return source;
}

client::PullRequest LinkedPull::request_for(std::span<const sync::LinkedFile> links, Source source) const {
  client::PullRequest request = request_;
  request.from = std::move(source.from);
  request.files_alone = source.files_alone;
  request.items.clear();
  for (const sync::LinkedFile& linked : links) request.items.push_back(linked.item.to_item());
  return request;
}

// Asked for once for all that was found together.
void LinkedPull::learn_newest() {
  if (!request_.from.empty() || left_.size() < 2 || !std::exchange(is_newest_old_, false)) return;
  auto assets = outside_.visit.wait(outside_.visit.access().assets());
  const auto self = outside_.visit.access().workstation().get();
  newest_ = assets && self ? NewestCopies(*std::move(assets), self->user) : NewestCopies();
}

std::vector<sync::LinkedFile> LinkedPull::take_next() {
  learn_newest();
  std::vector<sync::LinkedFile> links{std::move(left_.front())};
  left_.pop_front();
  const Source source = source_of(links.front());
  // Each may have its newest copy somewhere else.
  if (source.from.empty()) return links;
  std::size_t size_bytes = links.front().item.bytes().size();
  std::deque<sync::LinkedFile> others;
  for (; !left_.empty() && links.size() < kTogetherMax; left_.pop_front()) {
    const std::size_t with_it = size_bytes + left_.front().item.bytes().size();
    if (source_of(left_.front()) != source) {
      others.push_back(std::move(left_.front()));
      continue;
    }
    if (with_it > kTogetherBytes) break;
    size_bytes = with_it;
    links.push_back(std::move(left_.front()));
  }
  left_.insert(left_.begin(), std::make_move_iterator(others.begin()), std::make_move_iterator(others.end()));
  return links;
}

bool LinkedPull::pull_untried(const std::vector<sync::LinkedFile>& links, client::PullReport& report) {
  std::vector<sync::LinkedFile> untried;
  std::set<sync::RelativePath> items;
  for (const sync::LinkedFile& linked : links) {
    if (tried(linked.file) == nullptr && items.insert(linked.item).second) untried.push_back(linked);
  }
  if (!untried.empty() && !leave_locked(untried, report)) return false;
  return untried.empty() || pull_together(untried, report);
}

// What somebody else has locked stops none of the others.
bool LinkedPull::leave_locked(std::vector<sync::LinkedFile>& links, client::PullReport& report) {
  std::vector<std::string> items;
  for (const sync::LinkedFile& linked : links) items.push_back(linked.item.to_item());
  const auto locked = outside_.locks.find(items);
  if (!locked) {
    const std::vector<sync::LinkedFile> all = std::exchange(links, {});
    return take_report(all, not_pulled(locked.error()), report);
  }
  bool goes_on = true;
  std::erase_if(links, [&](const sync::LinkedFile& linked) {
    const auto why = locked->find(linked.item.to_item());
    if (why == locked->end()) return false;
    goes_on = take_report({&linked, 1}, not_pulled(why->second), report) && goes_on;
    return true;
  });
  return goes_on;
}

bool LinkedPull::pull_together(std::span<const sync::LinkedFile> links, client::PullReport& report) {
  Source source = source_of(links.front());
  if (source.from.empty()) return take_report(links, pull_from_somebody(links.front(), ""), report);
  const bool is_guess = source.from != request_.from;
  client::PullReport one = outside_.pull(request_for(links, source));
  // Who was to give it never began to: is away, has left, or does not share.
  const bool is_nobody =
      one.giver.empty() && one.outcome != Outcome::done && one.outcome != Outcome::cancelled;
  if (is_guess && is_nobody) return pull_one_by_one(links, source.from, report);
  return take_report(links, std::move(one), report);
}

bool LinkedPull::pull_one_by_one(std::span<const sync::LinkedFile> links, const std::string& but_not,
                                 client::PullReport& report) {
  for (const sync::LinkedFile& linked : links) {
    if (!take_report({&linked, 1}, pull_from_somebody(linked, but_not), report)) return false;
  }
  return true;
}

// Whoever has the newest, as the server knows at this moment; else whoever gave what links to it.
client::PullReport LinkedPull::pull_from_somebody(const sync::LinkedFile& linked,
                                                  const std::string& but_not) {
  Source source{"", linked.item == linked.file};
  client::PullReport report = outside_.pull(request_for({&linked, 1}, source));
  const bool is_unknown = report.outcome == Outcome::not_found && report.giver.empty();
  const Tried* by = tried(linked.by);
  if (!is_unknown || by == nullptr || by->giver.empty() || by->giver == but_not) return report;
  source.from = by->giver;
  return outside_.pull(request_for({&linked, 1}, std::move(source)));
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
    tell_linked(linked, one, ending, fate);
    if (fate == Fate::absent) absent.insert(linked.item.bytes());
    if (fate == Fate::had && (is_ours || !one.giver.empty())) ++sum_.items;
    has_failed = has_failed || fate == Fate::failed;
  }
  // Of two causes that no file has the first is told when all is over, unless it gives way to a full disk.
  const bool gives_way = one.cause == client::PullCause::disk && report.cause == client::PullCause::pull;
  if (has_failed && report.outcome != Outcome::done && one.cause != client::PullCause::files)
    outside_.run.output.warning(gives_way ? report.text : one.text);
  const bool goes_on = goes_on_after(one);
  // A copy that is the newest one is as good as one that has come.
  if (goes_on && (is_ours || absent.size() == links.size())) return true;
  leave_out(one, absent);
  note_coming(one);
  add_report(report, std::move(one));
  return goes_on;
}

void LinkedPull::tell_linked(const sync::LinkedFile& linked, const client::PullReport& one,
                             const Error& ending, Fate fate) const {
  // What is absent is told when it is known what is here.
  if (fate != Fate::absent)
    outside_.run.output.line(
        fmt::format("{} links to {}", escaped(linked.by.to_item()), escaped(linked.item.to_item())));
  JsonObject object = linked_object(linked, "linked");
  object.add("from", one.giver);
  object.add("outcome", callboard::to_text(ending.outcome));
  object.add("text", ending.text);
  outside_.run.output.object(object);
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

bool LinkedPull::is_joined() const {
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
  if (missing_.size() < kMissingNamed)
    missing_.push_back(fmt::format("{} links to {}", whole(linked.by), whole(linked.file)));
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
    is_newest_old_ = is_newest_old_ || !found.files.empty();
  };
}

void LinkedPull::tell_missing() const {
  if (missing_.empty()) return;
  std::string text;
  for (const std::string& each : missing_) text += (text.empty() ? "" : "; ") + each;
  const std::uint64_t more = sum_.missing - missing_.size();
  if (more > 0) text += fmt::format("; and {} more, which --json names", more);
  outside_.run.output.warning(fmt::format("{} {} neither here nor where {} looked for: {}",
                                          files_text(sum_.missing), sum_.missing == 1 ? "is" : "are",
                                          sum_.missing == 1 ? "it was" : "they were", text));
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
