#include "server/people_calls.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/document/build.h"
#include "base/text.h"

namespace callboard::server {
namespace {

// The address without the port, which says nothing later.
People::By by(const Caller& caller) { return {caller.identity, caller.host()}; }

CallValue nothing_or(const Result<void>& done) {
  if (!done) return done.error();
  return document::make_null();
}

std::vector<std::string> texts_of(const CallArguments& arguments, std::string_view name) {
  std::vector<std::string> texts;
  for (const document::ValuePtr& each : arguments.list(name)) {
    if (const std::string* text = each->string()) texts.push_back(*text);
  }
  return texts;
}

CallArgument user_argument() {
  return {.name = "user", .type = ValueType::user, .summary = "by the name that `callboard users` shows"};
}
CallArgument reason_argument() {
  return {.name = "reason", .summary = "what they are told, and the audit", .is_optional = true};
}
CallArgument permissions_argument() {
  return {.name = "permission", .summary = "like kick or story.write", .is_repeated = true};
}

void add_muting(CallRegistry& registry, People& people) {
  registry.add_built_in({.description = {.name = "mute",
                                         .summary = "keeps somebody from speaking until unmute",
                                         .category = "people",
                                         .permission = "mute",
                                         .arguments = {user_argument(), reason_argument()}},
                         .run = InlineRun([&people](const Caller& caller, const CallArguments& arguments) {
                           return nothing_or(
                               people.mute(by(caller), arguments.text("user"), arguments.text("reason")));
                         })});
  registry.add_built_in({.description = {.name = "unmute",
                                         .summary = "lets somebody speak again",
                                         .category = "people",
                                         .permission = "mute",
                                         .arguments = {user_argument()}},
                         .run = InlineRun([&people](const Caller& caller, const CallArguments& arguments) {
                           return nothing_or(people.unmute(by(caller), arguments.text("user")));
                         })});
}

void add_redirecting(CallRegistry& registry, People& people) {
  registry.add_built_in(
      {.description = {.name = "redirect",
                       .summary =
                           "sends a user, or everybody, to another server of the project, where they join by "
                           "themselves",
                       .category = "people",
                       .permission = "kick",
                       .arguments = {{.name = "to", .summary = "HOST or HOST:PORT of the other server"},
                                     {.name = "user",
                                      .summary = "a name that `callboard users` shows",
                                      .is_optional = true},
                                     {.name = "all",
                                      .type = ValueType::boolean,
                                      .summary = "everybody, in place of a user",
                                      .is_optional = true},
                                     reason_argument()},
                       .result = ValueType::map},
       .run = InlineRun([&people](const Caller& caller, const CallArguments& arguments) -> CallValue {
         if (arguments.text("user").empty() != arguments.flag("all"))
           return Error{Outcome::usage, "redirect: expected a user, or all, one of them"};
         const auto sent = people.redirect(by(caller), arguments.text("user"), arguments.text("to"),
                                           arguments.text("reason"));
         if (!sent) return sent.error();
         return document::make_object({{"sessions", document::make_number(*sent)}});
       })});
}

// {"unknown": […]}: those of the permissions that nothing asks for.
CallValue unknown_of(const std::vector<std::string>& permissions, const KnowsPermission& knows) {
  document::Array unknown;
  for (const std::string& each : permissions) {
    if (!knows(each)) unknown.push_back(document::make_text(each));
  }
  return document::make_object({{"unknown", document::make_array(std::move(unknown))}});
}

void add_granting(CallRegistry& registry, People& people, KnowsPermission knows) {
  const auto add = [&registry, &people, knows = std::move(knows)](std::string name, std::string summary,
                                                                  auto change) {
    registry.add_built_in(
        {.description = {.name = std::move(name),
                         .summary = std::move(summary),
                         .category = "people",
                         .permission = "grant",
                         .arguments = {user_argument(), permissions_argument()},
                         .result = ValueType::map},
         .run = InlineRun(
             [&people, knows, change](const Caller& caller, const CallArguments& arguments) -> CallValue {
               const auto permissions = texts_of(arguments, "permission");
               const auto done = (people.*change)(by(caller), arguments.text("user"), permissions);
               return done ? unknown_of(permissions, knows) : CallValue(done.error());
             })});
  };
  add("grant", "gives somebody permissions until they leave", &People::grant);
  add("revoke", "takes permissions from somebody, whatever their role says, until they are granted again",
      &People::revoke);
}

}  // namespace

void add_people_calls(CallRegistry& registry, People& people, KnowsPermission knows) {
  registry.add_built_in(
      {.description = {.name = "kick",
                       .summary = "ends the sessions of a user, or of everybody at an address; they do not "
                                  "come back by themselves",
                       .category = "people",
                       .permission = "kick",
                       .arguments = {{.name = "user",
                                      .summary = "a name that `callboard users` shows, or an address"},
                                     reason_argument()},
                       .result = ValueType::map},
       .run = InlineRun([&people](const Caller& caller, const CallArguments& arguments) -> CallValue {
         const auto ended = people.kick(by(caller), arguments.text("user"), arguments.text("reason"));
         if (!ended) return ended.error();
         return document::make_object({{"sessions", document::make_number(*ended)}});
       })});
  add_redirecting(registry, people);
  add_muting(registry, people);
  add_granting(registry, people, std::move(knows));
}

void add_control_calls(CallRegistry& registry, People& people, ServerControl given) {
  const auto control = std::make_shared<const ServerControl>(std::move(given));
  const auto reason_of = [](const Caller& caller, std::string_view what, const CallArguments& arguments) {
    const std::string reason = arguments.text("reason");
    return std::string(what) + " by " + callboard::quoted(caller.identity.name) +
           (reason.empty() ? "" : ": " + escaped(reason, 256));
  };
  registry.add_built_in(
      {.description = {.name = "server.stop",
                       .summary = "ends the server; everybody is told",
                       .category = "server",
                       .permission = "stop",
                       .arguments = {reason_argument()}},
       .run = InlineRun(
           [&people, control, reason_of](const Caller& caller, const CallArguments& arguments) -> CallValue {
             people.note(by(caller), "stop", "", arguments.text("reason"));
             control->stop(reason_of(caller, "stopped", arguments));
             return document::make_null();
           })});
  registry.add_built_in(
      {.description = {.name = "server.restart",
                       .summary = "starts the server anew; everybody is told, and comes back by themselves",
                       .category = "server",
                       .permission = "restart",
                       .arguments = {reason_argument()}},
       .run = LaterRun([&people, control, reason_of](const Caller& caller, const CallArguments& arguments,
                                                     std::shared_ptr<CallRun> run) {
         control->check_restart(
             [&people, control, run = std::move(run), who = by(caller), reason = arguments.text("reason"),
              told = reason_of(caller, "restarted", arguments)](const Result<void>& checked) {
               // Whoever cancelled it, or was told that it took too long, relies on that nothing is done.
               if (run->is_over()) return;
               if (!checked) return run->answer(checked.error());
               people.note(who, "restart", "", reason);
               run->answer(document::make_null());
               control->restart(told);
             });
       })});
}

}  // namespace callboard::server
