#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/document/value_type.h"
#include "base/id.h"
#include "base/limits.h"

// What kinds of records a project's board has, and what may be in them. Pure; thread: any.
namespace callboard::document {

// How long a record lasts.
enum class Life {
  event,    // It is told, and not kept.
  session,  // As long as the session that owns it.
  memory,   // As long as the server runs.
  disk,     // In the project's log.
};
std::string_view to_text(Life life);

// Who hears of its changes. What nobody is told of can be read all the same; what its owner is told of, by the owner.
enum class Told { none, owner, zone };
std::string_view to_text(Told told);

struct Field {
  std::string name;
  ValueType type = ValueType::json;
  ValuePtr default_value{};  // Null: none.
  bool required = false;     // Without a default: a record has to be made with it.
  bool computed = false;     // Written by the server alone.
  std::string write{};       // Who may write it, as in RecordClass; empty: as the class says.
};

struct RecordClass {
  std::string name;
  std::vector<Field> fields;
  std::string write = "any";  // "any", "owner", "server", or the name of a permission.
  Life life = Life::disk;
  Told told = Told::zone;
  std::string enter{};  // The permission that it takes to see them; empty: none.

  const Field* find(std::string_view field) const;
};

// The classes of one program. Names are unique.
class Schema {
 public:
  // Those that every server has: lock, service, state, event.
  static const Schema& built_in();
  // The built-in ones and those of a schema file (docs/records.md). Errors name class and field:
  // `class "review": field "status": type: expected one of bool, …, got "string"`.
  static Result<Schema> from(std::string_view json);
  static Result<Schema> from(std::vector<RecordClass> classes);

  const RecordClass* find(std::string_view name) const;
  const std::map<std::string, RecordClass, std::less<>>& classes() const { return classes_; }
  // Whether it takes this permission to write or to see something of a class.
  bool asks_for(std::string_view permission) const;
  // As in a schema file, without the built-in ones, always in the same order.
  std::string print() const;
  // The same for the same classes, whoever prints them.
  UniqueId hash() const;

 private:
  Result<void> add(RecordClass added);

  std::map<std::string, RecordClass, std::less<>> classes_;
};

// Whether a program that was written for `ours` can work with `theirs`: the same types, and nothing demanded that the
// other does not know of. refused: names the first class and field that differ.
Result<void> check_fits(const Schema& ours, const Schema& theirs);

// --- Records of a class ---------------------------------------------------------------------------------------------

enum class Writer { anybody, server };
// How large the fields of a record may be as JSON, of one that lasts.
constexpr std::uint64_t record_max(Writer writer) {
  return writer == Writer::server ? kOwnRecordMax : kRecordMax;
}
// The fields of a record as it is made: those given, and the defaults. `given` is any JSON value.
Result<ValuePtr> whole_fields(const RecordClass& of, const ValuePtr& given, Writer writer);
// Checks fields that are to be set; null sets one that has a default back to it, and takes away one that is not required.
Result<void> check_fields(const RecordClass& of, const ValuePtr& given, Writer writer);
// Such fields, checked, with the default in place of null where there is one.
ValuePtr with_defaults(const RecordClass& of, const ValuePtr& change);
// `fields` with those of `change` in place of its own; null takes one away. Both are objects.
ValuePtr merged_fields(const ValuePtr& fields, const ValuePtr& change);

}  // namespace callboard::document
