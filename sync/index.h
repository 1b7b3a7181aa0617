#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/entry.h"
#include "base/result.h"
#include "sync/file_status.h"
#include "sync/known_files.h"
#include "sync/relative_path.h"
#include "sync/root.h"

namespace callboard::sync {

// What this workstation knows about its files, in `.callboard/index.db`: which content stands behind which status, so that
// nothing unchanged is read twice, and which content was last pulled, so that a change made here is noticed. A cache:
// without it everything is hashed again, and a file that differs counts as changed here.
// A damaged database is copied aside and made anew, one from a newer version left alone and done without; notice() says so.
// Thread: any; calls wait for each other, and for other processes that use the same index.
class Index {
 public:
  // Makes `.callboard` when it is missing.
  static Result<Index> open(const Root& root);
  // Forgets everything with the object; for a project folder that cannot be written.
  static Result<Index> in_memory();
  Index(Index&&) noexcept;
  Index& operator=(Index&&) noexcept;
  ~Index();

  // What a person should know about the index's health, one line; empty when all is well.
  std::string notice() const;

  // --- Known contents, a directory at a time -------------------------------------------------------------------------
  // Nothing when the directory is unknown or its row is damaged.
  KnownFiles known_in(const RelativePath& directory) const;
  struct KnownDirectory {
    RelativePath path;
    Bytes packed;  // KnownFilesWriter::finish().
  };
  Result<void> store(std::span<const KnownDirectory> directories);
  // In ascending order.
  Result<std::vector<std::string>> known_directories() const;
  // One file more of a directory that was not looked at as a whole.
  Result<void> add_known(const RelativePath& path, const FileStatus& status, const Digest& digest);
  // Some files more, or other contents of them. In ascending order of names.
  struct KnownMore {
    RelativePath directory;
    std::vector<KnownFiles::Known> files;
  };
  Result<void> add_known(std::span<const KnownMore> more);
  // What is known of `from` and of all beneath is known of `to`, too: it was renamed. A file that is not the same there has
  // another status.
  Result<void> copy_known(const RelativePath& from, const RelativePath& to);
  // Forgets the directories at and beneath `top` that are not among `present_ascending` (paths in ascending byte order).
  Result<void> forget_vanished(const RelativePath& top, const std::vector<std::string>& present_ascending);

  // --- Pulled contents ------------------------------------------------------------------------------------------------
  struct Pulled {
    RelativePath path;
    Digest digest;
    // As it stands under its name now. Becomes a known content, too, where times are fine enough to trust at once.
    FileStatus status;
  };
  // All or none.
  Result<void> record_pulled(std::span<const Pulled> files);
  Result<std::optional<Digest>> pulled_digest(const RelativePath& path) const;
  Result<void> forget_pulled(const RelativePath& path);

  // --- Lists of chunks, by the digest of the content they describe ------------------------------------------------------
  // As it was kept; nullopt when it is not, or not any more.
  std::optional<Bytes> chunks_of(const Digest& content) const;
  // Those kept longest ago are forgotten beyond kChunkListsBytesMax.
  static constexpr std::int64_t kChunkListsBytesMax = 256 << 20;  // Of 400 GiB of files.
  Result<void> keep_chunks(const Digest& content, ByteView list);
  Result<void> forget_chunks(const Digest& content);

  // The content of `path` when `status` is what the index knows.
  std::optional<Digest> known_digest(const RelativePath& path, const FileStatus& status) const;

 private:
  struct State;
  explicit Index(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace callboard::sync
