#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/document/pointer.h"
#include "base/document/value.h"
#include "base/result.h"

// RFC 6902: how one version of a document is said as its difference from another.
namespace callboard::document {

// A JSON Patch that makes `to` of `from`. Elements of arrays with an "id" or a "name" are matched by it. Never longer
// than a little more than `to`; what is shared by both costs nothing. Empty patch: "[]".
std::string diff(const ValuePtr& from, const ValuePtr& to);

// The document with the patch applied; the operations may be those of RFC 6902 only, and an array's places may be named
// by "id" or "name", too. superseded: a `test` failed; not_found: a place is not there; usage: it is no JSON Patch.
Result<ValuePtr> apply_patch(const ValuePtr& document, std::string_view patch);

// The document with `value` at that place: replaced there, or added to the object or at the end of the array ("-").
Result<ValuePtr> put(const ValuePtr& document, const Tokens& at, const ValuePtr& value);

}  // namespace callboard::document
