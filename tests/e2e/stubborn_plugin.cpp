// A plugin that ends for nobody: its call and its channel never return, nor, after `stubborn.stay`, does its
// destructor.
#include <chrono>
#include <stdexcept>
#include <thread>

#include "server/plugins/plugin.h"

using namespace callboard::plugin;

namespace {

[[noreturn]] void stay() {
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

class Stubborn : public Plugin {
 public:
  ~Stubborn() override {
    if (is_staying_) stay();
  }

 private:
  std::string calls() override {
    return R"([{"name": "stubborn.call", "category": "tests"}, {"name": "stubborn.stay", "category": "tests"}])";
  }
  Reply call(const Request& request) override {
    if (request.name == "stubborn.call") {
      request.progress("\"here\"");
      stay();
    }
    is_staying_ = true;
    return {true, "null"};
  }
  std::vector<ChannelOffer> channels() override {
    return {{.name = "stubborn",
             .take =
                 [](Channel& channel) {
                   if (!channel.send(std::as_bytes(std::span("here\n", 5)))) return;
                   stay();
                 }},
            {.name = "picky", .take = [](Channel& channel) { channel.refuse("is picky"); }},
            {.name = "broken", .take = [](Channel&) { throw std::runtime_error("it was asked to"); }},
            {.name = "echo",
             .take =
                 [](Channel& channel) {
                   while (const auto message = channel.receive()) {
                     if (!channel.send(*message)) return;
                   }
                   if (channel.problem().empty()) channel.close();
                 }},
            {.name = "parrot",
             .take =
                 [](Channel& channel) {
                   std::byte bytes[256];
                   while (const auto size = channel.read(bytes)) {
                     if (!channel.write(std::span(bytes, size))) return;
                   }
                   if (channel.problem().empty()) channel.close();
                 }},
            {.name = "secret", .take = [](Channel&) {}, .permission = "words.count"}};
  }
  bool is_staying_ = false;
};

}  // namespace

int callboard_plugin_version() { return kVersion; }
Plugin* callboard_plugin() { return new Stubborn; }
