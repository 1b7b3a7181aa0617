#include "server/record_misfits.h"

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include "base/document/value_type.h"
#include "base/text.h"

namespace callboard::server {
namespace {

// Lines of the log; what is beyond is counted.
constexpr std::size_t kMisfitsTold = 32;

struct Misfit {
  std::uint64_t count = 0;
  std::string cause;  // Of the first.
};
// By class and field; no field: nobody knows the class.
using Misfits = std::map<std::pair<std::string, std::string>, Misfit>;

void note(Misfits& misfits, const RecordState& state, const std::string& field, const std::string& cause) {
  Misfit& misfit = misfits[{state.record_class, field}];
  if (misfit.count++ == 0) misfit.cause = cause;
}

void look_at(const RecordState& state, const document::Schema& schema, Misfits& misfits) {
  const document::RecordClass* of = schema.find(state.record_class);
  if (of == nullptr) return note(misfits, state, "", "");
  for (const document::Member& each : *state.fields->object()) {
    const document::Field* field = of->find(each.key);
    if (field == nullptr) {
      note(misfits, state, each.key, "the schema does not name it");
    } else if (!document::check_type(field->type, *each.value)) {
      note(misfits, state, each.key,
           fmt::format("expected {}, got {}", to_text(field->type), kind_of(*each.value)));
    }
  }
  for (const document::Field& each : of->fields) {
    const bool is_missing = each.required && state.fields->member(each.name) == nullptr;
    if (is_missing) note(misfits, state, each.name, "it is required, and not there");
  }
}

}  // namespace

void warn_of_misfits(const RecordTable& records, const document::Schema& schema, EventLog& events) {
  Misfits misfits;
  records.for_each([&](const RecordStatePtr& state) { look_at(*state, schema, misfits); });
  std::size_t told = 0;
  for (const auto& [place, misfit] : misfits) {
    const auto& [record_class, field] = place;
    if (++told > kMisfitsTold) continue;
    if (field.empty()) {
      events.warn("the schema does not name the class of records, their owners and admins alone see them",
                  {{"class", record_class}, {"count", misfit.count}});
    } else {
      events.warn("records do not fit the schema", {{"class", record_class},
                                                    {"field", escaped(field, 64)},
                                                    {"count", misfit.count},
                                                    {"cause", misfit.cause}});
    }
  }
  if (told > kMisfitsTold)
    events.warn("more records do not fit the schema", {{"kinds", told - kMisfitsTold}});
}

}  // namespace callboard::server
