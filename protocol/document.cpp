#include "protocol/document.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/limits.h"

namespace callboard::protocol {
namespace {

using Json = nlohmann::json;

// Looks at each token as the parser meets it and stops the parser (by returning false) at the first that breaks a limit.
class Inspector : public nlohmann::json_sax<Json> {
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

// Builds the tree on the way.
class Builder final : public Inspector {
 public:
  using Inspector::Inspector;

  bool null() override { return Inspector::null() && add(nullptr); }
  bool boolean(bool value) override { return Inspector::boolean(value) && add(value); }
  bool number_integer(number_integer_t value) override {
    return Inspector::number_integer(value) && add(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    return Inspector::number_unsigned(value) && add(value);
  }
  bool number_float(number_float_t value, const string_t& text) override {
    return Inspector::number_float(value, text) && add(value);
  }
  bool string(string_t& value) override { return Inspector::string(value) && add(std::move(value)); }
  bool key(string_t& name) override {
    if (!Inspector::key(name)) return false;
    member_ = &(*open_.back())[std::move(name)];
    return true;
  }
  bool start_object(std::size_t size) override {
    return Inspector::start_object(size) && open(Json::value_t::object);
  }
  bool start_array(std::size_t size) override {
    return Inspector::start_array(size) && open(Json::value_t::array);
  }
  bool end_object() override { return Inspector::end_object() && close(); }
  bool end_array() override { return Inspector::end_array() && close(); }

  Json finish() && { return std::move(root_); }

 private:
  Json& place(Json value) {
    if (open_.empty()) return root_ = std::move(value);
    if (open_.back()->is_array()) return open_.back()->emplace_back(std::move(value));
    return *member_ = std::move(value);
  }
  bool add(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json::value_t type) {
    open_.push_back(&place(Json(type)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Json root_;
  // Stay where they are: nothing is added to what one of them lies in until it is closed.
  std::vector<Json*> open_;
  Json* member_ = nullptr;
};

Result<void> parse(std::string_view json, Inspector& inspector) {
  // The library skips a byte order mark; JSON has none.
  if (json.starts_with("\xef\xbb\xbf"))
    return Error{Outcome::refused, "expected JSON, got a byte order mark"};
  // The library takes a NUL for the end, and would not see what follows it. JSON has none, in strings neither.
  if (json.find('\0') != std::string_view::npos)
    return Error{Outcome::refused, "expected JSON, got a NUL byte"};
  // By the interface, so that the library's parser is compiled once.
  nlohmann::json_sax<Json>* events = &inspector;
  if (Json::sax_parse(json.begin(), json.end(), events)) return {};
  return Error{Outcome::refused, "expected JSON, got " + inspector.error()};
}

}  // namespace

Result<void> check_document(std::string_view json) {
  Inspector inspector(std::numeric_limits<std::size_t>::max());
  return parse(json, inspector);
}

Result<std::shared_ptr<const Json>> parse_json(std::string_view json, std::size_t values_max) {
  Builder builder(values_max);
  if (const auto parsed = parse(json, builder); !parsed) return parsed.error();
  return std::make_shared<const Json>(std::move(builder).finish());
}

}  // namespace callboard::protocol
