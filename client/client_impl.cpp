#include "client/client_impl.h"

#include <fmt/format.h>

#include <utility>

#include "base/id.h"
#include "base/limits.h"
#include "base/text.h"
#include "client/conversions.h"

namespace callboard::client {
namespace {

namespace action = protocol::client_action;

// How transfers ended is kept for those that ask late; far more than run at once.
constexpr std::size_t kEndingsKept = 256;
// How long a join waits for the first look at a large folder: well below kHandshakeLimit. What is found later is told then.
constexpr Duration kLookPatience = 2s;

bool is_whole(const protocol::DocumentWrite& write) {
  return !write.at && !write.patch && write.restore == 0 && write.settles == 0;
}

// A whole document that the server took as it was is not sent back.
bool is_as_sent(const protocol::DocumentState& answer, bool is_whole) {
  return !answer.document && is_whole && answer.won && answer.from == 0;
}

// As `callboard show` takes it.
std::string version(const protocol::DocumentState& state, std::uint64_t revision) {
  const bool is_story = state.record == protocol::DocumentRecord::story;
  return fmt::format("{}@{}", is_story ? "story" : "analytics", revision);
}

// What became of a change that its author was told as kept, and that is not all there.
// The newest change need not be the one that it lost to: that is in its conflict, if there is one.
std::string lost_change(const protocol::DocumentState& answer) {
  return fmt::format(
      "a kept change lost to a newer one, or some of it: what stands is {}; all that yours said is in the "
      "history, see `callboard show {} --written`",
      version(answer, answer.revision), version(answer, answer.number));
}

Error unexpected_answer() { return Error{Outcome::failed, "the server's answer is of the wrong kind"}; }

}  // namespace

Client::Impl::Impl(Options options, Listener* listener, std::unique_ptr<ProjectFolder> folder,
                   SessionKeeper::Options session)
    : options_(std::move(options)),
      listener_(listener ? *listener : no_listener_),
      folder_(std::move(folder)),
      session_options_(std::move(session)),
      last_known_(session_options_.folder),
      transfers_(*this, folder_.get()),
      channels_(*this, transfers_) {}

Client::Impl::~Impl() {
  leave();
  if (thread_.joinable()) thread_.join();
}

void Client::Impl::start() {
  thread_ = std::thread([this] {
    begin();
    loop_.run();
    end();
  });
}

void Client::Impl::end() {
  inbox_->close();
  for (const auto& [transfer, over] : std::exchange(overs_, {})) {
    over.set(stopped());
  }
  joined_.set(stopped());
  channels_.on_lost(stopped());
  look_patience_.reset();
  under_way_.reset();
  items_.reset();
  offers_.reset();
  writes_.reset();
  zones_.reset();
  session_.reset();
  read_again_.reset();
}

void Client::Impl::begin() {
  // Held until the session is over: an idle client waits, it does not end.
  loop_.hold();
  under_way_ = std::make_unique<UnderWay>(loop_, [this](protocol::WorkingAsk ask) {
    session_->ask(std::move(ask), [](const Result<protocol::ServerMessage>&) {
      // One that did not arrive is followed by the next.
    });
  });
  SessionKeeper::Handlers handlers;
  handlers.on_action = [this](protocol::ClientAction next) { on_action(std::move(next)); };
  handlers.on_searching = [this](const Error& why) {
    note_not_joined(why);
    writes_->on_no_server();
    listener_.on_searching(why.text);
  };
  handlers.on_lost = [this](const Error& why, bool will_rejoin) { on_lost(why, will_rejoin); };
  session_ = std::make_unique<SessionKeeper>(loop_, std::move(session_options_), std::move(handlers));
  offers_ = std::make_unique<Offers>(*session_, inbox_, [this](const Error& why) {
    listener_.on_warning("what is offered to be called: " + why.text);
  });
  zones_ = std::make_unique<ZoneKeeper>(loop_, *session_, listener_, options_.schema);
  read_again_ = std::make_unique<net::Timer>(loop_, [this] {
    for (const protocol::DocumentRecord record : std::exchange(unread_, {})) ask_whole(record);
  });
  begin_writes();
  if (folder_ && !options_.visit) watch_items();
  session_->start();
}

void Client::Impl::begin_writes() {
  KeptWrites::Handlers handlers;
  handlers.on_warning = [this](std::string_view text) { listener_.on_warning(text); };
  handlers.on_waiting = [this](std::size_t count) { kept_writes_ = count; };
  handlers.on_late_answer = [this](const protocol::ClientMessage& write,
                                   const protocol::ServerMessage& answer) { on_late_answer(write, answer); };
  std::unique_ptr<Outbox> outbox;
  if (folder_ && !options_.visit) {
    auto opened = Outbox::open(options_.folder, options_.project);
    if (opened) outbox = std::move(*opened);
    // With another program's beside it, this one's changes wait in memory, as they do without a folder.
    if (!opened && opened.error().outcome != Outcome::locked) listener_.on_warning(opened.error().text);
  }
  writes_ = std::make_unique<KeptWrites>(loop_, std::move(outbox), *session_, std::move(handlers));
}

void Client::Impl::watch_items() {
  ItemWatch::Handlers handlers;
  handlers.on_first_look = [this] { on_first_look(); };
  handlers.on_changes = [this](const ItemWatch::Changes& changes) {
    protocol::AssetsChange change;
    change.items = changes;
    session_->ask(std::move(change), [](const Result<protocol::ServerMessage>&) {
      // A change that did not arrive is made good by the claim of the next join.
    });
  };
  handlers.on_warning = [this](std::string_view text) { listener_.on_warning(text); };
  look_patience_ = std::make_unique<net::Timer>(loop_, [this] { claim_items(Patience::none); });
  auto patterns = sync::ItemPatterns();
  if (!options_.item_patterns.empty()) patterns = *sync::ItemPatterns::from(options_.item_patterns);
  items_ = std::make_unique<ItemWatch>(loop_, *folder_, std::move(patterns), std::move(handlers));
}

void Client::Impl::on_action(protocol::ClientAction next) {
  if (auto* told = std::get_if<action::Told>(&next)) return on_told(std::move(told->message));
  if (const auto* wanted = std::get_if<action::DocumentWanted>(&next)) return claim(wanted->record);
  if (std::holds_alternative<action::AssetsWanted>(next)) return claim_items(Patience::some);
  if (const auto* settled = std::get_if<action::DocumentSettled>(&next)) {
    known_of(settled->state.record).settle(settled->state);
    return on_document(settled->state);
  }
  if (const auto* admitted = std::get_if<action::Admitted>(&next)) {
    zones_->on_admitted(admitted->welcome);
    self_.session = admitted->welcome.session;
    self_.name = admitted->welcome.name;
    self_.shares = folder_ != nullptr;
    if (!admitted->welcome.resumed) {
      heard_.forget();
      first_assets_ = {};
    }
  } else if (auto* settled = std::get_if<action::AssetsSettled>(&next)) {
    // What a join brought that was cut off before its end counts as heard, and comes with no other.
    protocol::Assets& news = settled->assets;
    if (!news.full) {
      news.full = first_assets_.full;
      news.items.merge(first_assets_.items);
    }
    first_assets_ = std::move(news);
  } else if (std::holds_alternative<action::Joined>(next)) {
    note_joined();
    note_known();
    writes_->on_joined();
    offers_->on_joined();
    zones_->on_joined([this] {
      joined_.set(self_);
      say_offers_again();
    });
    listener_.on_joined(net::to_text(*session_->server()), self_);
    first_assets_.full = first_assets_.full || heard_.lacks_assets;
    on_assets(std::exchange(first_assets_, {}));
    if (heard_.lacks_users) {
      protocol::Users again;
      again.full = true;
      on_users(again);
    }
  }
}

void Client::Impl::claim(protocol::DocumentRecord record) {
  // Nothing of our own, but what we have: the server leaves out what we know already.
  protocol::DocumentClaim claim;
  claim.record = record;
  claim.base = known_of(record).newest().revision;
  session_->connection()->claim(std::move(claim));
}

void Client::Impl::claim_items(Patience patience) {
  // The look may end when another connection is there, or none.
  Connection* connection = session_->connection();
  if (!connection || !connection->wants_assets()) return;
  const bool has_looked = !items_ || items_->items();
  if (!has_looked && patience == Patience::some) return look_patience_->set_after(kLookPatience);
  owes_items_ = !has_looked;
  protocol::AssetsClaim claim;
  if (items_ && has_looked) claim.items = *items_->items();
  connection->claim(std::move(claim));
}

void Client::Impl::on_first_look() {
  claim_items(Patience::none);
  if (!std::exchange(owes_items_, false)) return;
  protocol::AssetsChange change;
  for (const auto& [item, timestamp] : *items_->items()) change.items.emplace(item, timestamp);
  if (change.items.empty()) return;
  session_->ask(std::move(change), [](const Result<protocol::ServerMessage>&) {
    // As with every change: made good by the claim of the next join.
  });
}

// Where the session's server really is: a name may be slow to look up again, or mean another machine by now.
net::Endpoint Client::Impl::data_address(std::uint16_t port) const {
  const Connection* connection = session_->connection();
  net::Endpoint peer = connection ? connection->peer() : net::Endpoint{};
  if (peer.host.empty()) peer = *session_->server();
  // A server that takes data connections elsewhere than sessions says so.
  if (port != 0) peer.port = port;
  return peer;
}

void Client::Impl::on_lost(const Error& why, bool will_rejoin) {
  under_way_->clear();
  channels_.on_lost(is_leaving_ ? stopped() : Error{Outcome::interrupted, why.text});
  offers_->on_lost();
  for (const auto& [transfer, over] : std::exchange(overs_, {}))
    over.set(Error{Outcome::interrupted, why.text});
  note_not_joined(why);
  note_known();
  if (will_rejoin) {
    writes_->on_no_server();
    return listener_.on_left(why, true);
  }
  joined_.set(why);
  left_.set(is_leaving_ ? Result<bool>(true) : Result<bool>(why));
  listener_.on_left(why, false);
  transfers_.end_all(is_leaving_ ? stopped() : Error{Outcome::interrupted, why.text});
  loop_.release();
  loop_.stop();
}

void Client::Impl::leave() {
  inbox_->post([this] {
    is_leaving_ = true;
    session_->leave();
  });
}

void Client::Impl::note_known() { last_known_.set(known_[0].newest().revision, known_[1].newest().revision); }

void Client::Impl::note_joined() {
  const std::lock_guard lock(presence_mutex_);
  presence_.is_joined = true;
  presence_.user = self_.name;
  presence_.server = net::to_text(*session_->server());
  presence_.why.clear();
}

void Client::Impl::note_not_joined(const Error& why) {
  const std::lock_guard lock(presence_mutex_);
  presence_.is_joined = false;
  presence_.why = why.text;
  presence_.is_refused = why.outcome == Outcome::refused;
}

WorkstationStatus Client::Impl::workstation() {
  WorkstationStatus status;
  {
    const std::lock_guard lock(presence_mutex_);
    status = presence_;
  }
  if (status.user.empty()) status.user = options_.user;
  status.folder = options_.folder;
  status.kept_writes = kept_writes_;
  if (folder_) {
    const auto tree = folder_->live().tree();
    status.is_watching = tree != nullptr;
    status.watch_trouble = folder_->live().trouble();
    status.files = tree ? tree->files() : 0;
    status.bytes = tree ? tree->bytes() : 0;
  }
  status.transfers = transfers_.transfers();
  return status;
}

void Client::Impl::submit(protocol::ClientMessage message,
                          std::function<void(const protocol::ClientMessage&)> run, Refuse refuse) {
  if (auto checked = protocol::check(message); !checked) {
    refuse(Error{Outcome::usage, checked.error().text});
    return;
  }
  inbox_->post([run = std::move(run), message = std::move(message)] { run(message); },
               [refuse = std::move(refuse)] { refuse(stopped()); });
}

void Client::Impl::submit_ask(protocol::ClientMessage message, Connection::AnswerHandler on_answer) {
  const auto run = [this, on_answer](const protocol::ClientMessage& ask) {
    zones_->on_asked(ask);
    session_->ask(ask, on_answer);
  };
  submit(std::move(message), run, on_answer);
}

void Client::Impl::submit_write(protocol::ClientMessage message, Connection::AnswerHandler on_answer,
                                std::function<void()> on_kept) {
  const auto run = [this, on_answer, on_kept = std::move(on_kept)](const protocol::ClientMessage& write) {
    writes_->write(as_seen_here(write), on_answer, on_kept);
  };
  submit(std::move(message), run, on_answer);
}

Answer<Granted> Client::Impl::get(protocol::GetAsk message) {
  Answer<Granted> answer;
  const auto run = [this, answer, message = std::move(message)] {
    session_->ask(message, [this, answer](const Result<protocol::ServerMessage>& reply) {
      const Result<Granted> granted = reply ? on_granted(*reply) : Result<Granted>(reply.error());
      // Cancelled while it was asked for: the giver need not wait for us.
      if (!answer.set(granted) && granted) cancel_on_server(granted->transfer);
    });
  };
  inbox_->post(run, [answer] { answer.set(stopped()); });
  return answer;
}

Result<Granted> Client::Impl::on_granted(const protocol::ServerMessage& reply) {
  const auto* granted = std::get_if<protocol::TransferGranted>(&reply);
  if (!granted) return unexpected_answer();
  overs_.try_emplace(granted->transfer);
  under_way_->take(granted->transfer);
  if (overs_.size() > kEndingsKept) {
    overs_.begin()->second.set(Error{Outcome::not_found, "no such transfer"});
    overs_.erase(overs_.begin());
  }
  Granted ours{data_address(granted->port), granted->transfer, granted->ticket, granted->user};
  ours.key = granted->key;
  return ours;
}

void Client::Impl::cancel_on_server(protocol::TransferId transfer, const std::optional<Error>& why) {
  protocol::CancelAsk message;
  message.transfer = transfer;
  if (why) {
    message.outcome = why->outcome;
    message.text = why->text;
  }
  (void)ask<bool>(std::move(message), [](const protocol::ServerMessage&) -> Result<bool> { return true; });
}

Answer<Granted> Client::Impl::open_channel(protocol::ChannelAsk message,
                                           std::shared_ptr<channel::ChannelLine> line) {
  return ask<Granted>(std::move(message), [this, line](const protocol::ServerMessage& reply) {
    const auto* granted = std::get_if<protocol::ChannelGranted>(&reply);
    if (!granted) return Result<Granted>(unexpected_answer());
    Granted ours{data_address(granted->port), granted->transfer, granted->ticket, granted->user};
    ours.key = granted->key;
    channels_.add(ours, line);
    return Result<Granted>(ours);
  });
}

Answer<bool> Client::Impl::offer(std::function<Result<void>(Channels&)> change) {
  Answer<bool> answer;
  const auto run = [this, answer, change = std::move(change)] {
    if (const auto changed = change(channels_); !changed) {
      answer.set(changed.error());
      return;
    }
    say_offers(answer);
  };
  inbox_->post(run, [answer] { answer.set(stopped()); });
  return answer;
}

Answer<bool> Client::Impl::exit(std::string zone) {
  protocol::ExitAsk exit;
  exit.zone = zone;
  Answer<bool> answer;
  const auto run = [this, answer, zone](const protocol::ClientMessage& ask) {
    zones_->on_asked(ask);
    session_->ask(ask, [this, answer, zone](const Result<protocol::ServerMessage>& reply) {
      answer.set(zones_->on_exited(zone, reply ? Result<bool>(true) : Result<bool>(reply.error())));
    });
  };
  submit(std::move(exit), run, [answer](const Error& why) { answer.set(why); });
  return answer;
}

// All of them: the server forgets them with the connection. Of several that wait for a server the newest is the last said.
void Client::Impl::say_offers(const Answer<bool>& answer) {
  session_->ask(channels_.offered(), [answer](const Result<protocol::ServerMessage>& reply) {
    answer.set(reply ? Result<bool>(true) : reply.error());
  });
}

// Nobody waits for it: what the server refuses of it is a warning. A connection that is lost once more is followed by a join.
void Client::Impl::say_offers_again() {
  if (channels_.offered().channels.empty()) return;
  session_->ask(channels_.offered(), [this](const Result<protocol::ServerMessage>& reply) {
    if (!reply && reply.error().outcome != Outcome::interrupted &&
        reply.error().outcome != Outcome::cancelled)
      listener_.on_warning("channels that are offered: " + reply.error().text);
  });
}

Answer<protocol::TransferOver> Client::Impl::over(protocol::TransferId transfer) {
  Answer<protocol::TransferOver> answer;
  inbox_->post(
      [this, transfer, answer] {
        const auto it = overs_.find(transfer);
        if (it == overs_.end()) {
          answer.set(session_->is_joined() ? Error{Outcome::not_found, "no such transfer"}
                                           : Error{Outcome::interrupted, "the server is gone"});
          return;
        }
        it->second.then([answer](const Result<protocol::TransferOver>& over) { answer.set(over); });
      },
      [answer] { answer.set(stopped()); });
  return answer;
}

// What is changed without a server is changed in what was known here and in what was changed so before: that is its base, as far
// as its author did not say.
protocol::ClientMessage Client::Impl::as_seen_here(protocol::ClientMessage message) {
  auto* write = std::get_if<protocol::DocumentWrite>(&message);
  if (write == nullptr || session_->is_joined() || write->base != 0) return message;
  if (write->settles != 0) return message;
  const std::uint64_t known = known_of(write->record).newest().revision;
  // A visit is there to write at once, and knows nothing.
  write->base = known != 0 || options_.visit ? known : last_known_.of(write->record);
  write->own = writes_->unanswered(write->record);
  return message;
}

void Client::Impl::on_late_answer(const protocol::ClientMessage& write,
                                  const protocol::ServerMessage& answer) {
  if (const auto* said = std::get_if<protocol::MessageAsk>(&write)) {
    const auto* ok = std::get_if<protocol::Ok>(&answer);
    if (ok != nullptr)
      listener_.on_messages({{ok->number.value_or(0), self_.name, said->text, system_clock().wall()}});
    return;
  }
  const auto* state = std::get_if<protocol::DocumentState>(&answer);
  const auto* change = std::get_if<protocol::DocumentWrite>(&write);
  if (state == nullptr || change == nullptr) return;
  protocol::DocumentState news = *state;
  if (is_as_sent(*state, is_whole(*change))) news.document = change->document;
  on_document(news);
  if (!state->won) listener_.on_warning(lost_change(*state));
  if (state->conflicts > 0) {
    listener_.on_warning(
        fmt::format("a kept change, {}, met others' in the same place ({}): see `callboard conflicts`",
                    version(*state, state->number),
                    state->conflicts == 1 ? "one conflict" : fmt::format("{} conflicts", state->conflicts)));
  }
}

Answer<WriteResult> Client::Impl::change(DocumentChange change) {
  protocol::DocumentWrite message;
  message.record = wire_record(change.document);
  message.timestamp = change.timestamp == Timestamp{} ? system_clock().wall() : change.timestamp;
  message.base = change.base;
  message.op = make_operation_id(system_clock().wall(), system_random());
  message.at = std::move(change.at);
  message.patch = change.patch;
  message.restore = change.restore;
  message.settles = change.settles;
  message.take = change.take;
  const bool may_lack_content = change.restore != 0 || change.settles != 0;
  if (!may_lack_content || !change.content.empty()) {
    message.document = std::make_shared<const std::string>(std::move(change.content));
  }
  WriteResult kept;
  kept.kept = true;
  return write<WriteResult>(
      message,
      [this, whole = is_whole(message), sent = message.document](const protocol::ServerMessage& reply) {
        const auto* state = std::get_if<protocol::DocumentState>(&reply);
        return state ? on_written(*state, whole, sent) : Result<WriteResult>(unexpected_answer());
      },
      kept);
}

// On the client's thread. What others had changed meanwhile comes with the answer.
Result<WriteResult> Client::Impl::on_written(const protocol::DocumentState& state, bool is_whole,
                                             const std::shared_ptr<const std::string>& sent) {
  WriteResult result{state.won, to_document(state), state.number, state.conflicts};
  KnownDocument& known = known_of(state.record);
  // A visit is told no more than this; for it the answer is all there is.
  if (state.document && options_.visit) return result;
  if (state.document) on_document(state);
  if (is_as_sent(state, is_whole)) {
    result.current.text = sent;
    known.set(result.current);
  } else if (known.newest().revision == state.revision) {
    result.current.text = known.newest().text;
  } else if (state.from != 0) {
    // A patch of what is not known here: it is being read as a whole.
    result.current.text = nullptr;
  }
  return result;
}

}  // namespace callboard::client
