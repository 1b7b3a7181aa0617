// A `.callboard/config`: what is read is kept as it was written, and what is set is read again.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/ensure.h"
#include "tools/cli/config_file.h"
#include "tools/cli/relay_rate.h"

using namespace callboard;
using namespace callboard::cli;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text(std::as_bytes(std::span(data, size)));
  auto config = ConfigFile::parse(text, "config");
  if (!config) {
    ENSURE(config.error().outcome == Outcome::usage);
    return 0;
  }
  const auto again = ConfigFile::parse(config->content(), "config");
  ENSURE(again && again->content() == config->content());
  ENSURE(again->settings().size() == config->settings().size());
  for (std::size_t i = 0; i < again->settings().size(); ++i) {
    const auto& was = config->settings()[i];
    const auto& is = again->settings()[i];
    ENSURE(was.key == is.key && was.value == is.value && was.line == is.line);
    static_cast<void>(relay_limits_from(was.value));
  }
  config->set("project", "Moria's Race");
  const auto changed = ConfigFile::parse(config->content(), "config");
  ENSURE(changed && changed->value("project") == "Moria's Race");
  return 0;
}
