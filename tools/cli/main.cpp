#include "tools/cli/interrupt.h"
#include "tools/cli/output.h"
#include "tools/cli/program.h"
#include "tools/cli/verbs.h"

int main(int argc, char** argv) {
  using namespace callboard::cli;
  Interrupt interrupt;  // Before any other thread: it decides who gets signals.
  Output output;
  Program program(output, interrupt);

  // Servers.
  add_discover(program);

  // Workstations.
  add_init(program);

  return program.run(argc, argv);
}
