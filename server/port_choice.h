#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace callboard::server {

// Ports of which the first free one is to be taken: "4000", "4000-4010", ">4000" (4000 and up), "<3999" (3999 and down).
class PortChoice {
 public:
  // usage: it is none of these, or has no port from 1 to 65535 in it.
  static Result<PortChoice> from(std::string_view text);

  PortChoice() = default;  // None.
  bool is_empty() const { return first_ == 0; }
  std::optional<std::uint16_t> first() const;
  // The next to try; nullopt after the last.
  std::optional<std::uint16_t> after(std::uint16_t port) const;
  const std::string& text() const { return text_; }  // As it was said.

 private:
  std::uint16_t first_ = 0;
  std::uint16_t last_ = 0;  // Below `first_` when it goes down.
  std::string text_;
};

}  // namespace callboard::server
