#include <fmt/format.h>

#include <algorithm>

#include "base/call/call_description.h"
#include "base/document/parse_once.h"
#include "base/text.h"
#include "tools/cli/calling.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

struct CallWords {
  std::string name;
  std::vector<std::string> arguments;
  std::string json;
  std::string op;
  std::optional<double> deadline;
};

Result<client::CallOptions> call_options(const CallWords& words) {
  client::CallOptions options;
  if (words.deadline)
    options.deadline = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*words.deadline));
  if (words.op.empty()) return options;
  const auto op = unique_id_from(words.op);
  if (!op) return Error{Outcome::usage, fmt::format("--op {}: expected 32 hex digits", quoted(words.op))};
  options.op = *op;
  return options;
}

Result<void> call_by_name(Run& run, const CallWords& words) {
  auto options = call_options(words);
  if (!options) return options.error();
  if (!words.json.empty() && !words.arguments.empty()) {
    return Error{Outcome::usage, "--arguments: expected no others beside it"};
  }
  if (!words.json.empty()) {
    if (const auto all = document::parse_once(words.json); !all)
      return Error{Outcome::usage, "--arguments: " + all.error().text};
  }
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  std::string arguments = words.json;
  if (arguments.empty()) {
    const auto catalogue = CallCatalogue::fetch(**visit);
    if (!catalogue) return catalogue.error();
    auto typed = catalogue->arguments_of(words.name, {words.arguments.begin(), words.arguments.end()});
    if (!typed) return typed.error();
    arguments = std::move(*typed);
  }
  auto made = make_call(run, **visit, words.name, arguments, std::move(*options));
  const bool is_unknown = !made && made.error().outcome == Outcome::not_found && !words.json.empty();
  if (!is_unknown) return made;
  // Where it is the call that is not there, the list says more.
  const auto catalogue = CallCatalogue::fetch(**visit);
  const auto listed = catalogue ? catalogue->find(words.name) : Result<const CallDescription*>(nullptr);
  return listed ? made : Result<void>(listed.error());
}

Result<void> list_calls(Run& run, const std::string& name) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto catalogue = CallCatalogue::fetch(**visit);
  if (!catalogue) return catalogue.error();
  return print_calls(run.output, *catalogue, name);
}

}  // namespace

void add_call(Program& program) {
  auto words = std::make_shared<CallWords>();
  program
      .add_verb(
          {.name = "call",
           .summary = "call something that the server, or a workstation, can do by name; see callboard calls",
           .example =
               "callboard call server.info\n  callboard call open_shot /rnd/scene-01/shot-03 frame=12"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .text(words->name, "NAME", "what to call", Need::required)
      .texts(words->arguments, "ARGUMENT", "in their order, or as NAME=VALUE; lists and maps as JSON")
      .text(words->json, "--arguments JSON",
            "all of them at once: an object by name, or an array in their order")
      .seconds(words->deadline, "--deadline SECONDS", "for how long it may take, at most a day (default: 30)",
               {.min = 0.001})
      .text(words->op, "--op ID",
            "32 hex digits that this call is known by: with the same again it is not done twice, but "
            "answered as it was")
      .runs([words](Run& run) { return call_by_name(run, *words); });
}

void add_calls(Program& program) {
  auto name = std::make_shared<std::string>();
  program
      .add_verb({.name = "calls",
                 .summary = "what can be called, and with which arguments",
                 .example = "callboard calls\n  callboard calls disk.free"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .text(*name, "NAME", "only this one, in detail")
      .runs([name](Run& run) { return list_calls(run, *name); });
}

}  // namespace callboard::cli
