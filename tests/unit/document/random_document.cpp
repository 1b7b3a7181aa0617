#include "tests/unit/document/random_document.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/document/parse.h"

namespace callboard::document {
namespace {

std::size_t below(std::mt19937& random, std::size_t limit) { return random() % limit; }

ValuePtr text(std::mt19937& random) {
  return make_value(std::string(1, static_cast<char>('a' + below(random, 26))));
}

ValuePtr shot(std::mt19937& random, std::string name) {
  Object shot{{"name", make_value(std::move(name))}, {"note", text(random)}};
  if (below(random, 2) == 0)
    shot.push_back({"frames", make_value(Number{std::to_string(below(random, 100))})});
  return make_value(std::move(shot));
}

ValuePtr scene(std::mt19937& random, int id) {
  Array shots;
  for (char c = 'a'; c < 'e'; ++c) {
    if (below(random, 4) != 0) shots.push_back(shot(random, std::string(1, c)));
  }
  Array tags;
  for (std::size_t i = below(random, 3); i > 0; --i) tags.push_back(text(random));
  return make_value(Object{{"id", make_value(Number{std::to_string(id)})},
                           {"shots", make_value(std::move(shots))},
                           {"tags", make_value(std::move(tags))}});
}

ValuePtr edited_value(const ValuePtr& value, std::mt19937& random);

ValuePtr edited_array(Array array, std::mt19937& random) {
  const std::size_t choice = below(random, 8);
  if (choice == 0 && !array.empty()) {
    array.erase(array.begin() + static_cast<std::ptrdiff_t>(below(random, array.size())));
  } else if (choice == 1 && array.size() > 1) {
    std::swap(array[below(random, array.size())], array[below(random, array.size())]);
  } else if (choice <= 3) {
    const auto at = array.begin() + static_cast<std::ptrdiff_t>(below(random, array.size() + 1));
    const bool is_plain = !array.empty() && array.front()->object() == nullptr;
    const bool has_shots = array.empty() || array.front()->member("shots") == nullptr;
    const auto number = static_cast<int>(100 + below(random, 900));
    array.insert(at, is_plain    ? text(random)
                     : has_shots ? shot(random, "n" + std::to_string(number))
                                 : scene(random, number));
    if (key_field(array).empty() && !is_plain) array.erase(array.begin());
  } else if (!array.empty()) {
    ValuePtr& element = array[below(random, array.size())];
    element = edited_value(element, random);
  }
  return make_value(std::move(array));
}

ValuePtr edited_object(Object object, std::mt19937& random) {
  const std::size_t choice = below(random, 8);
  if (choice == 0) {
    const std::string key(1, static_cast<char>('p' + below(random, 4)));
    std::erase_if(object, [&](const Member& each) { return each.key == key; });
    object.push_back({key, text(random)});
    return make_value(std::move(object));
  }
  Member& member = object[below(random, object.size())];
  const bool is_key = member.key == "id" || member.key == "name";
  if (choice == 1 && !is_key) {
    const std::string key = member.key;
    std::erase_if(object, [&](const Member& each) { return each.key == key; });
  } else if (!is_key) {
    member.value = edited_value(member.value, random);
  }
  return make_value(std::move(object));
}

ValuePtr edited_value(const ValuePtr& value, std::mt19937& random) {
  if (value->array() != nullptr) return edited_array(*value->array(), random);
  if (value->object() != nullptr && !value->object()->empty()) return edited_object(*value->object(), random);
  return text(random);
}

}  // namespace

ValuePtr value(const std::string& json) {
  auto parsed = parse(json);
  INFO(json);
  REQUIRE(parsed);
  return *parsed;
}

ValuePtr random_document(std::mt19937& random) {
  Array scenes;
  for (int id = 1; id < 5; ++id) {
    if (below(random, 4) != 0) scenes.push_back(scene(random, id));
  }
  return make_value(Object{{"title", text(random)}, {"scenes", make_value(std::move(scenes))}});
}

ValuePtr edited(const ValuePtr& document, std::mt19937& random) {
  ValuePtr result = document;
  for (std::size_t i = 1 + below(random, 3); i > 0; --i) result = edited_value(result, random);
  return result;
}

}  // namespace callboard::document
