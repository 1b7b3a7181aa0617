#pragma once

#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/json_object.h"

namespace callboard::cli {

enum class Style { plain, bold, dim, good, bad };

// Everything the program says. Results go to stdout, as text or (--json) as one JSON object a line and nothing else;
// messages go to stderr. Each call writes whole lines and flushes. Thread: any.
class Output {
 public:
  struct Streams {
    std::FILE* out = stdout;
    std::FILE* err = stderr;
  };
  explicit Output(Streams streams);
  Output() : Output(Streams{}) {}

  void set_json(bool json) { json_ = json; }
  bool is_json() const { return json_; }
  // stderr is a terminal that moves its cursor: a progress bar makes sense.
  bool has_bar() const { return err_is_terminal_; }

  // A line of the result; nothing with --json.
  void line(std::string_view text);
  // The same result for a program; nothing without --json.
  void object(const JsonObject& object);
  // Rows of cells as aligned columns, the first row being the heading; nothing with --json. Cells are shown escaped.
  void table(const std::vector<std::vector<std::string>>& rows);
  // Content as it is, e.g. a story document; with or without --json.
  void raw(std::string_view bytes);

  // For a person, on stderr.
  void message(std::string_view text);
  void warning(std::string_view text);
  void error(std::string_view text);
  // The line that progress is drawn over and over in, on a terminal; empty clears it. Other lines go above it.
  void bar(std::string_view text);

  // Text in a colour where stdout shows colours.
  std::string styled(Style style, std::string_view text) const;
  // False when something could not be written, e.g. to a full disk.
  bool is_complete() const;

 private:
  void write_line(std::FILE* stream, std::string_view text);
  void message_with(std::string_view label, Style style, std::string_view text);

  Streams streams_;
  bool json_ = false;
  bool out_has_colour_ = false;
  bool err_has_colour_ = false;
  bool err_is_terminal_ = false;
  bool write_failed_ = false;
  std::string bar_;
  mutable std::mutex mutex_;
};

// How many terminal columns valid UTF-8 takes: wide characters count twice, combining ones not at all.
std::size_t display_width(std::string_view utf8);

// "1 file", "2 files".
std::string files_text(std::uint64_t count);
// "1 visit", "2 visits": of a word whose plural ends in s.
std::string count_text(std::uint64_t count, std::string_view word);

}  // namespace callboard::cli
