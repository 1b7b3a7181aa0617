#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "base/document/parse.h"
#include "base/text.h"
#include "tools/cli/locked_items.h"
#include "tools/cli/objects.h"
#include "tools/cli/record_history.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

// records, record: what is on the board besides documents, and changing it.
namespace callboard::cli {
namespace {

constexpr std::initializer_list<Key> kRecordKeys = {Key::project,        Key::name, Key::folder,  Key::server,
                                                    Key::discovery_port, Key::ask,  Key::key_file};

// {"status":"ok","takes":3} as "status=ok takes=3".
std::string fields_line(const client::Record& record) {
  const auto fields = document::parse(record.fields);
  if (!fields || (*fields)->object() == nullptr) return escaped(record.fields);
  std::string line;
  for (const document::Member& each : *(*fields)->object()) {
    line += fmt::format("{}{}={}", line.empty() ? "" : " ", escaped(each.key),
                        field_text(record.record_class, each));
  }
  return line;
}

void show_record(Output& output, const client::Record& record) {
  const std::string owner = record.owner_name.empty() ? "" : ", " + escaped(record.owner_name) + "'s";
  output.line(fmt::format("{}  {}{}  {}", output.styled(Style::bold, escaped(record.path)),
                          escaped(record.record_class), owner, fields_line(record)));
  output.object(record_object(record));
}

void show_gone(Output& output, const client::RecordGone& gone) {
  output.line(fmt::format("{}  {}", output.styled(Style::bold, escaped(gone.path)),
                          gone.left ? "is not here any more" : "removed"));
  output.object({{"event", "gone"}, {"path", gone.path}, {"left", gone.left}});
}

class Follower final : public client::Listener {
 public:
  explicit Follower(Output& output) : output_(output) {}

  void on_records(const client::RecordNews& news) override {
    for (const client::Record& each : news.changed) show_record(output_, each);
    for (const client::RecordGone& each : news.gone) show_gone(output_, each);
  }
  void on_joined(std::string_view, const client::User&) override {
    if (std::exchange(is_away_, false)) output_.message("the server is there again");
  }
  void on_left(const Error& why, bool will_rejoin) override {
    if (will_rejoin && !std::exchange(is_away_, true)) output_.message(why.text + "; waiting for it");
  }
  void on_warning(std::string_view text) override { output_.warning(std::string(text)); }

 private:
  Output& output_;
  bool is_away_ = false;
};

// A visit of its own, until Ctrl-C: the agent answers, and tells nobody what happens.
Result<void> follow(Run& run, const std::string& zone) {
  auto options = client_options(run);
  if (!options) return options.error();
  options->visit = options->stays = true;
  options->folder.clear();
  Follower follower(run.output);
  auto client = client::Client::start(std::move(*options), &follower);
  if (!client) return client.error();
  const Interrupt::Listener listening = run.interrupt.listen([&] { (*client)->leave(); });
  if (auto joined = (*client)->joined().get(); !joined) return joined.error();
  if (auto entered = (*client)->enter(zone).get(); !entered) return entered.error();
  const auto left = (*client)->left().get();
  if (run.interrupt.is_requested()) return Error{Outcome::cancelled, ""};
  return left ? Result<void>() : Result<void>(left.error());
}

Result<void> list(Run& run, const std::string& zone) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto records = (*visit)->wait((*visit)->access().records(zone));
  if (!records) return records.error();
  for (const client::Record& each : *records) show_record(run.output, each);
  if (records->empty()) run.output.message("there are none");
  return {};
}

struct RecordWords {
  std::string path;
  std::string record_class;
  std::vector<std::string> fields;
  std::string to;
  std::uint64_t base = 0;
};

// NAME=VALUE: what is JSON is that, anything else is text.
Result<std::string> fields_of(const std::vector<std::string>& words) {
  document::Object fields;
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{Outcome::usage, fmt::format("expected FIELD=VALUE, got {}", callboard::quoted(word))};
    }
    const std::string name = word.substr(0, equals);
    if (std::ranges::find(fields, name, &document::Member::key) != fields.end())
      return Error{Outcome::usage, fmt::format("field {}: given twice", callboard::quoted(name))};
    std::string text = word.substr(equals + 1);
    if (!is_utf8(word)) return Error{Outcome::usage, callboard::quoted(word) + ": expected UTF-8"};
    auto value = document::parse(text);
    fields.push_back({name, value ? *value : document::make_value(std::move(text))});
  }
  return document::print(*document::make_value(std::move(fields)));
}

Result<SessionId> session_of(Visit& visit, const std::string& user) {
  const auto users = visit.wait(visit.access().users());
  if (!users) return users.error();
  for (const client::User& each : *users) {
    if (each.name == user) return each.session;
  }
  return Error{Outcome::not_found, fmt::format("nobody named {} is here", callboard::quoted(user))};
}

Result<void> change(Run& run, RecordAction action, const RecordWords& words) {
  client::RecordChange change;
  change.action = action;
  change.path = words.path;
  change.record_class = words.record_class;
  change.base = words.base;
  if (action != RecordAction::give && action != RecordAction::remove) {
    auto fields = fields_of(words.fields);
    if (!fields) return fields.error();
    change.fields = std::move(*fields);
  }
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  if (action == RecordAction::give) {
    const auto to = session_of(**visit, words.to);
    if (!to) return to.error();
    change.to = *to;
  }
  if (auto free = check_locks(run, **visit, {words.path}, Below::left_out, IfLocked::warn); !free)
    return free;
  const auto revision = (*visit)->wait((*visit)->access().record(std::move(change)));
  if (!revision) return revision.error();
  run.output.object({{"event", "changed"},
                     {"path", words.path},
                     {"do", std::string(to_text(action))},
                     {"revision", *revision}});
  return {};
}

struct ChangeVerb {
  RecordAction action;
  const char* summary;
  const char* example;
};

void add_change(Verb& record, const ChangeVerb& text) {
  auto words = std::make_shared<RecordWords>();
  const RecordAction action = text.action;
  Verb& verb = record.add_verb({std::string(to_text(action)), text.summary, text.example});
  verb.takes(kRecordKeys).text(words->path, "PATH", "of the record", Need::required);
  const bool may_make = action == RecordAction::make || action == RecordAction::put;
  if (may_make) {
    verb.text(words->record_class, "--class CLASS",
              "of what is made, one of the server's schema (serve --schema, docs/records.md)",
              action == RecordAction::make ? Need::required : Need::optional);
  }
  if (may_make || action == RecordAction::set)
    verb.texts(words->fields, "FIELDS",
               "each FIELD=VALUE; VALUE is JSON, or else text; null takes a field away");
  if (action == RecordAction::give) verb.text(words->to, "--to USER", "who has joined", Need::required);
  if (action != RecordAction::make) {
    verb.revision(words->base, "--base N", "only if the record is at this revision");
  }
  verb.runs([action, words](Run& run) { return change(run, action, *words); });
}

}  // namespace

void add_records(Program& program) {
  auto zone = std::make_shared<std::string>("/");
  auto is_following = std::make_shared<bool>(false);
  program
      .add_verb({.name = "records",
                 .summary = "the records at a path and below it",
                 .example = "callboard records \"/rnd/*/lighting\" --follow"})
      .takes(kRecordKeys)
      .text(*zone, "ZONE", "a path, in which * is any one component (default: / for all)")
      .flag(*is_following, "--follow", "go on, and show what changes, until Ctrl-C")
      .runs([zone, is_following](Run& run) { return *is_following ? follow(run, *zone) : list(run, *zone); });
}

void add_record(Program& program) {
  Verb& record =
      program.add_verb({.name = "record",
                        .summary = "change a record of the board, of a class in the server's --schema",
                        .example = "callboard record make /reviews/sc01 --class review status=open"});
  add_change(record, {RecordAction::make, "make one",
                      "callboard record make /reviews/sc01 --class review status=open takes=3"});
  add_change(record, {RecordAction::set, "set some of its fields",
                      "callboard record set /reviews/sc01 status=ok 'note=\"3\"'"});
  add_change(record, {RecordAction::put, "set all of its fields; with --class, make it where there is none",
                      "callboard record put /reviews/sc01 --class review status=open"});
  add_change(record, {RecordAction::give, "give it to another owner",
                      "callboard record give /reviews/sc01 --to lighting"});
  add_change(record, {RecordAction::remove, "remove it", "callboard record remove /reviews/sc01"});
}

}  // namespace callboard::cli
