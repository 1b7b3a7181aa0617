#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/call/call_description.h"
#include "base/result.h"

// What the server and a task's program say to each other, a JSON object a line (docs/calls.md has the dialogue). Pure.
namespace callboard::server {

inline constexpr int kTaskVersion = 1;

// --- Said to the task
std::string init_line(std::string_view project);
struct TaskCall {
  std::uint64_t call = 0;
  std::string name;
  std::string by;  // Who calls.
  document::ValuePtr arguments;
  document::ValuePtr state;  // Null: the call has none.
};
std::string to_line(const TaskCall& call);
std::string cancel_line(std::uint64_t call);
// `states`: those of its calls, by their paths; empty: it has none.
std::string exit_line(document::Object states);

// --- Said by the task
struct TaskReady {
  std::vector<CallDescription> calls;
  document::Object states;              // What states begin with, by their paths.
  std::vector<std::string> left_out{};  // Of calls whose descriptions make no sense: why.
};
struct TaskProgress {
  std::uint64_t call = 0;
  document::ValuePtr value;
};
// A record that the server writes for it: the fields that it names, others stay; made where there is none.
struct TaskRecord {
  std::string path;
  std::string record_class;
  document::ValuePtr fields;  // An object.
};
struct TaskAnswer {
  std::uint64_t call = 0;
  Result<document::ValuePtr> result = document::ValuePtr();
  document::ValuePtr state;  // What it is from now on; null, also where it says null: as it was.
  std::vector<TaskRecord> records{};
};
// Of what it leaves, told after `exit`, a part: as many as it wants to say in one line.
struct TaskLeft {
  document::Object states;  // By their paths; those that are not here stay as they are.
};
using TaskSaid = std::variant<TaskReady, TaskProgress, TaskAnswer, TaskLeft>;
Result<TaskSaid> task_said_from(std::string_view line);

// Cuts what a task writes into lines of at most `line_max` bytes.
class LineReader {
 public:
  explicit LineReader(std::size_t line_max) : line_max_(line_max) {}
  // Adds the lines that are whole now. An error: one is too long; no more is read.
  Result<void> push(ByteView bytes, std::vector<std::string>& lines);

 private:
  std::size_t line_max_;
  std::string partial_;
};

}  // namespace callboard::server
