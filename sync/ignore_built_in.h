#pragma once

#include <string_view>

namespace callboard::sync {

// What nobody means to share, as the text of an ignore file above the project folder: a `!` rule in the project's own file
// takes each of them back. docs/operations.md has the same list.
inline constexpr std::string_view kBuiltInRules = R"(
# Blender: backups (as many as its preferences allow), files being saved, the last session
*.blend[1-9]
*.blend[12][0-9]
*.blend3[0-2]
*.blend@
quit.blend
# Editors and office programs: backups, locks, swap files
*~
.*.sw[a-p]
.#*
\#*#
.~lock.*#
.goutputstream-*
# Python's compiled files
__pycache__/
*.py[co]
# Systems: folder settings, previews, dustbins, files that were removed while they were open
.directory
.DS_Store
._*
.Spotlight-V100/
.Trashes/
.fseventsd/
.Trash-*/
.fuse_hidden*
.nfs[0-9a-f]*
/lost+found/
Thumbs.db
desktop.ini
$RECYCLE.BIN/
System Volume Information/
)";

}  // namespace callboard::sync
