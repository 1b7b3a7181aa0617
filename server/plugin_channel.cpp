#include "server/plugin_channel.h"

#include <exception>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "net/tls_engine.h"

namespace callboard::server {
namespace {

// The other side speaks first, as every taker does.
Result<void> prove(net::DataSocket& socket, const AccessKey& key) {
  if (auto set = socket.set_silence_limit(kHandshakeLimit); !set) return set;
  if (auto secured = socket.secure(net::TlsEngine::server(key)); !secured) return secured;
  return socket.set_silence_limit(std::nullopt);
}

}  // namespace

std::optional<std::vector<std::byte>> PluginChannel::receive() {
  auto message = channel_.receive();
  return note(message) ? std::move(*message) : std::nullopt;
}

std::size_t PluginChannel::read(std::span<std::byte> into) {
  const auto size_bytes = channel_.read(into);
  return note(size_bytes) ? *size_bytes : 0;
}

void PluginChannel::refuse(const std::string& why) {
  const Error refused{Outcome::refused, why.empty() ? "does not take it" : escaped(why)};
  note(refused);
  line_->abandon(refused);
  channel_.cancel();
}

void PluginChannel::note(const Error& why) {
  const std::lock_guard lock(mutex_);
  if (problem_.empty()) problem_ = why.text;
}

std::string PluginChannel::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

void serve_channel(const plugin::ChannelOffer& offer, ServerChannels::Taken taken) {
  if (taken.key) {
    if (const auto proven = prove(taken.line->socket, *taken.key); !proven)
      return taken.line->abandon({Outcome::interrupted, proven.error().text});
  }
  PluginChannel channel(taken.line, {offer.name, taken.by, offer.message_max});
  try {
    offer.take(channel);
  } catch (const std::exception& problem) {
    taken.line->abandon({Outcome::failed, "its plugin failed: " + escaped(problem.what())});
  } catch (...) {
    taken.line->abandon({Outcome::failed, "its plugin failed"});
  }
}

}  // namespace callboard::server
