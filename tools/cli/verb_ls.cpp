#include <fmt/format.h>

#include "base/text.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

struct LsChoice {
  std::string item;
  std::string from;
  bool is_long = false;
};

std::string_view to_text(client::Difference difference) {
  switch (difference) {
    case client::Difference::same:
      return "same";
    case client::Difference::differs:
      return "differs";
    case client::Difference::only_there:
      return "new";
    case client::Difference::only_here:
      return "only here";
  }
  return "";
}

std::string_view to_text(EntryKind kind) {
  switch (kind) {
    case EntryKind::file:
      return "file";
    case EntryKind::directory:
      return "directory";
    case EntryKind::symlink:
      return "link";
    case EntryKind::refused:
      return "refused";
  }
  return "";
}

// Not escaped: the table does that.
std::string shown_name(const client::LookEntry& look) {
  const std::string name = look.entry.name.empty() ? look.path : look.entry.name;
  switch (look.entry.kind) {
    case EntryKind::directory:
      return name + "/";
    case EntryKind::symlink:
      return name + " -> " + look.entry.target;
    case EntryKind::refused:
      return name + " (" + look.entry.target + ")";
    case EntryKind::file:
      return name;
  }
  return name;
}

std::string mode_text(std::uint16_t mode) {
  std::string text;
  for (int bit = 8; bit >= 0; --bit) text += (mode >> bit & 1) != 0 ? "xwr"[bit % 3] : '-';
  return text;
}

void show(Output& output, const client::LookEntry& look) {
  JsonObject object{{"event", "entry"}, {"kind", to_text(look.entry.kind)}};
  object.add_bytes("path", look.path);
  object.add("size", look.entry.kind == EntryKind::directory ? look.bytes_below : look.entry.size_bytes);
  if (look.entry.kind == EntryKind::directory) object.add("files", look.files_below);
  object.add("modified", look.entry.mtime_ns == 0 ? "" : to_iso(Timestamp{look.entry.mtime_ns / 1'000'000}));
  object.add("mode", fmt::format("{:04o}", look.entry.mode));
  if (!look.entry.target.empty()) object.add_bytes("target", look.entry.target);
  object.add("here", to_text(look.difference));
  output.object(object);
}

Result<void> list(Run& run, const LsChoice& choice) {
  auto visit = Visit::open(run, Visit::Folder::needed);
  if (!visit) return visit.error();
  const std::string from = choice.from == "newest" ? "" : choice.from;
  const auto entries = (*visit)->wait((*visit)->access().look(choice.item, from));
  if (!entries) return entries.error();
  std::vector<std::vector<std::string>> rows;
  rows.push_back(choice.is_long
                     ? std::vector<std::string>{"MODE", "SIZE", "FILES", "MODIFIED", "HERE", "NAME"}
                     : std::vector<std::string>{"SIZE", "HERE", "NAME"});
  for (const client::LookEntry& each : *entries) {
    show(run.output, each);
    const bool is_directory = each.entry.kind == EntryKind::directory;
    const std::string size = human_bytes(is_directory ? each.bytes_below : each.entry.size_bytes);
    std::vector<std::string> row{size, std::string(to_text(each.difference)), shown_name(each)};
    if (choice.is_long) {
      row = {mode_text(each.entry.mode),
             size,
             is_directory ? std::to_string(each.files_below) : "-",
             each.entry.mtime_ns == 0 ? "-" : when(Timestamp{each.entry.mtime_ns / 1'000'000}),
             row[1],
             row[2]};
    }
    rows.push_back(std::move(row));
  }
  if (entries->empty()) {
    run.output.message("nothing in there");
  } else {
    run.output.table(rows);
  }
  return {};
}

}  // namespace

void add_ls(Program& program) {
  auto choice = std::make_shared<LsChoice>();
  choice->from = "newest";
  program
      .add_verb({.name = "ls",
                 .summary = "look into another user's copy without downloading anything",
                 .example = "callboard ls /dev/chr/Moria --from lighting --long"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .text(choice->item, "ITEM", "a folder or file of the project, / for all of it", Need::required)
      .text(choice->from, "--from USER", "whose copy (default: newest, whoever has that)")
      .flag(choice->is_long, "--long", "also modes, times and numbers of files")
      .runs([choice](Run& run) { return list(run, *choice); });
}

}  // namespace callboard::cli
