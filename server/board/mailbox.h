#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "server/board/operation.h"
#include "server/board/versioned.h"

namespace callboard::server {

// How far the shared state has come: the newest version of each part.
struct Heads {
  std::uint64_t story = 0;      // Revision.
  std::uint64_t analytics = 0;  // Revision.
  std::uint64_t messages = 0;   // Number.
  std::uint64_t users = 0;      // Version, and so on.
  std::uint64_t at = 0;
  std::uint64_t assets = 0;
};

// How far one session has been told in one of the zones that it is in.
struct ZoneCursor {
  std::uint64_t zone = 0;
  Cursor records;
  std::uint64_t events = 0;
  std::uint64_t entry = 0;  // Another number each time that somebody enters one.
};

// How far one session has been told. This is all that the server keeps for it, however slow it is; what changed several
// times meanwhile is told once, in its newest state.
struct Mailbox {
  std::uint64_t story = 0;
  std::uint64_t analytics = 0;
  std::uint64_t messages = 0;
  Cursor users;
  Cursor at;
  Cursor assets;
  std::vector<ZoneCursor> zones;  // kZonesPerSession at most.
  // Answers in the making that will tell of the document: until they are out, nothing else does.
  std::uint32_t story_held = 0;
  std::uint32_t analytics_held = 0;

  std::uint64_t& document(Record record) { return record == Record::story ? story : analytics; }
  std::uint32_t& held(Record record) { return record == Record::story ? story_held : analytics_held; }

  bool is_due(const Heads& heads) const {
    return story < heads.story || analytics < heads.analytics || messages < heads.messages ||
           users.version < heads.users || at.version < heads.at || assets.version < heads.assets;
  }

  // Answers may overtake tells: what is known stays known.
  static void raise(std::uint64_t& told, std::uint64_t to) { told = std::max(told, to); }
};

}  // namespace callboard::server
