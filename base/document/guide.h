#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "base/document/edits.h"
#include "base/text_hash.h"

namespace callboard::document {

// Where the array has the element, the first of that key; its size when it has none.
std::size_t place_of(const Array& array, const Step& step);

// Finds many places in one document, as find() does: an array that is asked about again and again gets a table of its
// elements. Thread: any, one at a time.
class Guide {
 public:
  explicit Guide(ValuePtr root) : root_(std::move(root)) {}
  ValuePtr find(const Path& path);

 private:
  struct Table {
    std::size_t asked = 0;
    TextMap<ValuePtr> elements;  // By key as JSON text; of those with one key the first.
  };
  ValuePtr child(const ValuePtr& node, const Step& step);

  ValuePtr root_;
  std::map<std::pair<const Value*, std::string>, Table> tables_;  // By container and field ("" for members).
};

}  // namespace callboard::document
