#include "base/document/patch_places.h"

#include "base/document/members.h"
#include "base/document/parse.h"

namespace callboard::document {

std::vector<std::string> places_written(std::string_view patch) {
  const auto operations = parse(patch);
  if (!operations || (*operations)->array() == nullptr) return {""};
  std::vector<std::string> places;
  for (const ValuePtr& each : *(*operations)->array()) {
    const std::string op = text_in(*each, "op");
    if (op == "test") continue;
    places.push_back(text_in(*each, "path"));
    if (op == "move") places.push_back(text_in(*each, "from"));
  }
  return places;
}

}  // namespace callboard::document
