#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

// What a plugin of `callboard serve --plugin FILE.so` is made of. It is loaded into the server's process and
// stays until that ends: one that crashes takes the server with it; a task (docs/calls.md) does not. Built
// with the same compiler and standard library as the server, of which it needs this header alone.
// Threads: each call, and each channel, has one of its own, on which it may wait; nothing else of the server
// waits for it. A server that stops ends both, deletes the plugin when they have returned, and ends itself
// without those that have not 3 s later.
namespace callboard::plugin {

// Counts up whenever something here changes; a plugin of another version is not loaded.
inline constexpr int kVersion = 2;

// One call to be carried out.
struct Request {
  std::string name;
  std::string arguments;  // A JSON object, complete and of the types that were described.
  std::string by;         // Who calls.
  // How far it is, as JSON. Thread: any.
  std::function<void(const std::string& json)> progress;
  // Nobody waits any more: a long call looks now and then. Thread: any.
  std::function<bool()> is_over;
};

struct Reply {
  bool is_good = true;
  std::string text;  // The result as JSON, or why there is none.
};

// The server's end of a channel that a client has opened (docs/protocol.md, 3.5). Everything waits: who sends
// for who reads, on either side, so a few MiB are on their way and one message is held. One thread may send
// while another receives.
class Channel {
 public:
  virtual ~Channel() = default;
  virtual const std::string& name() const = 0;
  virtual const std::string& by() const = 0;  // The user at the other end.

  // --- Messages: whole, in order ---
  // The next one; nullopt when no more comes: problem() says whether that was the end.
  virtual std::optional<std::vector<std::byte>> receive() = 0;
  // False: the channel is over, and problem() says why.
  virtual bool send(std::span<const std::byte> message) = 0;

  // --- Bytes ---
  // At least one, of messages too; 0 when no more comes. `into` must not be empty.
  virtual std::size_t read(std::span<std::byte> into) = 0;
  virtual bool write(std::span<const std::byte> bytes) = 0;

  // Nothing more comes from here; waits, for a minute, until the other side has read all and said the same.
  virtual bool close() = 0;
  // Breaks it off; the other side is told why. Thread: any.
  virtual void refuse(const std::string& why) = 0;
  // Why it broke: who left, or that the server stops. Empty: nothing is wrong.
  virtual std::string problem() const = 0;
};

// A channel that clients may open to the server.
struct ChannelOffer {
  std::string name;  // 1–64 characters on one line; no other plugin's.
  // Called with each, on a thread of its own; 64 may run at a time, of all plugins. What it has not closed by
  // its return is broken off, unless the other side has ended before. Nothing of the channel may be used
  // after it.
  std::function<void(Channel& channel)> take;
  // What who opens it needs besides messages.write: a permission of this name. Empty: nothing.
  std::string permission = {};
  // Longer messages end the channel: each is held whole. Bytes have no limit.
  std::size_t message_max = 16 * 1024 * 1024;
};

class Plugin {
 public:
  virtual ~Plugin() = default;
  // Its calls: a JSON array of descriptions (docs/protocol.md, 2.8). Asked once, when it is loaded.
  virtual std::string calls() { return "[]"; }
  // Carries one out; two may run at a time.
  virtual Reply call(const Request& request) { return {false, request.name + " is not carried out"}; }
  // Its channels. Asked once, when it is loaded.
  virtual std::vector<ChannelOffer> channels() { return {}; }
};

}  // namespace callboard::plugin

// A plugin defines these two. The server deletes what callboard_plugin() returns.
extern "C" int callboard_plugin_version();
extern "C" callboard::plugin::Plugin* callboard_plugin();
