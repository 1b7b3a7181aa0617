#pragma once

#include <cstdint>

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

// How far one session has been told: the same numbers. This is all that the server keeps for it, however slow it is; what
// changed several times meanwhile is told once, in its newest state.
class Mailbox {
 public:
  // Messages numbered up to this were told, or are not going to be.
  void skip_messages_to(std::uint64_t number) { raise(told_.messages, number); }
  void story_told(std::uint64_t revision) { raise(told_.story, revision); }
  void analytics_told(std::uint64_t revision) { raise(told_.analytics, revision); }
  // Cursors of Versioned: a catching-up that starts over may set them back.
  void users_told(std::uint64_t cursor) { told_.users = cursor; }
  void at_told(std::uint64_t cursor) { told_.at = cursor; }
  void assets_told(std::uint64_t cursor) { told_.assets = cursor; }

  const Heads& told() const { return told_; }

  bool is_due(const Heads& heads) const {
    return told_.story < heads.story || told_.analytics < heads.analytics || told_.messages < heads.messages ||
           told_.users < heads.users || told_.at < heads.at || told_.assets < heads.assets;
  }

 private:
  // Answers overtake tells; what is known stays known.
  static void raise(std::uint64_t& told, std::uint64_t to) { told = to > told ? to : told; }

  Heads told_;
};

}  // namespace callboard::server
