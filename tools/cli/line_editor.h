#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::cli {

// Lines that a person types, with history and completion on a terminal; from anything else they are read as they are. One
// at a time in a program. One thread, but for stop().
class LineEditor {
 public:
  // What may stand in place of the last word of `line`, which is `word`.
  using Complete = std::function<std::vector<std::string>(std::string_view line, std::string_view word)>;

  explicit LineEditor(Complete complete);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // nullopt: there are no more, or stop() was called.
  std::optional<std::string> read(const std::string& prompt);
  // Thread: any.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace callboard::cli
