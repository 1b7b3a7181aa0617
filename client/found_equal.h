#pragma once

#include "base/entry.h"
#include "base/result.h"
#include "sync/pull_records.h"
#include "sync/relative_path.h"
#include "sync/root.h"
#include "sync/tree.h"

namespace callboard::client {

// Notes as pulled what `node` has, which is at `directory` and equal to the giver's: it may have been copied here by hand.
// Looks at each file only where the first one is not known as pulled; a file that is no longer as `node` has it is left out.
Result<void> record_equal(const sync::Root& root, sync::PullRecords& records,
                          const sync::RelativePath& directory, const sync::Tree::Node& node);
// The same of a file or a link.
Result<void> record_equal(const sync::Root& root, sync::PullRecords& records, const sync::RelativePath& path,
                          const Entry& entry);

}  // namespace callboard::client
