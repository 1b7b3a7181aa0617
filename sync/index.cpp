#include "sync/index.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <mutex>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "sync/index_database.h"

namespace callboard::sync {
namespace {

// A path above everything beneath `top`: '0' follows '/', and no name has 256 bytes.
std::string end_of(const RelativePath& top) {
  return top.is_root() ? std::string(256, '\xff') : top.bytes() + '0';
}

std::optional<Digest> digest_from(ByteView bytes) {
  Digest digest;
  if (bytes.size() != digest.bytes.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
  return digest;
}

// Whole seconds mean that the file system counts no finer, and a later change could carry the same times.
bool has_fine_times(const FileStatus& status) { return status.ctime_ns % 1'000'000'000 != 0; }

// `old` with the names of `fresh` put in or replaced. Both ascending.
Bytes merged(KnownFiles old, const std::vector<KnownFiles::Known>& fresh) {
  KnownFilesWriter writer;
  auto next = fresh.begin();
  while (const auto known = old.next()) {
    for (; next != fresh.end() && next->name < known->name; ++next) writer.add(*next);
    if (next == fresh.end() || next->name != known->name) writer.add(*known);
  }
  for (; next != fresh.end(); ++next) writer.add(*next);
  return writer.finish();
}

}  // namespace

struct Index::State {
  IndexDatabase database;
  Fd private_fd;     // None in memory.
  std::string path;  // Of the file, absolute: the program may work elsewhere when it is made anew.
  std::string notice;
  std::mutex mutex;

  // The directory asked about last, for known_digest(): a pull asks for all files of a directory in a row.
  struct LookUp {
    std::string directory;
    std::int64_t version = -1;
    KnownFiles owner;
    std::vector<KnownFiles::Known> files;
  };
  LookUp look_up;
  std::int64_t own_writes = 0;

  // Runs `body` in one write transaction: all or nothing; once more where the database had to be made anew.
  template <class Body>
  Result<void> transaction(const Body& body) {
    const Result<void> done = try_transaction(body);
    return !done && is_damage(done.error()) && private_fd ? try_transaction(body) : done;
  }

  template <class Body>
  Result<void> try_transaction(const Body& body) {
    if (auto begun = database.sqlite.run("BEGIN IMMEDIATE"); !begun) return noted(begun.error());
    ++own_writes;
    Result<void> done = body();
    if (done) done = database.sqlite.run("COMMIT");
    if (done) return done;
    static_cast<void>(database.sqlite.run("ROLLBACK"));  // The first error is the one to tell.
    return noted(done.error());
  }

  // What lies at the path, or nothing, is what lies in the folder. Where that was moved, or may not be looked into any more, it
  // would be made in another's.
  bool is_in_its_place() const {
    const auto own = status_at(private_fd.get(), kIndexName);
    const auto there = status_at(AT_FDCWD, path.c_str());
    if (own && there) return own->device == there->device && own->inode == there->inode;
    return !own && own.error().outcome == Outcome::not_found && !there &&
           there.error().outcome == Outcome::not_found;
  }

  // A damage found while working: start afresh, so that the next call works again.
  Error noted(Error error) {
    if (!is_damage(error) || !private_fd) return error;
    if (!is_in_its_place()) {
      return Error{Outcome::failed,
                   "index " + quoted(path) + ": its folder was moved, or may not be looked into"};
    }
    database = IndexDatabase{};
    if (auto fresh = reopen(); !fresh) return fresh.error();
    return error;
  }

  Result<void> reopen() {
    auto opened = open_index_database(private_fd.get(), path, IndexCheck::thorough);
    if (!opened) {
      auto spare = open_index_in_memory();
      if (!spare) return spare.error();
      notice = "the index of this folder cannot be used: " + opened.error().text;
      database = *std::move(spare);
      return {};
    }
    database = *std::move(opened);
    if (!database.notice.empty()) notice = database.notice;
    return {};
  }

  Bytes packed_of(const std::string& directory);
  // Within a transaction.
  Result<void> merge_known(const std::string& directory, const std::vector<KnownFiles::Known>& fresh);
  const LookUp& looked_up(const RelativePath& directory);
  // Those known at and beneath `top`.
  Result<std::vector<std::string>> directories_beneath(const RelativePath& top);
};

Bytes Index::State::packed_of(const std::string& directory) {
  database.known_get.bind(1, directory);
  auto row = database.known_get.step();
  Bytes packed;
  if (row && *row) {
    const ByteView bytes = database.known_get.bytes(0);
    packed.assign(bytes.begin(), bytes.end());
  }
  database.known_get.reset();
  if (!row) static_cast<void>(noted(row.error()));  // A cache that cannot be read knows nothing.
  return packed;
}

Result<void> Index::State::merge_known(const std::string& directory,
                                       const std::vector<KnownFiles::Known>& fresh) {
  const Bytes packed = merged(KnownFiles(packed_of(directory)), fresh);
  database.known_put.bind(1, directory);
  database.known_put.bind(2, packed);
  return database.known_put.run();
}

const Index::State::LookUp& Index::State::looked_up(const RelativePath& directory) {
  std::int64_t version = own_writes << 32;
  if (auto row = database.data_version.step(); row && *row) version += database.data_version.integer(0);
  database.data_version.reset();
  if (look_up.version == version && look_up.directory == directory.bytes()) return look_up;
  look_up = LookUp{directory.bytes(), version, KnownFiles(packed_of(directory.bytes())), {}};
  while (const auto known = look_up.owner.next()) look_up.files.push_back(*known);
  return look_up;
}

Result<std::vector<std::string>> Index::State::directories_beneath(const RelativePath& top) {
  const std::string end = end_of(top);
  std::vector<std::string> paths;
  Statement& beneath = database.known_beneath;
  beneath.bind(1, top.bytes());
  beneath.bind(2, end);
  Result<bool> row = beneath.step();
  for (; row && *row; row = beneath.step()) {
    std::string found(as_text(beneath.bytes(0)));
    const bool inside = top.is_root() || found == top.bytes() || found.starts_with(top.bytes() + '/');
    if (inside) paths.push_back(std::move(found));
  }
  beneath.reset();
  if (!row) return noted(row.error());
  return paths;
}

Index::Index(std::unique_ptr<State> state) : state_(std::move(state)) {}
Index::Index(Index&&) noexcept = default;
Index& Index::operator=(Index&&) noexcept = default;
Index::~Index() = default;

Result<Index> Index::open(const Root& root) {
  auto private_fd = root.private_directory();
  if (!private_fd) return private_fd.error();
  auto state = std::make_unique<State>();
  state->private_fd = *std::move(private_fd);
  std::error_code unknown;
  state->path = std::filesystem::absolute(root.private_path(kIndexName), unknown).string();
  if (unknown) return os_error("find the folder that this program works in", unknown.value());
  auto database = open_index_database(state->private_fd.get(), state->path, IndexCheck::quick);
  if (!database) return database.error();
  state->notice = database->notice;
  state->database = *std::move(database);
  return Index(std::move(state));
}

Result<Index> Index::in_memory() {
  auto database = open_index_in_memory();
  if (!database) return database.error();
  auto state = std::make_unique<State>();
  state->database = *std::move(database);
  return Index(std::move(state));
}

std::string Index::notice() const {
  const std::lock_guard lock(state_->mutex);
  return state_->notice;
}

KnownFiles Index::known_in(const RelativePath& directory) const {
  const std::lock_guard lock(state_->mutex);
  return KnownFiles(state_->packed_of(directory.bytes()));
}

Result<std::vector<std::string>> Index::known_directories() const {
  const std::lock_guard lock(state_->mutex);
  return state_->directories_beneath(RelativePath());
}

Result<void> Index::store(std::span<const KnownDirectory> directories) {
  if (directories.empty()) return {};
  const std::lock_guard lock(state_->mutex);
  return state_->transaction([&]() -> Result<void> {
    Statement& put = state_->database.known_put;
    for (const KnownDirectory& directory : directories) {
      put.bind(1, directory.path.bytes());
      put.bind(2, directory.packed);
      if (auto stored = put.run(); !stored) return stored;
    }
    return {};
  });
}

Result<void> Index::add_known(const RelativePath& path, const FileStatus& status, const Digest& digest) {
  const std::string directory = path.parent().bytes();
  const std::lock_guard lock(state_->mutex);
  return state_->transaction([&] { return state_->merge_known(directory, {{path.name(), status, digest}}); });
}

Result<void> Index::add_known(std::span<const KnownMore> more) {
  if (more.empty()) return {};
  const std::lock_guard lock(state_->mutex);
  return state_->transaction([&]() -> Result<void> {
    for (const KnownMore& each : more) {
      if (auto merged = state_->merge_known(each.directory.bytes(), each.files); !merged) return merged;
    }
    return {};
  });
}

Result<void> Index::copy_known(const RelativePath& from, const RelativePath& to) {
  const std::lock_guard lock(state_->mutex);
  auto paths = state_->directories_beneath(from);
  if (!paths) return paths.error();
  if (paths->empty()) return {};
  return state_->transaction([&]() -> Result<void> {
    for (const std::string& path : *paths) {
      const std::string target = to.bytes() + path.substr(from.bytes().size());
      const Bytes packed = state_->packed_of(path);
      state_->database.known_put.bind(1, target);
      state_->database.known_put.bind(2, packed);
      if (auto put = state_->database.known_put.run(); !put) return put;
    }
    return {};
  });
}

Result<void> Index::forget_vanished(const RelativePath& top,
                                    const std::vector<std::string>& present_ascending) {
  const std::lock_guard lock(state_->mutex);
  auto known = state_->directories_beneath(top);
  if (!known) return known.error();
  std::vector<std::string> vanished;
  for (std::string& path : *known) {
    if (!std::binary_search(present_ascending.begin(), present_ascending.end(), path)) {
      vanished.push_back(std::move(path));
    }
  }
  if (vanished.empty()) return {};
  return state_->transaction([&]() -> Result<void> {
    for (const std::string& path : vanished) {
      state_->database.known_delete.bind(1, path);
      if (auto forgotten = state_->database.known_delete.run(); !forgotten) return forgotten;
    }
    return {};
  });
}

Result<void> Index::record_pulled(std::span<const Pulled> files) {
  if (files.empty()) return {};
  // By directory and name, the later of two for one path winning.
  std::map<std::string, std::map<std::string_view, const Pulled*>> by_directory;
  for (const Pulled& file : files) by_directory[file.path.parent().bytes()][file.path.name()] = &file;

  const std::lock_guard lock(state_->mutex);
  return state_->transaction([&]() -> Result<void> {
    IndexDatabase& database = state_->database;
    for (const auto& [directory, names] : by_directory) {
      std::vector<KnownFiles::Known> fresh;
      for (const auto& [name, file] : names) {
        database.pulled_put.bind(1, directory);
        database.pulled_put.bind(2, name);
        database.pulled_put.bind(3, file->digest.bytes);
        if (auto put = database.pulled_put.run(); !put) return put;
        if (has_fine_times(file->status)) fresh.push_back({name, file->status, file->digest});
      }
      if (fresh.empty()) continue;
      if (auto put = state_->merge_known(directory, fresh); !put) return put;
    }
    return {};
  });
}

Result<std::optional<Digest>> Index::pulled_digest(const RelativePath& path) const {
  const std::string directory = path.parent().bytes();
  const std::lock_guard lock(state_->mutex);
  Statement& get = state_->database.pulled_get;
  get.bind(1, directory);
  get.bind(2, path.name());
  auto row = get.step();
  std::optional<Digest> digest;
  if (row && *row) digest = digest_from(get.bytes(0));
  get.reset();
  if (!row) return state_->noted(row.error());
  return digest;
}

Result<void> Index::forget_pulled(const RelativePath& path) {
  const std::string directory = path.parent().bytes();
  const std::lock_guard lock(state_->mutex);
  return state_->transaction([&] {
    state_->database.pulled_delete.bind(1, directory);
    state_->database.pulled_delete.bind(2, path.name());
    return state_->database.pulled_delete.run();
  });
}

std::optional<Bytes> Index::chunks_of(const Digest& content) const {
  const std::lock_guard lock(state_->mutex);
  Statement& get = state_->database.chunks_get;
  get.bind(1, ByteView(content.bytes));
  auto row = get.step();
  std::optional<Bytes> list;
  if (row && *row) {
    const ByteView bytes = get.bytes(0);
    list.emplace(bytes.begin(), bytes.end());
  }
  get.reset();
  if (!row) static_cast<void>(state_->noted(row.error()));
  return list;
}

Result<void> Index::keep_chunks(const Digest& content, ByteView list) {
  const std::lock_guard lock(state_->mutex);
  return state_->transaction([&]() -> Result<void> {
    IndexDatabase& database = state_->database;
    database.chunks_put.bind(1, ByteView(content.bytes));
    database.chunks_put.bind(2, list);
    if (auto put = database.chunks_put.run(); !put) return put;
    for (;;) {
      auto total = database.sqlite.integer("SELECT coalesce(sum(length(list)), 0) FROM chunks");
      if (!total) return total.error();
      if (*total <= kChunkListsBytesMax) return {};
      if (auto shorter =
              database.sqlite.run("DELETE FROM chunks WHERE rowid = (SELECT min(rowid) FROM chunks)");
          !shorter)
        return shorter;
    }
  });
}

Result<void> Index::forget_chunks(const Digest& content) {
  const std::lock_guard lock(state_->mutex);
  return state_->transaction([&] {
    state_->database.chunks_delete.bind(1, ByteView(content.bytes));
    return state_->database.chunks_delete.run();
  });
}

std::optional<Digest> Index::known_digest(const RelativePath& path, const FileStatus& status) const {
  const std::lock_guard lock(state_->mutex);
  const State::LookUp& known = state_->looked_up(path.parent());
  const auto found =
      std::lower_bound(known.files.begin(), known.files.end(), path.name(),
                       [](const KnownFiles::Known& file, std::string_view name) { return file.name < name; });
  if (found == known.files.end() || found->name != path.name()) return std::nullopt;
  return same_known_status(found->status, status) ? std::optional(found->digest) : std::nullopt;
}

}  // namespace callboard::sync
