#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "base/document/parse.h"
#include "base/text.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

// kick, redirect, mute, unmute, grant, revoke, stop, restart: what some may do to others, and to the server.
// Each is a call of that name.
namespace callboard::cli {
namespace {

struct PeopleWords {
  std::string user;
  std::string reason;
  std::vector<std::string> permissions;
  bool agrees = false;
};

// What is asked, and how its success is said.
struct Deed {
  std::string call;
  JsonObject arguments;
  std::string event;
  std::string done;
};

// Of what was granted or revoked, what nothing asks for: misspelt, most likely.
void warn_of_unknown(Output& output, const std::string& answer) {
  const auto result = document::parse(answer);
  const auto unknown = result ? (*result)->member("unknown") : nullptr;
  if (unknown == nullptr || unknown->array() == nullptr) return;
  for (const document::ValuePtr& each : *unknown->array()) {
    if (each->string() == nullptr) continue;
    output.warning(
        fmt::format("no call, role or class of records here asks for a permission {}: is it meant so?",
                    callboard::quoted(*each->string())));
  }
}

Result<void> perform(Run& run, const Deed& deed) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto answer = (*visit)->wait((*visit)->access().call(deed.call, deed.arguments.text(), {}));
  if (!answer) return answer.error();
  warn_of_unknown(run.output, *answer);
  run.output.line(deed.done);
  run.output.object({{"event", deed.event}, {"result", JsonText{*answer}}});
  return {};
}

JsonObject about(const PeopleWords& words) {
  JsonObject arguments{{"user", words.user}};
  if (!words.reason.empty()) arguments.add("reason", words.reason);
  return arguments;
}

JsonObject with_permissions(const PeopleWords& words) {
  std::vector<JsonValue> names(words.permissions.begin(), words.permissions.end());
  return {{"user", words.user}, {"permission", std::move(names)}};
}

// On a terminal alone; elsewhere --yes must say it.
bool agrees(Run& run, const PeopleWords& words, std::string_view question) {
  if (words.agrees) return true;
  if (run.output.is_json() || isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) return false;
  run.output.message(std::string(question) + " [y/N]");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

Result<void> end_server(Run& run, const PeopleWords& words, bool is_restart) {
  const std::string project = run.settings.text(Key::project);
  const std::string_view what = is_restart ? "restart" : "stop";
  if (!agrees(run, words,
              fmt::format("{} the server of {} for everybody?", what, callboard::quoted(project))))
    return Error{Outcome::refused,
                 fmt::format("nothing was done: --yes says that you mean to {} it for everybody", what)};
  JsonObject arguments;
  if (!words.reason.empty()) arguments.add("reason", words.reason);
  return perform(run, {is_restart ? "server.restart" : "server.stop", std::move(arguments),
                       is_restart ? "restarting" : "stopping",
                       is_restart ? "the server starts anew" : "the server stops"});
}

Verb& takes_server(Verb& verb) {
  return verb.takes(
      {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file});
}

Verb& reason(Verb& verb, const std::shared_ptr<PeopleWords>& words) {
  return verb.text(words->reason, "--reason TEXT", "what they are told, and what the audit says");
}

}  // namespace

void add_kick(Program& program) {
  auto words = std::make_shared<PeopleWords>();
  Verb& kick = program.add_verb(
      {.name = "kick",
       .summary =
           "end the sessions of a user, or of everybody at an address; they do not come back by themselves",
       .example = "callboard kick rigging --reason \"the render node went wild\""});
  reason(takes_server(kick).text(words->user, "USER", "as `callboard users` shows it, or an address",
                                 Need::required),
         words)
      .runs([words](Run& run) {
        return perform(run, {"kick", about(*words), "kicked", "sent off " + escaped(words->user)});
      });
}

void add_redirect(Program& program) {
  struct Words : PeopleWords {
    std::vector<std::string> whom_and_where;  // USER ADDRESS; only ADDRESS with --all.
    bool all = false;
  };
  auto words = std::make_shared<Words>();
  Verb& redirect = program.add_verb(
      {.name = "redirect",
       .summary = "send a user, or everybody but yourself, to another server of the project; a join that "
                  "cannot join there ends",
       .example = "callboard redirect rigging 10.0.0.9\n"
                  "  callboard redirect --all 10.0.0.9:64646 --reason \"this machine gets a new disk\""});
  reason(takes_server(redirect)
             .texts(words->whom_and_where, "USER HOST[:PORT]", "as `callboard users` shows it, and where to",
                    Need::required)
             .flag(words->all, "--all", "everybody else: HOST[:PORT] alone"),
         words)
      .runs([words](Run& run) -> Result<void> {
        if (words->whom_and_where.size() != (words->all ? 1 : 2))
          return Error{Outcome::usage, "expected USER HOST[:PORT], or --all HOST[:PORT]"};
        const std::string& to = words->whom_and_where.back();
        JsonObject arguments{{"to", to}};
        if (words->all) arguments.add("all", true);
        if (!words->all) arguments.add("user", words->whom_and_where.front());
        if (!words->reason.empty()) arguments.add("reason", words->reason);
        const std::string who = words->all ? "everybody else" : escaped(words->whom_and_where.front());
        return perform(
            run, {"redirect", std::move(arguments), "redirected", "sent " + who + " to " + escaped(to)});
      });
}

void add_mute(Program& program) {
  auto words = std::make_shared<PeopleWords>();
  Verb& mute =
      program.add_verb({.name = "mute",
                        .summary = "keep a user from speaking until `unmute`, also under another session",
                        .example = "callboard mute rigging --reason \"not in this channel\""});
  reason(takes_server(mute).text(words->user, "USER", "as `callboard users` shows it", Need::required), words)
      .runs([words](Run& run) {
        return perform(run,
                       {"mute", about(*words), "muted", escaped(words->user) + " may not speak any more"});
      });
  Verb& unmute = program.add_verb(
      {.name = "unmute", .summary = "let a user speak again", .example = "callboard unmute rigging"});
  takes_server(unmute)
      .text(words->user, "USER", "whom `callboard mute` named", Need::required)
      .runs([words](Run& run) {
        return perform(run, {"unmute", about(*words), "unmuted", escaped(words->user) + " may speak again"});
      });
}

void add_grant(Program& program) {
  auto words = std::make_shared<PeopleWords>();
  Verb& grant = program.add_verb({.name = "grant",
                                  .summary = "give a user who is here permissions, until they leave",
                                  .example = "callboard grant rigging kick lock.break"});
  takes_server(grant)
      .text(words->user, "USER", "as `callboard users` shows it", Need::required)
      .texts(words->permissions, "PERMISSION", "like kick (docs/security.md)", Need::required)
      .runs([words](Run& run) {
        return perform(
            run, {"grant", with_permissions(*words), "granted", escaped(words->user) + " may that now"});
      });
  Verb& revoke = program.add_verb(
      {.name = "revoke",
       .summary = "take permissions from a user, whatever their role says, until they are granted again",
       .example = "callboard revoke rigging story.write"});
  takes_server(revoke)
      .text(words->user, "USER", "as `callboard users` shows it", Need::required)
      .texts(words->permissions, "PERMISSION", "like story.write (docs/security.md)", Need::required)
      .runs([words](Run& run) {
        return perform(run, {"revoke", with_permissions(*words), "revoked",
                             escaped(words->user) + " may not that any more"});
      });
}

void add_stop(Program& program) {
  auto words = std::make_shared<PeopleWords>();
  Verb& stop =
      program.add_verb({.name = "stop",
                        .summary = "stop the server that you are joined to, or would be, for everybody",
                        .example = "callboard stop --yes --reason \"new disks\""});
  reason(takes_server(stop), words).flag(words->agrees, "--yes", "do not ask back").runs([words](Run& run) {
    return end_server(run, *words, false);
  });
  Verb& restart = program.add_verb({.name = "restart",
                                    .summary = "start that server anew; who is joined comes back by itself",
                                    .example = "callboard restart --yes"});
  reason(takes_server(restart), words)
      .flag(words->agrees, "--yes", "do not ask back")
      .runs([words](Run& run) { return end_server(run, *words, true); });
}

}  // namespace callboard::cli
