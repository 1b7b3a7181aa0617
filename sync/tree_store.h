#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/entry.h"
#include "base/result.h"
#include "sync/file_ops.h"
#include "sync/file_status.h"
#include "sync/relative_path.h"
#include "sync/root.h"

namespace callboard::sync {

// New directories of one transfer while they are put together: `tree-<digest of the path>-<number>/t` in the transfer's folder
// has what will be the directory `path`, under the real names beneath it. What an earlier try could not finish lies in the
// folder of what is kept, under such a name, and its files are taken from there by their path.
// Thread: all methods may run at once (planning, committing); the constructor and retire() alone.
class TreeStore {
 public:
  // A directory that is being put together.
  class Growing {
   public:
    Growing(Root root, std::string name) : root_(std::move(root)), name_(std::move(name)) {}
    const Root& root() const { return root_; }
    const std::string& name() const { return name_; }
    Root release() { return std::move(root_); }
    // Where `path`, which is `top` or lies beneath it, lies in root().
    static Result<RelativePath> inner(const RelativePath& top, const RelativePath& path);

   private:
    Root root_;
    std::string name_;
  };

  // The folder of the transfer, open and by its path, and that of what is kept. All must outlive it.
  struct Parts {
    FileOps& ops;
    int folder_fd = -1;
    std::string folder;
    int kept_fd = -1;
  };
  explicit TreeStore(const Parts& parts) : parts_(parts) {}

  // Whether there is a file at `place` or beneath, or anything else that is no directory.
  static bool has_files(FileOps& ops, const Place& place);
  static bool is_tree_name(std::string_view name);
  // Looks for what earlier tries left, and removes what is older than `life`.
  void find_kept(Timestamp now, Duration life);
  // Moves a tree that a transfer left in `from` to what is kept, or removes it when nothing is in it.
  static void retire(FileOps& ops, const Place& from, int kept_fd);

  Result<std::unique_ptr<Growing>> begin(const RelativePath& top);
  // It did not get its name: its files may be taken again.
  void give_up(const RelativePath& top, std::unique_ptr<Growing> growing);
  // `top` has its name: what earlier tries left of it is removed.
  void end(const RelativePath& top, std::unique_ptr<Growing> growing);

  // False: take() finds nothing.
  bool has_any() const;
  // True when an earlier try left something of a directory above `path`: what the index says was pulled there lies in that, and
  // what has the name was made here.
  bool has_left_above(const RelativePath& path) const;
  struct Taken {
    FileStatus status;
    bool is_of_this_transfer = false;  // And not of one that may have ended in a power cut.
  };
  // Moves the file that an earlier try had at `path` to `to`, when it looks as `entry` does; its content is not looked at.
  // nullopt: there is none.
  std::optional<Taken> take(const RelativePath& path, const Entry& entry, const Place& to);

 private:
  struct Left {
    std::string name;
    std::optional<Root> root;  // Once it is in the transfer's folder.
    bool is_of_this_transfer = false;
  };

  std::string unused_name(const std::string& key);
  bool claim(const std::string& key, Left& left);

  Parts parts_;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<Left>, std::less<>> left_;  // By the digest of the path.
  std::uint64_t next_number_ = 0;
};

}  // namespace callboard::sync
