#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "net/channel/channel.h"
#include "net/channel/channel_line.h"
#include "server/plugins/plugin.h"
#include "server/server_channels.h"

namespace callboard::server {

// A channel as a plugin sees it. Thread: see plugin::Channel.
class PluginChannel final : public plugin::Channel {
 public:
  PluginChannel(std::shared_ptr<channel::ChannelLine> line, const channel::Channel::End& end)
      : line_(line), channel_(std::move(line), end, {}) {}

  const std::string& name() const override { return channel_.name(); }
  const std::string& by() const override { return channel_.peer(); }
  std::optional<std::vector<std::byte>> receive() override;
  bool send(std::span<const std::byte> message) override { return note(channel_.send(message)); }
  std::size_t read(std::span<std::byte> into) override;
  bool write(std::span<const std::byte> bytes) override { return note(channel_.write(bytes)); }
  bool close() override { return note(channel_.close()); }
  void refuse(const std::string& why) override;
  std::string problem() const override;

 private:
  template <class T>
  bool note(const Result<T>& done) {
    if (!done) note(done.error());
    return done.has_value();
  }
  void note(const Error& why);

  const std::shared_ptr<channel::ChannelLine> line_;
  channel::Channel channel_;
  mutable std::mutex mutex_;  // Guards the next.
  std::string problem_;
};

// Serves a channel on the thread that it is called on, until what takes it has returned. Throws nothing.
void serve_channel(const plugin::ChannelOffer& offer, ServerChannels::Taken taken);

}  // namespace callboard::server
