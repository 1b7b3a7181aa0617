#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace callboard::server {

// What was said of one person while the server ran, beyond what their role says.
struct Measures {
  std::string muted_by;  // Empty: they may speak.
  std::string mute_reason;
  // Names of permissions; none is in both.
  std::set<std::string> granted;
  std::set<std::string> revoked;

  bool is_muted() const { return !muted_by.empty(); }
  bool is_empty() const { return muted_by.empty() && granted.empty() && revoked.empty(); }
  friend bool operator==(const Measures&, const Measures&) = default;
};

// By person: the identity of their key, or, on an open server, their name as shown. Those with measures are
// few; at most kMax, each with kPermissionsMax permissions. A value; pure.
class MeasuresBook {
 public:
  // More than anybody who is not mistaken needs; each is some 100 bytes.
  static constexpr std::size_t kMax = 1024;
  static constexpr std::size_t kPermissionsMax = 256;

  // Those without any have empty ones.
  const Measures& of(const std::string& person) const;
  // Empty ones are forgotten. refused: there are too many.
  Result<void> set(const std::string& person, Measures measures);
  // Who has gone has what was given no more. What was taken away, and that they are to be silent, stays: nobody gets out of
  // that by leaving.
  void on_gone(const std::string& person);
  // Who was `before` has another key, and comes anew with it. What was said of that one already stays.
  void on_rotated(const std::string& before, const std::string& now);
  bool is_empty() const { return all_.empty(); }

  // u32 count, then each: text16 person, muted_by, mute_reason, and two lists of u16 count and text16.
  void append_to(ByteWriter& writer) const;
  // What makes no sense fails the reader.
  static MeasuresBook from(ByteReader& reader);

 private:
  std::map<std::string, Measures, std::less<>> all_;
};

}  // namespace callboard::server
