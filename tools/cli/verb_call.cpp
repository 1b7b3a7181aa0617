#include <fmt/format.h>

#include <algorithm>

#include "base/call/call_description.h"
#include "base/document/parse.h"
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
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  std::string arguments = words.json;
  if (arguments.empty()) {
    const auto catalogue = CallCatalogue::fetch(**visit);
    if (!catalogue) return catalogue.error();
    auto typed = catalogue->arguments_of(words.name, words.arguments);
    if (!typed) return typed.error();
    arguments = std::move(*typed);
  }
  return make_call(run, **visit, words.name, arguments, std::move(*options));
}

JsonObject description_object(const CallDescription& description) {
  JsonObject object{{"event", "call"}};
  object.add("description", JsonText{document::print(*to_value(description))});
  return object;
}

std::vector<std::string> row_of(const CallDescription& description) {
  const std::string by = description.by.empty() ? "" : "  (" + description.by + ")";
  return {usage_of(description), description.summary + by};
}

void print_one(Output& output, const CallDescription& description) {
  output.line(output.styled(Style::bold, escaped(usage_of(description))));
  if (!description.summary.empty()) output.line("  " + escaped(description.summary));
  for (const CallArgument& argument : description.arguments) {
    std::string how(to_text(argument.type));
    if (argument.is_repeated) how += ", any number of them";
    if (argument.fallback) how += ", default " + document::print(*argument.fallback);
    if (argument.is_optional && !argument.fallback) how += ", optional";
    output.line(fmt::format("  {}: {}{}", escaped(argument.name), escaped(how),
                            argument.summary.empty() ? "" : "; " + escaped(argument.summary)));
  }
  if (description.result) output.line(fmt::format("  answers {}", to_text(*description.result)));
  if (!description.permission.empty()) output.line("  needs " + escaped(description.permission));
  if (!description.state.empty()) output.line("  keeps its state in " + escaped(description.state));
  if (!description.by.empty()) output.line("  offered by " + escaped(description.by));
}

Result<void> list_calls(Run& run, const std::string& name) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto catalogue = CallCatalogue::fetch(**visit);
  if (!catalogue) return catalogue.error();
  if (!name.empty()) {
    const auto found = catalogue->find(name);
    if (!found) return found.error();
    print_one(run.output, **found);
    run.output.object(description_object(**found));
    return {};
  }
  std::map<std::string, std::vector<std::vector<std::string>>> categories;
  for (const CallDescription& each : catalogue->descriptions()) {
    categories[each.category].push_back(row_of(each));
    run.output.object(description_object(each));
  }
  for (auto& [category, rows] : categories) {
    rows.insert(rows.begin(), {category.empty() ? "OTHERS" : "FOR " + category, ""});
    run.output.table(rows);
  }
  return {};
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
      .seconds(words->deadline, "--deadline SECONDS", "for how long it may take (default: 30)")
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
