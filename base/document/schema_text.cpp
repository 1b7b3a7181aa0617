// A schema file:
//   {"classes": [{"name", "fields": [{"name", "type", "default"?, "required"?, "computed"?, "write"?}],
//                 "write"?, "life"?, "told"?, "enter"?}]}
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/document/parse.h"
#include "base/document/schema.h"
#include "base/permission_name.h"
#include "base/text.h"

namespace callboard::document {
namespace {

constexpr std::string_view kBuiltIn = R"json({"classes": [
  {"name": "event", "life": "event", "fields": [{"name": "name", "type": "text"}, {"name": "data", "type": "json"}]},
  {"name": "lock", "write": "server", "life": "disk", "fields": [
    {"name": "note", "type": "text"}, {"name": "since", "type": "time"}, {"name": "until", "type": "time"},
    {"name": "wanted", "type": "list"}, {"name": "waiting", "type": "list"},
    {"name": "broken_by", "type": "text"}, {"name": "broken_why", "type": "text"}]},
  {"name": "service", "write": "server", "life": "memory", "fields": [
    {"name": "call", "type": "text"}, {"name": "enabled", "type": "bool"}, {"name": "running", "type": "bool"},
    {"name": "period_ms", "type": "int"}, {"name": "last_run", "type": "time"}, {"name": "next_run", "type": "time"},
    {"name": "duration_ms", "type": "int"}, {"name": "runs", "type": "int"}, {"name": "failures", "type": "int"},
    {"name": "left_out", "type": "int"}, {"name": "error", "type": "text"}, {"name": "result", "type": "json"}]},
  {"name": "state", "write": "server", "life": "disk", "fields": [{"name": "value", "type": "json"}]}
]})json";

bool is_built_in(const std::string& name) {
  return name == "event" || name == "lock" || name == "service" || name == "state";
}

Error bad(std::string_view key, std::string_view expected, const Value& got) {
  return {Outcome::usage,
          std::string(key) + ": expected " + std::string(expected) + ", got " + escaped(print(got), 64)};
}

// A word of letters, digits, and "_-.", as names of classes and fields are.
bool is_word(std::string_view text, std::size_t max) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  return !text.empty() && text.size() <= max && text.find_first_not_of(kLetters) == std::string_view::npos;
}

// Reads the members of an object, and knows which of them nobody asked for. Keeps the first error.
class Members {
 public:
  explicit Members(const Object& object) : object_(object) {}

  const ValuePtr* find(std::string_view key) {
    known_.push_back(key);
    const auto found = std::ranges::find(object_, key, &Member::key);
    return found == object_.end() ? nullptr : &found->value;
  }
  void word(std::string_view key, std::string& into, std::size_t max) {
    const ValuePtr* value = find(key);
    if (value == nullptr) return;
    if ((*value)->string() == nullptr || !is_word(*(*value)->string(), max))
      return fail(bad(key, "a word of letters, digits, \"_\", \"-\" and \".\"", **value));
    into = *(*value)->string();
  }
  // Of a permission; "any", "owner" and "server" could be names of one.
  void permission(std::string_view key, std::string& into) {
    const ValuePtr* value = find(key);
    if (value == nullptr) return;
    if ((*value)->string() == nullptr) return fail(bad(key, "the name of a permission", **value));
    if (auto good = check_permission_name(*(*value)->string()); !good)
      return fail(good.error().prefixed(std::string(key)));
    into = *(*value)->string();
  }
  void flag(std::string_view key, bool& into) {
    const ValuePtr* value = find(key);
    if (value == nullptr) return;
    if (!std::holds_alternative<bool>((*value)->content())) return fail(bad(key, "true or false", **value));
    into = std::get<bool>((*value)->content());
  }
  template <class Enum, std::size_t N>
  void one_of(std::string_view key, Enum& into, const std::array<Enum, N>& known) {
    const ValuePtr* value = find(key);
    if (value == nullptr) return;
    std::string words;
    for (const Enum each : known) {
      const bool is_it = (*value)->string() != nullptr && *(*value)->string() == to_text(each);
      if (is_it) return static_cast<void>(into = each);
      words += (words.empty() ? "" : ", ") + std::string(to_text(each));
    }
    fail(bad(key, "one of " + words, **value));
  }
  const Array* array(std::string_view key, std::size_t max) {
    const ValuePtr* value = find(key);
    if (value == nullptr) return fail({Outcome::usage, std::string(key) + ": missing"}), nullptr;
    const Array* found = (*value)->array();
    if (found == nullptr || found->size() > max)
      return fail(bad(key, "an array of at most " + std::to_string(max), **value)), nullptr;
    return found;
  }
  void fail(Error why) {
    if (!error_) error_ = std::move(why);
  }
  Result<void> finish() {
    for (const Member& each : object_) {
      if (std::ranges::find(known_, each.key) != known_.end()) continue;
      fail({Outcome::usage, quoted(each.key) + ": there is nothing of that name in a schema"});
    }
    return error_ ? Result<void>(*error_) : Result<void>();
  }

 private:
  const Object& object_;
  std::vector<std::string_view> known_;
  std::optional<Error> error_;
};

Result<Field> field_of(const Value& json) {
  if (json.object() == nullptr) return bad("field", "an object", json);
  Field field;
  Members members(*json.object());
  members.word("name", field.name, kFieldNameMax);
  members.one_of("type", field.type, kValueTypes);
  members.flag("required", field.required);
  members.flag("computed", field.computed);
  members.permission("write", field.write);
  if (const ValuePtr* value = members.find("default")) field.default_value = *value;
  if (field.name.empty()) members.fail({Outcome::usage, "name: missing"});
  if (members.find("type") == nullptr) members.fail({Outcome::usage, "type: missing"});
  // The server alone writes it: there is nobody to be allowed to, or to be asked for it.
  if (field.computed && (field.required || !field.write.empty())) {
    members.fail({Outcome::usage,
                  std::string("computed: expected without ") + (field.required ? "required" : "write")});
  }
  if (field.default_value != nullptr) {
    if (auto fits = check_type(field.type, *field.default_value); !fits)
      members.fail(fits.error().prefixed("default"));
  }
  const auto sound = members.finish();
  if (sound) return field;
  return field.name.empty() ? sound.error() : sound.error().prefixed("field " + quoted(field.name));
}

Result<RecordClass> class_of(const Value& json) {
  if (json.object() == nullptr) return bad("class", "an object", json);
  RecordClass result;
  Members members(*json.object());
  members.word("name", result.name, kClassNameMax);
  members.permission("write", result.write);
  members.one_of("life", result.life, std::array{Life::event, Life::session, Life::memory, Life::disk});
  members.one_of("told", result.told, std::array{Told::none, Told::owner, Told::zone});
  members.permission("enter", result.enter);
  // It is not kept: who is not told of it could not read it either, and its owner is who says it.
  if (result.life == Life::event && result.told != Told::zone) {
    members.fail({Outcome::usage,
                  "told: expected zone, since it is an event, got " + std::string(to_text(result.told))});
  }
  if (result.name.empty()) members.fail({Outcome::usage, "name: missing"});
  const Array* fields = members.array("fields", kFieldsMax);
  for (std::size_t i = 0; fields != nullptr && i < fields->size(); ++i) {
    auto field = field_of(*(*fields)[i]);
    if (!field) {
      members.fail(field.error());
    } else if (result.find(field->name) != nullptr) {
      members.fail({Outcome::usage, "field " + quoted(field->name) + ": there are two of that name"});
    } else {
      result.fields.push_back(std::move(*field));
    }
  }
  const auto sound = members.finish();
  if (sound) return result;
  return result.name.empty() ? sound.error() : sound.error().prefixed("class " + quoted(result.name));
}

ValuePtr text_value(std::string_view text) { return make_value(std::string(text)); }

ValuePtr value_of(const Field& field) {
  Object object{{"name", text_value(field.name)}, {"type", text_value(to_text(field.type))}};
  if (field.default_value != nullptr) object.push_back({"default", field.default_value});
  if (field.required) object.push_back({"required", make_value(true)});
  if (field.computed) object.push_back({"computed", make_value(true)});
  if (!field.write.empty()) object.push_back({"write", text_value(field.write)});
  return make_value(std::move(object));
}

ValuePtr value_of(const RecordClass& of) {
  Array fields;
  for (const Field& each : of.fields) fields.push_back(value_of(each));
  Object object{{"name", text_value(of.name)},
                {"fields", make_value(std::move(fields))},
                {"write", text_value(of.write)},
                {"life", text_value(to_text(of.life))},
                {"told", text_value(to_text(of.told))}};
  if (!of.enter.empty()) object.push_back({"enter", text_value(of.enter)});
  return make_value(std::move(object));
}

Result<std::vector<RecordClass>> classes_in(std::string_view json) {
  if (json.size() > kSchemaMax) {
    return Error{Outcome::usage,
                 "expected at most " + human_bytes(kSchemaMax) + ", got " + human_bytes(json.size())};
  }
  const auto root = parse(json);
  if (!root) return root.error();
  if ((*root)->object() == nullptr) return bad("schema", "an object with \"classes\"", **root);
  Members members(*(*root)->object());
  std::vector<RecordClass> classes;
  const Array* listed = members.array("classes", kClassesMax);
  if (auto sound = members.finish(); !sound) return sound.error();
  for (std::size_t i = 0; i < listed->size(); ++i) {
    auto each = class_of(*(*listed)[i]);
    if (!each) {
      const bool has_name = each.error().text.starts_with("class \"");
      return has_name ? each.error() : each.error().prefixed("class " + std::to_string(i + 1));
    }
    classes.push_back(std::move(*each));
  }
  return classes;
}

}  // namespace

Result<void> Schema::add(RecordClass added) {
  std::string name = added.name;
  if (classes_.emplace(name, std::move(added)).second) return {};
  return Error{Outcome::usage, "class " + quoted(name) +
                                   (is_built_in(name) ? ": every server has one of that name"
                                                      : ": there are two of that name")};
}

const Schema& Schema::built_in() {
  static const Schema schema = [] {
    Schema made;
    const auto classes = classes_in(kBuiltIn);
    ENSURE(classes);
    for (const RecordClass& each : *classes) ENSURE(made.add(each));
    return made;
  }();
  return schema;
}

Result<Schema> Schema::from(std::vector<RecordClass> classes) {
  Schema schema = built_in();
  for (RecordClass& each : classes) {
    if (auto added = schema.add(std::move(each)); !added) return added.error();
  }
  return schema;
}

Result<Schema> Schema::from(std::string_view json) {
  auto classes = classes_in(json);
  if (!classes) return classes.error();
  return from(std::move(*classes));
}

std::string Schema::print() const {
  Array classes;
  for (const auto& [name, each] : classes_) {
    if (!is_built_in(name)) classes.push_back(value_of(each));
  }
  Object root{{"classes", make_value(std::move(classes))}};
  return document::print(*make_value(std::move(root)));
}

}  // namespace callboard::document
