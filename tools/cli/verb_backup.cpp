#include <fmt/format.h>

#include <filesystem>

#include "base/text.h"
#include "server/backup.h"
#include "tools/cli/data_folder.h"
#include "tools/cli/program.h"
#include "tools/cli/verbs.h"

// Copies a board on the machine where its server runs.
namespace callboard::cli {
namespace {

Result<void> back_up(Run& run, const std::string& file) {
  const auto project = run.settings.required(Key::project);
  if (!project) return project.error();
  const auto data = data_folder(run.settings);
  if (!data) return data.error();
  if (auto done = server::back_up(*data, *project, file); !done) return done;
  std::error_code unknown;  // The size is only told.
  const std::uint64_t size_bytes = std::filesystem::file_size(file, unknown);
  run.output.line(fmt::format("backed up {} to {}, {}", callboard::quoted(*project), callboard::quoted(file),
                              human_bytes(unknown ? 0 : size_bytes)));
  JsonObject object{{"event", "backup"}, {"project", *project}};
  object.add_bytes("file", file);
  object.add("bytes", unknown ? std::uint64_t{0} : size_bytes);
  run.output.object(object);
  return {};
}

}  // namespace

void add_backup(Program& program) {
  auto file = std::make_shared<std::string>();
  program
      .add_verb({.name = "backup",
                 .summary = "copy the board into FILE, on the server's machine, also while the server runs",
                 .example = "callboard backup --project \"Moria's Race\" /backup/moria.sqlite"})
      .takes({Key::project, Key::data})
      .text(*file, "FILE", "where to; must not be there yet", Need::required)
      .runs([file](Run& run) { return back_up(run, *file); });
}

}  // namespace callboard::cli
