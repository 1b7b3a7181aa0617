// A document, a newline, another document, a newline, a JSON Patch or edits: the difference of the two makes the one of
// the other, and whatever is no document, patch or edits is refused.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/document/edits.h"
#include "base/document/json_patch.h"
#include "base/document/parse.h"
#include "base/ensure.h"

using namespace callboard::document;

namespace {

std::string_view take_line(std::string_view& text) {
  const std::size_t newline = text.find('\n');
  const std::string_view line = text.substr(0, newline);
  text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto from = parse(take_line(text));
  const auto to = parse(take_line(text));
  if (!from || !to) return 0;
  ENSURE(print(**from).size() == (*from)->size_bytes());
  const auto again = apply_patch(*from, diff(*from, *to));
  ENSURE(again && equal(*again, *to));
  Growth growth;
  for (const Edit& edit : edits_between(nullptr, *from)) ENSURE(growth.apply(edit));
  for (const Edit& edit : edits_between(*from, *to)) ENSURE(growth.apply(edit));
  ENSURE(equal(growth.root(), *to));
  ENSURE(equal(share(*from, *to), *to));

  static_cast<void>(apply_patch(*from, text));
  if (const auto edits = parse_edits(text)) {
    for (const Edit& edit : *edits) growth.apply(edit);
    ENSURE(Growth::parse(growth.print()));
  }
  return 0;
}
