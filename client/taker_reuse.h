#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "client/transfer_folder.h"
#include "sync/content_table.h"

namespace callboard::client {

// Finds wanted content among what is here already. The first question builds the table. Thread: planning.
class TakerReuse {
 public:
  explicit TakerReuse(TransferFolder& folder) : folder_(folder) {}

  // What was looked at for this pull. Where the whole folder is not kept, the index says what else there was.
  void set_trees(std::vector<std::shared_ptr<const sync::Tree>> trees) {
    trees_ = std::move(trees);
    table_.reset();
  }
  std::optional<sync::RelativePath> file(const Entry& entry);
  std::optional<sync::ContentTable::Directory> directory(const Entry& entry);

 private:
  const sync::ContentTable& table();

  TransferFolder& folder_;
  std::vector<std::shared_ptr<const sync::Tree>> trees_;
  std::shared_ptr<const sync::ContentTable> table_;
};

}  // namespace callboard::client
