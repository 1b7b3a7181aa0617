#include "server/zone_teller.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/document/value.h"

namespace callboard::server {
namespace {

// A JSON array of what is told.
class ToldList {
 public:
  void add(std::string_view json) {
    text_ += text_.empty() ? '[' : ',';
    text_ += json;
  }
  void add_gone(std::string_view path, bool left) {
    std::string json = "{\"path\":";
    document::append_quoted(path, json);
    json += left ? ",\"gone\":true,\"left\":true}" : ",\"gone\":true}";
    add(json);
  }
  bool is_empty() const { return text_.empty(); }
  std::size_t size_bytes() const { return text_.size(); }
  Document finish() && {
    return std::make_shared<const std::string>(text_.empty() ? "[]" : std::move(text_) + ']');
  }

 private:
  std::string text_;
};

std::uint64_t size_of(const protocol::EncodedFrame& frame) {
  return frame.head == nullptr ? 0 : frame.size_bytes();
}

std::uint64_t size_of(const Zones::Records::Changes& changes) {
  std::uint64_t size_bytes = 0;
  for (const auto& change : changes.changes) {
    // Escaped, a path is at most six times as long.
    size_bytes += change.value != nullptr ? change.value->state->told->size() : 6 * change.key->size() + 64;
  }
  return size_bytes;
}

// As many as one piece may be; one in any case.
Zones::Records::Changes piece_since(const Zones::Records& records, Cursor from) {
  std::size_t count = kRecordsPerTell;
  for (;;) {
    auto changes = records.changes_since(from, count);
    if (count == 1 || size_of(changes) <= kRecordsPerTellBytes) return changes;
    count /= 2;
  }
}

bool is_among(const std::vector<RecordOwner>& owners, const RecordOwner& who) {
  return std::ranges::any_of(owners, [&](const RecordOwner& each) { return is_of(each, who); });
}

void add_shown(const Zones::Shown& shown, bool is_full, const RecordOwner& listener, ToldList& list) {
  const bool is_private = shown.told == document::Told::owner;
  if (!is_private || is_of(shown.state->owner, listener)) {
    list.add(*shown.state->told);
  } else if (!is_full && is_among(shown.former, listener)) {
    list.add_gone(shown.state->path, false);
  }
}

void add_gone(const std::string& path, const Zones::Gone& gone, const RecordOwner& listener, ToldList& list) {
  const bool is_private = gone.told == document::Told::owner;
  if (!is_private || is_among(gone.owners, listener)) list.add_gone(path, gone.left);
}

// Adds whom it concerns alone.
void note_concerned(const Zones::Records::Change& change, std::vector<RecordOwner>& about) {
  if (change.value == nullptr) {
    about.insert(about.end(), change.removal->owners.begin(), change.removal->owners.end());
  } else if (change.value->told == document::Told::owner) {
    about.push_back(change.value->state->owner);
    about.insert(about.end(), change.value->former.begin(), change.value->former.end());
  }
}

}  // namespace

bool ZoneTeller::is_due(const Mailbox& mailbox) const {
  return std::ranges::any_of(mailbox.zones, [this](const ZoneCursor& cursor) {
    const Zones::Zone* zone = zones_.zone(cursor.zone);
    return zone != nullptr && zone->is_due(cursor);
  });
}

void ZoneTeller::take_due(const RecordOwner& listener, Mailbox& mailbox,
                          std::vector<protocol::EncodedFrame>& frames) {
  for (ZoneCursor& cursor : mailbox.zones) {
    const Zones::Zone* zone = zones_.zone(cursor.zone);
    if (zone == nullptr || !zone->is_due(cursor)) continue;
    Caches& caches = caches_of(*zone);
    if (cursor.records.version < zone->records.head()) {
      const auto tell =
          told(caches.records, cursor.records, zone->records.head(), listener, [&](const RecordOwner& who) {
            auto made = make_records(*zone, cursor.records, who);
            if (!who) made_bytes_ += size_of(made.frame);
            return made;
          });
      if (tell.frame.head) frames.push_back(tell.frame);
      cursor.records = tell.next;
    }
    if (cursor.events < zone->last_event) {
      const auto tell =
          told(caches.events, cursor.events, zone->last_event, listener, [&](const RecordOwner&) {
            auto made = make_events(*zone, cursor.events);
            made_bytes_ += size_of(made.frame);
            return made;
          });
      if (tell.frame.head) frames.push_back(tell.frame);
      cursor.events = tell.next;
    }
  }
}

ZoneTeller::RecordsTold ZoneTeller::make_records(const Zones::Zone& zone, Cursor from,
                                                 const RecordOwner& listener) {
  const auto changes = piece_since(zone.records, from);
  RecordsTold made;
  made.from = from;
  made.next = changes.cursor;
  ToldList list;
  for (const auto& change : changes.changes) {
    if (change.value == nullptr) {
      add_gone(*change.key, *change.removal, listener, list);
    } else {
      add_shown(*change.value, changes.full, listener, list);
    }
    note_concerned(change, made.about);
  }
  protocol::Records message;
  message.zone = zone.name;
  message.full = changes.full;
  message.more = changes.cursor.version < zone.records.head();
  // Who is told what there is waits for the last piece, be it empty.
  const bool is_beginning = changes.full || from.version < from.began;
  if (list.is_empty() && !is_beginning) return made;
  message.records = std::move(list).finish();
  made.frame = protocol::encode_for_many(protocol::ServerMessage(std::move(message)));
  return made;
}

// Of each path the newest alone.
ZoneTeller::EventsTold ZoneTeller::make_events(const Zones::Zone& zone, std::uint64_t from) {
  std::vector<const RecordState*> newest;
  std::unordered_set<std::string_view> paths;
  for (auto event = zone.events.rbegin(); event != zone.events.rend() && event->number > from; ++event) {
    if (paths.insert(event->state->path).second) newest.push_back(event->state.get());
  }
  EventsTold made;
  made.from = from;
  made.next = zone.last_event;
  ToldList list;
  for (auto state = newest.rbegin(); state != newest.rend(); ++state) list.add(*(*state)->told);
  if (list.is_empty()) return made;
  protocol::Records message;
  message.zone = zone.name;
  message.records = std::move(list).finish();
  made.frame = protocol::encode_for_many(protocol::ServerMessage(std::move(message)));
  return made;
}

// When all that is kept is too much, all of it goes: what is still asked for is made anew.
ZoneTeller::Caches& ZoneTeller::caches_of(const Zones::Zone& zone) {
  if (made_bytes_ > kTellsKeptBytes) {
    caches_.clear();
    made_bytes_ = 0;
  }
  const auto own = caches_.find(zone.id);
  if (own != caches_.end()) return own->second;
  // Those of zones that are no more.
  std::erase_if(caches_, [this](const auto& each) { return zones_.zone(each.first) == nullptr; });
  return caches_[zone.id];
}

std::uint64_t ZoneTeller::kept_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [id, caches] : caches_) {
    for (const auto& each : caches.records) bytes += size_of(each.frame);
    for (const auto& each : caches.events) bytes += size_of(each.frame);
  }
  return bytes;
}

protocol::Records ZoneTeller::records(const PathParts& zone, const std::string& after,
                                      const std::function<bool(const RecordState&)>& may_see) const {
  ToldList list;
  protocol::Records message;
  message.zone = to_path(zone);
  message.full = true;
  zones_.for_each_in(zone, after, [&](const Zones::Shown& shown) {
    const RecordState& state = *shown.state;
    if (!may_see(state)) return true;
    message.more = !list.is_empty() && list.size_bytes() + state.told->size() > kRecordsPerTellBytes;
    if (!message.more) list.add(*state.told);
    return !message.more;
  });
  message.records = std::move(list).finish();
  return message;
}

}  // namespace callboard::server
