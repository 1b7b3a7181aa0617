// A plugin whose call has the name of one that every server has.
#include "server/plugins/plugin.h"

namespace {

class TakenName : public callboard::plugin::Plugin {
  std::string calls() override { return R"([{"name": "backup"}])"; }
};

}  // namespace

extern "C" int callboard_plugin_version() { return callboard::plugin::kVersion; }
extern "C" callboard::plugin::Plugin* callboard_plugin() { return new TakenName; }
