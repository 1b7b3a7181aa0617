#include "client/log_reader.h"

#include <charconv>
#include <mutex>
#include <optional>

#include "base/document/members.h"
#include "base/document/parse.h"

namespace callboard::client {
namespace {

// How long one question waits for something to happen.
constexpr Duration kWait = std::chrono::seconds(20);

Error senseless() { return {Outcome::failed, "the server's answer to server.log makes no sense"}; }

std::optional<std::uint64_t> number_of(const document::ValuePtr& value) {
  const auto* number = value == nullptr ? nullptr : std::get_if<document::Number>(&value->content());
  std::uint64_t result = 0;
  if (number == nullptr) return std::nullopt;
  const char* const end = number->text.data() + number->text.size();
  const auto [rest, problem] = std::from_chars(number->text.data(), end, result);
  return problem == std::errc{} && rest == end ? std::optional(result) : std::nullopt;
}

std::optional<LogEvent> event_from(const document::Value& value) {
  const auto number = number_of(value.member("number"));
  const auto time = number_of(value.member("time"));
  if (!number || !time) return std::nullopt;
  LogEvent event;
  event.number = *number;
  event.time = Timestamp{static_cast<std::int64_t>(*time)};
  event.level = document::text_in(value, "level");
  event.kind = document::text_in(value, "kind");
  event.user = document::text_in(value, "user");
  event.text = document::text_in(value, "text");
  const document::ValuePtr fields = value.member("fields");
  const document::Object* members = fields == nullptr ? nullptr : fields->object();
  if (members == nullptr) return event;
  for (const document::Member& each : *members)
    event.fields.emplace_back(each.key, document::print(*each.value));
  return event;
}

}  // namespace

struct LogReader::Place {
  std::mutex mutex;
  std::uint64_t since = 0;
  bool has_begun = false;

  Result<std::vector<LogEvent>> read(const Result<std::string>& told);
};

Result<LogPage> log_page_from(std::string_view json) {
  const auto root = document::parse(json);
  if (!root) return senseless();
  const auto last = number_of((*root)->member("last"));
  const document::ValuePtr events = (*root)->member("events");
  const document::Array* listed = events == nullptr ? nullptr : events->array();
  if (!last || listed == nullptr) return senseless();
  LogPage page;
  page.last = *last;
  for (const document::ValuePtr& each : *listed) {
    auto event = event_from(*each);
    if (!event) return senseless();
    page.events.push_back(std::move(*event));
  }
  return page;
}

Result<std::vector<LogEvent>> LogReader::Place::read(const Result<std::string>& told) {
  // Nothing happened all the while.
  if (!told && told.error().outcome == Outcome::timed_out) return std::vector<LogEvent>{};
  if (!told) return told.error();
  auto page = log_page_from(*told);
  if (!page) return page.error();
  const std::lock_guard lock(mutex);
  since = page->last;
  has_begun = true;
  return std::move(page->events);
}

LogReader::LogReader(Access& access, Options options)
    : access_(access), options_(std::move(options)), place_(std::make_shared<Place>()) {}

Answer<std::vector<LogEvent>> LogReader::next() {
  document::Object arguments;
  const auto add_number = [&](const char* key, std::uint64_t number) {
    arguments.push_back({key, document::make_value(document::Number{std::to_string(number)})});
  };
  arguments.push_back({"level", document::make_value(options_.level)});
  arguments.push_back({"wait", document::make_value(options_.follow)});
  {
    const std::lock_guard lock(place_->mutex);
    add_number("since", place_->since);
    if (!place_->has_begun) add_number("newest", options_.newest);
  }
  CallOptions call;
  call.deadline = kWait;
  Answer<std::vector<LogEvent>> answer;
  access_.call("server.log", document::print(*document::make_value(std::move(arguments))), std::move(call))
      .then([answer, place = place_](const Result<std::string>& told) { answer.set(place->read(told)); });
  return answer;
}

}  // namespace callboard::client
