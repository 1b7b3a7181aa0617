#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/document/pointer.h"
#include "base/document/value.h"
#include "base/result.h"

// What an author did to a document, in a form that can be done to another version of it: elements of arrays are named by
// their "id" or "name", never by a place that others may move. Arrays without such a key are changed as wholes.
namespace callboard::document {

// One step of a path: a member of an object, or an element of an array.
struct Step {
  std::string field;  // "id" or "name" for an element; empty for a member.
  std::string key;    // The member's key; of an element the field's value as JSON text.
  friend bool operator==(const Step&, const Step&) = default;
};
using Path = std::vector<Step>;

struct Edit {
  enum class Kind { set, remove, place };
  Kind kind = Kind::set;
  Path path;
  ValuePtr value;  // Of a set.
  // For an element: the key of the one that it stands behind, as JSON text; empty: it is the first. Used when it is set
  // and not there yet, and when it is placed.
  std::string after;
};
using Edits = std::vector<Edit>;

// What makes `to` of `from`; `from` null, or what differs is more than kEditsBytesMax: everything. Nothing when they are
// equal.
Edits edits_between(const ValuePtr& from, const ValuePtr& to);
// The same for `document` and what becomes of it with `value` at that place, without making that and without a look at what
// is beside the way; nullopt where it takes one: an array on the way, or nothing to put it in.
std::optional<Edits> edits_at(const ValuePtr& document, const Tokens& at, const ValuePtr& value);

// Whether one lies within the other, or they are the same place.
bool overlap(const Path& a, const Path& b);
// What encloses all their places, and no more; of none the whole.
Path common_path(const Edits& edits);
// For people, and for find(): "/scenes/Das Tor/shots/3".
std::string pointer_text(const Path& path);
ValuePtr find(const ValuePtr& root, const Path& path);

// As JSON text, and back.
std::string print(const Edits& edits);
Result<Edits> parse_edits(std::string_view text);

// A document while edits are applied to it, and what they took out of it lately: an edit within something that an older
// edit took away brings that back, so that the newer one of two authors is not the one who loses. A value: equal edits
// in equal order arrive at equal states.
class Growth {
 public:
  const ValuePtr& root() const { return root_; }
  // Whether it could be done: its place, or what encloses it, may be gone for good.
  bool apply(const Edit& edit);
  // All of them, one after the other, whether or not each can be done; whether all could. Costs about what the document has
  // parts where they change something, and what the edits say; not the one times the other.
  bool apply(const Edits& edits);
  // How often something that had been taken out was brought back.
  std::uint64_t exhumed_count() const { return exhumed_count_; }
  // Whether what stood there lately was too large to be brought back.
  bool is_gone_for_good(const Path& path) const;
  // Whether the edit is what one sees.
  bool shows(const Edit& edit) const;
  bool shows(const Edits& edits) const;

  std::string print() const;
  static Result<Growth> parse(std::string_view text);

 private:
  struct Grave {
    std::string place;
    ValuePtr value;
    std::uint64_t size_bytes = 0;
  };
  class Applier;
  class Batch;

  void bury(const Path& path, std::size_t depth, const ValuePtr& value);
  ValuePtr exhumed(const Path& path, std::size_t depth);

  ValuePtr root_;              // Null: there is no document.
  std::vector<Grave> graves_;  // Oldest first, kGravesMax and kGravesBytesMax of them.
  std::uint64_t graves_bytes_ = 0;
  std::uint64_t exhumed_count_ = 0;
};

}  // namespace callboard::document
