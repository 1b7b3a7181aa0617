#pragma once

#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sync/items.h"
#include "sync/patterns.h"
#include "sync/root.h"

namespace callboard::sync {

// A library file that a .blend file links to, and what is to be had for it.
struct LinkedFile {
  RelativePath file;
  RelativePath by;    // The .blend file that links to it, or the symbolic link that leads there.
  RelativePath item;  // The item that holds `file`, or `file` itself where none does.
};

// A link that leads out of the project.
struct LinkElsewhere {
  RelativePath by;
  std::string path;  // As it is written there. Any bytes.
  std::string why;
};

// A .blend file that could not be looked into.
struct BlendUnread {
  RelativePath file;
  std::string why;
};

struct FoundLinks {
  std::vector<LinkedFile> files;
  std::vector<LinkElsewhere> elsewhere;
  std::vector<BlendUnread> unread;
};

// In any mix of ASCII case.
bool is_blend_name(std::string_view name);

// Looks for what .blend files of a project folder link to (sync/blend_links.h), each file once however often
// it is linked to, so that links in a circle end. Only libraries: no images, sounds or caches. What `wanted`
// leaves out is neither found nor looked into. Symbolic links are read, and what they lead to is found in
// their place. `root` must outlive it. Thread: one at a time.
class LinkSearch {
 public:
  LinkSearch(const Root& root, ItemPatterns items, Patterns wanted);

  // In all .blend files of the folder `path`, but those that are ignored, or in the one file that it is,
  // whatever its name. Nothing, when it is not here. What an earlier call found is not found again. Fails with
  // Outcome::cancelled alone, soon after `stop` is requested.
  Result<FoundLinks> look_into(const RelativePath& path, const std::stop_token& stop = {});
  // That it is, or that symbolic links lead on from there.
  bool is_here(const RelativePath& path) const;

 private:
  Result<void> look_into_folder(const RelativePath& folder, FoundLinks& found, const std::stop_token& stop);
  Result<void> look_into_file(const RelativePath& file, FoundLinks& found, const std::stop_token& stop);
  void take_link(const RelativePath& by, const std::string& path, FoundLinks& found);
  void take_place(const RelativePath& by, const RelativePath& place, FoundLinks& found);
  Result<RelativePath> without_links(RelativePath path) const;
  bool is_wanted(const RelativePath& file) const;

  const Root& root_;
  ItemPatterns items_;
  Patterns wanted_;
  std::vector<std::string> folders_;  // The project folder's absolute paths: as it is called, and real.
  std::set<RelativePath> looked_into_;
  std::set<RelativePath> found_;
};

}  // namespace callboard::sync
