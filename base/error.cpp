#include "base/error.h"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace callboard {
namespace {

constexpr std::array<std::pair<Outcome, std::string_view>, 11> kOutcomes{{
    {Outcome::done, "done"},
    {Outcome::failed, "failed"},
    {Outcome::usage, "usage"},
    {Outcome::not_found, "not_found"},
    {Outcome::refused, "refused"},
    {Outcome::superseded, "superseded"},
    {Outcome::locked, "locked"},
    {Outcome::timed_out, "timed_out"},
    {Outcome::no_quorum, "no_quorum"},
    {Outcome::interrupted, "interrupted"},
    {Outcome::cancelled, "cancelled"},
}};

Outcome outcome_of_errno(int errno_value) {
  switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
      return Outcome::not_found;
    case EACCES:
    case EPERM:
    case EXDEV:  // openat2(RESOLVE_BENEATH) answers this for a path that leaves the folder.
      return Outcome::refused;
    case ETIMEDOUT:
      return Outcome::timed_out;
    default:
      return Outcome::failed;
  }
}

}  // namespace

std::string_view to_text(Outcome outcome) {
  for (const auto& [value, text] : kOutcomes) {
    if (value == outcome) return text;
  }
  return "failed";
}

Outcome outcome_from(std::string_view text) {
  for (const auto& [value, known] : kOutcomes) {
    if (known == text) return value;
  }
  return Outcome::failed;
}

Error Error::prefixed(std::string_view doing) const {
  return Error{outcome, std::string(doing) + ": " + text};
}

Error os_error(std::string_view doing, int errno_value) {
  std::string cause = std::generic_category().message(errno_value);
  for (char& c : cause) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return Error{outcome_of_errno(errno_value), std::string(doing) + ": " + cause};
}

}  // namespace callboard
