#include "tools/cli/exit_code.h"

namespace callboard::cli {

int exit_code(Outcome outcome) {
  switch (outcome) {
    case Outcome::done:
      return 0;
    case Outcome::failed:
      return 1;
    case Outcome::usage:
      return 2;
    case Outcome::not_found:
      return 3;
    case Outcome::refused:
      return 4;
    case Outcome::superseded:
      return 5;
    case Outcome::locked:
      return 6;
    case Outcome::timed_out:
      return 7;
    case Outcome::no_quorum:
      return 8;
    case Outcome::interrupted:
      return 9;
    case Outcome::cancelled:
      return 130;  // 128 + SIGINT, as shells count.
  }
  return 1;
}

Outcome outcome_of(int code) {
  for (const Outcome each :
       {Outcome::done, Outcome::usage, Outcome::not_found, Outcome::refused, Outcome::superseded,
        Outcome::locked, Outcome::timed_out, Outcome::no_quorum, Outcome::interrupted, Outcome::cancelled}) {
    if (exit_code(each) == code) return each;
  }
  return Outcome::failed;
}

}  // namespace callboard::cli
