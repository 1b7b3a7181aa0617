#include "server/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/limits.h"
#include "base/text.h"
#include "server/store/board_files.h"
#include "server/store/data_folder.h"
#include "server/store/database.h"
#include "server/store/disk_room.h"
#include "server/store/session_file.h"
#include "server/unusable_file.h"

namespace callboard::server {
namespace {

namespace fs = std::filesystem;

// The file's content and its name are on disk.
Result<void> sync_file(const fs::path& file) {
  for (const fs::path& path : {file, file.has_parent_path() ? file.parent_path() : fs::path(".")}) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return os_error("open " + callboard::quoted(path.native()), errno);
    const int failure = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    if (failure != 0) return os_error("sync " + callboard::quoted(path.native()), failure);
  }
  return {};
}

Result<void> give_name(const fs::path& temporary, const fs::path& name) {
  if (auto synced = sync_file(temporary); !synced) return synced;
  // A link, unlike a rename, takes nobody's place.
  if (::link(temporary.c_str(), name.c_str()) != 0) {
    const int failure = errno;
    if (failure == EEXIST) {
      return Error{Outcome::refused, callboard::quoted(name.native()) + " exists; give another name"};
    }
    return os_error("create " + callboard::quoted(name.native()), failure);
  }
  return sync_file(name);
}

struct Temporary {
  explicit Temporary(const fs::path& file) : path(part_of(file)) {}
  ~Temporary() { remove_part(path); }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  const fs::path path;
};

Result<void> copy_database(Database& from, const fs::path& to) {
  // A copy counts as a change, though it is one of another file.
  if (auto set = from.run("PRAGMA query_only = 0"); !set) return set;
  auto statement = from.prepare("VACUUM INTO ?");
  if (!statement) return statement.error();
  const std::string name = to.native();
  statement->bind(0, std::string_view(name));
  auto done = statement->step();
  if (!done) return done.error();
  return {};
}

// With what was written ahead of it, where it is a board that was moved away, and not only a backup.
Result<void> copy_backup(const fs::path& from, const fs::path& to) {
  if (Database::bytes_ahead(from) == 0) {
    std::error_code error;
    if (fs::copy_file(from, to, error)) return {};
    return os_error("copy " + callboard::quoted(from.native()), error.value());
  }
  auto database = Database::open_reader(from, Database::Schema::older_too);
  return database ? copy_database(*database, to) : Result<void>(database.error());
}

Result<void> check_backup(const fs::path& from, const std::string& project) {
  const std::string name = "backup " + callboard::quoted(from.native());
  std::error_code error;
  if (!fs::is_regular_file(from, error)) return unusable_file(name + ": no such file");
  if (const auto readable = Database::open_reader(from, Database::Schema::older_too); !readable)
    return unusable_file("--restore: " + readable.error().text);
  if (const auto its = Database::project_of(from); its && *its != project) {
    return Error{Outcome::refused, name + " is of project " + callboard::quoted(*its) + ": expected one of " +
                                       callboard::quoted(project)};
  }
  return {};
}

Result<void> check_no_board(const fs::path& project_folder) {
  const fs::path board = project_folder / kBoardFile;
  std::error_code error;
  if (fs::exists(board, error)) {
    return Error{Outcome::refused, callboard::quoted(project_folder.native()) +
                                       " has a board already; move it away, or give another --data"};
  }
  return check_nothing_left_of(board);
}

// What befalls SQLite, or a copy, on a disk without room may be called anything.
Error or_no_room(Error why, const fs::path& folder, std::uint64_t size_bytes) {
  if (why.outcome == Outcome::cancelled) return why;
  const auto lack = lack_of_free_room(folder, size_bytes);
  return lack ? *lack : why;
}

}  // namespace

bool has_board(const fs::path& project_folder) {
  std::error_code error;
  return fs::exists(project_folder / kBoardFile, error);
}

Result<void> back_up(const fs::path& data, const std::string& project, const fs::path& to,
                     std::stop_token stop) {
  const fs::path file = data / folder_name(project) / kBoardFile;
  std::error_code error;
  if (!fs::exists(file, error)) {
    return Error{Outcome::not_found, "no board of " + callboard::quoted(project) + " in " +
                                         callboard::quoted(data.native()) + "; give the server's --data"};
  }
  if (fs::exists(to, error)) {
    return Error{Outcome::refused, callboard::quoted(to.native()) + " exists; give another name"};
  }
  const fs::path above = to.has_parent_path() ? to.parent_path() : fs::path(".");
  if (!fs::is_directory(above, error)) {
    return Error{Outcome::not_found, "back up to " + callboard::quoted(to.native()) +
                                         ": there is no folder " + callboard::quoted(above.native())};
  }
  // That of an older program is kept before this one brings it up to date.
  auto database = Database::open_reader(file, Database::Schema::older_too);
  if (!database) return database.error();
  database->heed(stop);
  remove_dead_parts_of(to);
  const Temporary temporary(to);
  const auto copied = copy_database(*database, temporary.path);
  if (stop.stop_requested()) return Error{Outcome::cancelled, "the backup was cancelled"};
  const std::string doing = "back up to " + callboard::quoted(to.native());
  if (!copied) return or_no_room(copied.error(), above, fs::file_size(file, error)).prefixed(doing);
  if (auto noted = Database::note_project(temporary.path, project); !noted)
    return noted.error().prefixed(doing);
  return give_name(temporary.path, to);
}

Result<void> check_restore(const fs::path& from, const fs::path& data, const std::string& project) {
  if (auto good = check_backup(from, project); !good) return good;
  return check_no_board(data / folder_name(project));
}

Result<void> restore(const fs::path& from, const fs::path& data, const std::string& project) {
  if (auto good = check_backup(from, project); !good) return good;
  // Holds the project while its database appears.
  auto folder = DataFolder::open(data, project);
  if (!folder) return folder.error();
  if (auto free = check_no_board(folder->path()); !free) return free;
  const fs::path to = folder->database();
  std::error_code error;
  const Temporary temporary(to);
  const std::string doing = "backup " + callboard::quoted(from.native());
  // And for what is beside it while it is open.
  const std::uint64_t wanted_bytes = fs::file_size(from, error) + Database::bytes_ahead(from) + kDiskRoomMin;
  if (const auto room = check_room(folder->path(), wanted_bytes); !room) return room.error().prefixed(doing);
  if (auto copied = copy_backup(from, temporary.path); !copied)
    return or_no_room(copied.error(), folder->path(), wanted_bytes);
  {
    // It is looked at, and brought up to date, before it gets its name.
    auto database = Database::open(temporary.path);
    if (!database) return or_no_room(database.error(), folder->path(), kDiskRoomMin).prefixed(doing);
  }
  // Sessions that heard of the board that was there before would take what is new for what they know: all join anew.
  if (auto removed = SessionFile(data, project).remove(); !removed) return removed;
  return give_name(temporary.path, to);
}

Result<void> take_back(const fs::path& data, const std::string& project) {
  auto folder = DataFolder::open(data, project);
  if (!folder) return folder.error();
  for (const char* suffix : {"", "-wal", "-shm"}) {
    fs::path file = folder->database();
    file += suffix;
    std::error_code error;
    fs::remove(file, error);
    if (error) return os_error("remove " + callboard::quoted(file.native()), error.value());
  }
  return {};
}

}  // namespace callboard::server
