#include "base/document/schema.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace callboard::document {
namespace {

constexpr std::array<std::string_view, 4> kLives{"event", "session", "memory", "disk"};
constexpr std::array<std::string_view, 3> kTold{"none", "owner", "zone"};

bool is_null_value(const ValuePtr& value) { return std::holds_alternative<std::monostate>(value->content()); }

Error in_field(const std::string& field, const Error& why) { return why.prefixed("field " + quoted(field)); }

Error in_class(const RecordClass& of, const Error& why) { return why.prefixed("class " + quoted(of.name)); }

Result<void> check_field(const RecordClass& of, const Member& member, Writer writer) {
  const Field* field = of.find(member.key);
  if (field == nullptr) return Error{Outcome::usage, "there is none of that name"};
  if (field->computed && writer != Writer::server) {
    return Error{Outcome::refused, "the server computes it: nobody else writes it"};
  }
  if (!is_null_value(member.value)) return check_type(field->type, *member.value);
  if (!field->required || field->default_value != nullptr) return {};
  return Error{Outcome::usage,
               "it is required: expected " + std::string(to_text(field->type)) + ", got null"};
}

Result<const Object*> object_of(const RecordClass& of, const ValuePtr& given, Writer writer) {
  const Object* fields = given->object();
  if (fields == nullptr) {
    return in_class(of, {Outcome::usage, "fields: expected an object, got " + escaped(print(*given), 64)});
  }
  const std::uint64_t most = of.life == Life::event ? kEventMax : record_max(writer);
  if (given->size_bytes() > most) {
    return in_class(of, {Outcome::refused, "fields: expected at most " + human_bytes(most) + ", got " +
                                               human_bytes(given->size_bytes())});
  }
  return fields;
}

// Two 64-bit FNV-1a hashes with different beginnings: tells schemas apart, and protects from nobody.
std::uint64_t hash_of(std::string_view text, std::uint64_t state) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  for (const char c : text) state = (state ^ static_cast<unsigned char>(c)) * kPrime;
  return state;
}

Result<void> check_same_class(const RecordClass& ours, const RecordClass& theirs) {
  const auto differs = [](std::string_view what, std::string_view here, std::string_view there) {
    return Error{Outcome::refused, std::string(what) + ": " + std::string(here) + " here, " +
                                       std::string(there) + " on the server"};
  };
  for (const Field& field : ours.fields) {
    const Field* other = theirs.find(field.name);
    if (other == nullptr) {
      if (!field.required) continue;
      return in_field(field.name, {Outcome::refused, "required here, and the server does not know it"});
    }
    if (field.type == other->type) continue;
    return in_field(field.name, differs("type", to_text(field.type), to_text(other->type)));
  }
  for (const Field& field : theirs.fields) {
    const bool is_demanded = field.required && field.default_value == nullptr;
    if (!is_demanded || ours.find(field.name) != nullptr) continue;
    return in_field(field.name, {Outcome::refused, "required on the server, and not known here"});
  }
  return {};
}

}  // namespace

std::string_view to_text(Life life) { return kLives[static_cast<std::size_t>(life)]; }
std::string_view to_text(Told told) { return kTold[static_cast<std::size_t>(told)]; }

const Field* RecordClass::find(std::string_view field) const {
  const auto found = std::ranges::find(fields, field, &Field::name);
  return found == fields.end() ? nullptr : &*found;
}

bool Schema::asks_for(std::string_view permission) const {
  return std::ranges::any_of(classes_, [&](const auto& each) {
    const RecordClass& known = each.second;
    return known.write == permission || known.enter == permission ||
           std::ranges::find(known.fields, permission, &Field::write) != known.fields.end();
  });
}

const RecordClass* Schema::find(std::string_view name) const {
  const auto found = classes_.find(name);
  return found == classes_.end() ? nullptr : &found->second;
}

UniqueId Schema::hash() const {
  const std::string text = print();
  return {hash_of(text, 0xcbf29ce484222325), hash_of(text, 0x9ae16a3b2f90404f)};
}

Result<void> check_fits(const Schema& ours, const Schema& theirs) {
  for (const auto& [name, own] : ours.classes()) {
    const RecordClass* other = theirs.find(name);
    if (other == nullptr) return in_class(own, {Outcome::refused, "the server does not know it"});
    if (auto same = check_same_class(own, *other); !same) return in_class(own, same.error());
  }
  return {};
}

// --- Records of a class ---------------------------------------------------------------------------------------------

Result<void> check_fields(const RecordClass& of, const ValuePtr& given, Writer writer) {
  const auto fields = object_of(of, given, writer);
  if (!fields) return fields.error();
  for (const Member& member : **fields) {
    if (auto good = check_field(of, member, writer); !good)
      return in_class(of, in_field(member.key, good.error()));
  }
  return {};
}

Result<ValuePtr> whole_fields(const RecordClass& of, const ValuePtr& given, Writer writer) {
  if (auto good = check_fields(of, given, writer); !good) return good.error();
  Object fields;
  for (const Field& field : of.fields) {
    ValuePtr value = given->member(field.name);
    if (value == nullptr || is_null_value(value)) value = field.default_value;
    if (value == nullptr && field.required) {
      return in_class(of, in_field(field.name, {Outcome::usage, "it is required: expected " +
                                                                    std::string(to_text(field.type))}));
    }
    if (value != nullptr && !is_null_value(value)) fields.push_back({field.name, std::move(value)});
  }
  return make_value(std::move(fields));
}

ValuePtr with_defaults(const RecordClass& of, const ValuePtr& change) {
  const auto has_default = [&](const Member& each) {
    const Field* field = is_null_value(each.value) ? of.find(each.key) : nullptr;
    return field != nullptr && field->default_value != nullptr;
  };
  if (std::ranges::none_of(*change->object(), has_default)) return change;
  Object fields = *change->object();
  for (Member& each : fields) {
    if (has_default(each)) each.value = of.find(each.key)->default_value;
  }
  return make_value(std::move(fields));
}

ValuePtr merged_fields(const ValuePtr& fields, const ValuePtr& change) {
  Object merged = *fields->object();
  for (const Member& each : *change->object()) {
    const auto own = std::ranges::find(merged, each.key, &Member::key);
    if (is_null_value(each.value)) {
      if (own != merged.end()) merged.erase(own);
    } else if (own != merged.end()) {
      own->value = each.value;
    } else {
      merged.push_back(each);
    }
  }
  return make_value(std::move(merged));
}

}  // namespace callboard::document
