#pragma once
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "client/client.h"

// What every program here begins with: PROJECT USER SERVER are its first words, and it ends when it cannot join.
inline std::unique_ptr<callboard::client::Client> joined(int argc, char** argv,
                                                         callboard::client::Listener* listener = nullptr) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // Through a pipe, too, a line is seen at once.
  if (argc < 4) std::fprintf(stderr, "usage: PROJECT USER SERVER …\n"), std::exit(2);
  callboard::client::Options options;
  options.project = argv[1];
  options.user = argv[2];
  options.server = argv[3];  // "" finds it by itself.
  auto client = callboard::client::Client::start(options, listener);
  const auto self =
      client ? (*client)->joined().get() : callboard::Result<callboard::client::User>(client.error());
  if (!self) std::fprintf(stderr, "%s\n", self.error().text.c_str()), std::exit(1);
  std::printf("joined as %s\n", self->name.c_str());
  return std::move(*client);
}

// Says why not, and ends; with a goodbye, since a session that is lost without one is waited for.
[[noreturn]] inline void give_up(callboard::client::Client& client, const callboard::Error& why) {
  std::fprintf(stderr, "%s\n", why.text.c_str());
  client.leave();
  (void)client.left().get(), std::exit(1);
}
