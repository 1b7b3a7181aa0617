#include <fmt/format.h>

#include <limits>
#include <memory>

#include "base/text.h"
#include "sync/restore.h"
#include "tools/cli/program.h"
#include "tools/cli/record_history.h"
#include "tools/cli/verbs.h"
#include "tools/cli/version_name.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

// What a person may still want to see.
constexpr std::size_t kVersionsMax = 100'000;

struct VersionsChoice {
  std::string path = "/";
  std::string version;
  std::string to;
};

// The project folder and what is kept in it.
struct Archive {
  sync::Root root;
  sync::FileOps ops;
  std::unique_ptr<sync::Versions> versions;
};

Result<std::unique_ptr<Archive>> open_archive(const Run& run) {
  const auto& folder = run.settings.project_folder();
  if (!folder) {
    return Error{Outcome::usage, "no project folder: run it in one, or name it with --folder"};
  }
  auto root = sync::Root::open(folder->native());
  if (!root) return root.error();
  auto archive = std::make_unique<Archive>(Archive{*std::move(root), {}, nullptr});
  auto versions = sync::Versions::open(archive->root, archive->ops);
  if (!versions) return versions.error();
  archive->versions = *std::move(versions);
  return archive;
}

Result<sync::RelativePath> path_from(const std::string& text) {
  auto path = sync::RelativePath::from_item(text);
  if (!path) return Error{Outcome::usage, path.error().text};
  return path;
}

std::string_view kind_text(sync::FileKind kind) {
  switch (kind) {
    case sync::FileKind::file:
      return "file";
    case sync::FileKind::directory:
      return "directory";
    case sync::FileKind::symlink:
      return "link";
    case sync::FileKind::pipe:
    case sync::FileKind::socket:
    case sync::FileKind::device:
      break;
  }
  return "other";
}

JsonObject version_object(const sync::KeptVersion& version) {
  JsonObject object{{"event", "version"}, {"kept_at", to_iso(version.kept_at)}, {"size", version.size_bytes}};
  object.add("kind", kind_text(version.kind));
  object.add_bytes("path", version.path.bytes());
  object.add_bytes("kept_as", version.place);
  return object;
}

bool is_missing(const sync::Root& root, const sync::RelativePath& path) {
  if (path.is_root()) return false;
  const auto status = root.status(path);
  return !status && status.error().outcome == Outcome::not_found;
}

Result<void> list(Run& run, const VersionsChoice& choice) {
  const auto path = path_from(choice.path);
  if (!path) return path.error();
  const auto archive = open_archive(run);
  if (!archive) return archive.error();
  const auto listed = (*archive)->versions->list(*path, kVersionsMax);
  if (!listed) return listed.error();
  if (listed->empty() && is_missing((*archive)->root, *path)) {
    return Error{Outcome::not_found,
                 fmt::format("no version of {} was kept, and there is nothing of that name",
                             callboard::quoted(path->to_item()))};
  }
  std::vector<std::vector<std::string>> rows{{"KEPT AT", "SIZE", "PATH"}};
  for (const sync::KeptVersion& version : *listed) {
    run.output.object(version_object(version));
    rows.push_back({to_iso(version.kept_at), human_bytes(version.size_bytes), version.path.to_item()});
  }
  if (listed->empty()) {
    run.output.message("no versions are kept");
  } else {
    run.output.table(rows);
  }
  if (listed->size() == kVersionsMax) run.output.warning("only the newest 100000 are shown");
  return {};
}

void show_kept(Output& output, const sync::Restored& restored) {
  for (const sync::KeptVersion& version : restored.kept) {
    output.message(fmt::format("{} made room and is kept as {}", callboard::quoted(version.path.to_item()),
                               escaped(version.place)));
    output.object(version_object(version));
  }
}

void show_failed(Output& output, const sync::Restored& restored) {
  for (const sync::NotRestored& each : restored.failed) {
    // One alone is the error that ends it.
    if (restored.failed.size() > 1) output.warning(each.error.text);
    JsonObject object{
        {"event", "problem"}, {"outcome", callboard::to_text(each.error.outcome)}, {"text", each.error.text}};
    object.add_bytes("path", each.path.bytes());
    output.object(object);
  }
}

void show_sum(Output& output, const sync::RelativePath& to, Timestamp kept_at,
              const sync::Restored& restored) {
  if (restored.failed.empty() && restored.files == 0 && restored.unchanged_files > 0) {
    output.line(fmt::format("{} is as it was kept at {}", callboard::quoted(to.to_item()), to_iso(kept_at)));
  } else if (restored.failed.empty() || restored.files > 0) {
    output.line(fmt::format("restored {} as it was kept at {}: {}, {}", callboard::quoted(to.to_item()),
                            to_iso(kept_at), files_text(restored.files), human_bytes(restored.bytes)));
  }
  JsonObject object{{"event", "restored"},
                    {"kept_at", to_iso(kept_at)},
                    {"files", restored.files},
                    {"bytes", restored.bytes},
                    {"unchanged_files", restored.unchanged_files},
                    {"versions", restored.kept.size()},
                    {"problems", restored.failed.size()}};
  object.add_bytes("path", to.bytes());
  output.object(object);
}

// The same words again would bring back what just made room.
Result<void> ending(Timestamp kept_at, const sync::Restored& restored) {
  if (restored.failed.empty()) return {};
  Error error = restored.failed.front().error;
  if (restored.failed.size() > 1) error.text = files_text(restored.failed.size()) + " could not be restored";
  if (!restored.kept.empty()) {
    error.text += "; what made room is the newest version now: go on with --version " + to_iso(kept_at);
  }
  return error;
}

Result<void> bring_back(Run& run, const VersionsChoice& choice) {
  const auto path = path_from(choice.path);
  if (!path) return path.error();
  const auto to = choice.to.empty() ? path : path_from(choice.to);
  if (!to) return to.error();
  const auto archive = open_archive(run);
  if (!archive) return archive.error();
  auto& versions = *(*archive)->versions;
  // All of them: a version that is cut off would come back in part.
  const auto listed = versions.list(*path, std::numeric_limits<std::size_t>::max());
  if (!listed) return listed.error();
  const auto chosen = sync::choose_version(*listed, *path, choice.version);
  if (!chosen) return chosen.error();
  const sync::RestoreParts parts{(*archive)->root, (*archive)->ops, versions, system_clock().wall()};
  const auto restored = sync::restore(parts, *chosen, *path, *to);
  if (!restored) return restored.error();
  const Timestamp kept_at = chosen->front().kept_at;
  show_kept(run.output, *restored);
  show_failed(run.output, *restored);
  show_sum(run.output, *to, kept_at, *restored);
  return ending(kept_at, *restored);
}

}  // namespace

void add_versions(Program& program) {
  auto choice = std::make_shared<VersionsChoice>();
  program
      .add_verb({.name = "versions",
                 .summary = "what was kept of files that had to make room, newest first",
                 .example = "callboard versions /dev/chr/Moria"})
      .takes({Key::folder})
      .text(choice->path, "PATH", "a file or folder of the project (default: all of it)")
      .runs([choice](Run& run) { return list(run, *choice); });
}

void add_restore(Program& program) {
  auto choice = std::make_shared<VersionsChoice>();
  program
      .add_verb({.name = "restore",
                 .summary = "bring a kept file back, or a document or record as it was; what is there now "
                            "is kept, too",
                 .example = "callboard restore /dev/chr/Moria/rig.blend --version 2026-11-21T13:52\n  "
                            "callboard restore story@41\n  "
                            "callboard restore /reviews/sc01@41"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .text(choice->path, "WHAT",
            "what was kept: a file, or a folder with all beneath; or story@N, analytics@N, or of a record "
            "/reviews/sc01@N (a file whose name ends so takes --version)",
            Need::required)
      .text(choice->version, "--version TIME|N",
            "when it was kept, or 1 for the newest, 2 for the one before (default: 1)")
      .text(choice->to, "--to PATH",
            "put it there instead of where it was: a path from the project folder, like /dev/chr/old.blend; "
            "for kept files alone")
      .runs([choice](Run& run) {
        // Whatever it is called: these are said of kept files alone.
        const bool is_file = !choice->version.empty() || !choice->to.empty();
        if (!is_file && names_version(choice->path)) return restore_version(run, choice->path);
        if (!is_file && names_record_version(choice->path)) return restore_record(run, choice->path);
        auto back = bring_back(run, *choice);
        const bool is_version = !is_file && choice->path.find('@') != std::string::npos;
        const bool is_nothing =
            !back && (back.error().outcome == Outcome::not_found || back.error().outcome == Outcome::usage);
        // No file; then it says how a version is called.
        return is_version && is_nothing ? restore_record(run, choice->path) : back;
      });
}

}  // namespace callboard::cli
