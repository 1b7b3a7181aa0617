#pragma once

#include <optional>
#include <utility>

#include "base/ensure.h"
#include "base/error.h"

namespace callboard {

// A value or an Error, spelt like std::expected. Reading the side that is not there is a bug and stops the program.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T&& value) : value_(std::move(value)) {}
  Result(const T& value) : value_(value) {}
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return value_.has_value(); }
  explicit operator bool() const { return has_value(); }

  T& value() & { return checked(); }
  const T& value() const& {
    ENSURE(has_value());
    return *value_;
  }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    ENSURE(error_.has_value());
    return *error_;
  }

 private:
  T& checked() {
    ENSURE(has_value());
    return *value_;
  }

  // A std::variant would cost a good part of what everything takes to compile.
  std::optional<T> value_;
  std::optional<Error> error_;  // Not made, moved and destroyed with every value.
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  void value() const { ENSURE(has_value()); }
  const Error& error() const {
    ENSURE(error_.has_value());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace callboard
