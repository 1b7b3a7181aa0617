#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/document/parse.h"
#include "base/text.h"
#include "client/log_reader.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

struct LogWords {
  bool follow = false;
  std::string level = "info";
  std::uint64_t lines = 50;
};

JsonObject log_object(const client::LogEvent& event) {
  JsonObject fields;
  for (const auto& [key, value] : event.fields) fields.add(key, JsonText{value});
  return {{"event", "log"},       {"number", event.number}, {"time", to_iso(event.time)},
          {"level", event.level}, {"kind", event.kind},     {"user", event.user},
          {"text", event.text},   {"fields", fields}};
}

std::string value_text(const std::string& json) {
  const auto value = document::parse(json);
  const std::string* text = value ? (*value)->string() : nullptr;
  return text != nullptr ? log_value(*text) : escaped(json);
}

// As in the server's own log file, letter by letter.
std::string log_line(const client::LogEvent& event) {
  std::string line =
      fmt::format("{} [{}] {}", to_iso(event.time), escaped(event.level, 16), escaped(event.text));
  if (!event.user.empty()) line += " user=" + log_value(event.user);
  for (const auto& [key, value] : event.fields)
    line += fmt::format(" {}={}", escaped(key, 64), value_text(value));
  return line;
}

// Passes over what was shown before the connection was lost, which the same server tells again. Another one's numbers begin anew,
// later, unless its clock is behind.
class Seam {
 public:
  void begin() { is_open_ = last_.number != 0; }
  bool passes_over(const client::LogEvent& event) {
    is_open_ = is_open_ && event.number <= last_.number && event.time <= last_.time;
    return is_open_;
  }
  void note(const client::LogEvent& shown) { last_ = shown; }

 private:
  client::LogEvent last_;
  bool is_open_ = false;
};

Result<void> show_events(Run& run, const LogWords& words) {
  constexpr std::array<std::string_view, 4> kKnown{"debug", "info", "warn", "error"};
  if (std::ranges::find(kKnown, words.level) == kKnown.end()) {
    return Error{Outcome::usage, fmt::format("--level {}: expected debug, info, warn or error",
                                             callboard::quoted(words.level))};
  }
  if (words.lines < 1 || words.lines > 100)
    return Error{Outcome::usage, fmt::format("--lines {}: expected 1-100", words.lines)};
  auto visit = Visit::open(run, Visit::Folder::unused, words.follow ? Visit::Stay::on : Visit::Stay::once);
  if (!visit) return visit.error();
  client::LogReader::Options options{.level = words.level, .newest = words.lines, .follow = words.follow};
  std::optional<client::LogReader> reader(std::in_place, (*visit)->access(), options);
  Seam seam;
  for (;;) {
    const auto events = (*visit)->wait(reader->next());
    if (!events && words.follow) {
      if (auto there = Visit::go_on(run, *visit, events.error()); !there) return there;
      options.newest = 0;  // All that the next one has kept since its beginning.
      reader.emplace((*visit)->access(), options);
      seam.begin();
      continue;
    }
    if (!events) return events.error();
    for (const client::LogEvent& each : *events) {
      if (seam.passes_over(each)) continue;
      run.output.line(log_line(each));
      run.output.object(log_object(each));
      seam.note(each);
    }
    if (!words.follow) return {};
  }
}

}  // namespace

void add_log(Program& program) {
  auto words = std::make_shared<LogWords>();
  program
      .add_verb({.name = "log",
                 .summary = "what the server writes in its log, as it is joined over the network",
                 .example = "callboard log --follow --level warn"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .flag(words->follow, "--follow", "go on with what happens, until Ctrl-C")
      .text(words->level, "--level LEVEL", "debug, info (default), warn or error: that, and what is graver")
      .number(words->lines, "--lines N", "begin with the newest N, at most 100 (default: 50)")
      .runs([words](Run& run) { return show_events(run, *words); });
}

}  // namespace callboard::cli
