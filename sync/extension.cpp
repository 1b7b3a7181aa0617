#include "sync/extension.h"

namespace callboard::sync {

std::string lower_extension(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  std::string extension(dot == name.npos ? std::string_view() : name.substr(dot + 1));
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return extension;
}

}  // namespace callboard::sync
