#include "server/port_choice.h"

#include <charconv>

#include "base/text.h"

namespace callboard::server {
namespace {

// 0 for what is no port.
std::uint16_t port_in(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  return problem == std::errc{} && end == text.data() + text.size() ? port : std::uint16_t{0};
}

}  // namespace

Result<PortChoice> PortChoice::from(std::string_view text) {
  PortChoice choice;
  choice.text_ = text;
  const auto dash = text.find('-');
  if (text.starts_with('>')) {
    choice.first_ = port_in(text.substr(1));
    choice.last_ = 65535;
  } else if (text.starts_with('<')) {
    choice.first_ = port_in(text.substr(1));
    choice.last_ = 1;
  } else if (dash != std::string_view::npos) {
    choice.first_ = port_in(text.substr(0, dash));
    choice.last_ = port_in(text.substr(dash + 1));
    if (choice.last_ < choice.first_) choice.first_ = 0;
  } else {
    choice.first_ = choice.last_ = port_in(text);
  }
  if (choice.first_ != 0) return choice;
  return Error{Outcome::usage, quoted(text) +
                                   ": expected ports from 1 to 65535, like 4000, 4000-4010, "
                                   "\">4000\" or \"<3999\""};
}

std::optional<std::uint16_t> PortChoice::first() const {
  return is_empty() ? std::nullopt : std::optional(first_);
}

std::optional<std::uint16_t> PortChoice::after(std::uint16_t port) const {
  if (port == last_) return std::nullopt;
  return static_cast<std::uint16_t>(last_ < first_ ? port - 1 : port + 1);
}

}  // namespace callboard::server
