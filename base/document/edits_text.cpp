// Edits as JSON text, as they stand in the log:
//   [{"path":["scenes",["id","3"],"name"],"value":…}, {"path":[…],"remove":true}, {"path":[…],"place":true,"after":"\"a\""}]
// A step is a member's key, or the field and the value (as JSON text) that tell an element from others.
#include "base/document/edits.h"
#include "base/document/parse.h"
#include "base/ensure.h"
#include "base/limits.h"

namespace callboard::document {
namespace {

void append_path(const Path& path, std::string& out) {
  out += "{\"path\":[";
  for (const Step& step : path) {
    if (&step != &path.front()) out += ',';
    if (step.field.empty()) {
      append_quoted(step.key, out);
      continue;
    }
    out += '[';
    append_quoted(step.field, out);
    out += ',';
    append_quoted(step.key, out);
    out += ']';
  }
  out += ']';
}

Error damaged() { return Error{Outcome::failed, "edits: damaged"}; }

Result<Step> parse_step(const Value& value) {
  if (value.string() != nullptr) return Step{"", *value.string()};
  const Array* pair = value.array();
  const bool is_element = pair != nullptr && pair->size() == 2 && (*pair)[0]->string() != nullptr &&
                          (*pair)[1]->string() != nullptr;
  if (!is_element || (*pair)[0]->string()->empty()) return damaged();
  return Step{*(*pair)[0]->string(), *(*pair)[1]->string()};
}

Result<Edit> parse_edit(const Value& value) {
  Edit edit;
  const ValuePtr path = value.member("path");
  if (path == nullptr || path->array() == nullptr) return damaged();
  for (const ValuePtr& each : *path->array()) {
    auto step = parse_step(*each);
    if (!step) return step.error();
    edit.path.push_back(std::move(*step));
  }
  const ValuePtr after = value.member("after");
  if (after != nullptr && after->string() != nullptr) edit.after = *after->string();
  edit.value = value.member("value");
  if (value.member("remove") != nullptr) {
    edit.kind = Edit::Kind::remove;
  } else if (value.member("place") != nullptr) {
    edit.kind = Edit::Kind::place;
  }
  if ((edit.kind == Edit::Kind::set) != (edit.value != nullptr)) return damaged();
  if (edit.kind != Edit::Kind::set && edit.path.empty()) return damaged();
  return edit;
}

}  // namespace

std::string print(const Edits& edits) {
  std::string out = "[";
  for (const Edit& edit : edits) {
    if (&edit != &edits.front()) out += ',';
    append_path(edit.path, out);
    if (edit.kind == Edit::Kind::remove) out += ",\"remove\":true";
    if (edit.kind == Edit::Kind::place) out += ",\"place\":true";
    if (!edit.after.empty()) {
      out += ",\"after\":";
      append_quoted(edit.after, out);
    }
    if (edit.kind == Edit::Kind::set) {
      out += ",\"value\":";
      append_text(*edit.value, out);
    }
    out += '}';
  }
  return out + "]";
}

Result<Edits> parse_edits(std::string_view text) {
  // A value may be nested as deep as a document, inside an edit inside the list.
  const auto list = parse_deeper(text, 2);
  if (!list) return list.error();
  if ((*list)->array() == nullptr) return damaged();
  Edits edits;
  for (const ValuePtr& each : *(*list)->array()) {
    auto edit = parse_edit(*each);
    if (!edit) return edit.error();
    edits.push_back(std::move(*edit));
  }
  return edits;
}

}  // namespace callboard::document
