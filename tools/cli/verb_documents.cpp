#include <fmt/format.h>

#include <cstdio>

#include "base/limits.h"
#include "base/text.h"
#include "tools/cli/objects.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

// story get|set, analytics get|set.
namespace callboard::cli {
namespace {

enum class Record { story, analytics };

std::string_view name_of(Record record) { return record == Record::story ? "story" : "analytics"; }

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

Result<void> get(Run& run, Record record) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  auto& access = (*visit)->access();
  const auto document = (*visit)->wait(record == Record::story ? access.story() : access.analytics());
  if (!document) return document.error();
  if (document->revision == 0) {
    return Error{Outcome::not_found, fmt::format("there is no {} yet", name_of(record))};
  }
  if (!run.output.is_json()) {
    run.output.raw(*document->text);
    if (!document->text->ends_with('\n')) run.output.raw("\n");
    return {};
  }
  auto object = document_object(name_of(record), *document);
  object.add("document", JsonText{*document->text});
  run.output.object(object);
  return {};
}

Result<void> set(Run& run, Record record, const std::string& path) {
  auto content = read_document(path);
  if (!content) return content.error();
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  auto& access = (*visit)->access();
  const auto answer = record == Record::story ? access.set_story(std::move(*content), {}, 0)
                                              : access.set_analytics(std::move(*content), {}, 0);
  const auto result = (*visit)->wait(answer);
  if (!result) return result.error();
  auto object = document_object(name_of(record), result->current);
  object.add("won", result->won);
  run.output.object(object);
  if (!result->won) {
    return Error{
        Outcome::superseded,
        fmt::format("{} of {} at {} is newer and stays; yours is kept in the history", name_of(record),
                    callboard::quoted(result->current.by), when(result->current.timestamp))};
  }
  run.output.line(fmt::format("{} is at revision {}", name_of(record), result->current.revision));
  return {};
}

void add_document(Program& program, Record record) {
  const std::string name(name_of(record));
  Verb& verb = program.add_verb({.name = name,
                                 .summary = "read or write the project's " + name,
                                 .example = "callboard " + name + " get"});
  verb.add_verb({.name = "get",
                 .summary = "print the " + name,
                 .example = "callboard " + name + " get > " + name + ".json"})
      .takes({Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask})
      .runs([record](Run& run) { return get(run, record); });
  auto path = std::make_shared<std::string>();
  verb.add_verb({.name = "set",
                 .summary = "make FILE the " + name + "; a newer one of somebody else's stays",
                 .example = "callboard " + name + " set " + name + ".json"})
      .takes({Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask})
      .text(*path, "FILE", "a JSON document, - for standard input", Need::required)
      .runs([record, path](Run& run) { return set(run, record, *path); });
}

}  // namespace

void add_story(Program& program) { add_document(program, Record::story); }
void add_analytics(Program& program) { add_document(program, Record::analytics); }

}  // namespace callboard::cli
