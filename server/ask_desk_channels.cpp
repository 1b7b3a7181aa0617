#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "server/ask_desk.h"

namespace callboard::server {
namespace {

// What both sides prove to each other on a server with keys.
std::optional<AccessKey> key_for(const Session& session) {
  if (session.identity.key.empty()) return std::nullopt;
  return make_access_key(system_random());
}

}  // namespace

void AskDesk::answer(Session& session, const protocol::ChannelsAsk& ask) {
  session.channels.clear();
  for (const protocol::ChannelOffer& each : ask.channels) session.channels.insert(each.name);
  session.answer(protocol::Ok{ask.id, std::nullopt});
}

// A session and the visits that are called as the same: whoever of them offers it, the session first.
Result<Session*> AskDesk::channel_end(const Session& opener, const protocol::ChannelAsk& ask) const {
  const std::vector<Session*> called_so = outside_.named(ask.user);
  Session* found = nullptr;
  for (Session* each : called_so) {
    if (each == &opener || !each->channels.contains(ask.name)) continue;
    if (found == nullptr || !each->identity.visit) found = each;
  }
  if (found != nullptr) {
    if (auto listens = check_listens(*found); !listens) return listens.error();
    return found;
  }
  const bool is_self_alone = called_so.size() == 1 && called_so.front() == &opener;
  if (is_self_alone) {
    return Error{Outcome::usage, fmt::format("you are {} yourself; name somebody else", quoted(ask.user))};
  }
  if (!called_so.empty()) {
    return Error{Outcome::not_found,
                 fmt::format("{} offers no channel {}", quoted(ask.user), quoted(ask.name))};
  }
  if (floor_.presence.is_away(floor_.presence.find(ask.user))) {
    return Error{Outcome::not_found,
                 fmt::format("{} is away: the connection was lost; try again in a moment", quoted(ask.user))};
  }
  return Error{Outcome::not_found, fmt::format("nobody named {} is here", quoted(ask.user))};
}

// Between the opener and an offerer's session, or (null) the server.
void AskDesk::grant_channel(Session& session, const protocol::ChannelAsk& ask, Session* offerer) {
  const Transfers::Party giver = offerer == nullptr
                                     ? Transfers::Party{}
                                     : Transfers::Party{offerer->identity.id, offerer->identity.name};
  const auto begun =
      floor_.transfers.begin({giver,
                              {session.identity.id, session.identity.name, session.identity.origin},
                              "/" + ask.name,
                              Transfers::Kind::channel},
                             floor_.clock.wall());
  if (!begun) return session.answer(protocol::ErrorAnswer{ask.id, begun.error().outcome, begun.error().text});
  const std::optional<AccessKey> key = key_for(session);
  const std::uint16_t port = floor_.identity.data_port;
  protocol::ChannelGranted granted{ask.id, begun->id, begun->taker_ticket, "", std::nullopt, key, port};
  if (offerer == nullptr) {
    floor_.transfers.server_channels().expect(begun->id, ask.name, session.identity.name, key);
  } else {
    granted.user = offerer->identity.name;
    granted.session = offerer->identity.id;
    offerer->errands.push_back(
        protocol::ChannelTell{begun->id, begun->giver_ticket, session.identity.name, ask.name, key, port});
    outside_.due(offerer->key());
  }
  session.answer(std::move(granted));
}

void AskDesk::answer(Session& session, const protocol::ChannelAsk& ask) {
  const auto refuse = [&](const Error& why) {
    session.answer(protocol::ErrorAnswer{ask.id, why.outcome, why.text});
  };
  if (ask.user.empty()) {
    const auto may = floor_.transfers.server_channels().check(ask.name, session.identity.permissions);
    return may ? grant_channel(session, ask, nullptr) : refuse(may.error());
  }
  const auto found = channel_end(session, ask);
  return found ? grant_channel(session, ask, *found) : refuse(found.error());
}

}  // namespace callboard::server
