// A program outside the project: links the installed library, and sees an option refused that makes no sense.
#include <cstdio>

#include "client/client.h"
#include "client/discovery.h"

int main() {
  const auto client = callboard::client::Client::start({.project = "", .user = ""}, nullptr);
  if (client) return 1;
  std::printf("%s\n", client.error().text.c_str());
  return 0;
}
