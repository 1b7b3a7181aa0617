#pragma once

#include <memory>
#include <string>

#include "tests/unit/server/studio.h"

// What tests of locks say to a server.
namespace callboard::server {

inline protocol::CallAsk call(const std::string& name, const std::string& arguments) {
  protocol::CallAsk ask;
  ask.name = name;
  ask.op = make_unique_id(system_random());
  ask.arguments = std::make_shared<const std::string>(arguments);
  return ask;
}

inline std::string lock_words(const std::string& item, const std::string& more = "") {
  return "{\"item\":\"" + item + "\"" + more + "}";
}

inline std::string done(TestClient& client, const std::string& name, const std::string& arguments) {
  return *client.ask_for<protocol::CallResult>(call(name, arguments)).value;
}

inline std::string refused(TestClient& client, const std::string& name, const std::string& arguments) {
  const auto error = client.ask_for<protocol::ErrorAnswer>(call(name, arguments));
  return std::string(to_text(error.outcome)) + ": " + error.text;
}

inline std::string locks(TestClient& client) {
  return *client.ask_for<protocol::Records>(protocol::RecordsRead{0, "/locks", ""}).records;
}

// Asks and does not wait for the answer.
inline void say_call(TestClient& client, protocol::AskId id, const std::string& arguments) {
  auto ask = call("lock", arguments);
  ask.id = id;
  client.say(protocol::TurnRequest{});
  client.expect<protocol::Yours>();
  client.say(ask);
  client.say(protocol::Yours{});
  client.expect<protocol::CallProgress>();
}

// What everybody sees of who waits: `"waiting":["lighting"]`.
inline bool comes_to_show(TestClient& client, const std::string& what) {
  for (int asked = 0; asked < 10'000; ++asked) {
    if (locks(client).find(what) != std::string::npos) return true;
  }
  return false;
}

}  // namespace callboard::server
