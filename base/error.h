#pragma once

#include <string>
#include <string_view>

namespace callboard {

// How something ended, in the words users, the wire and the exit codes share (docs/protocol.md, "outcomes").
enum class Outcome {
  done,
  failed,       // The named thing went wrong; trying the same again is likely to fail again.
  usage,        // The request itself makes no sense.
  not_found,    // No such server, user, item, file.
  refused,      // Wrong project, not allowed, outside the project folder.
  superseded,   // A newer value won, or both sides changed.
  locked,       // Somebody else holds it.
  timed_out,    // No answer in time.
  no_quorum,    // A cluster cannot decide.
  interrupted,  // Broken off; what is verified is kept and running it again goes on from there.
  cancelled,    // The user stopped it.
};

// The wire's spelling, e.g. "timed_out".
std::string_view to_text(Outcome outcome);
// Outcome::failed for a word this version does not know, so that a newer peer's word is still an ending.
Outcome outcome_from(std::string_view text);

// What went wrong. `text` is one line for a person: lower case, no full stop, subject in double quotes, cause last.
struct Error {
  Outcome outcome = Outcome::failed;
  std::string text;

  // The same error with what the caller was doing put before it: "read "x": permission denied".
  Error prefixed(std::string_view doing) const;
};

// "verb subject: strerror(errno_value)" with the outcome that fits: ENOENT not_found, EACCES refused, others failed.
Error os_error(std::string_view doing, int errno_value);

}  // namespace callboard
