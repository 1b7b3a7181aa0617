#include "client/channels.h"

#include <utility>

#include "base/text.h"
#include "protocol/field_rules.h"

namespace callboard::client {
namespace {

// At once; the server has a lower limit. One that demands more than this is not one of ours.
constexpr std::size_t kChannelsMax = 4 * kTransfersPerSession;

}  // namespace

Answer<std::shared_ptr<Channel>> Channels::open(protocol::ChannelAsk ask) {
  Answer<std::shared_ptr<Channel>> opened;
  const auto line = std::make_shared<channel::ChannelLine>();
  const std::string name = ask.name;
  const Answer<Granted> asked = desk_.open_channel(std::move(ask), line);
  const auto connect = [line, name, asked]() -> Result<std::shared_ptr<Channel>> {
    const auto granted = asked.get();
    if (!granted) return granted.error();
    auto rest = open_data_connection(line->socket, *granted);
    // Who refuses it has the server say so; what is seen here is that nobody comes.
    if (!rest) {
      const Error why = line->cause_of(rest.error());
      line->abandon(why);
      return why;
    }
    return std::make_shared<Channel>(line, Channel::End{name, granted->giver}, std::move(*rest));
  };
  const auto end = [line, asked](const Error& why) {
    line->end(why);
    asked.set(why);
  };
  const auto started = threads_.start([opened, connect] { opened.set(connect()); }, end);
  if (!started) opened.set(started.error());
  return opened;
}

void Channels::add(const Granted& granted, const std::shared_ptr<channel::ChannelLine>& line) {
  const protocol::TransferId transfer = granted.transfer;
  // It was given up while it was asked for.
  if (line->is_ended()) return desk_.cancel_on_server(transfer);
  // Else the first would not be told when the client goes.
  if (const auto before = lines_.find(transfer); before != lines_.end() && !before->second.expired()) {
    line->end({Outcome::refused, "the server granted one transfer twice"});
    return;
  }
  line->set_abandon([this, transfer](const Error& why) { desk_.cancel_on_server(transfer, why); });
  lines_[transfer] = line;
}

Result<void> Channels::offer(ChannelOffer offer) {
  if (offers_.size() >= kChannelsOffered && !offers_.contains(offer.name)) {
    return Error{Outcome::usage,
                 "channels: expected at most " + std::to_string(kChannelsOffered) + " of one client"};
  }
  offers_[offer.name] = std::move(offer);
  return {};
}

protocol::ChannelsAsk Channels::offered() const {
  protocol::ChannelsAsk ask;
  for (const auto& [name, offer] : offers_) ask.channels.push_back({name});
  return ask;
}

void Channels::on_wanted(const Granted& granted, const std::string& name) {
  const auto offer = offers_.find(name);
  if (offer == offers_.end()) {
    return refuse(granted, {Outcome::not_found, "offers no channel " + quoted(name)});
  }
  if (lines_.size() >= kChannelsMax) return refuse(granted, {Outcome::refused, "has too many channels"});
  if (offer->second.may) {
    if (auto may = offer->second.may({name, granted.taker}); !may) return refuse(granted, may.error());
  }
  const auto line = std::make_shared<channel::ChannelLine>();
  add(granted, line);
  const auto serve = [line, granted, name, take = offer->second.take] {
    auto rest = open_data_connection(line->socket, granted);
    // The other side need not wait for a ticket's life.
    if (!rest) return line->abandon({Outcome::interrupted, "could not open its data connection"});
    take(std::make_shared<Channel>(line, Channel::End{name, granted.taker}, std::move(*rest)));
  };
  if (!threads_.start(serve, [line](const Error& why) { line->end(why); }))
    refuse(granted, {Outcome::failed, "has no thread for it"});
}

void Channels::refuse(const Granted& granted, const Error& why) {
  desk_.cancel_on_server(granted.transfer, why);
}

bool Channels::on_over(const protocol::TransferOver& over) {
  const auto found = lines_.extract(over.transfer);
  if (found.empty()) return false;
  if (const auto line = found.mapped().lock()) line->note_over({over.outcome, over.text});
  return true;
}

void Channels::on_lost(const Error& why) {
  for (const auto& [transfer, weak] : std::exchange(lines_, {})) {
    if (const auto line = weak.lock()) line->end(why);
  }
}

}  // namespace callboard::client
