// A workstation in 50 lines: joins, says who comes, goes and speaks, and pulls one item.
#include <cstdio>
#include <string>

#include "client/client.h"

using namespace callboard;

class Prompter : public client::Listener {
  void on_searching(std::string_view why) override {  // joined() waits as long as it takes.
    std::fprintf(stderr, "looking for the server: %s\n", std::string(why).c_str());
  }
  void on_left(const Error& why, bool will_rejoin) override {
    if (will_rejoin) std::fprintf(stderr, "not joined: %s; trying again\n", why.text.c_str());
  }
  void on_users(const std::vector<client::User>& users, const std::vector<client::Departure>& left) override {
    for (const auto& user : users) std::printf("%s is here\n", user.name.c_str());
    for (const auto& each : left) std::printf("%s is gone: %s\n", each.name.c_str(), each.reason.c_str());
  }
  void on_messages(const std::vector<client::Message>& messages) override {
    for (const auto& each : messages) std::printf("%s: %s\n", each.user.c_str(), each.text.c_str());
  }
};

int main(int argc, char** argv) {
  if (argc != 7) return std::fprintf(stderr, "usage: PROJECT USER FOLDER SERVER ITEM FROM\n"), 2;
  Prompter prompter;
  client::Options options;
  options.project = argv[1];
  options.user = argv[2];
  options.folder = argv[3];
  options.server = argv[4];  // "" finds it by itself.
  auto client = client::Client::start(options, &prompter);
  if (!client) return std::fprintf(stderr, "%s\n", client.error().text.c_str()), 1;
  if (auto self = (*client)->joined().get(); !self)
    return std::fprintf(stderr, "%s\n", self.error().text.c_str()), 1;

  (void)(*client)->at(argv[5]);  // Answers may be waited for, listened for, or left alone.
  (*client)->say("pulling " + std::string(argv[5])).then([](const Result<std::uint64_t>& number) {
    if (!number) std::fprintf(stderr, "not said: %s\n", number.error().text.c_str());
  });
  const auto report = (*client)->pull({.items = {argv[5]}, .from = argv[6]})->report().get();
  if (!report) return std::fprintf(stderr, "%s\n", report.error().text.c_str()), 1;
  // The text says what befell whom: which files could not be had, or that the item is not there.
  if (report->outcome != Outcome::done) return std::fprintf(stderr, "%s\n", report->text.c_str()), 1;
  std::printf("%llu files, done\n", static_cast<unsigned long long>(report->files));
  return 0;
}
