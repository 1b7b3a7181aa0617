#include "tools/cli/show_listening.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "net/endpoint.h"

namespace callboard::cli {

void show_listening(Output& output, const std::string& project, const RunningNote& note,
                    std::optional<pid_t> process) {
  output.line("listening on " + escaped(note.address));
  JsonObject object{{"event", "listening"}};
  if (const auto at = net::endpoint_from(note.address, kSessionPort)) {
    object.add("address", at->host);
    object.add("port", at->port);
  }
  object.add("project", project);
  if (note.data_port != 0) {
    output.line(fmt::format("transfers and channels come to port {}", note.data_port));
    object.add("data_port", note.data_port);
  }
  output.object(object);
  if (process)
    output.message(fmt::format("runs as process {}, logs to \"{}\"", *process, escaped(note.log.native())));
}

}  // namespace callboard::cli
