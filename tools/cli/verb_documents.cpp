#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>

#include "base/document/parse.h"
#include "base/limits.h"
#include "base/text.h"
#include "tools/cli/locked_items.h"
#include "tools/cli/objects.h"
#include "tools/cli/page_place.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

// story get|set|patch, analytics get|set|patch.
namespace callboard::cli {
namespace {

using Name = client::DocumentName;

struct SetWords {
  std::string content;
  std::optional<std::string> pointer;
  std::uint64_t base = 0;
};

struct FileCloser {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};

// "-" is standard input.
Result<std::string> read_document(const std::string& path) {
  const std::unique_ptr<std::FILE, FileCloser> file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
  const std::string doing = "read " + callboard::quoted(path);
  if (!file) return os_error(doing, errno);
  std::string content;
  std::vector<char> buffer(256 * KiB);
  while (const std::size_t size_bytes = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    content.append(buffer.data(), size_bytes);
    if (content.size() <= kFrameMax) continue;
    return Error{Outcome::usage,
                 fmt::format("{}: expected at most {}, it is longer", doing, human_bytes(kFrameMax))};
  }
  if (std::ferror(file.get()) != 0) return os_error(doing, errno);
  return content;
}

Result<void> get(Run& run, Name name, const std::string& at) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  client::DocumentQuery query{.document = name};
  if (!at.empty()) query.at = at;
  const auto document = (*visit)->wait((*visit)->access().read(query));
  if (!document) return document.error();
  if (document->revision == 0) {
    return Error{Outcome::not_found, fmt::format("there is no {} yet", name_of(name))};
  }
  if (!run.output.is_json()) {
    run.output.raw(*document->text);
    if (!document->text->ends_with('\n')) run.output.raw("\n");
    // What is made of it is said to be made of that: --base.
    run.output.message(fmt::format("{} is at revision {}", name_of(name), document->revision));
    return {};
  }
  auto object = document_object(name_of(name), *document);
  object.add("document", JsonText{*document->text});
  run.output.object(object);
  return {};
}

// What a change met, of what is open still, as far as the server tells; the change is done, whatever becomes of this.
struct Met {
  std::uint64_t places = 0;  // One conflict may be about many, and several about one.
  std::optional<client::Conflict> first;
};

Met met_by(Visit& visit, Name name, const client::WriteResult& result) {
  Met met;
  std::set<std::string> single;
  PagePlace place("conflicts", PagePlace::Way::up);
  for (;;) {
    const auto conflicts = visit.wait(visit.access().conflicts(place.at()));
    if (!conflicts) return {};
    if (conflicts->empty()) break;
    for (const client::Conflict& each : *conflicts) {
      const bool is_its = each.winner.revision == result.revision || each.loser.revision == result.revision;
      if (each.document != name || !is_its) continue;
      if (!met.first) met.first = each;
      if (each.places == 1) {
        single.insert(each.at);
      } else {
        met.places += each.places;
      }
    }
    if (!place.move_to(conflicts->back().number)) break;
  }
  met.places += single.size();
  return met;
}

Error met_others(const Met& met, const client::WriteResult& result) {
  if (result.conflicts == 1 && met.first) {
    const client::Conflict& conflict = *met.first;
    const bool is_winner = conflict.winner.revision == result.revision;
    const client::ConflictSide& other = is_winner ? conflict.loser : conflict.winner;
    return {Outcome::superseded,
            fmt::format("{} {} met a change of {}: {} in conflict {}; see `callboard conflicts`",
                        name_of(conflict.document), place_of(conflict), callboard::quoted(other.user),
                        !is_winner   ? "theirs stands, yours is"
                        : result.won ? "yours stands, theirs is"
                                     : "yours is the newer, but not all of it stands; theirs is",
                        conflict.number)};
  }
  const std::uint64_t places = met.places == 0 ? result.conflicts : met.places;
  std::string where = places == 1 ? "one place" : fmt::format("{} places", places);
  if (places != result.conflicts) where += fmt::format(", {} conflicts", result.conflicts);
  return {Outcome::superseded,
          fmt::format("these changes met somebody else's in {}; see `callboard conflicts`", where)};
}

Result<void> report(Run& run, Visit& visit, Name name, const client::WriteResult& result) {
  auto object = document_object(name_of(name), result.current);
  object.add("won", result.won);
  object.add("number", result.revision);
  object.add("conflicts", result.conflicts);
  run.output.object(object);
  if (!result.won && result.conflicts == 0) {
    return Error{
        Outcome::superseded,
        // Who wrote last need not be who it lost to.
        fmt::format("it lost to something newer, or some of it did: what stands is {0}@{1}; all that yours "
                    "said is in the history, see `callboard show {0}@{2} --written`",
                    name_of(name), result.current.revision, result.revision)};
  }
  if (result.won) run.output.line(fmt::format("{} is at revision {}", name_of(name), result.revision));
  if (result.conflicts == 0) return {};
  return met_others(met_by(visit, name, result), result);
}

// What a person takes for the revision that they had: one that is still to come would be taken for the newest, and what
// others changed meanwhile for seen. Without a server it is not known what there is.
Result<void> check_base(Visit& visit, const client::DocumentChange& change) {
  if (change.base == 0) return {};
  const auto here = visit.wait(visit.access().workstation());
  if (!here) return here.error();
  if (!here->is_joined) return {};
  // The history, not the document, which may be large; and what changed nothing, or did not stand, is a revision of its own all
  // the same, whose number its writer was told.
  const auto history = visit.wait(visit.access().history({.document = change.document}));
  if (!history) return history.error();
  const std::uint64_t newest = history->revisions.empty() ? 0 : history->revisions.front().revision;
  if (change.base <= newest) return {};
  const auto name = name_of(change.document);
  const std::string what_is = newest == 0 ? fmt::format("there is no {} yet", name)
                                          : fmt::format("the newest is {}@{}", name, newest);
  return Error{Outcome::usage, fmt::format("--base {}: there is no such revision, {}", change.base, what_is)};
}

// A whole that nobody said what it was made of took the place of somebody else's: they are named, and what was theirs.
void report_replaced(Run& run, Visit& visit, Name name, std::uint64_t revision) {
  const auto history = visit.wait(visit.access().history({.document = name, .before = revision + 1}));
  if (!history || history->revisions.empty() || history->revisions.front().revision != revision) return;
  const std::string& user = history->revisions.front().user;
  const auto before =
      std::find_if(history->revisions.begin() + 1, history->revisions.end(),
                   [](const client::Revision& each) { return each.stands || each.is_partly; });
  if (before == history->revisions.end() || before->user == user) return;
  const std::string theirs = fmt::format("{}@{}", name_of(name), before->revision);
  run.output.message(
      fmt::format("it took the place of {} by {}; what differs: `callboard diff {} {}@{}`; with --base "
                  "others' changes stay",
                  theirs, callboard::quoted(before->user), theirs, name_of(name), revision));
}

Result<void> change(Run& run, client::DocumentChange change) {
  const Name name = change.document;
  const bool is_blind = change.base == 0 && !change.at && !change.patch;
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  if (auto sound = check_base(**visit, change); !sound) return sound;
  if (auto free = check_locks(run, **visit, change); !free) return free;
  const auto result = (*visit)->wait((*visit)->access().change(std::move(change)));
  if (!result) return result.error();
  if (result->kept) return report_kept(run, "the change");
  auto reported = report(run, **visit, name, *result);
  if (is_blind && reported) report_replaced(run, **visit, name, result->revision);
  return reported;
}

// The same with what was read from a file, which is named where it is no JSON.
Result<void> change_from(Run& run, const std::string& file, client::DocumentChange wanted) {
  const std::string content = wanted.content;
  auto changed = change(run, std::move(wanted));
  const bool may_be_no_json = !changed && changed.error().outcome == Outcome::usage;
  if (may_be_no_json && !document::parse(content)) return changed.error().prefixed(callboard::quoted(file));
  return changed;
}

// A value that is no JSON, mostly because the shell took its quotes. What it may be instead is left to whoever reads it.
Result<void> check_value(const std::string& value) {
  const auto parsed = document::parse(value);
  if (parsed) return {};
  const bool is_word = value.find_first_of("{}[]\"'") == std::string::npos;
  std::string hint = "; quote JSON for the shell, like '{\"name\": \"gate\"}'";
  if (is_word) hint = fmt::format("; a text is JSON with its quotes: '\"{}\"'", escaped(value, 64));
  return Error{Outcome::usage, "value " + callboard::quoted(value) + ": " + parsed.error().text + hint};
}

Result<void> set(Run& run, Name name, const SetWords& words) {
  client::DocumentChange wanted{.document = name, .base = words.base};
  if (words.pointer) {
    if (auto sound = check_value(words.content); !sound) return sound;
    wanted.content = words.content;
    wanted.at = words.pointer;
    return change(run, std::move(wanted));
  }
  auto content = read_document(words.content);
  if (!content) return content.error();
  wanted.content = std::move(*content);
  return change_from(run, words.content, std::move(wanted));
}

Result<void> patch(Run& run, Name name, const SetWords& words) {
  auto content = read_document(words.content);
  if (!content) return content.error();
  return change_from(run, words.content,
                     {.document = name, .content = std::move(*content), .base = words.base, .patch = true});
}

constexpr std::initializer_list<Key> kDocumentKeys = {
    Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file};
constexpr const char* kBaseHelp =
    "the revision it was made from, as `get` tells it: what others changed elsewhere since then stays "
    "(default: unknown)";

void add_writers(Verb& verb, Name document) {
  const std::string name(name_of(document));
  auto set_words = std::make_shared<SetWords>();
  verb.add_verb({.name = "set",
                 .summary = "make FILE the " + name +
                            ", or VALUE a part of it; with --base what others changed elsewhere since stays",
                 .example = "callboard " + name + " set " + name + ".json\n  callboard " + name +
                            " set --at /scenes/3/shots/1 '{\"name\":\"gate\"}'"})
      .takes(kDocumentKeys)
      .text(set_words->content, "FILE",
            "a JSON document, - for standard input; with --at the value itself, as JSON", Need::required)
      .text(set_words->pointer, "--at POINTER", "set only what is there; elements also by id or name")
      .revision(set_words->base, "--base REVISION", kBaseHelp)
      .runs([document, set_words](Run& run) { return set(run, document, *set_words); });
  auto patch_words = std::make_shared<SetWords>();
  verb.add_verb({.name = "patch",
                 .summary = "apply a JSON Patch (RFC 6902) to the " + name,
                 .example = "callboard " + name + " patch changes.json --base 41"})
      .takes(kDocumentKeys)
      .text(patch_words->content, "FILE", "the patch, - for standard input", Need::required)
      .revision(patch_words->base, "--base REVISION", kBaseHelp)
      .runs([document, patch_words](Run& run) { return patch(run, document, *patch_words); });
}

void add_document(Program& program, Name document) {
  const std::string name(name_of(document));
  Verb& verb = program.add_verb({.name = name,
                                 .summary = "read or write the project's " + name,
                                 .example = "callboard " + name + " get"});
  auto at = std::make_shared<std::string>();
  verb.add_verb({.name = "get",
                 .summary = "print the " + name + ", or a part of it",
                 .example = "callboard " + name + " get > " + name + ".json"})
      .takes(kDocumentKeys)
      .text(*at, "--at POINTER", "only what is there, e.g. /scenes/3; elements also by id or name")
      .runs([document, at](Run& run) { return get(run, document, *at); });
  add_writers(verb, document);
}

}  // namespace

void add_story(Program& program) { add_document(program, Name::story); }
void add_analytics(Program& program) { add_document(program, Name::analytics); }

}  // namespace callboard::cli
