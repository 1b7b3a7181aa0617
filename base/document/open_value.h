#pragma once

#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/document/value.h"
#include "base/text_hash.h"

// A document while many changes are made to it. What is entered is opened, and stays so: each further change in an array or
// an object costs about what it says, however much lies beside it. Opening and closing cost what the container has parts, so
// that one change alone is cheaper made with with_part(). Thread: any, one at a time.
namespace callboard::document {

class OpenArray;
class OpenObject;

// A value there, opened or not; or none, where it was made of null.
class OpenValue {
 public:
  explicit OpenValue(ValuePtr value);
  OpenValue(OpenValue&&) noexcept;
  OpenValue& operator=(OpenValue&&) noexcept;
  ~OpenValue();

  bool is_object() const;
  bool is_array() const;
  // Opens it. It is one (ENSURE). Valid until closed() or until this is given another value.
  OpenObject& object();
  OpenArray& array();
  // Closes it with all that is open in it. The very value that it was opened from, where nothing in it is another one now.
  const ValuePtr& closed();
  // As Value::member(); an open member is closed.
  ValuePtr member(std::string_view key);

 private:
  std::variant<ValuePtr, std::unique_ptr<OpenObject>, std::unique_ptr<OpenArray>> content_;
};

class OpenObject {
 public:
  explicit OpenObject(ValuePtr object);

  // Null: there is none. Valid until the next add().
  OpenValue* find(std::string_view key);
  // There is none of that key.
  void add(std::string key, ValuePtr value);
  void remove(std::string_view key);
  ValuePtr closed();

 private:
  struct Part {
    std::string key;
    OpenValue value;
    bool is_removed = false;
  };
  std::optional<std::size_t> place_of(std::string_view key);

  ValuePtr before_;
  std::vector<Part> parts_;      // Those of before_ first, in their order.
  TextMap<std::size_t> places_;  // Empty while there are few.
};

class OpenArray {
 public:
  struct Block;
  struct Element {
    OpenValue value;  // Given another one by replace() only.
    std::list<Block>::iterator block;
  };
  struct Block {
    std::vector<std::unique_ptr<Element>> elements;
  };

  explicit OpenArray(ValuePtr array);
  OpenArray(const OpenArray&) = delete;
  OpenArray& operator=(const OpenArray&) = delete;

  std::size_t size() const { return size_; }
  // All of these are null when there is none. An element stays where it is until it is taken.
  Element* at(std::size_t place);
  // The first one whose field is that, as JSON text.
  Element* find(const std::string& field, const std::string& key);
  // As index_in().
  Element* find(std::string_view token);

  // Null: as the first one.
  void insert_behind(const Element* other, OpenValue value);
  // Null: as the last one.
  void insert_before(const Element* other, OpenValue value);
  void replace(Element& element, OpenValue value);
  OpenValue take(const Element& element);
  // Around each change of a member by which the element is found.
  bool is_found_by(std::string_view field) const;
  void forget_keys(Element& element);
  void learn_keys(Element& element);
  ValuePtr closed();

 private:
  // The elements by one of their fields: as long as no two have the same.
  struct Table {
    std::string field;
    TextMap<Element*> elements;
    bool is_sound = true;
  };
  // Calls visit(element) in their order until it returns true; the element then.
  template <class Visit>
  Element* first(Visit visit);
  Table& table(const std::string& field);
  // The first one of which one of the fields is that text, or is written so.
  Element* first_of(std::span<const std::string_view> fields, std::string_view text);
  static void learn_key(Table& table, Element& element);
  std::size_t place_of(const Element& element) const;
  void insert(std::list<Block>::iterator block, std::size_t place, OpenValue value);
  void split(std::list<Block>::iterator block);

  ValuePtr before_;
  std::list<Block> blocks_;  // At least one.
  std::size_t size_ = 0;
  std::vector<Table> tables_;  // Made when they are first asked for.
};

}  // namespace callboard::document
