#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "sync/blend_stream.h"

namespace callboard::sync {

// The library files that a .blend file links to, found without loading it. The format, after Blender's own
// blenloader/BLO_core_blend_header.hh, BLO_core_bhead.hh, makesdna/intern/dna_genfile.cc and
// dna_rename_defs.h:
//
//     "BLENDER"   '_' or '-': pointers of 4 or 8 bytes   'v' or 'V': little- or big-endian   three digits
//     "BLENDER17-01v" and four digits: since 5.0, pointers of 8 bytes, little-endian
//     then blocks, a head and its bytes each, until the one of code "ENDB":
//         code[4]  i32 size  u32 address  i32 struct  i32 count     pointers of 4 bytes
//         code[4]  i32 size  u64 address  i32 struct  i32 count     pointers of 8 bytes
//         code[4]  i32 struct  u64 address  i64 size  i64 count     since 5.0
//
// A block "LI" (big-endian: two zeros before it) is a struct Library, one file that is linked to. Where in it
// the path is, the block "DNA1" says, which describes all structs of the file: member `name`, as it is called
// on disk, and where there is none `filepath`. Beside a `name` that is what the path came to on the machine
// that wrote it.
//
// Of a plain file heads, libraries and DNA are read, and the rest is passed over: the cost is that of its
// blocks.

// Blocks of one file: a scene with every vertex group in a block of its own has some millions.
inline constexpr std::uint64_t kBlendBlocksMax = 16 * MiB;
// Blender's own is 200 KiB.
inline constexpr std::uint64_t kBlendDnaMax = 4 * MiB;
// Files one file links to, and what of each is kept until the DNA is known: struct Library is of 2.5 KiB.
inline constexpr std::size_t kBlendLibrariesMax = 4096;
inline constexpr std::size_t kBlendLibraryMaxBytes = 8 * KiB;

// The paths as they are written in it, each once, in its order: "//../lib/tex.blend". Any bytes but NUL, at
// most kPathMaxBytes. `unpacked_bytes_left`: what of compressed files may be unpacked, of which its part is
// taken off. Errors do not name the file. Fails with Outcome::cancelled soon after `stop` is requested.
Result<std::vector<std::string>> blend_links(const ReadAt& file, std::uint64_t& unpacked_bytes_left,
                                             const std::stop_token& stop = {});

}  // namespace callboard::sync
