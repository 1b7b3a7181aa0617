#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/id.h"

namespace callboard::server {

// Which locks go when: those with a lease by its end, the others by whose session they last as long as. Pure.
class LockIndex {
 public:
  // `until_ms`: 0: as long as the owner's session.
  void set(const std::string& path, SessionId owner, std::int64_t until_ms);
  void remove(const std::string& path);

  // Without a lease.
  std::vector<std::string> of(SessionId owner) const;
  std::vector<SessionId> owners() const;
  // With one.
  std::vector<std::string> ended(std::int64_t now_ms) const;
  std::optional<std::int64_t> first_end_ms() const;

 private:
  struct Place {
    SessionId owner;
    std::int64_t until_ms = 0;
  };
  std::unordered_map<std::string, Place> places_;
  std::unordered_map<SessionId, std::set<std::string>> of_session_;
  std::set<std::pair<std::int64_t, std::string>> by_end_;
};

}  // namespace callboard::server
