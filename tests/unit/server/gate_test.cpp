// What the server writes down of keys while their file is somebody else's.
#include "server/gate.h"

#include <fcntl.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>

#include <catch2/catch.hpp>
#include <sstream>

#include "tests/unit/server/keyed_studio.h"

namespace callboard::server::gate_test {
namespace {

// Two keys that are good once each. Whoever waits for the lock of their file does so no time at all.
struct Entrance {
  TemporaryFolder folder;
  net::Loop loop;
  std::ostringstream log;
  EventLog events{
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log))};
  KeyFile file{folder.path(), "p", {[](std::chrono::milliseconds) {}, key_file_system().sync}};
  std::function<void()> on_change = [] {};
  std::optional<Gate> gate;
  Fd lock;

  Entrance() {
    for (const char* name : {"first", "second"}) {
      KeyEntry entry = key_entry(name);
      entry.once = true;
      REQUIRE(file.update([&](KeyRing& ring) { return ring.add(entry); }));
    }
    gate.emplace(loop, system_clock(), events,
                 Gate::Source{file, file.read().value(), RolesFile(folder.path(), "p")},
                 Gate::Handlers{[this] { on_change(); }, [](const AuditEntry&) {}, [](const KeyChange&) {},
                                [](const std::string&, const std::string&) {}, [] {}});
    lock = Fd(::open((folder.path() / "p" / "keys.lock").c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(::flock(lock.get(), LOCK_EX) == 0);
  }
  Result<void> come(const std::string& name) {
    Identity identity;
    identity.key = gate->identity_of(name).value();
    return gate->let_in(identity, false);
  }
  bool is_used(const std::string& name) const { return file.read().value()->find_name(name)->used; }
  void until(const std::function<bool()>& condition) { REQUIRE(loop.run_until(condition, kPatience)); }
  bool has_said_so() const { return log.str().find("is not written down") != std::string::npos; }
};

}  // namespace

TEST_CASE("that a key was used is written down as soon as it can be, and said once while it cannot") {
  Entrance here;
  REQUIRE(here.come("first"));
  here.until([&] { return here.has_said_so(); });
  CHECK(here.come("first").error().outcome == Outcome::refused);
  REQUIRE(here.come("second"));
  here.lock.reset();
  here.until([&] { return here.is_used("first") && here.is_used("second"); });
  const std::string log = here.log.str();
  CHECK(log.find("not written down") == log.rfind("not written down"));
}

TEST_CASE("a gate that stops first writes down which keys were used") {
  Entrance here;
  REQUIRE(here.come("first"));
  REQUIRE(here.come("second"));
  bool is_stopped = false;
  here.gate->stop([&] { is_stopped = true; });
  here.until([&] { return here.has_said_so(); });
  CHECK_FALSE(is_stopped);
  here.lock.reset();
  here.until([&] { return is_stopped; });
  CHECK((here.is_used("first") && here.is_used("second")));
}

TEST_CASE("a gate that has stopped looks no more") {
  Entrance here;
  here.lock.reset();
  REQUIRE(here.come("first"));
  bool is_stopped = false;
  here.gate->stop([&] { is_stopped = true; });
  here.until([&] { return is_stopped; });
  REQUIRE(here.file.update([](KeyRing& ring) { return ring.add(key_entry("third")); }));
  bool has_looked = false;
  here.on_change = [&] {
    has_looked = true;
    here.loop.stop();
  };
  here.loop.run();  // Until nothing is left that could happen.
  CHECK_FALSE(has_looked);
}

TEST_CASE("a gate where nobody used up a key stops at once") {
  Entrance here;
  bool is_stopped = false;
  here.gate->stop([&] { is_stopped = true; });
  CHECK(is_stopped);
}

}  // namespace callboard::server::gate_test
