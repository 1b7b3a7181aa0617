// What a task writes: however it is cut, it is the same lines, and each of them is understood or refused.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ensure.h"
#include "server/tasks/task_lines.h"

using namespace callboard;
using namespace callboard::server;

namespace {

constexpr std::size_t kLineMax = 2048;

struct Read {
  std::vector<std::string> lines;
  bool is_whole = true;
};

Read read_in(ByteView bytes, std::size_t step) {
  LineReader reader(kLineMax);
  Read read;
  while (!bytes.empty() && read.is_whole) {
    const ByteView part = bytes.first(std::min(step, bytes.size()));
    bytes = bytes.subspan(part.size());
    read.is_whole = static_cast<bool>(reader.push(part, read.lines));
  }
  return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = std::as_bytes(std::span(data, size));
  const Read read = read_in(bytes, size == 0 ? 1 : size);
  const Read by_bytes = read_in(bytes, 1);
  ENSURE(read.is_whole == by_bytes.is_whole && read.lines == by_bytes.lines);
  for (const std::string& line : read.lines) {
    ENSURE(!line.empty() && line.size() <= kLineMax);
    const auto said = task_said_from(line);
    if (!said) ENSURE(!said.error().text.empty());
  }
  return 0;
}
