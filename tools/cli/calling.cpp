#include "tools/cli/calling.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/document/parse.h"
#include "base/text.h"

namespace callboard::cli {
namespace {

// How many letters have to be changed, added or left out to make the one of the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row.back();
}

// For people: a text as it is, but for what would move their cursor.
std::string shown_json(const std::string& json) {
  const auto value = document::parse(json);
  if (!value) return escaped(json);
  const std::string* text = (*value)->string();
  if (text == nullptr) return document::print(**value);
  std::string lines;
  for (std::size_t at = 0; at <= text->size();) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    lines += (at == 0 ? "" : "\n") + escaped(std::string_view(*text).substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

// One line of JSON, whoever made it.
JsonText as_json(const std::string& json) {
  const auto value = document::parse(json);
  return {value ? document::print(**value) : "null"};
}

JsonObject description_object(const CallDescription& description) {
  JsonObject object{{"event", "call"}};
  object.add("description", JsonText{document::print(*to_value(description))});
  return object;
}

std::vector<std::string> row_of(const CallDescription& description) {
  const std::string by = description.by.empty() ? "" : "  (" + description.by + ")";
  return {usage_of(description), description.summary + by};
}

void print_one(Output& output, const CallDescription& description) {
  output.line(output.styled(Style::bold, escaped(usage_of(description))));
  if (!description.summary.empty()) output.line("  " + escaped(description.summary));
  for (const CallArgument& argument : description.arguments) {
    std::string how(to_text(argument.type));
    if (argument.is_repeated) how += ", any number of them";
    if (argument.fallback) how += ", default " + document::print(*argument.fallback);
    if (argument.is_optional && !argument.fallback) how += ", optional";
    output.line(fmt::format("  {}: {}{}", escaped(argument.name), escaped(how),
                            argument.summary.empty() ? "" : "; " + escaped(argument.summary)));
  }
  if (description.result) output.line(fmt::format("  answers {}", to_text(*description.result)));
  if (!description.permission.empty()) output.line("  needs " + escaped(description.permission));
  if (!description.state.empty()) output.line("  keeps its state in " + escaped(description.state));
  if (!description.by.empty()) output.line("  offered by " + escaped(description.by));
}

}  // namespace

Result<CallCatalogue> CallCatalogue::fetch(Visit& visit) {
  const auto json = visit.wait(visit.access().calls());
  if (!json) return json.error();
  auto descriptions = descriptions_from(*json);
  if (!descriptions)
    return Error{Outcome::failed, "the server's list makes no sense: " + descriptions.error().text};
  CallCatalogue catalogue;
  catalogue.descriptions_ = std::move(*descriptions);
  return catalogue;
}

Result<const CallDescription*> CallCatalogue::find(const std::string& wanted) const {
  const auto at = wanted.find('@');
  const std::string name = wanted.substr(0, at);
  const auto found = std::ranges::find_if(descriptions_, [&](const CallDescription& each) {
    return each.name == name && (at == std::string::npos || each.by == wanted.substr(at + 1));
  });
  if (found != descriptions_.end()) return &*found;
  const bool is_offered =
      std::ranges::find(descriptions_, name, &CallDescription::name) != descriptions_.end();
  if (is_offered) {
    return Error{Outcome::not_found,
                 fmt::format("nobody named {} offers {}; `callboard calls {}` shows who does",
                             quoted(wanted.substr(at + 1)), name, name)};
  }
  std::string hint = "`callboard calls` lists those there are";
  const auto nearest = std::ranges::min_element(
      descriptions_, {}, [&](const CallDescription& each) { return distance(each.name, name); });
  if (nearest != descriptions_.end() && distance(nearest->name, name) <= 2) {
    hint = fmt::format("did you mean {}?", nearest->name);
  }
  return Error{Outcome::not_found, fmt::format("there is no call named {}; {}", quoted(wanted), hint)};
}

Result<std::string> CallCatalogue::arguments_of(const std::string& name,
                                                const std::vector<CallWord>& words) const {
  const auto description = find(name);
  if (!description) return description.error();
  const auto arguments = arguments_from_words(**description, words);
  if (!arguments) return arguments.error();
  return document::print(**arguments);
}

Result<void> make_call(Run& run, Visit& visit, const std::string& name, const std::string& arguments,
                       client::CallOptions options) {
  options.on_progress = [&output = run.output](std::string_view json) {
    output.message("… " + shown_json(std::string(json)));
    JsonObject object{{"event", "progress"}};
    object.add("progress", as_json(std::string(json)));
    output.object(object);
  };
  const auto result = visit.wait(visit.access().call(name, arguments, std::move(options)));
  if (!result) return result.error();
  if (*result != "null") run.output.line(shown_json(*result));
  JsonObject object{{"event", "result"}, {"call", name}};
  object.add("result", as_json(*result));
  run.output.object(object);
  return {};
}

Result<void> print_calls(Output& output, const CallCatalogue& catalogue, const std::string& name) {
  if (!name.empty()) {
    const auto found = catalogue.find(name);
    if (!found) return found.error();
    print_one(output, **found);
    output.object(description_object(**found));
    return {};
  }
  std::map<std::string, std::vector<std::vector<std::string>>> categories;
  for (const CallDescription& each : catalogue.descriptions()) {
    categories[each.category].push_back(row_of(each));
    output.object(description_object(each));
  }
  for (auto& [category, rows] : categories) {
    rows.insert(rows.begin(), {category.empty() ? "OTHERS" : "FOR " + category});
    output.table(rows);
  }
  return {};
}

}  // namespace callboard::cli
