// {"services": [{"name", "call", "arguments"?, "period_s", "jitter_s"?, "overlap"?, "enabled"?}]}
#include "server/services/service_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/document/parse.h"
#include "base/text.h"
#include "server/calls/built_in_calls.h"

namespace callboard::server {
namespace {

constexpr std::array<std::string_view, 7> kServiceKeys{"name",     "call",    "arguments", "period_s",
                                                       "jitter_s", "overlap", "enabled"};
constexpr std::int64_t kServicePeriodMinSeconds = std::chrono::seconds(kServicePeriodMin).count();
constexpr std::int64_t kServicePeriodMaxSeconds = std::chrono::seconds(kServicePeriodMax).count();

Error bad_member(std::string_view key, std::string_view expected, const document::ValuePtr& got) {
  return {Outcome::usage, fmt::format("{}: expected {}, got {}", key, expected,
                                      got ? escaped(document::print(*got), 64) : "nothing")};
}

Result<std::string> word_in(const document::Value& object, std::string_view key, std::string_view expected) {
  const document::ValuePtr value = object.member(key);
  if (!value || value->string() == nullptr || value->string()->empty())
    return bad_member(key, expected, value);
  return *value->string();
}

// `fallback` where it is left out; negative: it must not be.
Result<Duration> seconds_in(const document::Value& object, std::string_view key, std::int64_t least,
                            std::int64_t fallback) {
  const document::ValuePtr value = object.member(key);
  if (!value && fallback >= 0) return Duration(std::chrono::seconds(fallback));
  const auto* number = value ? std::get_if<document::Number>(&value->content()) : nullptr;
  std::int64_t seconds = -1;
  if (number != nullptr) {
    const char* const end = number->text.data() + number->text.size();
    const auto read = std::from_chars(number->text.data(), end, seconds);
    if (read.ec != std::errc() || read.ptr != end) seconds = -1;
  }
  if (seconds < least || seconds > kServicePeriodMaxSeconds)
    return bad_member(key, fmt::format("{}-{}", least, kServicePeriodMaxSeconds), value);
  return Duration(std::chrono::seconds(seconds));
}

Result<void> read_overlap(const document::Value& object, Service& into) {
  const document::ValuePtr value = object.member("overlap");
  if (!value) return {};
  const std::string* word = value->string();
  if (word == nullptr || (*word != "skip" && *word != "wait"))
    return bad_member("overlap", "\"skip\" or \"wait\"", value);
  into.overlap = *word == "wait" ? Service::Overlap::wait : Service::Overlap::skip;
  return {};
}

Result<void> read_others(const document::Value& object, Service& into) {
  into.arguments = object.member("arguments");
  if (into.arguments && into.arguments->object() == nullptr)
    return bad_member("arguments", "an object", into.arguments);
  if (const document::ValuePtr enabled = object.member("enabled")) {
    const bool* truth = std::get_if<bool>(&enabled->content());
    if (truth == nullptr) return bad_member("enabled", "true or false", enabled);
    into.is_enabled = *truth;
  }
  return read_overlap(object, into);
}

Result<Service> service_from(const document::Value& object) {
  Service service;
  auto call = word_in(object, "call", "the name of a call");
  if (!call) return call.error();
  service.call = std::move(*call);
  const auto period = seconds_in(object, "period_s", kServicePeriodMinSeconds, -1);
  if (!period) return period.error();
  const auto jitter = seconds_in(object, "jitter_s", 0, 0);
  if (!jitter) return jitter.error();
  service.period = *period;
  service.jitter = *jitter;
  if (auto read = read_others(object, service); !read) return read.error();
  for (const document::Member& each : *object.object()) {
    if (std::ranges::find(kServiceKeys, each.key) == kServiceKeys.end())
      return Error{Outcome::usage, fmt::format("{}: no such key; expected {}", escaped(each.key, 64),
                                               fmt::join(kServiceKeys, ", "))};
  }
  if (auto good = check_built_in_arguments(service.call, service.arguments); !good)
    return good.error().prefixed("arguments");
  return service;
}

Result<Service> named_service_from(const document::ValuePtr& value) {
  if (value->object() == nullptr) return bad_member("services", "objects", value);
  auto name = word_in(*value, "name", "a name that can stand in a path");
  if (!name) return name.error();
  const std::string doing = "service " + callboard::quoted(*name);
  if (!is_service_name(*name))
    return Error{Outcome::usage, doing + ": name: expected one that can stand in a path"};
  auto service = service_from(*value);
  if (!service) return service.error().prefixed(doing);
  service->name = std::move(*name);
  return service;
}

}  // namespace

Result<std::vector<Service>> services_from(std::string_view json) {
  const auto root = document::parse(json);
  if (!root) return root.error();
  const document::ValuePtr listed = (*root)->member("services");
  if (!listed || listed->array() == nullptr || (*root)->object()->size() != 1) {
    return Error{Outcome::usage,
                 R"(expected an object with "services" alone, a list: {"services": [{"name": "sweep", …}]})"};
  }
  if (listed->array()->size() > kOwnServicesMax) {
    return Error{Outcome::usage, fmt::format("expected at most {} services, got {}", kOwnServicesMax,
                                             listed->array()->size())};
  }
  std::vector<Service> services;
  for (const document::ValuePtr& each : *listed->array()) {
    auto service = named_service_from(each);
    if (!service) return service.error();
    const bool is_taken = std::ranges::find(services, service->name, &Service::name) != services.end() ||
                          std::ranges::find(kBuiltInServices, service->name) != kBuiltInServices.end();
    if (is_taken) {
      return Error{Outcome::usage, fmt::format("service {}: there is one of this name already",
                                               callboard::quoted(service->name))};
    }
    services.push_back(std::move(*service));
  }
  return services;
}

}  // namespace callboard::server
