#include "server/server_channels.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "base/permission_name.h"
#include "base/text.h"
#include "net/socket_pair.h"
#include "protocol/codec.h"

namespace callboard::server {

ServerChannels::ServerChannels(net::Loop& loop, std::function<void(Transfers::Id, const Error&)> cancel)
    : loop_(loop), cancel_(std::move(cancel)) {}

ServerChannels::~ServerChannels() {
  *is_alive_ = false;
  // After that none of them says anything to the loop.
  for (const auto& [id, line] : lines_) line->end({Outcome::interrupted, "the server has stopped"});
}

Result<void> ServerChannels::offer(Offer offer) {
  if (auto named = protocol::check(protocol::ChannelsAsk{0, {{offer.name}}}); !named) {
    return Error{Outcome::usage, "channel " + quoted(offer.name) + ": " + named.error().text};
  }
  if (!offer.permission.empty()) {
    if (auto named = check_permission_name(offer.permission); !named)
      return named.error().prefixed("channel " + quoted(offer.name));
  }
  const std::string name = offer.name;
  if (!offers_.emplace(name, std::move(offer)).second) {
    return Error{Outcome::refused, "channel " + quoted(name) + ": the name is taken"};
  }
  return {};
}

Result<void> ServerChannels::check(const std::string& name, const Permissions& has) const {
  const auto offer = offers_.find(name);
  if (offer == offers_.end()) return Error{Outcome::not_found, "the server takes no channel " + quoted(name)};
  if (offer->second.permission.empty()) return {};
  return server::check(has, Permission(offer->second.permission));
}

bool ServerChannels::asks_for(const std::string& permission) const {
  return std::ranges::any_of(offers_, [&](const auto& each) { return each.second.permission == permission; });
}

void ServerChannels::expect(Transfers::Id id, const std::string& name, const std::string& by,
                            const std::optional<AccessKey>& key) {
  expected_.emplace(id, Expected{name, by, key});
}

Result<Fd> ServerChannels::open(Transfers::Id id) {
  const auto node = expected_.extract(id);
  ENSURE(!node.empty());
  const Expected& expected = node.mapped();
  auto pair = net::make_socket_pair();
  if (!pair) return pair.error();
  const auto line = std::make_shared<channel::ChannelLine>(std::move(pair->first));
  line->set_abandon([this, id, &loop = loop_, alive = is_alive_](const Error& why) {
    loop.post([this, id, alive, why] {
      if (*alive) cancel_(id, why);
    });
  });
  if (auto taken = offers_.at(expected.name).take({line, expected.by, expected.key}); !taken) {
    line->end(taken.error());
    return taken.error().prefixed("the server");
  }
  lines_.emplace(id, line);
  return std::move(pair->second);
}

void ServerChannels::on_over(Transfers::Id id, const Error& why) {
  expected_.erase(id);
  const auto node = lines_.extract(id);
  if (!node.empty()) node.mapped()->note_over(why);
}

}  // namespace callboard::server
