#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/document/value.h"
#include "base/result.h"

namespace callboard::document {

// The tokens of a JSON pointer (RFC 6901), unescaped: "/scenes/3/a~1b" gives "scenes", "3", "a/b"; "" is the whole.
using Tokens = std::vector<std::string>;

Result<Tokens> parse_pointer(std::string_view pointer);
void append_token(std::string_view token, std::string& pointer);
std::string pointer_text(const Tokens& tokens);

// The index that a token says; nullopt: it says none ("01", "-", "a").
std::optional<std::size_t> index_from(std::string_view token);
// Where in the array a token leads: an index, or the text of an element's "id" or "name". "id=3" is the element with that id also
// where 3 is an index.
std::optional<std::size_t> index_in(const Array& array, std::string_view token);

// What stands there; null for nothing.
ValuePtr find(const ValuePtr& root, const Tokens& tokens);

}  // namespace callboard::document
