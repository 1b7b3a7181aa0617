#include "tools/cli/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <sstream>
#include <utility>

#include "base/text.h"
#include "tools/cli/exit_code.h"

namespace callboard::cli {
namespace {

constexpr auto kEnvironmentHelp =
    "Options may also come from CALLBOARD_* variables (CALLBOARD_PROJECT, …) and from .callboard/config in "
    "the project's\n"
    "folder, which `callboard init` writes.\n"
    "Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 refused, 5 superseded, 6 locked, 7 timed out, 8 "
    "no quorum,\n"
    "9 interrupted (run it again), 130 stopped by you.";

// "--from USER" is the option --from, whose value the help calls USER.
std::pair<std::string, std::string> split_name(const std::string& name) {
  const auto space = name.find(' ');
  if (space == std::string::npos) return {name, name.starts_with('-') ? "" : "TEXT"};
  return {name.substr(0, space), name.substr(space + 1)};
}

template <class T>
CLI::Option* add_option(CLI::App& app, T& into, const std::string& name, const std::string& help) {
  const auto [option, value] = split_name(name);
  auto* added = app.add_option(option, into, help);
  if (option.starts_with('-')) added->type_name(value);
  return added;
}

// CLI11 shows "ITEM TEXT ..." for arguments; their name says enough.
CLI::Option* as_argument(CLI::Option* option, const std::string& name) {
  if (!name.starts_with('-')) option->type_name("");
  return option;
}

// What nobody knows says more than what is missing because of it.
std::optional<std::string> unknown_in(const CLI::App& app) {
  const auto unknown = app.remaining(true);
  if (unknown.empty()) return std::nullopt;
  const std::string& first = unknown.front();
  const bool has_verb = !app.get_subcommands().empty();
  const std::string_view kind = first.starts_with('-') ? "option" : has_verb ? "argument" : "verb";
  return fmt::format("{}: no such {}", quoted(first), kind);
}

// The verb that was given, as far as it was understood: "key add" is beneath "key".
const CLI::App& verb_given(const CLI::App& app) {
  const CLI::App* verb = &app;
  while (!verb->get_subcommands().empty()) verb = verb->get_subcommands().front();
  return *verb;
}

// "callboard key add"
std::string full_name(const CLI::App& app) {
  const std::string above = app.get_parent() == nullptr ? "" : full_name(*app.get_parent()) + " ";
  return above + app.get_name();
}

// What is missing with what may stand there; nullopt when nothing is.
std::optional<std::string> missing_in(const CLI::App& verb) {
  for (const CLI::Option* option : verb.get_options()) {
    if (!option->get_required() || option->count() > 0) continue;
    return fmt::format("{} is missing: {}", option->get_name(), option->get_description());
  }
  if (verb.get_parent() == nullptr) return "VERB is missing";
  std::string names;
  for (const CLI::App* below : verb.get_subcommands([](const CLI::App*) { return true; }))
    names += (names.empty() ? "" : ", ") + below->get_name();
  if (names.empty()) return std::nullopt;
  return "expected one of: " + names;
}

}  // namespace

Verb::Verb(CLI::App& app, Verb*& chosen) : app_(app), chosen_(chosen) {
  app_.add_flag("--json", json_, "print one JSON object a line, and nothing else on stdout");
}

Verb& Verb::takes(std::initializer_list<Key> keys) {
  for (const Key key : keys) {
    const auto& known = info(key);
    std::string help(known.help);
    if (!known.fallback.empty()) help += fmt::format(" (default: {})", known.fallback);
    auto& values = given_[key];
    if (known.form == Form::flag) {
      app_.add_flag_function(
          option_name(key), [&values](std::int64_t times) { values = {times > 0 ? "yes" : "no"}; }, help);
      continue;
    }
    auto* option = app_.add_option(option_name(key), values, help)->type_name(std::string(known.value));
    // One value a time, so that "--announce A ITEM" leaves ITEM alone.
    option->expected(1);
    if (known.form == Form::list) option->take_all();
  }
  return *this;
}

Verb& Verb::flag(bool& into, const std::string& name, const std::string& help) {
  app_.add_flag(name, into, help);
  return *this;
}

Verb& Verb::text(std::string& into, const std::string& name, const std::string& help, Need need) {
  as_argument(add_option(app_, into, name, help), name)->required(need == Need::required);
  return *this;
}

Verb& Verb::texts(std::vector<std::string>& into, const std::string& name, const std::string& help,
                  Need need) {
  auto* option = as_argument(add_option(app_, into, name, help), name)->required(need == Need::required);
  if (name.starts_with('-')) option->expected(1)->take_all();
  return *this;
}

Verb& Verb::number(std::uint64_t& into, const std::string& name, const std::string& help) {
  as_argument(add_option(app_, into, name, help), name);
  return *this;
}

Verb& Verb::seconds(std::optional<double>& into, const std::string& name, const std::string& help) {
  as_argument(add_option(app_, into, name, help), name)->check(CLI::Range(0.0, 86400.0));
  return *this;
}

Verb& Verb::add_verb(VerbText text) {
  auto* below = app_.add_subcommand(text.name, text.summary)->footer("Example:\n  " + text.example);
  app_.require_subcommand(1);
  verbs_.push_back(std::unique_ptr<Verb>(new Verb(*below, chosen_)));
  return *verbs_.back();
}

void Verb::runs(Body body) {
  body_ = std::move(body);
  app_.callback([this] { chosen_ = this; });
}

Program::Program(Output& output, Interrupt& interrupt)
    : output_(output),
      interrupt_(interrupt),
      app_(std::make_unique<CLI::App>(
          "The notice board of an animation studio's network: who works on what, the story "
          "and the assets,\nand folders pulled from each other's machines.",
          "callboard")) {
  app_->require_subcommand(1);
  app_->set_version_flag("--version", "callboard " CALLBOARD_VERSION);
  app_->footer(kEnvironmentHelp);
  app_->get_formatter()->label("SUBCOMMAND", "VERB");
  app_->get_formatter()->label("Subcommands", "Verbs");
}

Program::~Program() = default;

Verb& Program::add_verb(VerbText text) {
  auto* added = app_->add_subcommand(text.name, text.summary)->group(group_);
  added->footer("Example:\n  " + text.example);
  verbs_.push_back(std::unique_ptr<Verb>(new Verb(*added, chosen_)));
  return *verbs_.back();
}

int Program::run(int argc, const char* const* argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    std::ostringstream text;
    app_->exit(wanted, text, text);
    output_.raw(text.str());
    return output_.is_complete() ? 0 : exit_code(Outcome::failed);
  } catch (const CLI::ParseError& problem) {
    const CLI::App& verb = verb_given(*app_);
    const bool is_missing = dynamic_cast<const CLI::RequiredError*>(&problem) != nullptr;
    const auto missing = is_missing ? missing_in(verb) : std::nullopt;
    output_.error(unknown_in(*app_).value_or(missing.value_or(problem.what())));
    output_.message("see " + full_name(verb) + " --help");
    return exit_code(Outcome::usage);
  }
  auto ended = run_chosen();
  if (ended && !output_.is_complete()) ended = Error{Outcome::failed, "write the result to stdout failed"};
  if (ended) return exit_code(Outcome::done);
  if (!ended.error().text.empty()) output_.error(ended.error().text);
  return exit_code(ended.error().outcome);
}

Result<void> Program::run_chosen() {
  ENSURE(chosen_ != nullptr);
  output_.set_json(chosen_->json_);
  Settings::Sources sources{.command_line = {}, .environment = system_environment(), .directory = "."};
  for (const auto& [key, values] : chosen_->given_) {
    if (!values.empty()) sources.command_line.emplace(key, values);
  }
  const auto settings = Settings::load(sources);
  if (!settings) return settings.error();
  for (const auto& warning : settings->warnings()) output_.warning(warning);
  Run run{.settings = *settings, .sources = sources, .output = output_, .interrupt = interrupt_};
  return chosen_->body_(run);
}

}  // namespace callboard::cli
