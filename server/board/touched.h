#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "base/document/edits.h"
#include "server/board/operation.h"

namespace callboard::server {

// When each place of a document was touched last: tells whether an operation that arrives late may be applied behind newer
// ones as if it had come in time. It may when each of its edits puts a value without parts in the place of another such (then
// nothing is buried and no member added or moved), and nothing newer touches that place, what encloses it or what lies in it.
// Touching an array's order or its elements' keys counts as touching the whole array; bringing back what was taken away, as
// touching everything. It may say no without need, never yes. Thread: any, one at a time.
class Touched {
 public:
  void note(const Operation& operation);
  void note_everything(const Stamp& stamp);
  // Whether `late` may be applied to `root`, in which all that was noted has been applied already.
  bool lets_pass(const Operation& late, const document::ValuePtr& root) const;
  // What is older is not asked about again.
  void forget_before(const Stamp& stamp);

 private:
  // Of a place, where it is given by a path's first steps.
  enum class What : std::uint64_t { itself, at_or_below, elements_by_id, elements_by_name };
  using Place = std::uint64_t;  // A hash of the steps: where two are taken for one, more is touched than was.

  static Place below(Place place, const document::Step& step);
  static What elements_by(std::string_view field);
  void mark(Place place, What what, const Stamp& stamp);
  bool is_newer(Place place, What what, const Stamp& stamp) const;
  void note(const document::Path& path, const Stamp& stamp);
  bool lets_pass(const document::Path& path, const Stamp& stamp) const;

  std::unordered_map<std::uint64_t, Stamp> newest_;
  std::size_t sweep_at_ = 0;  // Marks above which it is worth looking for old ones.
};

}  // namespace callboard::server
