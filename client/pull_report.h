#pragma once

#include "client/pull_types.h"

namespace callboard::client {

// Adds what another pull did to `all`, whose outcome is the first that is not done.
void add_report(PullReport& all, PullReport one);

}  // namespace callboard::client
