#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "sync/relative_path.h"

namespace callboard::sync {

// The file whose rules say what of its directory, and of all beneath, does not exist for Callboard.
inline constexpr std::string_view kIgnoreFile = ".callboardignore";
// Tens of thousands of rules; each costs memory and, where it ends in a wildcard, a comparison with every name.
inline constexpr std::uint64_t kIgnoreFileMaxBytes = 1 * MiB;

// The rules in force in one directory: those of its own file, then of the files above it, then what is ignored everywhere
// (docs/operations.md). gitignore's rules: within a file the last one that matches decides, a file nearer to the name decides
// before one further up, and what lies in an ignored directory is ignored whatever else is said. That last thing is left to
// the caller, who does not descend into such a directory. Immutable; one for all directories without a file of their own.
// Thread: any. Looking up a name compares it with the rules that may end in its last byte: for most names none.
class Ignore {
 public:
  using Pointer = std::shared_ptr<const Ignore>;

  // What is ignored everywhere.
  static const Pointer& built_in();
  // `text` is what the file in `directory` says; `above` holds where that directory's name stands. Never fails: a line that
  // makes no sense (an unclosed set, a backslash at the end) matches nothing, as in git.
  static Pointer with_file(Pointer above, const RelativePath& directory, std::string_view text);

  // Of `name` in `directory`, which is the one with the file, or lies beneath it. kPrivateFolder always is, in whichever folder:
  // a project in a part of this one keeps its key there.
  bool is_ignored(const RelativePath& directory, std::string_view name, bool is_directory) const;

 private:
  struct Rule {
    std::string pattern;
    // The component before the last one; empty where any will do. Decides most cases without the whole path.
    std::string folder = {};
    bool is_negated = false;
    bool directories_only = false;
    bool has_slash = false;  // Compared with the path from the file's directory, else with the name.
    enum class Form : std::uint8_t {
      glob,
      exact,
      suffix
    } form = Form::glob;  // suffix: `*` and then `pattern`.
  };
  // A name as its rules see it.
  struct Subject;

  Ignore(Pointer above, const RelativePath& directory, std::string_view text);
  void add_line(std::string_view line);
  static std::optional<Rule> parse(std::string_view line);
  void add(Rule rule, std::string_view last_element);
  static bool matches_rule(const Rule& rule, Subject& subject);

  Pointer above_;
  std::size_t directory_bytes_;  // Of its path and the slash after it.
  std::vector<Rule> rules_;
  std::array<std::vector<std::uint32_t>, 256>
      by_last_byte_;  // Which rules a name with this last byte may match.
};

}  // namespace callboard::sync
