#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "protocol/codec.h"
#include "protocol/message.h"
#include "server/board/assets.h"
#include "server/board/board.h"
#include "server/board/mailbox.h"
#include "server/board/presence.h"
#include "server/editions.h"
#include "server/tell_cache.h"

namespace callboard::server {

protocol::DocumentRecord wire_record(Record record);
Record board_record(protocol::DocumentRecord record);
// Who wrote the newest revision and when; without the document.
protocol::DocumentState document_state(const Board& board, Record record);

// Says the shared state in the protocol's messages: whole, for answers; as what one session's mailbox lacks, for tells.
// Listeners at the same cursor get the same encoded frame. Pure but for that cache. Loop thread only.
class Teller {
 public:
  Teller(const Board& board, Editions& editions, const Presence& presence, const Assets& assets)
      : board_(board), editions_(editions), presence_(presence), assets_(assets) {}

  struct Listener {
    SessionId session;
    bool patches = false;  // Documents may be told as patches of what was told before.
    bool assets = true;    // false: not now.
  };

  // Whether there is anything that take_due() would tell.
  bool is_due(const Listener& listener, const Mailbox& mailbox) const;
  using Frames = std::vector<protocol::EncodedFrame>;
  // Adds one piece of everything that is due, and moves the mailbox past it. What the listener did itself is left out.
  // Nothing when nothing is due; when more is, is_due() still says so.
  // A document whose text is in the making comes later (Editions).
  void take_due(const Listener& listener, Mailbox& mailbox, Frames& frames);

  // Everything there is, encoded anew only when it is another than when it was last asked for.
  // Of users also in another period, as their round trips change all the time. `round_trip_us`: 0 is not known.
  const protocol::SharedAnswer& users(std::uint64_t period,
                                      const std::function<std::uint64_t(SessionId)>& round_trip_us);
  const protocol::SharedAnswer& assets();
  // The first piece of those that are newer.
  const protocol::SharedAnswer& messages_after(std::uint64_t number);
  // How often that was.
  std::uint64_t lists_made() const { return lists_made_; }
  // The first piece for a listener who knows nothing; `cursor` is where the mailbox goes on.
  protocol::Assets first_assets(Cursor& cursor) const;

 private:
  template <class Key>
  using Cached = CachedTell<Key>;

  Heads heads(const Listener& listener) const;
  void take_document(Record record, const Listener& listener, Mailbox& mailbox, Frames& frames);
  void take_users(SessionId listener, Mailbox& mailbox, Frames& frames);
  void take_ats(SessionId listener, Mailbox& mailbox, Frames& frames);
  void take_assets(SessionId listener, Mailbox& mailbox, Frames& frames);
  void take_messages(SessionId listener, Mailbox& mailbox, Frames& frames);

  Cached<Cursor> make_users(Cursor from, SessionId except) const;
  Cached<Cursor> make_assets(Cursor from) const;
  Cached<std::uint64_t> make_messages(std::uint64_t from, SessionId except) const;
  protocol::User wire_user(SessionId session, const User& user) const;
  protocol::AssetCopy wire_copy(const Copy& copy) const;

  const Board& board_;
  Editions& editions_;
  const Presence& presence_;
  const Assets& assets_;
  std::vector<Cached<Cursor>> users_cache_;
  std::vector<Cached<Cursor>> assets_cache_;
  std::vector<Cached<std::uint64_t>> messages_cache_;
  struct CachedAt {
    SessionId session;
    std::uint64_t head = 0;
    protocol::EncodedFrame frame;
  };
  std::vector<CachedAt> at_cache_;
  struct Listed {
    std::array<std::uint64_t, 4> versions{};  // Of all that it says.
    protocol::SharedAnswer answer;            // Null rest: not made yet.
  };
  const protocol::SharedAnswer& listed(Listed& list, const std::array<std::uint64_t, 4>& versions,
                                       const std::function<protocol::ServerMessage()>& make);
  Listed all_users_;
  Listed all_assets_;
  Listed some_messages_;
  std::uint64_t lists_made_ = 0;
};

}  // namespace callboard::server
