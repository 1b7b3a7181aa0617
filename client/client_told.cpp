// The client's part that hears what the server tells.
#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "client/client_impl.h"

namespace callboard::client {
namespace {

// Takers served at once. The server has a lower limit; one that demands more than this is not one of ours.
constexpr std::size_t kGivesMax = 4 * kTransfersPerSession;
// Until a document is asked for again that was not told in time: as with zones.
constexpr Duration kReadPause = ZoneKeeper::kPause;

}  // namespace

void Client::Impl::on_told(protocol::ServerMessage message) {
  if (const auto* document = std::get_if<protocol::DocumentState>(&message)) {
    on_document(*document);
  } else if (const auto* conflicts = std::get_if<protocol::Conflicts>(&message)) {
    if (const auto news = heard_.hear(*conflicts); !news.empty()) listener_.on_conflicts(news);
  } else if (const auto* disk = std::get_if<protocol::Writable>(&message)) {
    listener_.on_writable(disk->writable, disk->text);
  } else if (const auto* door = std::get_if<protocol::Admitting>(&message)) {
    listener_.on_warning(door->admitting ? std::string("the server lets people in again")
                                         : "the server lets nobody in: " + escaped(door->text));
  } else if (const auto* slower = std::get_if<protocol::Slower>(&message)) {
    listener_.on_warning(escaped(slower->what) + ": the server takes " + std::to_string(slower->per_second) +
                         " a second from one session, and holds back what is more");
  } else if (const auto* assets = std::get_if<protocol::Assets>(&message)) {
    on_assets(*assets);
  } else if (const auto* users = std::get_if<protocol::Users>(&message)) {
    on_users(*users);
  } else if (const auto* at = std::get_if<protocol::AtTell>(&message)) {
    if (const auto user = heard_.hear(*at)) listener_.on_at(*user);
  } else if (const auto* records = std::get_if<protocol::Records>(&message)) {
    zones_->on_told(*records);
  } else if (const auto* messages = std::get_if<protocol::Messages>(&message)) {
    if (const auto news = heard_.hear(*messages); !news.empty()) listener_.on_messages(news);
  } else if (const auto* give = std::get_if<protocol::Give>(&message)) {
    on_give(*give);
  } else if (const auto* opened = std::get_if<protocol::ChannelTell>(&message)) {
    Granted granted{data_address(opened->port), opened->transfer, opened->ticket, self_.name, opened->by};
    granted.key = opened->key;
    channels_.on_wanted(granted, opened->name);
  } else if (auto* over = std::get_if<protocol::TransferOver>(&message)) {
    on_over(std::move(*over));
  } else if (const auto* call = std::get_if<protocol::CallTell>(&message)) {
    offers_->on_told(*call);
  } else if (const auto* cancel = std::get_if<protocol::CallCancelTell>(&message)) {
    offers_->on_told(*cancel);
  }
}

// A list that is told anew, because the server is another one or has forgotten what was known here, may come in pieces:
// who is missing shows in an answer, which is whole.
void Client::Impl::on_users(const protocol::Users& tell) {
  if (tell.full && heard_.knows_users()) {
    return session_->ask(protocol::UsersAsk{}, [this](const Result<protocol::ServerMessage>& reply) {
      const auto* all = reply ? std::get_if<protocol::Users>(&*reply) : nullptr;
      heard_.lacks_users = all == nullptr;
      if (all == nullptr) return;
      Heard::Users news = heard_.replace(*all);
      // Where oneself is, one knows.
      std::erase_if(news.changed, [&](const User& user) { return user.session == self_.session; });
      if (!news.empty()) listener_.on_users(news.changed, news.left);
    });
  }
  const Heard::Users news = heard_.hear(tell);
  if (!news.empty()) listener_.on_users(news.changed, news.left);
}

void Client::Impl::on_assets(const protocol::Assets& tell) {
  if (tell.full && heard_.knows_assets()) {
    return session_->ask(protocol::AssetsRead{}, [this](const Result<protocol::ServerMessage>& reply) {
      const auto* all = reply ? std::get_if<protocol::Assets>(&*reply) : nullptr;
      heard_.lacks_assets = all == nullptr;
      if (all == nullptr) return;
      if (const AssetChanges news = heard_.replace(*all); !news.empty()) listener_.on_assets(news);
    });
  }
  if (const AssetChanges news = heard_.hear(tell); !news.empty()) listener_.on_assets(news);
}

void Client::Impl::on_give(const protocol::Give& give) {
  if (!folder_) return;
  if (under_way_->given() >= kGivesMax)
    return listener_.on_warning("too many takers at once; one is not served");
  under_way_->give(give.transfer, give.list ? UnderWay::Giving::look : UnderWay::Giving::pull);
  if (!give.list) listener_.on_giving(give.transfer, give.user, give.item);
  transfers_.give({data_address(give.port), give.transfer, give.ticket, self_.name, give.user, give.item,
                   give.compress, give.key});
}

void Client::Impl::on_over(protocol::TransferOver over) {
  if (channels_.on_over(over)) return;
  if (const auto given = under_way_->end(over.transfer)) {
    // Who was not told that it began does not hear of its end.
    if (*given == UnderWay::Giving::look) return;
    return listener_.on_given(over.transfer, over.outcome, over.text, over.bytes);
  }
  const auto it = overs_.find(over.transfer);
  if (it == overs_.end()) return;
  it->second.set(std::move(over));
  if (items_) items_->look_now();
}

void Client::Impl::on_document(const protocol::DocumentState& state) {
  KnownDocument& known = known_of(state.record);
  // The whole that was asked for comes: mostly this is in it.
  const bool is_whole = state.document && state.from == 0;
  if (const auto reading = reading_.find(state.record); !is_whole && reading != reading_.end()) {
    reading->second = std::max(reading->second, state.revision);
    return;
  }
  const auto changed = known.hear(state);
  if (!changed) listener_.on_warning(changed.error().text);
  // Without text it is an answer that came too late: what was sent is forgotten.
  const bool is_lacking = !state.document && state.revision > known.newest().revision;
  if (!changed || is_lacking) return read_anew(state.record);
  if (!*changed) return;
  if (state.record == protocol::DocumentRecord::story) {
    listener_.on_story(known.newest());
  } else {
    listener_.on_analytics(known.newest());
  }
}

void Client::Impl::read_anew(protocol::DocumentRecord record) {
  if (reading_.emplace(record, 0).second) ask_whole(record);
}

void Client::Impl::ask_whole(protocol::DocumentRecord record) {
  protocol::DocumentRead read;
  read.record = record;
  session_->ask(read, [this, record](const Result<protocol::ServerMessage>& reply) {
    if (!reply && reply.error().outcome == Outcome::timed_out) {
      unread_.insert(record);
      if (!read_again_->is_set()) read_again_->set_after(kReadPause);
      return;
    }
    const std::uint64_t told = reading_.extract(record).mapped();
    const auto* whole = reply ? std::get_if<protocol::DocumentState>(&*reply) : nullptr;
    if (whole == nullptr) return;
    on_document(*whole);
    // A large one takes a while: what came after it was passed over.
    if (known_of(record).newest().revision < told) read_anew(record);
  });
}

}  // namespace callboard::client
