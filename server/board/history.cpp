#include "server/board/history.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/document/build.h"
#include "base/document/edits.h"
#include "base/document/value.h"

namespace callboard::server {
namespace {

// Whether a token of a pointer may mean that step: an element is named by its key, with or without the field.
bool may_mean(std::string_view token, const document::Step& step) {
  if (step.field.empty()) return token == step.key;
  const auto is_key = [&](std::string_view text) {
    return text == step.key || document::print(*document::make_text(text)) == step.key;
  };
  if (is_key(token)) return true;
  const bool has_field = token.starts_with(step.field) && token.substr(step.field.size()).starts_with('=');
  return has_field && is_key(token.substr(step.field.size() + 1));
}

// As find() goes that way, for as long as there is something on it.
bool is_within(const document::Path& path, const document::Tokens& at, document::ValuePtr here) {
  if (path.size() < at.size()) return false;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const document::Array* const array = here == nullptr ? nullptr : here->array();
    const auto index = array == nullptr ? std::nullopt : document::index_in(*array, at[i]);
    if (index) {
      here = (*array)[*index];
      if (path[i].field.empty() || document::key_of(*here, path[i].field) != path[i].key) return false;
    } else {
      if (!may_mean(at[i], path[i])) return false;
      here = here == nullptr ? nullptr : here->member(path[i].key);
    }
  }
  return true;
}

}  // namespace

bool is_about(const Operation& operation, const document::Tokens& at, const document::ValuePtr& before) {
  return std::ranges::any_of(*operation.edits,
                             [&](const document::Edit& each) { return is_within(each.path, at, before); });
}

}  // namespace callboard::server
