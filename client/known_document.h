#pragma once

#include "base/document/value.h"
#include "base/result.h"
#include "client/types.h"
#include "protocol/message.h"

namespace callboard::client {

// A document as far as this client was told of it: whole, or as patches of what it had. Its parsed form is made when the
// first patch comes. Client's thread only.
class KnownDocument {
 public:
  const Document& newest() const { return newest_; }

  // True: it is another one now. False: it is old news, or has no text. The error says that the patch is of something else;
  // what was known is forgotten then, and read anew it is whole.
  Result<bool> hear(const protocol::DocumentState& state);
  // A join found this: what is known of later revisions is of another board, or of one that is no more, and forgotten.
  void settle(const protocol::DocumentState& state);
  // What this client wrote itself, where the server took it as it was.
  void set(const Document& document);

 private:
  Result<bool> patch(const protocol::DocumentState& state);

  Document newest_;
  document::ValuePtr root_;  // Of newest_; null until it is needed.
};

}  // namespace callboard::client
