#include "client/pull_report.h"

#include <iterator>

namespace callboard::client {
namespace {

template <class T>
void append(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

void add_report(PullReport& all, PullReport one) {
  // Somebody who stopped it is told just that, whatever went wrong before.
  if (all.outcome == Outcome::done || one.outcome == Outcome::cancelled) {
    all.outcome = one.outcome;
    all.text = one.text;
  }
  if (!one.giver.empty() && all.giver.find(one.giver) == std::string::npos) {
    all.giver += (all.giver.empty() ? "" : ", ") + one.giver;
  }
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
  append(all.versions, one.versions);
  append(all.open_versions, one.open_versions);
  append(all.conflicts, one.conflicts);
  append(all.removed, one.removed);
  append(all.problems, one.problems);
}

}  // namespace callboard::client
