// A schema file: behind a 'T' TOML, else JSON. What is read is printed as what is read again; whatever is no schema is refused.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/document/parse.h"
#include "base/document/schema.h"
#include "base/ensure.h"
#include "tools/cli/toml_text.h"

using namespace callboard;

namespace {

// TOML as the JSON that says the same; nothing where it is none.
std::string json_of(std::string_view text) {
  const bool is_toml = text.starts_with('T');
  if (!is_toml) return std::string(text);
  const auto value = cli::value_from_toml(text.substr(1));
  if (!value) return {};
  std::string json = document::print(**value);
  // Beyond what JSON may have, it is refused as JSON is.
  if (const auto again = document::parse(json)) ENSURE(document::print(**again) == json);
  return json;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string json = json_of({reinterpret_cast<const char*>(data), size});
  const auto schema = document::Schema::from(json);
  if (!schema) {
    ENSURE(!schema.error().text.empty());
    return 0;
  }
  const auto again = document::Schema::from(schema->print());
  ENSURE(again && again->print() == schema->print() && again->hash() == schema->hash());
  ENSURE(document::check_fits(*schema, *again));
  const document::ValuePtr nothing = document::make_value(document::Object{});
  for (const auto& [name, each] : schema->classes()) {
    // Made of its defaults, or refused for what it lacks.
    const auto whole = document::whole_fields(each, nothing, document::Writer::server);
    if (whole) ENSURE((*whole)->object() != nullptr);
  }
  return 0;
}
