#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/document/edits.h"
#include "base/document/pointer.h"
#include "base/result.h"
#include "server/board/operation.h"

namespace callboard::server {

// A write as it was asked for: an operation whose edits are still to be found out.
struct Draft {
  enum class How {
    whole,    // The content is the document.
    at,       // The content is what is to stand at `at`.
    patch,    // The content is a JSON Patch.
    restore,  // The document is to be as revision `restores` has it.
    settle,   // At `place` is to stand the content; without one, what was lost is brought back.
    nothing,  // Nothing changes; a conflict is settled.
  };
  Operation operation;  // `value` is the content as it came; null where there is none.
  How how = How::whole;
  std::string at{};
  std::uint64_t restores = 0;
  document::Path place{};
  std::string after{};  // Of an element: what it is put behind (document::Edit).
  document::Edits lost{};
  // What its author had before him besides the operation's base: what he did to that.
  std::vector<UniqueId> own{};
};

// What a draft is read against.
struct DraftSources {
  document::ValuePtr base;                                    // What its author had before; null: nothing.
  std::vector<std::shared_ptr<const document::Edits>> own{};  // What is to be done to that first: his own.
  document::ValuePtr head;      // What is there now, for parts to be shared with.
  document::ValuePtr restored;  // For Draft::How::restore.
  document::Growth growth;      // For Draft::How::settle: `head`, with what was taken out of it lately.
  // A later state, which its author is taken to have seen where it is as he had it, and its revision; 0: none.
  document::ValuePtr seen;
  std::uint64_t seen_revision = 0;
};

// The operation, with its edits; of those that settle a conflict, the ones whose places are not gone for good (superseded: all
// are). Where none of its places is another one in `seen` than in `base` with his own, it is based on `seen`: nobody's work is
// lost to it. Pure; takes as long as parsing and comparing do. Thread: any.
Result<Operation> finished(Draft draft, DraftSources sources);

}  // namespace callboard::server
