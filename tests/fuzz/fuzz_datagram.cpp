// What is understood, is written so that it is understood as the same.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/ensure.h"
#include "base/limits.h"
#include "protocol/datagram.h"

using namespace callboard;
using namespace callboard::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto datagram = parse_datagram(std::as_bytes(std::span(data, size)));
  if (!datagram) return 0;
  const std::string line = format(*datagram);
  ENSURE(line.size() <= kDatagramMax);
  const auto again = parse_datagram(as_bytes(line));
  ENSURE(again);
  ENSURE(again->index() == datagram->index());
  ENSURE(format(*again) == line);
  return 0;
}
