// What is read as a key is written as the same line.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/access_key.h"
#include "base/bytes.h"
#include "base/ensure.h"

using namespace callboard;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text(std::as_bytes(std::span(data, size)));
  const auto key = access_key_from(text);
  if (!key) return 0;
  const std::string line = to_line(*key);
  ENSURE(text.find(line) != std::string_view::npos);
  ENSURE(*access_key_from(line) == *key);
  return 0;
}
