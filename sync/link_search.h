#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "sync/items.h"
#include "sync/patterns.h"
#include "sync/root.h"

namespace callboard::sync {

// Of all that one search looks into, so that no .blend file, nor a thousand, can make it endless.
struct LinkLimits {
  // Places in the project that are linked to. A feature film has some 10,000 assets. A path of 256 bytes and
  // more counts as several, so that all of them are 16 MiB at most.
  std::uint64_t links = 65'536;
  // Links that lead elsewhere and files that could not be looked into, of which each is told. More would only
  // be scrolled past.
  std::uint64_t notes = 256;
  // Of compressed files, where what is passed over is unpacked, too. A scene with all that it links to has some
  // tens of GiB; a bomb is given up after half a minute.
  std::uint64_t unpacked_bytes = 128 * GiB;
};

// A library file that a .blend file links to, and what is to be had for it.
struct LinkedFile {
  RelativePath file;
  RelativePath by;    // The .blend file that links to it, or the symbolic link that leads there.
  RelativePath item;  // The item that holds `file`, or `file` itself where none does.
};

// A link that leads out of the project, or to what is no .blend file.
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

// In one file.
struct FoundLinks {
  std::vector<LinkedFile> files;
  std::vector<LinkElsewhere> elsewhere;
  std::vector<BlendUnread> unread;
};

// How many there were in all.
struct LinkCounts {
  std::uint64_t elsewhere = 0;
  std::uint64_t unread = 0;
  std::uint64_t told = 0;            // Of these.
  std::uint64_t links_left_out = 0;  // Because of LinkLimits::links: what they lead to is not known.
  std::uint64_t files_left_out = 0;  // Not looked into when that was used up.
};

// In any mix of ASCII case.
bool is_blend_name(std::string_view name);

// Looks for what .blend files of a project folder link to (sync/blend_links.h), each file once however often
// it is linked to, so that links in a circle end. Only libraries: no images, sounds or caches. A link can name
// anything, so nothing is found but what is called .blend, and nothing that is, or lies in, what begins with
// a dot. What `wanted` leaves out is neither found nor looked into. Symbolic links are read, and what they
// lead to is found in their place. `root` must outlive it. Thread: one at a time.
class LinkSearch {
 public:
  // Told of each file in which there was something.
  using Tell = std::function<void(const FoundLinks&)>;

  LinkSearch(const Root& root, ItemPatterns items, Patterns wanted, const LinkLimits& limits = {});

  // In all .blend files of the folder `path`, but those that are ignored, or in the one file that it is,
  // whatever its name. Nothing, when it is not here. What an earlier call found is not found again. Fails with
  // Outcome::cancelled alone, soon after `stop` is requested.
  Result<void> look_into(const RelativePath& path, const Tell& tell, const std::stop_token& stop = {});
  // The same of a file that is linked to; nothing in a folder.
  Result<void> look_into_file(const RelativePath& path, const Tell& tell, const std::stop_token& stop = {});
  // That it is a file, or that symbolic links lead on from there.
  bool is_file_here(const RelativePath& path) const;
  const LinkCounts& counts() const { return counts_; }

 private:
  Result<void> look_into_folder(const RelativePath& folder, const Tell& tell, const std::stop_token& stop);
  Result<void> read_file(const RelativePath& file, const Tell& tell, const std::stop_token& stop);
  void take_symlink(const RelativePath& path, const Tell& tell);
  void take_link(const RelativePath& by, const std::string& path, FoundLinks& found);
  void take_place(const RelativePath& by, const std::string& path, const RelativePath& place,
                  FoundLinks& found);
  void note_elsewhere(LinkElsewhere link, FoundLinks& found);
  bool is_told();
  bool has_room_for(const RelativePath& place);
  Result<RelativePath> without_links(RelativePath path) const;
  bool is_wanted(const RelativePath& file) const;

  const Root& root_;
  ItemPatterns items_;
  Patterns wanted_;
  LinkLimits left_;
  LinkCounts counts_;
  std::vector<std::string> folders_;  // The project folder's absolute paths: as it is called, and real.
  std::set<RelativePath> looked_into_;
  std::set<RelativePath> seen_;  // Places that were linked to, as they were written and where they led.
};

}  // namespace callboard::sync
