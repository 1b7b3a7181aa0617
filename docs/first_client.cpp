// A workstation in 40 lines: joins, says who comes, goes and speaks, and pulls one item.
#include <cstdio>
#include <string>

#include "client/client.h"

using namespace callboard;

class Prompter : public client::Listener {
  void on_searching(std::string_view why) override {  // joined() waits as long as it takes.
    std::fprintf(stderr, "looking for the server: %s\n", std::string(why).c_str());
  }
  void on_users(const std::vector<client::User>& users, const std::vector<client::Departure>& left) override {
    for (const auto& user : users) std::printf("%s is here\n", user.name.c_str());
    for (const auto& each : left) std::printf("%s is gone: %s\n", each.name.c_str(), each.reason.c_str());
  }
  void on_messages(const std::vector<client::Message>& messages) override {
    for (const auto& each : messages) std::printf("%s: %s\n", each.user.c_str(), each.text.c_str());
  }
};

int fail(const std::string& why, int code = 1) { return std::fprintf(stderr, "%s\n", why.c_str()), code; }

int main(int argc, char** argv) {
  if (argc != 7) return fail("usage: PROJECT USER FOLDER SERVER ITEM FROM", 2);
  const client::Options options{.project = argv[1], .user = argv[2], .folder = argv[3], .server = argv[4]};
  Prompter prompter;  // A server of "" is found by itself.
  auto client = client::Client::start(options, &prompter);
  if (!client) return fail(client.error().text);
  if (auto self = (*client)->joined().get(); !self) return fail(self.error().text);

  (void)(*client)->at(argv[5]);  // Answers may be waited for (get), listened for (then), or left alone.
  (void)(*client)->say("pulling " + std::string(argv[5]));
  const auto report = (*client)->pull({.items = {argv[5]}, .from = argv[6]})->report().get();
  if (!report) return fail(report.error().text);
  // The text says what befell whom: which files could not be had, or that the item is not there.
  if (report->outcome != Outcome::done) return fail(report->text);
  std::printf("%llu files, done\n", static_cast<unsigned long long>(report->files));
  return 0;
}
