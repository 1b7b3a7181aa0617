// Waiting for locks: through a real server, but for what overlaps.
#include <catch2/catch.hpp>

#include "server/lock_check.h"
#include "tests/unit/server/lock_words.h"
#include "tests/unit/server/studio.h"

namespace callboard::lock_waiting_test {
using namespace callboard::server;

TEST_CASE("paths overlap where one is the other or lies in it, not where their names begin alike") {
  for (const char* other : {"/dev/chr", "/dev/chr/Moria", "/dev"}) {
    INFO(other);
    CHECK((overlap("/dev/chr", other) && overlap(other, "/dev/chr")));
  }
  for (const char* other : {"/dev/chrome", "/dev/ch", "/dev/props"}) {
    INFO(other);
    CHECK_FALSE((overlap("/dev/chr", other) || overlap(other, "/dev/chr")));
  }
}

TEST_CASE("who asked for a folder before gets it before who asks for a part of it") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  const auto comp = studio.join("comp");
  done(*rigging, "lock", lock_words("/dev/chr/Balin"));
  say_call(*lighting, 900, lock_words("/dev", R"(,"wait":true)"));
  CHECK(refused(*comp, "lock", lock_words("/dev/chr/Moria")) ==
        "locked: \"lighting\" waits for \"/dev\", and asked before");
  // Whoever it is that they wait for may go on.
  done(*rigging, "lock", lock_words("/dev/chr/Gimli"));
  done(*rigging, "unlock", lock_words("/dev/chr/Gimli"));
  done(*comp, "lock", lock_words("/rnd/scene-01"));
  say_call(*comp, 901, lock_words("/dev/chr/Moria", R"(,"wait":true)"));
  done(*rigging, "unlock", lock_words("/dev/chr/Balin"));
  CHECK(lighting->expect<protocol::CallResult>().value->find("\"item\":\"/dev\"") != std::string::npos);
  CHECK(refused(*comp, "lock", lock_words("/dev/chr/Gimli")) == "locked: \"/dev\" is locked by \"lighting\"");
  done(*lighting, "unlock", lock_words("/dev"));
  CHECK(comp->expect<protocol::CallResult>().value->find("/dev/chr/Moria") != std::string::npos);
}

TEST_CASE("who has a part of what somebody waits for is not held up by them") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  const auto comp = studio.join("comp");
  done(*lighting, "lock", lock_words("/dev/chr/Balin"));
  done(*comp, "lock", lock_words("/dev/chr/Gimli"));
  say_call(*rigging, 900, lock_words("/dev", R"(,"wait":true)"));
  done(*lighting, "lock", lock_words("/dev/chr/Moria"));
  done(*comp, "lock", lock_words("/dev/chr/Thorin"));
}

TEST_CASE("who asked first gets it first, whatever else they waited for before") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  const auto comp = studio.join("comp");
  const auto layout = studio.join("layout");
  done(*comp, "lock", lock_words("/dev/chr/Balin"));
  done(*layout, "lock", lock_words("/dev/chr/Gimli"));
  say_call(*rigging, 900, lock_words("/dev", R"(,"wait":true)"));
  say_call(*lighting, 901, lock_words("/dev/chr/Gimli", R"(,"wait":true)"));
  done(*comp, "unlock", lock_words("/dev/chr/Balin"));
  done(*layout, "unlock", lock_words("/dev/chr/Gimli"));
  CHECK(rigging->expect<protocol::CallResult>().value->find("\"item\":\"/dev\"") != std::string::npos);
  done(*rigging, "unlock", lock_words("/dev"));
  CHECK(lighting->expect<protocol::CallResult>().value->find("/dev/chr/Gimli") != std::string::npos);
}

TEST_CASE("who waits for the sake of somebody who waits no more goes on") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  auto lighting = studio.join("lighting");
  const auto comp = studio.join("comp");
  done(*rigging, "lock", lock_words("/dev/chr/Balin"));
  say_call(*lighting, 900, lock_words("/dev", R"(,"wait":true)"));
  say_call(*comp, 901, lock_words("/dev/chr/Moria", R"(,"wait":true)"));
  SECTION("since they have left") { lighting->close(); }
  SECTION("since they gave up") {
    protocol::CallCancelAsk cancel;
    cancel.call = 900;
    lighting->ask_for<protocol::Ok>(cancel);
  }
  CHECK(comp->expect<protocol::CallResult>().value->find("/dev/chr/Moria") != std::string::npos);
}

TEST_CASE("an item is handed to a command that waits for it, whose user has not joined") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto visit = studio.visit("lighting");
  done(*rigging, "lock", lock_words("/dev/chr/Moria"));
  CHECK(refused(*rigging, "unlock", lock_words("/dev/chr/Moria", R"(,"to":"lighting")")) ==
        "not_found: nobody named \"lighting\" is here");
  say_call(*visit, 900, lock_words("/dev/chr/Moria", R"(,"wait":true)"));
  done(*rigging, "unlock", lock_words("/dev/chr/Moria", R"(,"to":"lighting")"));
  CHECK(visit->expect<protocol::CallResult>().value->find("\"user\":\"lighting\"") != std::string::npos);
}

}  // namespace callboard::lock_waiting_test
