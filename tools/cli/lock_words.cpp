#include "tools/cli/lock_words.h"

#include <cstdint>
#include <utility>

#include "base/document/members.h"
#include "base/text.h"
#include "tools/cli/objects.h"
#include "tools/cli/visit.h"

namespace callboard::cli {

LockFacts lock_facts(std::string user, const document::Value& fields) {
  return {std::move(user),
          document::text_in(fields, "note"),
          {document::number_in<std::int64_t>(fields, "since")}};
}

std::string since_and_why(const LockFacts& lock) {
  return "since " + when(lock.since) + (lock.note.empty() ? "" : ": " + escaped(lock.note, 200));
}

void warn_of_lock(Output& output, const std::string& item, const LockFacts& lock, const std::string& text) {
  output.warning(text);
  output.object({{"event", "warning"},
                 {"about", "lock"},
                 {"item", item},
                 {"user", lock.user},
                 {"since", to_iso(lock.since)},
                 {"note", lock.note},
                 {"text", text}});
}

}  // namespace callboard::cli
