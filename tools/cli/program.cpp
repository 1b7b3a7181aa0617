#include "tools/cli/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
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

std::string footer_of(const VerbText& text) {
  const std::string example = "Example:\n  " + text.example;
  return text.note.empty() ? example : example + "\n\n" + text.note;
}

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
  if (name.starts_with('-')) return option;
  option->type_name("");
  if (name.find(' ') != std::string::npos) option->option_text(name);
  return option;
}

// One whose text is made something of by `read`.
CLI::Option* add_read_option(CLI::App& app, std::function<void(const std::string& given)> read,
                             const std::string& name, const std::string& help) {
  const auto [option, value] = split_name(name);
  return as_argument(app.add_option_function<std::string>(option, std::move(read), help)->type_name(value),
                     name);
}

// An argument of several words, "USER HOST", is shown as it was named instead of by its first word.
class HelpText final : public CLI::Formatter {
 public:
  std::string make_option_usage(const CLI::Option* option) const override {
    if (!has_words(option)) return CLI::Formatter::make_option_usage(option);
    return option->get_required() ? option->get_option_text() : "[" + option->get_option_text() + "]";
  }
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    return has_words(option) ? option->get_option_text()
                             : CLI::Formatter::make_option_name(option, is_positional);
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    return has_words(option) ? "" : CLI::Formatter::make_option_opts(option);
  }

 private:
  static bool has_words(const CLI::Option* option) { return !option->get_option_text().empty(); }
};

// What CLI11 passes on as it is.
CLI::ValidationError unexpected(const std::string& name, const std::string& given, std::string_view wanted) {
  return CLI::ValidationError(fmt::format("{} {}: expected {}", name, quoted(given), wanted));
}

std::uint64_t number_given(const std::string& name, const std::string& given) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(given.data(), given.data() + given.size(), number);
  if (problem == std::errc{} && end == given.data() + given.size()) return number;
  throw unexpected(name, given, "a whole number from 0 on");
}

double seconds_given(const std::string& name, const std::string& given, SecondsLimits limits) {
  double seconds = 0;
  const auto [end, problem] = std::from_chars(given.data(), given.data() + given.size(), seconds);
  const bool is_number = problem == std::errc{} && end == given.data() + given.size();
  if (is_number && seconds >= limits.min && seconds <= limits.max) return seconds;
  throw unexpected(name, given, fmt::format("{}-{:.0f} seconds", limits.min, limits.max));
}

// CLI11 reads some words as its own notation: "[a,b]" as a list, "++" as the end of a verb, "--note=" as an option whose
// value is the next word. It is shown those marked, so that each is one plain word to it, and its options take the mark off.
constexpr char kMark = '\x01';

// Where the value begins in "--note=value"; 0: all of the word is one.
std::size_t value_begin(const std::string& word) {
  return word.starts_with("--") ? word.find('=') + 1 : 0;  // npos + 1 is 0.
}

std::string marked(const std::string& word) {
  const std::size_t begin = value_begin(word);
  const std::string value = word.substr(begin);
  const bool is_notation = value.starts_with('[') || value.starts_with(kMark) ||
                           (begin == 0 ? value == "++" : value.empty() || value.starts_with('-'));
  return is_notation ? word.substr(0, begin) + kMark + value : word;
}

std::string unmarked(const std::string& word) {
  const std::size_t begin = value_begin(word);
  const std::string value = word.substr(begin);
  return word.substr(0, begin) + (value.starts_with(kMark) ? value.substr(1) : value);
}

// The last one first, as CLI11 takes them. Behind "--" stand words alone, however they begin.
std::vector<std::string> marked_words(int argc, const char* const* argv) {
  std::vector<std::string> words;
  bool is_word_alone = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (is_word_alone) {
      words.push_back(kMark + word);
    } else if (word == "--") {
      is_word_alone = true;
    } else {
      words.push_back(marked(word));
    }
  }
  std::ranges::reverse(words);
  return words;
}

void take_marks_off(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) option->transform(unmarked);
  for (CLI::App* below : app.get_subcommands([](const CLI::App*) { return true; })) take_marks_off(*below);
}

// What nobody knows says more than what is missing because of it.
std::optional<std::string> unknown_in(const CLI::App& app) {
  const auto unknown = app.remaining(true);
  if (unknown.empty()) return std::nullopt;
  const std::string& first = unknown.front();
  const bool has_verb = !app.get_subcommands().empty();
  const std::string_view kind = first.starts_with('-') ? "option" : has_verb ? "argument" : "verb";
  return fmt::format("{}: no such {}", quoted(unmarked(first)), kind);
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

// An option that lacks its value, has one that it does not take, or was given more than once; nullopt: none is.
std::optional<std::string> misused_in(const CLI::App& verb, std::string_view problem) {
  for (const CLI::Option* option : verb.get_options()) {
    const std::string name = option->get_name();
    const bool is_meant = problem.starts_with(name + ":") ||
                          problem.starts_with(name.substr(name.find_first_not_of('-')) + " was given") ||
                          problem.find(": " + name + " = ") != std::string_view::npos;
    if (!is_meant) continue;
    if (option->get_expected_max() == 0) return name + ": expected no value";
    if (option->count() > 1) return fmt::format("{}: expected once, got {} values", name, option->count());
    return fmt::format("{}: {} is missing: {}", name, option->get_type_name(), option->get_description());
  }
  return std::nullopt;
}

// What is missing with what may stand there; nullopt when nothing is.
std::optional<std::string> missing_in(const CLI::App& verb) {
  for (const CLI::Option* option : verb.get_options()) {
    if (!option->get_required() || option->count() > 0) continue;
    const std::string& words = option->get_option_text();
    return fmt::format("{} is missing: {}", words.empty() ? option->get_name() : words,
                       option->get_description());
  }
  if (verb.get_parent() == nullptr) return "VERB is missing";
  std::string names;
  for (const CLI::App* below : verb.get_subcommands([](const CLI::App*) { return true; }))
    names += (names.empty() ? "" : ", ") + below->get_name();
  if (names.empty()) return std::nullopt;
  return "expected one of: " + names;
}

std::string text_of(const CLI::App& app, const CLI::ParseError& problem) {
  if (auto unknown = unknown_in(app)) return *unknown;
  const CLI::App& verb = verb_given(app);
  std::optional<std::string> text;
  if (dynamic_cast<const CLI::RequiredError*>(&problem) != nullptr) text = missing_in(verb);
  const bool is_misuse = dynamic_cast<const CLI::ArgumentMismatch*>(&problem) != nullptr ||
                         dynamic_cast<const CLI::ConversionError*>(&problem) != nullptr;
  if (is_misuse) text = misused_in(verb, problem.what());
  return text.value_or(problem.what());
}

}  // namespace

Verb::Verb(CLI::App& app, Verb*& chosen) : app_(app), chosen_(chosen) {
  app_.add_flag("--json", json_, "print one JSON object a line, and nothing else on stdout")
      ->disable_flag_override();
}

Verb& Verb::takes(std::initializer_list<Key> keys) {
  for (const Key key : keys) {
    const auto& known = info(key);
    std::string help(known.help);
    if (!known.fallback.empty()) help += fmt::format(" (default: {})", known.fallback);
    if (known.form == Form::flag) {
      app_.add_flag(option_name(key), flags_[key], help);
      continue;
    }
    auto& values = given_[key];
    auto* option = app_.add_option(option_name(key), values, help)->type_name(std::string(known.value));
    // One value a time, so that "--announce A ITEM" leaves ITEM alone.
    option->expected(1)->allow_extra_args(false);
    if (known.form == Form::list) option->take_all();
  }
  return *this;
}

Verb& Verb::flag(bool& into, const std::string& name, const std::string& help) {
  app_.add_flag(name, into, help)->disable_flag_override();
  return *this;
}

Verb& Verb::text(std::string& into, const std::string& name, const std::string& help, Need need) {
  as_argument(add_option(app_, into, name, help), name)->required(need == Need::required);
  return *this;
}

Verb& Verb::text(std::optional<std::string>& into, const std::string& name, const std::string& help) {
  add_read_option(
      app_, [&into](const std::string& given) { into = given; }, name, help);
  return *this;
}

Verb& Verb::texts(std::vector<std::string>& into, const std::string& name, const std::string& help,
                  Need need) {
  auto* option = as_argument(add_option(app_, into, name, help), name)->required(need == Need::required);
  if (name.starts_with('-')) option->expected(1)->allow_extra_args(false)->take_all();
  return *this;
}

Verb& Verb::number(std::uint64_t& into, const std::string& name, const std::string& help, Need need) {
  const std::string option = split_name(name).first;
  const auto read = [&into, option](const std::string& given) { into = number_given(option, given); };
  add_read_option(app_, read, name, help)->required(need == Need::required);
  return *this;
}

Verb& Verb::revision(std::uint64_t& into, const std::string& name, const std::string& help) {
  const std::string option = split_name(name).first;
  const auto read = [&into, option](const std::string& given) {
    into = number_given(option, given);
    if (into == 0) throw CLI::ValidationError(option + " 0: revisions begin with 1");
  };
  add_read_option(app_, read, name, help);
  return *this;
}

Verb& Verb::seconds(std::optional<double>& into, const std::string& name, const std::string& help,
                    SecondsLimits limits) {
  const std::string option = split_name(name).first;
  const auto read = [&into, option, limits](const std::string& given) {
    into = seconds_given(option, given, limits);
  };
  add_read_option(app_, read, name, help);
  return *this;
}

Verb& Verb::add_verb(VerbText text) {
  auto* below = app_.add_subcommand(text.name, text.summary)->footer(footer_of(text));
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
  app_->formatter(std::make_shared<HelpText>());  // Before there are verbs, which take it over.
  app_->require_subcommand(1);
  app_->set_version_flag("--version", "callboard " CALLBOARD_VERSION);
  app_->footer(kEnvironmentHelp);
  app_->get_formatter()->label("SUBCOMMAND", "VERB");
  app_->get_formatter()->label("Subcommands", "Verbs");
}

Program::~Program() = default;

Verb& Program::add_verb(VerbText text) {
  auto* added = app_->add_subcommand(text.name, text.summary)->group(group_);
  added->footer(footer_of(text));
  verbs_.push_back(std::unique_ptr<Verb>(new Verb(*added, chosen_)));
  return *verbs_.back();
}

int Program::run(int argc, const char* const* argv) {
  take_marks_off(*app_);
  try {
    app_->parse(marked_words(argc, argv));
  } catch (const CLI::Success& wanted) {  // --help, --version
    std::ostringstream text;
    app_->exit(wanted, text, text);
    output_.raw(text.str());
    return output_.is_complete() ? 0 : exit_code(Outcome::failed);
  } catch (const CLI::ParseError& problem) {
    output_.error(text_of(*app_, problem));
    output_.message("see " + full_name(verb_given(*app_)) + " --help");
    return exit_code(Outcome::usage);
  }
  auto ended = run_chosen();
  if (ended && !output_.is_complete()) ended = Error{Outcome::failed, "write the result to stdout failed"};
  if (ended) return exit_code(Outcome::done);
  if (!ended.error().text.empty()) output_.error(ended.error().text);
  // What others cancelled, as a server does that stops in order, was not stopped by whoever sits here.
  const bool is_theirs = ended.error().outcome == Outcome::cancelled && !interrupt_.is_requested();
  return exit_code(is_theirs ? Outcome::interrupted : ended.error().outcome);
}

Result<void> Program::run_chosen() {
  ENSURE(chosen_ != nullptr);
  output_.set_json(chosen_->json_);
  Settings::Sources sources{.command_line = {}, .environment = system_environment(), .directory = "."};
  for (const auto& [key, values] : chosen_->given_) {
    if (!values.empty()) sources.command_line.emplace(key, values);
  }
  for (const auto& [key, value] : chosen_->flags_) {
    if (!value.empty()) sources.command_line.emplace(key, std::vector<std::string>{value});
  }
  const auto settings = Settings::load(sources);
  if (!settings) return settings.error();
  for (const auto& warning : settings->warnings()) output_.warning(warning);
  Run run{.settings = *settings, .sources = sources, .output = output_, .interrupt = interrupt_};
  return chosen_->body_(run);
}

}  // namespace callboard::cli
