// A project's `roles.json`: beside what is built in there is what it names, and nothing of what makes no sense.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ensure.h"
#include "server/roles.h"

using namespace callboard;
using namespace callboard::server;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Roles built_in;
  const auto roles = Roles::from({reinterpret_cast<const char*>(data), size});
  if (!roles) {
    ENSURE(!roles.error().text.empty());
    return 0;
  }
  ENSURE(roles->all().size() <= built_in.all().size() + kRolesMax);
  ENSURE(!roles->names().empty());
  // Nobody becomes more, or less, by a file in which a built-in role is named anew.
  for (std::size_t i = 0; i < built_in.all().size(); ++i) {
    ENSURE(roles->all()[i].name == built_in.all()[i].name);
    ENSURE(roles->all()[i].permissions == built_in.all()[i].permissions);
  }
  for (const Role& each : roles->all()) ENSURE(roles->find(each.name) == &each);
  return 0;
}
