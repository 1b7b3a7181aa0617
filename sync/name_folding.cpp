#include "sync/name_folding.h"

#include <locale.h>
#include <wctype.h>

#include <cstdint>
#include <memory>
#include <type_traits>

#include "base/text.h"
#include "sync/decompositions.h"

namespace callboard::sync {
namespace {

struct FreeLocale {
  void operator()(locale_t locale) const { freelocale(locale); }
};

// Letters of all scripts, whatever language the program runs in.
locale_t unicode() {
  static const std::unique_ptr<std::remove_pointer_t<locale_t>, FreeLocale> locale(
      newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr));
  return locale.get();
}

char32_t small(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
  return unicode() == nullptr ? c : static_cast<char32_t>(towlower_l(static_cast<wint_t>(c), unicode()));
}

// Of valid UTF-8.
char32_t next_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  const std::size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t c = size == 1 ? first : first & (char32_t{0x7F} >> size);
  for (std::size_t i = 1; i < size; ++i) c = c << 6 | (byte(i) & 0x3F);
  text.remove_prefix(size);
  return c;
}

// Not UTF-8 but any one-to-one form will do: the keys are only compared.
void append(std::string& key, char32_t c) {
  for (int shift = 16; shift >= 0; shift -= 8) key.push_back(static_cast<char>(c >> shift & 0xFF));
}

// As far as it goes: a decomposition may begin with a character that has one.
void append_folded(std::string& key, char32_t c, const NameFolding& folding) {
  const Decomposition parts = folding.ignores_form ? decomposed(c) : Decomposition{c, 0};
  if (parts.first != c) {
    append_folded(key, parts.first, folding);
  } else {
    append(key, folding.ignores_case ? small(c) : c);
  }
  if (parts.second != 0) append_folded(key, parts.second, folding);
}

// True when a file of the one name is found under the other.
bool is_one_name(FileOps& ops, int folder_fd, const std::string& name, const std::string& other) {
  const Place place{folder_fd, name};
  const Opened made = ops.create(place);
  if (made.error != 0) return false;
  const bool found = ops.inspect({folder_fd, other}).error == 0;
  static_cast<void>(ops.remove_file(place));
  return found;
}

}  // namespace

NameFolding probe_names(FileOps& ops, int folder_fd) {
  return {.ignores_case = is_one_name(ops, folder_fd, "probe-a", "PROBE-A"),
          .ignores_form = is_one_name(ops, folder_fd, "probe-\xc3\xa9", "probe-e\xcc\x81")};
}

std::string folded(std::string_view name, const NameFolding& folding) {
  std::string key;
  if (!is_utf8(name)) {
    for (const char c : name) {
      const auto byte = static_cast<std::uint8_t>(c);
      append(key, folding.ignores_case && byte < 0x80 ? small(byte) : byte);
    }
    return key;
  }
  while (!name.empty()) append_folded(key, next_character(name), folding);
  return key;
}

std::optional<std::string> FoldedNames::add(std::string_view name) {
  const auto [found, is_new] = names_.try_emplace(folded(name, folding_), name);
  if (is_new || found->second == name) return std::nullopt;
  return found->second;
}

}  // namespace callboard::sync
