#include "client/last_known.h"

#include <fstream>

#include "client/hint_file.h"

namespace callboard::client {
namespace {
constexpr std::array<const char*, 2> kNames{"story", "analytics"};
}

LastKnown::LastKnown(const std::string& folder) {
  if (folder.empty()) return;
  path_ = folder + "/.callboard/last_known";
  std::ifstream file(path_);
  std::string name;
  for (std::uint64_t revision = 0; file >> name >> revision;) {
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (name == kNames[i]) revisions_[i] = revision;
    }
  }
}

void LastKnown::set(std::uint64_t story, std::uint64_t analytics) {
  const std::array<std::uint64_t, 2> known{story == 0 ? revisions_[0] : story,
                                           analytics == 0 ? revisions_[1] : analytics};
  if (known == revisions_) return;
  revisions_ = known;
  if (path_.empty()) return;
  std::string text;
  for (std::size_t i = 0; i < kNames.size(); ++i)
    text += std::string(kNames[i]) + " " + std::to_string(known[i]) + "\n";
  write_hint(path_, text);
}

}  // namespace callboard::client
