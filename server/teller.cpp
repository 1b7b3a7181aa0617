#include "server/teller.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "base/limits.h"

namespace callboard::server {
namespace {

protocol::UserMessage wire_message(const Message& message) {
  return {message.number, message.user, *message.text, message.timestamp};
}

}  // namespace

protocol::DocumentRecord wire_record(Record record) {
  return record == Record::story ? protocol::DocumentRecord::story : protocol::DocumentRecord::analytics;
}

Record board_record(protocol::DocumentRecord record) {
  return record == protocol::DocumentRecord::story ? Record::story : Record::analytics;
}

// Of what the listener is told now.
Heads Teller::heads(const Listener& listener) const {
  return {board_.head(Record::story).revision,
          board_.head(Record::analytics).revision,
          board_.last_message(),
          presence_.users().head(),
          presence_.ats().head(),
          listener.assets ? assets_.newest().head() : 0};
}

bool Teller::is_due(const Listener& listener, const Mailbox& mailbox) const {
  return mailbox.is_due(heads(listener));
}

void Teller::take_due(const Listener& who, Mailbox& mailbox, Frames& frames) {
  const SessionId listener = who.session;
  if (!is_due(who, mailbox)) return;
  take_users(listener, mailbox, frames);
  take_ats(listener, mailbox, frames);
  if (who.assets) take_assets(listener, mailbox, frames);
  take_messages(listener, mailbox, frames);
  take_document(Record::story, who, mailbox, frames);
  take_document(Record::analytics, who, mailbox, frames);
}

// --- Documents ------------------------------------------------------------------------------------------------------

protocol::DocumentState document_state(const Board& board, Record record) {
  const Head& head = board.head(record);
  protocol::DocumentState state;
  state.record = wire_record(record);
  state.timestamp = head.timestamp;
  state.revision = head.revision;
  state.by = head.user;
  state.session = head.session;
  return state;
}

void Teller::take_document(Record record, const Listener& listener, Mailbox& mailbox, Frames& frames) {
  std::uint64_t& known = mailbox.document(record);
  if (known >= board_.head(record).revision || mailbox.held(record) > 0) return;
  // Of a whole one there may be an older one at hand, which was told before.
  const Edition* edition = editions_.find(record, listener.patches ? known : 0, known + 1);
  if (edition == nullptr) return;
  known = edition->state.revision;
  frames.push_back(edition->tell);
}

const protocol::SharedAnswer& Teller::listed(Listed& list, const std::array<std::uint64_t, 4>& versions,
                                             const std::function<protocol::ServerMessage()>& make) {
  if (list.answer.rest != nullptr && list.versions == versions) return list.answer;
  list = {versions, protocol::encode_shared(make())};
  ++lists_made_;
  return list.answer;
}

// --- Users ----------------------------------------------------------------------------------------------------------

protocol::User Teller::wire_user(SessionId session, const User& user) const {
  const At* at = presence_.at(session);
  ENSURE(at != nullptr);
  return {session,     user.name, user.host, user.shares,
          user.joined, at->item,  at->since, {user.camera_x, user.camera_y},
          false,       0};
}

const protocol::SharedAnswer& Teller::users(std::uint64_t period,
                                            const std::function<std::uint64_t(SessionId)>& round_trip_us) {
  return listed(all_users_,
                {presence_.users().head(), presence_.ats().head(), presence_.away_version(), period}, [&] {
                  protocol::Users message;
                  message.full = true;
                  presence_.users().for_each([&](SessionId session, const User& user) {
                    message.users.push_back(wire_user(session, user));
                    message.users.back().away = presence_.is_away(session);
                    if (const auto us = round_trip_us(session); us > 0)
                      message.users.back().round_trip_us = us;
                  });
                  return message;
                });
}

Teller::Cached<Cursor> Teller::make_users(Cursor from, SessionId except) const {
  const auto changes = presence_.users().changes_since(from, kUsersPerTell);
  protocol::Users message;
  message.full = changes.full;
  Cached<Cursor> made;
  made.from = from;
  made.next = changes.cursor;
  for (const auto& change : changes.changes) {
    // A list of all names oneself, too; a change of one's own is no news.
    if (!changes.full && *change.key == except) continue;
    if (change.value != nullptr) {
      message.users.push_back(wire_user(*change.key, *change.value));
      if (!changes.full) made.about.push_back(*change.key);
    } else {
      message.left.push_back({*change.key, change.removal->name, change.removal->reason});
    }
  }
  if (message.full || !message.users.empty() || !message.left.empty()) {
    made.frame = protocol::encode(protocol::ServerMessage(std::move(message)));
  }
  return made;
}

void Teller::take_users(SessionId listener, Mailbox& mailbox, Frames& frames) {
  const std::uint64_t head = presence_.users().head();
  if (mailbox.users.version >= head) return;
  // It says where each is, too: of two numbers that only grow the sum is another one when either is.
  const std::uint64_t heads = head + presence_.ats().head();
  const auto tell = told(users_cache_, mailbox.users, heads, listener,
                         [&](SessionId except) { return make_users(mailbox.users, except); });
  if (tell.frame.head) frames.push_back(tell.frame);
  mailbox.users = tell.next;
}

void Teller::take_ats(SessionId listener, Mailbox& mailbox, Frames& frames) {
  if (mailbox.at.version >= presence_.ats().head()) return;
  const auto changes = presence_.ats().changes_since(mailbox.at, kAtsPerTell);
  mailbox.at = changes.cursor;
  std::erase_if(at_cache_, [&](const CachedAt& one) { return one.head != presence_.ats().head(); });
  for (const auto& change : changes.changes) {
    // Who leaves is told as such; who has just come is told with the users.
    const User* user = change.value == nullptr ? nullptr : presence_.user(*change.key);
    if (user == nullptr || *change.key == listener) continue;
    if (change.value->item.empty() && change.value->since == user->joined) continue;
    auto cached = std::find_if(at_cache_.begin(), at_cache_.end(),
                               [&](const CachedAt& one) { return one.session == *change.key; });
    if (cached == at_cache_.end()) {
      const protocol::AtTell tell{*change.key, user->name, change.value->item, change.value->since};
      at_cache_.push_back(
          {*change.key, presence_.ats().head(), protocol::encode(protocol::ServerMessage(tell))});
      cached = at_cache_.end() - 1;
    }
    frames.push_back(cached->frame);
  }
}

// --- Assets ---------------------------------------------------------------------------------------------------------

protocol::AssetCopy Teller::wire_copy(const Copy& copy) const {
  const User* user = presence_.user(copy.session);
  ENSURE(user != nullptr);
  return {user->name, copy.session, copy.timestamp};
}

const protocol::SharedAnswer& Teller::assets() {
  return listed(all_assets_, {assets_.newest().head(), 0, 0, 0}, [this] {
    protocol::Assets message;
    message.full = true;
    assets_.newest().for_each(
        [&](const std::string& item, const Copy& copy) { message.items[item] = wire_copy(copy); });
    return message;
  });
}

protocol::Assets Teller::first_assets(Cursor& cursor) const {
  const auto changes = assets_.newest().changes_since({}, kItemsPerTell);
  cursor = changes.cursor;
  protocol::Assets message;
  message.full = true;
  for (const auto& change : changes.changes) message.items[*change.key] = wire_copy(*change.value);
  return message;
}

Teller::Cached<Cursor> Teller::make_assets(Cursor from) const {
  const auto changes = assets_.newest().changes_since(from, kItemsPerTell);
  protocol::Assets message;
  message.full = changes.full;
  Cached<Cursor> made;
  made.from = from;
  made.next = changes.cursor;
  for (const auto& change : changes.changes) {
    if (change.value == nullptr) {
      message.items[*change.key] = std::nullopt;
      continue;
    }
    // Its own session is told, too: it may have become the newest because another one left.
    message.items[*change.key] = wire_copy(*change.value);
  }
  if (message.full || !message.items.empty()) {
    made.frame = protocol::encode(protocol::ServerMessage(std::move(message)));
  }
  return made;
}

void Teller::take_assets(SessionId listener, Mailbox& mailbox, Frames& frames) {
  const std::uint64_t head = assets_.newest().head();
  if (mailbox.assets.version >= head) return;
  const auto tell = told(assets_cache_, mailbox.assets, head, listener,
                         [&](SessionId) { return make_assets(mailbox.assets); });
  if (tell.frame.head) frames.push_back(tell.frame);
  mailbox.assets = tell.next;
}

// --- Messages -------------------------------------------------------------------------------------------------------

const protocol::SharedAnswer& Teller::messages_after(std::uint64_t number) {
  return listed(some_messages_, {number, board_.last_message(), 0, 0}, [&] {
    protocol::Messages message;
    message.last = board_.last_message();
    for (const auto& one : board_.messages_after(number, kMessagesPerTell))
      message.messages.push_back(wire_message(*one));
    return message;
  });
}

Teller::Cached<std::uint64_t> Teller::make_messages(std::uint64_t from, SessionId except) const {
  Cached<std::uint64_t> made;
  made.from = from;
  made.next = board_.last_message();
  protocol::Messages message;
  message.last = board_.last_message();
  const auto messages = board_.messages_after(from, kMessagesPerTell);
  for (const auto& one : messages) {
    if (one->session == except) continue;
    message.messages.push_back(wire_message(*one));
    if (!concerns(made, one->session)) made.about.push_back(one->session);
  }
  if (!messages.empty()) made.next = messages.back()->number;
  if (!message.messages.empty()) made.frame = protocol::encode(protocol::ServerMessage(std::move(message)));
  return made;
}

void Teller::take_messages(SessionId listener, Mailbox& mailbox, Frames& frames) {
  if (mailbox.messages >= board_.last_message()) return;
  const auto tell = told(messages_cache_, mailbox.messages, board_.last_message(), listener,
                         [&](SessionId except) { return make_messages(mailbox.messages, except); });
  if (tell.frame.head) frames.push_back(tell.frame);
  mailbox.messages = tell.next;
}

}  // namespace callboard::server
