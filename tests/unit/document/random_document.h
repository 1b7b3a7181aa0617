#pragma once

#include <random>
#include <string>

#include "base/document/value.h"

namespace callboard::document {

// What is written there; a text that is no document fails the test.
ValuePtr value(const std::string& json);
// A small story: members, keyed arrays within keyed arrays, plain arrays, text, numbers.
ValuePtr random_document(std::mt19937& random);
// A version of it as an author would leave it: one to three things changed, added, removed or moved.
ValuePtr edited(const ValuePtr& document, std::mt19937& random);

}  // namespace callboard::document
