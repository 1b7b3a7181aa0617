// A plugin that was made for the next version of the interface.
#include "server/plugins/plugin.h"

extern "C" int callboard_plugin_version() { return callboard::plugin::kVersion + 1; }
// Never called: what it would be is not known.
extern "C" callboard::plugin::Plugin* callboard_plugin() { return nullptr; }
