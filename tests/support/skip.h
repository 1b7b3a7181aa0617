#pragma once

#include <string_view>

namespace callboard::support {

// Counts the running test case as skipped and prints why; the test case returns right after it. (Catch2 v2 has no such
// thing.) tests/run shows the reasons and the number.
void skip_test(std::string_view reason);

}  // namespace callboard::support
