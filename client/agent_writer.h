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

// Appends values. Thread: any.
class Writer {
 public:
  template <class T>
  using Ref = const T&;

  explicit Writer(Bytes& out) : out_(out) {}

  template <class... T>
  void operator()(const T&... values) {
    (write(values), ...);
  }

 private:
  template <std::integral T>
  void write(T value) {
    out_.u64(static_cast<std::uint64_t>(value));
  }
  void write(Duration value) { out_.u64(static_cast<std::uint64_t>(value.count())); }
  template <class T>
  requires std::is_enum_v<T>
  void write(T value) { out_.u8(static_cast<std::uint8_t>(value)); }
  void write(const std::string& value) {
    out_.u64(value.size());
    out_.raw(as_bytes(value));
  }
  void write(const std::shared_ptr<const std::string>& value) {
    write(value != nullptr);
    if (value) write(*value);
  }
  template <class T>
  void write(const std::optional<T>& value) {
    write(value.has_value());
    if (value) write(*value);
  }
  template <class T>
  void write(const std::vector<T>& values) {
    out_.u64(values.size());
    for (const T& each : values) write(each);
  }
  template <class K, class V>
  void write(const std::map<K, V>& values) {
    out_.u64(values.size());
    for (const auto& each : values) write(each);
  }
  template <class A, class B>
  void write(const std::pair<A, B>& value) {
    write(value.first);
    write(value.second);
  }
  template <class T>
  requires std::is_class_v<T>
  void write(const T& value) { describe(*this, value); }

  ByteWriter out_;
};

}  // namespace callboard::client::agent
