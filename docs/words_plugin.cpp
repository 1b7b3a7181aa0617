// A plugin that counts the letters of a word: callboard serve --plugin words_plugin.so
#include <nlohmann/json.hpp>
#include <stdexcept>

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
};

int callboard_plugin_version() { return kVersion; }
Plugin* callboard_plugin() { return new Words; }
