#include <fmt/format.h>

#include <charconv>
#include <ctime>

#include "base/document/parse.h"
#include "base/text.h"
#include "tools/cli/locked_items.h"
#include "tools/cli/objects.h"
#include "tools/cli/page_place.h"
#include "tools/cli/record_history.h"
#include "tools/cli/show_patch.h"
#include "tools/cli/verbs.h"
#include "tools/cli/version_name.h"
#include "tools/cli/visit.h"

// history, show, diff, restore: what the documents and the records were.
namespace callboard::cli {

bool names_version(std::string_view text) {
  return text.starts_with("story@") || text.starts_with("analytics@");
}

Result<VersionName> version_name(std::string_view text) {
  VersionName name;
  const auto at = text.find('@');
  const std::string_view digits = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), name.revision);
  const bool is_number =
      !digits.empty() && parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
  if (!names_version(text) || !is_number || name.revision == 0) {
    return Error{Outcome::usage,
                 fmt::format("expected a version like story@41, analytics@7 or /reviews/sc01@41, got {}",
                             callboard::quoted(text))};
  }
  if (text.starts_with("analytics@")) name.document = client::DocumentName::analytics;
  return name;
}

Result<void> restore_version(Run& run, const std::string& text) {
  const auto name = version_name(text);
  if (!name) return name.error();
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  client::DocumentChange change{.document = name->document, .restore = name->revision};
  if (auto free = check_locks(run, **visit, change); !free) return free;
  const auto result = (*visit)->wait((*visit)->access().change(std::move(change)));
  if (!result) return result.error();
  if (result->kept) return report_kept(run, "the change");
  run.output.line(fmt::format("{} is again what it was at revision {}; this is revision {}",
                              name_of(name->document), name->revision, result->revision));
  run.output.object({{"event", "restored"},
                     {"document", name_of(name->document)},
                     {"restored", name->revision},
                     {"revision", result->revision}});
  return {};
}

namespace {

Result<client::DocumentName> document_name(std::string_view text) {
  if (text == "story") return client::DocumentName::story;
  if (text == "analytics") return client::DocumentName::analytics;
  return Error{Outcome::usage, fmt::format("expected story, analytics or a record like /reviews/sc01, got {}",
                                           callboard::quoted(text))};
}

Error bad_since(std::string_view text) {
  return Error{Outcome::usage, fmt::format("--since {}: expected 90m, 2h, 3d or a time like 2026-11-24 or "
                                           "2026-11-24T13:52",
                                           callboard::quoted(text))};
}

// A time, of this machine's own zone where it is read as one; or so long ago.
struct Since {
  Timestamp time;
  std::int64_t minutes_ago = -1;
};

Result<Since> since_of(const std::string& text) {
  if (text.empty()) return Since{};
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(parsed.ptr, static_cast<std::size_t>(text.data() + text.size() - parsed.ptr));
  constexpr std::int64_t kMost = 1'000'000;
  if (parsed.ec == std::errc() && number >= 0 && number <= kMost &&
      (unit == "m" || unit == "h" || unit == "d")) {
    return Since{{}, number * (unit == "m" ? 1 : unit == "h" ? 60 : 24 * 60)};
  }
  for (const char* format : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
    std::tm time{};
    const char* const end = strptime(text.c_str(), format, &time);
    if (end == nullptr || *end != '\0') continue;
    time.tm_isdst = -1;
    return Since{Timestamp{std::max<std::int64_t>(0, std::int64_t{std::mktime(&time)} * 1000)}};
  }
  return bad_since(text);
}

// By the server's clock, which all changes have their times of.
Result<Timestamp> time_of(Visit& visit, const Since& since) {
  if (since.minutes_ago < 0) return since.time;
  const auto status = visit.wait(visit.access().status());
  if (!status) return status.error();
  return Timestamp{std::max<std::int64_t>(0, status->clock.ms - since.minutes_ago * 60'000)};
}

struct HistoryWords {
  std::string document;
  std::string item;
  std::string since;
  std::uint64_t count = 20;
};

// A patch may change several places that have nothing in common: that is not the whole. Of a settling the edits are kept, and
// who leaves all as it is makes none.
std::string what_changed(const client::Revision& revision) {
  constexpr std::uint64_t kNoEditsBytes = 2;  // "[]"
  if (revision.settles != 0 && revision.size_bytes <= kNoEditsBytes) return "nothing";
  return revision.at.empty() && revision.places > 1 ? "several places" : place_of(revision.at);
}

void show_revision(Run& run, const client::Revision& revision, client::DocumentName document) {
  const std::string remark = revision.settles != 0 ? fmt::format("  settles conflict {}", revision.settles)
                             : revision.stands     ? ""
                             : revision.is_partly  ? "  lost in part: something newer was there"
                                                   : "  lost: something newer was there";
  run.output.line(
      fmt::format("{}@{}  {}  {}  {}{}", name_of(document), revision.revision, when(revision.timestamp),
                  run.output.styled(Style::bold, escaped(revision.user)), what_changed(revision), remark));
  run.output.object(revision_object(revision, document));
}

Result<void> list(Run& run, const HistoryWords& words) {
  const auto wanted = since_of(words.since);
  if (!wanted) return wanted.error();
  const bool is_record = names_record(words.document);
  if (is_record && !words.item.empty())
    return Error{Outcome::usage, "--item: a place in a document, not in a record"};
  const auto document =
      is_record ? Result<client::DocumentName>(client::DocumentName::story) : document_name(words.document);
  if (!document) return document.error();
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto since = time_of(**visit, *wanted);
  if (!since) return since.error();
  if (is_record) return list_record(run, **visit, words.document, *since, words.count);
  client::HistoryQuery query{.document = *document, .at = words.item, .since = *since};
  PagePlace place("history of the " + std::string(name_of(*document)), PagePlace::Way::down);
  std::uint64_t left = words.count;
  for (bool is_any = false;;) {
    query.before = place.at();
    const auto history = (*visit)->wait((*visit)->access().history(query));
    if (!history) return history.error();
    for (const client::Revision& each : history->revisions) {
      if (left-- == 0) return {};
      show_revision(run, each, *document);
      is_any = true;
    }
    if (const std::uint64_t next = next_page(*history); next != 0 && left > 0) {
      if (const auto moved = place.move_to(next); !moved) return moved;
      continue;
    }
    if (!is_any) {
      const bool is_all = words.item.empty() && words.since.empty();
      run.output.message(is_all ? fmt::format("there is no {} yet", name_of(*document))
                                : "nothing was changed there");
    }
    return {};
  }
}

Result<client::Document> read_version(Visit& visit, const VersionName& name, const std::string& at,
                                      bool written = false) {
  client::DocumentQuery query{.document = name.document, .revision = name.revision, .written = written};
  if (!at.empty()) query.at = at;
  return visit.wait(visit.access().read(query));
}

struct ShowWords {
  std::string name;
  std::string at;
  bool written = false;
};

Result<void> show(Run& run, const ShowWords& words) {
  const auto& [text, at, written] = words;
  if (names_record(text)) {
    if (written) return Error{Outcome::usage, "--written: a version of a document, not of a record"};
    if (!at.empty()) return Error{Outcome::usage, "--at: a place in a document, not in a record"};
    return show_record(run, text);
  }
  const auto name = version_name(text);
  if (!name) return name.error();
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto document = read_version(**visit, *name, at, written);
  if (!document) return document.error();
  if (!run.output.is_json()) {
    run.output.raw(*document->text);
    run.output.raw("\n");
    return {};
  }
  auto object = document_object(name_of(name->document), *document);
  object.add("document", JsonText{*document->text});
  run.output.object(object);
  return {};
}

Result<void> diff(Run& run, const std::string& from_text, const std::string& to_text) {
  if (names_record(from_text) && names_record(to_text)) return diff_records(run, from_text, to_text);
  if (names_record(from_text) != names_record(to_text))
    return Error{Outcome::usage, "one is a version of a record, the other of a document"};
  const auto from = version_name(from_text);
  if (!from) return from.error();
  const auto to = version_name(to_text);
  if (!to) return to.error();
  if (from->document != to->document) {
    return Error{Outcome::usage, "the two are versions of different documents"};
  }
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto patch = (*visit)->wait(
      (*visit)->access().read({.document = to->document, .revision = to->revision, .from = from->revision}));
  if (!patch) return patch.error();
  if (run.output.is_json()) {
    run.output.object({{"event", "diff"},
                       {"document", name_of(to->document)},
                       {"from", from->revision},
                       {"to", to->revision},
                       {"patch", JsonText{*patch->text}}});
    return {};
  }
  const auto old = read_version(**visit, *from, "");
  if (!old) return old.error();
  return show_patch(run.output, *old->text, *patch->text);
}

constexpr std::initializer_list<Key> kVisitKeys = {Key::project,        Key::name, Key::folder,  Key::server,
                                                   Key::discovery_port, Key::ask,  Key::key_file};

}  // namespace

void add_history(Program& program) {
  auto words = std::make_shared<HistoryWords>();
  program
      .add_verb({.name = "history",
                 .summary = "who changed the story, the analytics or a record, and when; newest first",
                 .example = "callboard history story --item /scenes/Gate --since 2d\n"
                            "  callboard history /reviews/sc01"})
      .takes(kVisitKeys)
      .text(words->document, "DOCUMENT", "story, analytics, or a record like /reviews/sc01", Need::required)
      .text(words->item, "--item PATH",
            "only what changed there, a JSON pointer; elements also by id or name")
      .text(words->since, "--since TIME", "only from then on: 90m, 2h, 3d, 2026-11-24, 2026-11-24T13:52")
      .number(words->count, "--count N", "at most so many (default: 20)")
      .runs([words](Run& run) { return list(run, *words); });
}

void add_show(Program& program) {
  auto words = std::make_shared<ShowWords>();
  program
      .add_verb({.name = "show",
                 .summary = "print a document or a record as it was",
                 .example = "callboard show story@41"})
      .takes(kVisitKeys)
      .text(words->name, "VERSION",
            "story@N, analytics@N or /reviews/sc01@N, as `callboard history` tells them", Need::required)
      .text(words->at, "--at POINTER", "only what stood there")
      .flag(words->written, "--written", "with all that its author wrote, though not all of it stood")
      .runs([words](Run& run) { return show(run, *words); });
}

void add_diff(Program& program) {
  auto from = std::make_shared<std::string>();
  auto to = std::make_shared<std::string>();
  program
      .add_verb(
          {.name = "diff",
           .summary =
               "what differs between two versions of a document or a record; with --json as a JSON Patch",
           .example = "callboard diff story@40 story@41"})
      .takes(kVisitKeys)
      .text(*from, "FROM", "the older one", Need::required)
      .text(*to, "TO", "the newer one", Need::required)
      .runs([from, to](Run& run) { return diff(run, *from, *to); });
}

}  // namespace callboard::cli
