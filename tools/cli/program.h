#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/output.h"
#include "tools/cli/settings.h"

namespace CLI {
class App;
}

namespace callboard::cli {

// What a verb's body works with.
struct Run {
  const Settings& settings;
  const Settings::Sources& sources;  // Where they came from, for who reads them again.
  Output& output;
  Interrupt& interrupt;
};
// The error's outcome becomes the exit code, its text goes to stderr; an empty text says nothing more.
using Body = std::function<Result<void>(Run& run)>;

struct VerbText {
  std::string name;
  std::string summary;
  std::string example;  // Lines shown below the help.
  std::string note{};   // Below the example: what it takes to understand what the verb does.
};

enum class Need { optional, required };

// A day at most, unless said otherwise: nobody waits for longer.
struct SecondsLimits {
  double min = 0;
  double max = 86'400;
};

// One verb's options and body. What an option is bound to must live until the body has run; keep it in a shared_ptr that
// the body holds.
class Verb {
 public:
  // The settings it understands, each an option too.
  Verb& takes(std::initializer_list<Key> keys);
  // `name` as "--force", "--from USER", or "ITEM" for what has no dashes; "USER HOST": several words that are one argument.
  Verb& flag(bool& into, const std::string& name, const std::string& help);
  Verb& text(std::string& into, const std::string& name, const std::string& help, Need need = Need::optional);
  // One that may be empty, and is something else then than one that is not given.
  Verb& text(std::optional<std::string>& into, const std::string& name, const std::string& help);
  Verb& texts(std::vector<std::string>& into, const std::string& name, const std::string& help,
              Need need = Need::optional);
  Verb& number(std::uint64_t& into, const std::string& name, const std::string& help,
               Need need = Need::optional);
  // One of what has revisions, from 1 on; `into` stays as it is when none is given.
  Verb& revision(std::uint64_t& into, const std::string& name, const std::string& help);
  Verb& seconds(std::optional<double>& into, const std::string& name, const std::string& help,
                SecondsLimits limits = {});
  // A verb below this one: `story get`. A verb that has some has no body.
  Verb& add_verb(VerbText text);
  void runs(Body body);

 private:
  friend class Program;
  Verb(CLI::App& app, Verb*& chosen);

  CLI::App& app_;
  Verb*& chosen_;  // The program's: set to this verb when the command line names it.
  Body body_;
  std::map<Key, std::vector<std::string>> given_;
  std::map<Key, std::string> flags_;  // "true", or what is behind the "=".
  bool json_ = false;
  std::vector<std::unique_ptr<Verb>> verbs_;
};

// The command line as a whole: `callboard VERB …`.
class Program {
 public:
  Program(Output& output, Interrupt& interrupt);
  ~Program();

  // The heading in --help of the verbs that are added from now on.
  void begin_group(std::string heading) { group_ = std::move(heading); }
  Verb& add_verb(VerbText text);
  // Parses, loads the settings, runs the chosen verb's body, and returns the exit code.
  int run(int argc, const char* const* argv);

 private:
  Result<void> run_chosen();

  Output& output_;
  Interrupt& interrupt_;
  std::unique_ptr<CLI::App> app_;
  Verb* chosen_ = nullptr;
  std::string group_;
  std::vector<std::unique_ptr<Verb>> verbs_;
};

}  // namespace callboard::cli
