// What keeps secrets out of texts and files.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <catch2/catch.hpp>
#include <cctype>

#include "base/access_key.h"
#include "base/core_dumps.h"
#include "base/id.h"
#include "base/mask.h"

namespace callboard::secrecy_test {

TEST_CASE(
    "of the line of a key all but what proves it may be read, wherever it stands and however it was cut") {
  const AccessKey key = make_access_key(system_random());
  const std::string line = to_line(key);
  const std::string shown = "cb1_" + key.identity + "_***";
  CHECK(masked(line) == shown);
  CHECK(masked("key=" + line + " " + line + "\n") == "key=" + shown + " " + shown + "\n");
  for (std::size_t size = 22; size < line.size(); ++size) {
    INFO(size);
    CHECK(masked(line.substr(0, size)) == shown);
  }
  // Nothing but the secret, or a part of it that is long enough to be one.
  const std::string secret = line.substr(21);
  CHECK(masked(secret) == "***");
  CHECK(masked("x" + secret.substr(24)) == "x***");
  CHECK(masked("\"" + secret + "\"") == "\"***\"");
  std::string capitals = secret;
  for (char& c : capitals) c = static_cast<char>(std::toupper(c));
  CHECK(masked(capitals) == "***");
}

TEST_CASE("what is no secret stays as it is") {
  for (const std::string& text :
       {std::string(), std::string("session opened id=066a9a8b3c400001 user=\"rigging\""),
        to_text(make_unique_id(system_random())), std::string("cb1_"), std::string("cb1_0123456789abcdef"),
        std::string("cb1_0123456789abcdef_"), std::string("deadbeef/facade"), std::string(39, 'a')}) {
    CHECK(masked(text) == text);
  }
}

TEST_CASE("a process that forbids it leaves no core dump") {
  const pid_t child = ::fork();
  if (child == 0) {
    forbid_core_dumps();
    rlimit limit{1, 1};
    bool is_forbidden = ::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0;
#if defined(__linux__) && !defined(CALLBOARD_ASAN)
    is_forbidden = is_forbidden && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
#endif
    ::_exit(is_forbidden ? 0 : 1);
  }
  REQUIRE(child > 0);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace callboard::secrecy_test
