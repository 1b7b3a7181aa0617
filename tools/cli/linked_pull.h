#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "client/pull_types.h"
#include "sync/link_search.h"
#include "sync/root.h"
#include "tools/cli/locked_items.h"
#include "tools/cli/newest_copies.h"
#include "tools/cli/visit.h"

namespace callboard::cli {

// What `pull --linked` does beyond the items that are named: looks into the .blend files that came with them,
// as they are on this disk then, pulls what holds the libraries they link to, looks into those, and so on.
// Each item is pulled once; those that one user is asked for, many at a time, of which none that fails stops another. A link
// brings the item it leads into, or one file: never a folder because it is named like one.
class LinkedPull {
 public:
  struct Outside {
    Run& run;
    Visit& visit;
    LockCheck& locks;
    std::function<client::PullReport(const client::PullRequest&)> pull;
  };
  struct Sum {
    std::uint64_t items = 0;    // Pulled for a link, or found to be up to date.
    std::uint64_t missing = 0;  // Linked files that are neither here nor where they were looked for.
    std::uint64_t unknown = 0;  // Of a dry run: .blend files that would come, whose links are not known.
    sync::LinkCounts found;
  };

  // `request`: the options of all pulls; its mirroring is for what is named alone.
  static Result<std::unique_ptr<LinkedPull>> open(Outside outside, client::PullRequest request);

  // That these were pulled, and how it went.
  void add_named(const std::vector<std::string>& items, const client::PullReport& report);
  // Whether a pull that ended so leaves a reason to go on.
  bool goes_on_after(const client::PullReport& report) const;
  // The rest, added to `report`, which was told of what is named.
  void run(client::PullReport& report);
  const Sum& sum() const { return sum_; }

 private:
  enum class Fate { had, absent, failed };
  // Whom to ask for an item, empty: whoever has the newest; and whether it is the file alone.
  struct Source {
    std::string from;
    bool files_alone = false;
    friend bool operator==(const Source&, const Source&) = default;
  };
  // An item that was pulled, or tried.
  struct Tried {
    std::string giver;
    Fate fate = Fate::had;
  };

  LinkedPull(Outside outside, client::PullRequest request, sync::Root root)
      : outside_(std::move(outside)), request_(std::move(request)), root_(std::move(root)) {}

  // Of the item that holds it, or of one above that; nullptr: none was tried.
  const Tried* tried(const sync::RelativePath& path) const;
  Source source_of(const sync::LinkedFile& linked) const;
  client::PullRequest request_for(std::span<const sync::LinkedFile> links, Source source) const;
  // The next, and with it those that the same pull can bring.
  std::vector<sync::LinkedFile> take_next();
  void learn_newest();
  // False, these and those below: it makes no sense to go on.
  bool pull_all(client::PullReport& report);
  bool pull_untried(const std::vector<sync::LinkedFile>& links, client::PullReport& report);
  bool leave_locked(std::vector<sync::LinkedFile>& links, client::PullReport& report);
  bool pull_together(std::span<const sync::LinkedFile> links, client::PullReport& report);
  // `but_not`: whom it makes no sense to ask.
  bool pull_one_by_one(std::span<const sync::LinkedFile> links, const std::string& but_not,
                       client::PullReport& report);
  client::PullReport pull_from_somebody(const sync::LinkedFile& linked, const std::string& but_not);
  bool take_report(std::span<const sync::LinkedFile> links, client::PullReport one,
                   client::PullReport& report);
  Fate judge(const client::PullReport& report, const sync::LinkedFile& linked, const Error& ending) const;
  void tell_linked(const sync::LinkedFile& linked, const client::PullReport& one, const Error& ending,
                   Fate fate) const;
  bool is_joined() const;
  void settle(const sync::LinkedFile& linked);
  void note_coming(const client::PullReport& report);
  // Tells of what is found, and has the files followed.
  sync::LinkSearch::Tell following();
  void end(client::PullReport& report);
  void tell_missing() const;
  void tell_left_out() const;

  Outside outside_;
  client::PullRequest request_;
  sync::Root root_;
  std::unique_ptr<sync::LinkSearch> search_;
  std::stop_source stop_;
  std::map<sync::RelativePath, Tried> tried_;
  std::vector<sync::RelativePath> named_;
  std::deque<sync::LinkedFile> left_;
  NewestCopies newest_;
  bool is_newest_old_ = true;         // It was asked for before what is left was found.
  std::vector<std::string> missing_;  // The first of them, in words.
  // Of a dry run: what would come, and the .blend files among that whose links would be followed.
  std::set<std::string> coming_;
  std::set<std::string> unknown_;
  Sum sum_;
};

}  // namespace callboard::cli
