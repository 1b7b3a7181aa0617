// A plugin outside the project: knows the installed header alone.
#include <server/plugins/plugin.h>

using namespace callboard::plugin;

namespace {

class Answer : public Plugin {
  std::string calls() override { return R"([{"name": "answer", "category": "tests", "result": "int"}])"; }
  Reply call(const Request&) override { return {true, "42"}; }
};

}  // namespace

int callboard_plugin_version() { return kVersion; }
Plugin* callboard_plugin() { return new Answer; }
