#include <fmt/format.h>

#include <charconv>

#include "base/document/build.h"
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

bool flag_of(const document::Value& service, std::string_view key) {
  const document::ValuePtr member = service.member(key);
  const bool* truth = member ? std::get_if<bool>(&member->content()) : nullptr;
  return truth != nullptr && *truth;
}

std::string text_of(const document::Value& service, std::string_view key) {
  const document::ValuePtr member = service.member(key);
  if (!member) return "";
  return member->string() ? *member->string() : document::print(*member);
}

std::int64_t number_of(const document::Value& service, std::string_view key) {
  const std::string text = text_of(service, key);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string how_it_went(const document::Value& service) {
  if (flag_of(service, "running")) return "running";
  if (number_of(service, "runs") == 0) return "has not run yet";
  const std::string error = text_of(service, "error");
  const document::ValuePtr result = service.member("result");
  const std::string done = result ? fmt::format("; {}", escaped(document::print(*result), 200)) : "";
  if (error.empty()) return fmt::format("{} ms{}", number_of(service, "duration_ms"), done);
  return fmt::format("failed {} in a row: {}",
                     count_text(static_cast<std::uint64_t>(number_of(service, "failures")), "time"), error);
}

Result<void> list_services(Run& run, Visit& visit) {
  const auto json = visit.wait(visit.access().call("services", "", {}));
  if (!json) return json.error();
  const auto list = document::parse(*json);
  if (!list || !(*list)->array())
    return Error{Outcome::failed, "the server's list of services makes no sense"};
  std::vector<std::vector<std::string>> rows{{"SERVICE", "IS", "EVERY", "LAST RUN", "HOW IT WENT"}};
  for (const document::ValuePtr& each : *(*list)->array()) {
    const std::int64_t last_run = number_of(*each, "last_run");
    rows.push_back({text_of(*each, "name"), flag_of(*each, "enabled") ? "enabled" : "disabled",
                    fmt::format("{} s", number_of(*each, "period_ms") / 1000),
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
  const auto arguments = document::make_object({{"name", document::make_text(words.name)}});
  return make_call(run, **visit, "services." + words.what, document::print(*arguments), {});
}

}  // namespace

void add_services(Program& program) {
  auto words = std::make_shared<ServicesWords>();
  program
      .add_verb(
          {.name = "services",
           .summary =
               "what the server does on a schedule, and how it went; or switch one on or off, or run it now",
           .example = "callboard services\n  callboard services disable backup"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .text(words->what, "WHAT", "enable, disable or run")
      .text(words->name, "NAME", "which one")
      .runs([words](Run& run) { return services(run, *words); });
}

}  // namespace callboard::cli
