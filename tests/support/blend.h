#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::support {

// A .blend file with nothing in it but what it links to, laid out as sync/blend_links.h says.
struct BlendPlan {
  std::vector<std::string> libraries = {};  // Each at most 1,023 bytes.
  std::size_t pointer_bytes = 8;
  bool is_big_endian = false;
  bool has_large_heads = false;  // As of 5.0; pointers of 8 bytes, little-endian.
  // The members of struct Library that hold paths, in their order. In `filepath` after `name` there is what
  // the path came to elsewhere.
  std::vector<std::string> members = {"name", "filepath"};
  std::size_t mesh_bytes = 1000;  // Of a block that has nothing to do with it.
};
std::string make_blend(const BlendPlan& plan);
// One that links to these.
std::string make_blend(const std::vector<std::string>& libraries);

// As Blender compresses: a frame for every so many bytes, and a table of them behind the last in a frame to
// be skipped.
std::string compress_blend(std::string_view blend, std::size_t frame_bytes = 1 << 20);

}  // namespace callboard::support
