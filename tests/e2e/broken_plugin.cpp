// A plugin that is broken where BROKEN says so.
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "server/plugins/plugin.h"

using namespace callboard::plugin;

namespace {

bool is_broken(std::string_view where) {
  const char* wanted = std::getenv("BROKEN");
  return wanted != nullptr && where == wanted;
}

struct Broken : Plugin {
  Broken() {
    if (is_broken("constructor")) throw std::runtime_error("it has no licence");
  }
  std::string calls() override {
    if (is_broken("calls")) throw std::runtime_error("it has no licence");
    if (is_broken("misspelt")) return R"([{"name": "broken.call", "permision": "farm.use"}])";
    if (is_broken("permission")) return R"([{"name": "broken.call", "permission": "Foo Bar"}])";
    return R"([{"name": "broken.call", "result": "int"}])";
  }
  Reply call(const Request&) override { return {true, "no JSON"}; }
  std::vector<ChannelOffer> channels() override {
    if (is_broken("channels")) throw 7;
    return {};
  }
};

}  // namespace

int callboard_plugin_version() { return kVersion; }
Plugin* callboard_plugin() {
  if (is_broken("null")) return nullptr;
  return new Broken;
}
