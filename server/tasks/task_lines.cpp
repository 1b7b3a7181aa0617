#include "server/tasks/task_lines.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "base/document/build.h"
#include "base/document/members.h"
#include "base/document/parse.h"
#include "base/text.h"

namespace callboard::server {
namespace {

using document::make_number;
using document::make_object;
using document::make_text;
using document::Value;
using document::ValuePtr;

std::string line_of(const ValuePtr& object) { return document::print(*object) + "\n"; }

Error wrong(std::string_view why) { return {Outcome::usage, std::string(why)}; }

Result<std::uint64_t> number_of(const Value& value) {
  const auto* number = std::get_if<document::Number>(&value.content());
  std::uint64_t whole = 0;
  if (number != nullptr) {
    const char* end = number->text.data() + number->text.size();
    const auto read = std::from_chars(number->text.data(), end, whole);
    if (read.ec == std::errc() && read.ptr == end) return whole;
  }
  return wrong("call: expected the number of a call");
}

bool is_null(const ValuePtr& value) { return std::holds_alternative<std::monostate>(value->content()); }

Result<document::Object> states_from(const Value& object) {
  const ValuePtr states = object.member("states");
  if (!states) return document::Object();
  if (states->object() == nullptr) return wrong("states: expected a map");
  return *states->object();
}

Result<TaskSaid> ready_from(const Value& object, const Value& calls) {
  TaskReady ready;
  auto descriptions = good_descriptions_from(calls, ready.left_out);
  if (!descriptions) return descriptions.error();
  ready.calls = std::move(*descriptions);
  auto states = states_from(object);
  if (!states) return states.error();
  ready.states = std::move(*states);
  return TaskSaid(std::move(ready));
}

Result<TaskSaid> left_from(const Value& object) {
  auto states = states_from(object);
  if (!states) return states.error();
  std::erase_if(*states, [](const document::Member& each) { return is_null(each.value); });
  return TaskSaid(TaskLeft{std::move(*states)});
}

Result<std::vector<TaskRecord>> records_from(const Value& object) {
  std::vector<TaskRecord> records;
  const ValuePtr list = object.member("records");
  if (!list) return records;
  if (list->array() == nullptr) return wrong("records: expected a list");
  for (const ValuePtr& each : *list->array()) {
    TaskRecord record{document::text_in(*each, "path"), document::text_in(*each, "class"),
                      each->member("fields")};
    const bool is_one = !record.path.empty() && !record.record_class.empty() && record.fields != nullptr &&
                        record.fields->object() != nullptr;
    if (!is_one) return wrong("records: expected each to have path, class, and fields, a map");
    records.push_back(std::move(record));
  }
  return records;
}

Result<TaskSaid> answer_from(const Value& object, std::uint64_t call) {
  TaskAnswer answer;
  answer.call = call;
  answer.state = object.member("state");
  // Of a program that passes on what a function returned which had nothing to say.
  if (answer.state && is_null(answer.state)) answer.state = nullptr;
  const ValuePtr error = object.member("error");
  if (!error) {
    answer.result = object.member("result");
    auto records = records_from(object);
    if (!records) return records.error();
    answer.records = std::move(*records);
    return TaskSaid(std::move(answer));
  }
  if (error->string() == nullptr) return wrong("error: expected text");
  const ValuePtr word = object.member("outcome");
  Outcome outcome = word && word->string() ? outcome_from(*word->string()) : Outcome::failed;
  // An error that is no error would read as success.
  if (outcome == Outcome::done) outcome = Outcome::failed;
  answer.result = Error{outcome, escaped(*error->string())};
  answer.state = nullptr;
  return TaskSaid(std::move(answer));
}

}  // namespace

std::string init_line(std::string_view project) {
  return line_of(make_object(
      {{"do", make_text("init")}, {"version", make_number(kTaskVersion)}, {"project", make_text(project)}}));
}

std::string to_line(const TaskCall& call) {
  document::Object object{{"do", make_text("call")},
                          {"call", make_number(call.call)},
                          {"name", make_text(call.name)},
                          {"by", make_text(call.by)},
                          {"arguments", call.arguments}};
  if (call.state) object.push_back({"state", call.state});
  return line_of(document::make_value(std::move(object)));
}

std::string cancel_line(std::uint64_t call) {
  return line_of(make_object({{"do", make_text("cancel")}, {"call", make_number(call)}}));
}

std::string exit_line(document::Object states) {
  document::Object object{{"do", make_text("exit")}};
  if (!states.empty()) object.push_back({"states", document::make_value(std::move(states))});
  return line_of(document::make_value(std::move(object)));
}

Result<TaskSaid> task_said_from(std::string_view line) {
  auto object = document::parse(line);
  if (!object) return object.error();
  const Value& said = **object;
  if (said.object() == nullptr) return wrong(fmt::format("expected an object, got {}", kind_of(said)));
  if (const ValuePtr calls = said.member("calls")) return ready_from(said, *calls);
  const ValuePtr numbered = said.member("call");
  if (!numbered && said.member("states")) return left_from(said);
  if (!numbered) return wrong("expected calls, call or states");
  const auto call = number_of(*numbered);
  if (!call) return call.error();
  if (const ValuePtr progress = said.member("progress")) return TaskSaid(TaskProgress{*call, progress});
  return answer_from(said, *call);
}

Result<void> LineReader::push(ByteView bytes, std::vector<std::string>& lines) {
  std::string_view text = as_text(bytes);
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto part = text.substr(0, end);
    if (partial_.size() + part.size() > line_max_) {
      return Error{Outcome::refused, fmt::format("a line of more than {}", human_bytes(line_max_))};
    }
    partial_ += part;
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
    if (!partial_.empty()) lines.push_back(std::exchange(partial_, {}));
  }
  return {};
}

}  // namespace callboard::server
