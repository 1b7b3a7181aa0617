#pragma once

namespace callboard::cli {

class Program;

// One function for each verb, in verb_<name>.cpp: adds the verb with its options, help, example and body.
void add_discover(Program& program);
void add_init(Program& program);

}  // namespace callboard::cli
