#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace callboard {

// What is done with one record of the board.
enum class RecordAction {
  make,    // It is new; refused where there is one.
  set,     // These fields, and none of the others.
  put,     // These are all its fields; it is made where there is none.
  give,    // To another owner.
  remove,  // It is gone.
};

constexpr std::string_view to_text(RecordAction action) {
  constexpr std::array<std::string_view, 5> kWords{"make", "set", "put", "give", "remove"};
  return kWords[static_cast<std::size_t>(action)];
}
constexpr std::optional<RecordAction> record_action_from(std::string_view text) {
  for (const RecordAction known :
       {RecordAction::make, RecordAction::set, RecordAction::put, RecordAction::give, RecordAction::remove}) {
    if (text == to_text(known)) return known;
  }
  return std::nullopt;
}

}  // namespace callboard
