#include "server/calls/server_calls.h"

#include <system_error>
#include <utility>

#include "base/document/build.h"
#include "base/text.h"
#include "server/memory.h"

namespace callboard::server {
namespace {

using document::make_number;
using document::make_object;
using document::make_text;

document::ValuePtr value_of(const std::vector<ProgramHealth>& programs) {
  document::Array all;
  for (const ProgramHealth& each : programs) {
    document::Object one{{"name", make_text(each.name)}, {"state", make_text(each.state)}};
    if (!each.why.empty()) one.push_back({"why", make_text(each.why)});
    all.push_back(document::make_value(std::move(one)));
  }
  return document::make_array(std::move(all));
}

CallValue server_info(const ServerFacts& facts) {
  const ServerIdentity& identity = facts.floor.identity;
  const Counts counts = facts.counts();
  const Programs programs = facts.programs ? facts.programs() : Programs{};
  return make_object({{"project", make_text(identity.project)},
                      {"server", make_text(to_text(identity.id))},
                      {"software", make_text(identity.software)},
                      {"started", make_number(identity.started.ms)},
                      {"clock", make_number(facts.floor.clock.wall().ms)},
                      {"users", make_number(counts.sessions)},
                      {"away", make_number(counts.away)},
                      {"visits", make_number(counts.visits)},
                      {"connections", make_number(counts.connections)},
                      {"revision", make_number(facts.floor.records.board().sequence())},
                      {"memory_bytes", make_number(resident_bytes())},
                      {"tasks", value_of(programs.tasks)},
                      {"plugins", value_of(programs.plugins)}});
}

CallValue disk_free(const std::filesystem::path& folder) {
  std::error_code problem;
  const std::filesystem::space_info space = std::filesystem::space(folder, problem);
  if (problem) return os_error("look at the disk of " + quoted(folder.native()), problem.value());
  return make_object(
      {{"free_bytes", make_number(space.available)}, {"size_bytes", make_number(space.capacity)}});
}

}  // namespace

void add_server_calls(CallRegistry& registry, ServerFacts given) {
  const auto facts = std::make_shared<const ServerFacts>(std::move(given));
  registry.add_built_in(
      {.description = {.name = "server.info",
                       .summary = "who the server is, since when, and how many are here",
                       .category = "server",
                       .result = ValueType::map},
       .run = InlineRun([facts](const Caller&, const CallArguments&) { return server_info(*facts); }),
       .is_for_everybody = true});
  registry.add_built_in(
      {.description = {.name = "ping",
                       .summary = "what time it is at the server's, in milliseconds since 1970",
                       .category = "server",
                       .result = ValueType::time},
       .run = InlineRun([facts](const Caller&, const CallArguments&) -> CallValue {
         return make_number(facts->floor.clock.wall().ms);
       }),
       .is_for_everybody = true});
  registry.add_built_in({.description = {.name = "disk.free",
                                         .summary = "how much room the disk has that the board lies on",
                                         .category = "server",
                                         .result = ValueType::map},
                         .run = WorkerRun([facts](const Caller&, const CallArguments&, const WorkerRoom&) {
                           return disk_free(facts->data);
                         }),
                         .is_for_everybody = true});
}

}  // namespace callboard::server
