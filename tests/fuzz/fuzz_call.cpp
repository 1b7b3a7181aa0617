// What clients and tasks say of calls: a list of descriptions, then, behind a NUL, arguments of each of them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/call/call_description.h"
#include "base/document/parse.h"
#include "base/ensure.h"

using namespace callboard;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\0');
  const auto descriptions = descriptions_from(text.substr(0, end));
  if (!descriptions) return 0;
  const auto given = end == std::string_view::npos ? Result<document::ValuePtr>(document::ValuePtr())
                                                   : document::parse(text.substr(end + 1));
  for (const CallDescription& each : *descriptions) {
    // What is read is written as what is read again.
    const auto again = description_from(*to_value(each));
    ENSURE(again && usage_of(*again) == usage_of(each));
    if (!given) continue;
    const auto complete = complete_arguments(each, *given);
    if (!complete) continue;
    // What is complete stays as it is.
    const auto once_more = complete_arguments(each, *complete);
    ENSURE(once_more && document::equal(*once_more, *complete));
  }
  return 0;
}
