#pragma once

#include <cstdint>
#include <memory>

#include "base/entry.h"
#include "sync/chunk_list.h"
#include "sync/relative_path.h"

namespace callboard::client {

// How a file comes about from an older version of it and what is wanted of it.
struct Delta {
  sync::ChunkList chunks;  // Of the file as it will be; empty when they are not known.
  sync::DeltaPlan
      plan;  // From WantedFile::offset on. Without segments: the whole content is wanted from there.
};

// One file whose content was asked for.
struct WantedFile {
  std::uint32_t listing = 0;
  std::uint32_t entry_index = 0;
  sync::RelativePath path;
  Entry entry;               // As it was listed: what must arrive.
  std::uint64_t offset = 0;  // Content before it is here already.
  Digest older = {};         // Of what is here under its path, where its chunks are asked for.
  // The list of that version's chunks, where it was kept: the giver may name its groups.
  std::shared_ptr<const sync::ChunkList> older_chunks = nullptr;
  std::shared_ptr<const Delta> delta = nullptr;  // Once its chunks are known.
};

}  // namespace callboard::client
