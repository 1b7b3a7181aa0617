#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <utility>

#include "base/document/build.h"
#include "base/document/members.h"
#include "base/document/parse.h"
#include "base/text.h"
#include "tools/cli/calling.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

struct ServicesWords {
  std::string what;
  std::string name;
};

std::string how_it_went(const document::Value& service) {
  if (document::flag_in(service, "running")) return "running";
  if (document::number_in<std::int64_t>(service, "runs") == 0) return "has not run yet";
  const std::string error = document::text_in(service, "error");
  const document::ValuePtr result = service.member("result");
  const std::string done = result ? fmt::format("; {}", escaped(document::print(*result), 200)) : "";
  if (error.empty())
    return fmt::format("{} ms{}", document::number_in<std::int64_t>(service, "duration_ms"), done);
  return fmt::format(
      "failed {} in a row: {}",
      count_text(static_cast<std::uint64_t>(document::number_in<std::int64_t>(service, "failures")), "time"),
      error);
}

Result<void> list_services(Run& run, Visit& visit) {
  const auto json = visit.wait(visit.access().call("services", "", {}));
  if (!json) return json.error();
  const auto list = document::parse(*json);
  if (!list || !(*list)->array())
    return Error{Outcome::failed, "the server's list of services makes no sense"};
  std::vector<std::vector<std::string>> rows{{"SERVICE", "IS", "EVERY", "LAST RUN", "HOW IT WENT"}};
  for (const document::ValuePtr& each : *(*list)->array()) {
    const std::int64_t last_run = document::number_in<std::int64_t>(*each, "last_run");
    rows.push_back({document::text_in(*each, "name"),
                    document::flag_in(*each, "enabled") ? "enabled" : "disabled",
                    fmt::format("{} s", document::number_in<std::int64_t>(*each, "period_ms") / 1000),
                    last_run == 0 ? "-" : when({last_run}), how_it_went(*each)});
    JsonObject object{{"event", "service"}};
    object.add("service", JsonText{document::print(*each)});
    run.output.object(object);
  }
  run.output.table(rows);
  return {};
}

Result<void> services(Run& run, const ServicesWords& words) {
  const bool is_list = words.what.empty();
  if (!is_list && words.what != "enable" && words.what != "disable" && words.what != "run") {
    return Error{Outcome::usage, fmt::format("{}: expected enable, disable or run", quoted(words.what))};
  }
  if (!is_list && words.name.empty())
    return Error{Outcome::usage, words.what + ": expected the name of a service"};
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  if (is_list) return list_services(run, **visit);
  document::Object arguments{{"name", document::make_text(words.name)}};
  client::CallOptions options;
  if (words.what == "run") {
    // It is over when it is: a verification of a large board takes hours.
    arguments.push_back({"wait", document::make_bool(true)});
    options.deadline = std::chrono::hours(24);
  }
  auto done = make_call(run, **visit, "services." + words.what,
                        document::print(*document::make_value(std::move(arguments))), std::move(options));
  const std::string became = words.what == "run" ? " has run" : " is " + words.what + "d";
  if (done) run.output.message(escaped(words.name) + became);
  return done;
}

}  // namespace

void add_services(Program& program) {
  auto words = std::make_shared<ServicesWords>();
  program
      .add_verb({.name = "services",
                 .summary = "what the server does on a schedule, and how it went; or switch one on or off, "
                            "or run it now and "
                            "say how that went",
                 .example = "callboard services\n  callboard services disable backup"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .text(words->what, "WHAT", "enable, disable or run")
      .text(words->name, "NAME", "which one")
      .runs([words](Run& run) { return services(run, *words); });
}

}  // namespace callboard::cli
