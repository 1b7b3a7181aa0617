// A manifest's entries, one after the other: what is read is written as the same bytes, and a name is one component.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/entry.h"
#include "base/limits.h"

using namespace callboard;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView rest = std::as_bytes(std::span(data, size));
  while (!rest.empty()) {
    ByteReader reader(rest);
    Entry entry;
    if (!parse(reader, entry)) return 0;
    ENSURE(entry.name.size() <= kPathComponentMaxBytes);
    ENSURE((entry.mode & ~0777) == 0);
    Bytes written;
    serialise(entry, written);
    const ByteView read = rest.first(rest.size() - reader.rest().size());
    ENSURE(written.size() == read.size() && std::equal(written.begin(), written.end(), read.begin()));
    rest = reader.rest();
  }
  return 0;
}
