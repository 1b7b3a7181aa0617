#include "protocol/document.h"

#include <cstdint>
#include <limits>
#include <string>

#include <nlohmann/json.hpp>

#include "base/limits.h"

namespace callboard::protocol {
namespace {

using Json = nlohmann::json;

// Looks at each token as the parser meets it and stops the parser (by returning false) at the first that breaks a limit.
class Inspector final : public nlohmann::json_sax<Json> {
 public:
  explicit Inspector(std::size_t values_max) : values_left_(values_max) {}

  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t, const string_t&) override { return count(); }
  bool string(string_t&) override { return count(); }
  bool binary(binary_t&) override { return count(); }
  bool key(string_t&) override { return count(); }
  bool start_object(std::size_t) override { return count() && descend(); }
  bool start_array(std::size_t) override { return count() && descend(); }
  bool end_object() override { return ascend(); }
  bool end_array() override { return ascend(); }

  bool parse_error(std::size_t position, const std::string&, const Json::exception& exception) override {
    // The library's own text quotes the input, which is a stranger's.
    constexpr int kOutOfRange = 406;
    error_ = exception.id == kOutOfRange ? "number out of range" : "syntax error";
    error_ += " at byte " + std::to_string(position);
    return false;
  }

  const std::string& error() const { return error_; }

 private:
  bool count() {
    if (values_left_ == 0) return fail("too many values");
    --values_left_;
    return true;
  }
  bool descend() {
    if (depth_ == kJsonDepthMax) return fail("nested deeper than " + std::to_string(kJsonDepthMax));
    ++depth_;
    return true;
  }
  bool ascend() {
    --depth_;
    return true;
  }
  bool fail(std::string text) {
    error_ = std::move(text);
    return false;
  }

  std::size_t values_left_;
  int depth_ = 0;
  std::string error_;
};

}  // namespace

Result<void> check_document(std::string_view json) {
  return check_json(json, std::numeric_limits<std::size_t>::max());
}

Result<void> check_json(std::string_view json, std::size_t values_max) {
  // The library skips a byte order mark; JSON has none.
  if (json.starts_with("\xef\xbb\xbf"))
    return Error{Outcome::refused, "expected JSON, got a byte order mark"};
  // The library takes a NUL for the end, and would not see what follows it. JSON has none, in strings neither.
  if (json.find('\0') != std::string_view::npos)
    return Error{Outcome::refused, "expected JSON, got a NUL byte"};
  Inspector inspector(values_max);
  if (Json::sax_parse(json.begin(), json.end(), &inspector)) return {};
  return Error{Outcome::refused, "expected JSON, got " + inspector.error()};
}

}  // namespace callboard::protocol
