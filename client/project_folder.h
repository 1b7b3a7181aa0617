#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "client/live_folder.h"
#include "client/transfer_folder.h"
#include "sync/file_ops.h"
#include "sync/index.h"
#include "sync/pull_records.h"
#include "sync/root.h"

namespace callboard::client {

// A workstation's copy of the project with everything transfers need of it, opened once. Thread: any.
class ProjectFolder {
 public:
  // The error names the folder.
  static Result<std::unique_ptr<ProjectFolder>> open(const std::string& folder);

  const sync::Root& root() const { return root_; }
  const sync::Index& index() const { return index_; }
  TransferFolder& listing() { return listing_; }
  // The same; to be started by who stays with the folder for longer than one transfer.
  LiveFolder& live() { return listing_; }
  sync::PullRecords& records() { return records_; }
  sync::FileOps& ops() { return ops_; }

 private:
  ProjectFolder(sync::Root root, sync::Index index);

  sync::Root root_;
  sync::Index index_;
  LiveFolder listing_;
  sync::IndexRecords records_;
  sync::FileOps ops_;
};

}  // namespace callboard::client
