#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "tests/sim/checks.h"
#include "tests/sim/world.h"

namespace callboard::sim {

// Of every item at most one person believes that it is theirs alone, as far as they can be sure: from the
// moment in which they hear that it is, until they, or others who may, want it otherwise, or their session may
// be gone. It knows nothing of the server.
class LockWatch {
 public:
  explicit LockWatch(Testimony& testimony) : testimony_(testimony) {}

  struct Grant {
    std::string item;
    SessionId session;
    std::string user;
    const Machine* machine = nullptr;
  };
  // Heard in the session in which it was asked for; without a lease.
  void on_granted(const Grant& grant);
  // Somebody who has it, or may break it, has asked for it to be free, or to be so after a while; answered.
  void on_freeing(const std::string& item);
  void on_freed(const std::string& item);
  // The one who asked will not hear whether it is.
  void on_freeing_forgotten(const std::string& item);
  void on_lost(SessionId session);
  void on_joined(const Machine& machine, SessionId session);
  void on_over(const Machine& machine);
  // It slept, or was not reached: its session may be gone. Null: the server.
  void on_trouble(const Machine* machine);

  // All that anybody was granted.
  const std::vector<Grant>& grants() const { return grants_; }

 private:
  struct Claim {
    Grant grant;
    std::optional<Instant> lost_at{};
  };
  bool is_sure(const Claim& claim) const;

  Testimony& testimony_;
  std::map<std::string, Claim> claims_;  // The newest, by item.
  std::map<std::string, int> freeing_;   // How often it is being asked for.
  std::map<std::string, Instant> unsure_until_;
  std::vector<Grant> grants_;
};

}  // namespace callboard::sim
