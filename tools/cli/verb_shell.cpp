#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/text.h"
#include "tools/cli/call_line.h"
#include "tools/cli/calling.h"
#include "tools/cli/line_editor.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

bool begins_with(const std::string& text, std::string_view beginning) { return text.starts_with(beginning); }

// Calls, one a line.
class Shell {
 public:
  static Result<std::unique_ptr<Visit>> open(Run& run) {
    return Visit::open(run, Visit::Folder::unused, Visit::Stay::on);
  }
  Shell(Run& run, std::unique_ptr<Visit> visit) : run_(run), visit_(std::move(visit)) {}

  // The error of the last line that had one: what a script's exit code is.
  Result<void> loop() {
    LineEditor editor(
        [this](std::string_view line, std::string_view word) { return completions(line, word); });
    const auto stopping = run_.interrupt.listen([&editor] { editor.stop(); });
    Result<void> ended;
    // Ctrl-C during a call breaks that off; at the prompt, and of a script, it ends the shell.
    while (const auto line = editor.read("callboard> ")) {
      const auto said = call_line_from(*line);
      if (said && !*said) continue;
      if (said && ((*said)->name == "quit" || (*said)->name == "exit")) break;
      auto done = said ? perform(**said) : Result<void>(said.error());
      if (run_.interrupt.is_requested()) break;
      if (done) continue;
      run_.output.error(done.error().text);
      ended = Error{done.error().outcome, ""};
    }
    if (run_.interrupt.is_requested()) return Error{Outcome::cancelled, ""};
    return ended;
  }

 private:
  Result<void> perform(const CallLine& line) {
    // Anew for each line: what can be called changes.
    auto catalogue = CallCatalogue::fetch(*visit_);
    // The join that this went through has gone: another one, or a stay of its own.
    if (!catalogue && catalogue.error().outcome == Outcome::interrupted && visit_->is_through_agent()) {
      auto other = open(run_);
      if (!other) return other.error();
      visit_ = std::move(*other);
      catalogue = CallCatalogue::fetch(*visit_);
    }
    if (!catalogue) return catalogue.error();
    if (line.name == "help" || line.name == "calls") {
      return print_calls(run_.output, *catalogue, line.words.empty() ? "" : line.words.front().text);
    }
    auto arguments = catalogue->arguments_of(line.name, line.words);
    if (!arguments) return arguments.error();
    client::CallOptions options;
    options.op = make_operation_id(system_clock().wall(), system_random());
    // Not make_unique: a Listener cannot be moved. Of a script the visit ends, and the call with it.
    std::unique_ptr<Interrupt::Listener> breaking;
    if (is_typed_) {
      breaking.reset(new Interrupt::Listener(
          run_.interrupt.on_break([this, op = options.op] { visit_->access().cancel_call(op); })));
    }
    return make_call(run_, *visit_, line.name, *arguments, std::move(options));
  }

  // The first word is a call; the others may be somebody who is here, or an item.
  std::vector<std::string> completions(std::string_view line, std::string_view word) {
    std::vector<std::string> found;
    const auto add = [&](const std::string& text) {
      if (begins_with(text, word)) found.push_back(text);
    };
    if (line.find_first_not_of(' ') == std::string_view::npos) {
      if (const auto catalogue = CallCatalogue::fetch(*visit_)) {
        for (const CallDescription& each : catalogue->descriptions()) add(each.name);
      }
      for (const char* own : {"calls", "exit", "help", "quit"}) add(own);
    } else if (begins_with(std::string(word), "/")) {
      if (const auto assets = visit_->wait(visit_->access().assets())) {
        for (const auto& [item, copy] : *assets) add(item);
      }
    } else if (const auto users = visit_->wait(visit_->access().users())) {
      for (const client::User& each : *users) add(each.name);
    }
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }

  Run& run_;
  std::unique_ptr<Visit> visit_;
  const bool is_typed_ = ::isatty(STDIN_FILENO) == 1;
};

Result<void> shell(Run& run) {
  auto visit = Shell::open(run);
  if (!visit) return visit.error();
  return Shell(run, std::move(*visit)).loop();
}

}  // namespace

void add_shell(Program& program) {
  program
      .add_verb(
          {.name = "shell",
           .summary =
               "type calls, one a line: kick(rigging), name(arg, \"quoted, arg\"), or name arg; help, quit",
           .example = "callboard shell\n  echo 'server.info()' | callboard shell --json"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .runs(shell);
}

}  // namespace callboard::cli
