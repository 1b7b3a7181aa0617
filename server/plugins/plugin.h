#pragma once

#include <functional>
#include <string>

// What a plugin of `callboard serve --plugin FILE.so` is made of. It is loaded into the server's process and stays until that
// ends: one that crashes takes the server with it; a task (docs/calls.md) does not. Built with the same compiler and standard library
// as the server, of which it needs this header alone.
namespace callboard::plugin {

// Counts up whenever something here changes; a plugin of another version is not loaded.
inline constexpr int kVersion = 1;

// One call to be carried out.
struct Request {
  std::string name;
  std::string arguments;  // A JSON object, complete and of the types that were described.
  std::string by;         // Who calls.
  // How far it is, as JSON. Thread: the one that the call is carried out on.
  std::function<void(const std::string& json)> progress;
  // Nobody waits any more: a long call looks now and then.
  std::function<bool()> is_over;
};

struct Reply {
  bool is_good = true;
  std::string text;  // The result as JSON, or why there is none.
};

class Plugin {
 public:
  virtual ~Plugin() = default;
  // Its calls: a JSON array of descriptions (docs/protocol.md, 2.8). Asked once, when it is loaded.
  virtual std::string calls() = 0;
  // Carries one out, on a worker thread of the server's; two may run at a time.
  virtual Reply call(const Request& request) = 0;
};

}  // namespace callboard::plugin

// A plugin defines these two. The server deletes what callboard_plugin() returns.
extern "C" int callboard_plugin_version();
extern "C" callboard::plugin::Plugin* callboard_plugin();
