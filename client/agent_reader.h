#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace callboard::client::agent {

// The last enumerator; greater ones are no values.
template <class Enum>
struct LastOf;

// Reads what Writer wrote; anything else makes it failed(), and then the values mean nothing. Takes no more memory than a
// small multiple of what it is given.
class Reader {
 public:
  template <class T>
  using Ref = T&;

  explicit Reader(ByteView bytes) : in_(bytes) {}

  template <class... T>
  void operator()(T&... values) {
    (read(values), ...);
  }
  bool failed() const { return failed_ || in_.failed(); }
  // All of it was read, and nothing is left over.
  bool finished() const { return !failed_ && in_.finished(); }

 private:
  template <std::integral T>
  void read(T& value) {
    const std::uint64_t number = in_.u64();
    value = static_cast<T>(number);
    if (static_cast<std::uint64_t>(value) != number) failed_ = true;
  }
  void read(Duration& value) { value = Duration(static_cast<Duration::rep>(in_.u64())); }
  template <class T>
  requires std::is_enum_v<T>
  void read(T& value) {
    const std::uint8_t number = in_.u8();
    if (number > static_cast<std::uint8_t>(LastOf<T>::value)) failed_ = true;
    value = failed_ ? T{} : static_cast<T>(number);
  }
  void read(std::string& value) { value = as_text(in_.raw(count())); }
  void read(std::shared_ptr<const std::string>& value) {
    bool is_there = false;
    read(is_there);
    std::string text;
    if (is_there) read(text);
    if (is_there) value = std::make_shared<const std::string>(std::move(text));
  }
  template <class T>
  void read(std::optional<T>& value) {
    bool is_there = false;
    read(is_there);
    if (is_there) read(value.emplace());
  }
  template <class T>
  void read(std::vector<T>& values) {
    for (std::size_t left = count(); left > 0 && !failed(); --left) read(values.emplace_back());
  }
  template <class K, class V>
  void read(std::map<K, V>& values) {
    for (std::size_t left = count(); left > 0 && !failed(); --left) {
      std::pair<K, V> each;
      read(each);
      values.insert_or_assign(values.end(), std::move(each.first), std::move(each.second));
    }
  }
  template <class A, class B>
  void read(std::pair<A, B>& value) {
    read(value.first);
    read(value.second);
  }
  template <class T>
  requires std::is_class_v<T>
  void read(T& value) { describe(*this, value); }

  // Of bytes or elements, each of which takes a byte at least.
  std::size_t count() {
    const std::uint64_t count = in_.u64();
    if (count > in_.rest().size()) failed_ = true;
    return failed_ ? 0 : static_cast<std::size_t>(count);
  }

  ByteReader in_;
  bool failed_ = false;
};

}  // namespace callboard::client::agent
