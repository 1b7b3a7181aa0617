// A program outside the project: includes every header that the documents for such programs name, links the installed
// library, and sees an option refused that makes no sense.
#include <cstdio>
#include <string>

#include "base/core_dumps.h"
#include "client/agent.h"
#include "client/board.h"
#include "client/client.h"
#include "client/discovery.h"
#include "client/key_file.h"
#include "client/log_reader.h"
#include "client/types.h"
#include "net/channel/channel.h"

int main() {
  const auto client = callboard::client::Client::start({.project = "", .user = ""}, nullptr);
  if (client) return 1;
  callboard::forbid_core_dumps();
  if (callboard::client::log_page_from("no JSON")) return 1;
  std::printf("%s\n", client.error().text.c_str());
  return 0;
}
