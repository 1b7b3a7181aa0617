#pragma once

#include <cstddef>
#include <string_view>

namespace callboard::sync {

// The patterns of --include, of items and of `.callboardignore`. In one component `*` is any run of bytes, `?` one
// character, `[a-z]` one byte of a set, `[!a-z]` or `[^a-z]` one of none, `[[:alpha:]]` one of a class of ASCII, and `\`
// takes the next byte as it is. `**` as a component is any number of components. Time: at most pattern × text.

// One component of a pattern against one name.
bool matches_name(std::string_view pattern, std::string_view name);
// A whole pattern against a whole path, both without a leading '/'.
bool matches(std::string_view pattern, std::string_view path);

// Bytes of the first element of `pattern`, which is not empty: one of the above, or one byte that stands for itself. 0 when
// it is a set that is never closed.
std::size_t element_size(std::string_view pattern);

}  // namespace callboard::sync
