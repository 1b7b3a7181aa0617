// A plugin that counts the letters of a word, and the words that come through a channel:
//   callboard serve --plugin words_plugin.so
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "server/plugins/plugin.h"

using namespace callboard::plugin;

class Words : public Plugin {
  std::string calls() override {
    return R"([{"name": "word.length", "summary": "how many bytes a word has", "category": "words",
                "args": [{"name": "word"}], "result": "int"}])";
  }
  Reply call(const Request& request) override {
    const auto arguments = nlohmann::json::parse(request.arguments);
    const std::string word = arguments.at("word");
    if (word == "throw") throw std::runtime_error("it was asked to");
    if (word.empty()) return {false, "a word has a letter"};
    request.progress("\"counting\"");
    return {true, std::to_string(word.size())};
  }

  std::vector<ChannelOffer> channels() override { return {{.name = "words", .take = count}}; }
  // A thread of the channel's own: it may wait. Says after each piece how many words there were so far.
  static void count(Channel& channel) {
    std::string text(64 * 1024, ' ');
    std::size_t words = 0;
    bool is_within = false;
    while (const auto size = channel.read(std::as_writable_bytes(std::span(text)))) {
      for (const char c : text.substr(0, size)) {
        const bool was_within = std::exchange(is_within, c != ' ' && c != '\n');
        if (is_within && !was_within) ++words;
      }
      const std::string so_far = std::to_string(words) + "\n";
      if (!channel.write(std::as_bytes(std::span(so_far)))) return;
    }
    if (channel.problem().empty()) channel.close();
  }
};

int callboard_plugin_version() { return kVersion; }
Plugin* callboard_plugin() { return new Words; }
