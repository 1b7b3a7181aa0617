#include <fmt/format.h>

#include "base/text.h"
#include "tools/cli/objects.h"
#include "tools/cli/page_place.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

Result<void> list_messages(Run& run, std::uint64_t since) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  PagePlace place("messages", PagePlace::Way::up, since);
  bool is_any = false;
  // The server tells some at a time.
  for (;;) {
    const auto messages = (*visit)->wait((*visit)->access().messages(place.at()));
    if (!messages) return messages.error();
    if (messages->empty()) {
      if (!is_any) run.output.message("nothing was said");
      return {};
    }
    is_any = true;
    for (const client::Message& each : *messages) {
      run.output.line(fmt::format("{:>5}  {}  {}: {}", each.number, when(each.timestamp),
                                  run.output.styled(Style::bold, escaped(each.user)), escaped(each.text)));
      run.output.object(message_object(each));
    }
    if (const auto moved = place.move_to(messages->back().number); !moved) return moved;
  }
}

Result<void> say(Run& run, const std::vector<std::string>& words) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  const auto number = (*visit)->wait((*visit)->access().say(text));
  if (!number) return number.error();
  if (*number == 0) return report_kept(run, "what you said");
  run.output.line(fmt::format("said as message {}", *number));
  run.output.object({{"event", "said"}, {"number", *number}});
  return {};
}

}  // namespace

void add_messages(Program& program) {
  auto since = std::make_shared<std::uint64_t>(0);
  program
      .add_verb({.name = "messages", .summary = "what was said", .example = "callboard messages --since 41"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .number(*since, "--since N", "only what came after message N")
      .runs([since](Run& run) { return list_messages(run, *since); });
}

void add_say(Program& program) {
  auto words = std::make_shared<std::vector<std::string>>();
  program
      .add_verb({.name = "say",
                 .summary = "say something to everybody in the project",
                 .example = "callboard say \"the new Moria is ready\""})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .texts(*words, "TEXT", "what to say", Need::required)
      .runs([words](Run& run) { return say(run, *words); });
}

}  // namespace callboard::cli
