#include "tools/cli/interrupt.h"
#include "tools/cli/output.h"
#include "tools/cli/program.h"
#include "tools/cli/verbs.h"

namespace callboard::cli {
namespace {

void add_verbs(Program& program) {
  program.begin_group("Servers");
  add_serve(program);
  add_server(program);
  add_discover(program);
  add_status(program);
  add_abort(program);
  add_backup(program);
  add_key(program);
  add_audit(program);
  add_log(program);
  add_kick(program);
  add_redirect(program);
  add_mute(program);
  add_grant(program);
  add_stop(program);

  program.begin_group("Your folder");
  add_init(program);
  add_join(program);
  add_versions(program);
  add_restore(program);

  program.begin_group("The board");
  add_users(program);
  add_at(program);
  add_say(program);
  add_messages(program);
  add_story(program);
  add_analytics(program);
  add_records(program);
  add_record(program);
  add_locks(program);

  program.begin_group("Calls");
  add_call(program);
  add_calls(program);
  add_shell(program);
  add_services(program);

  program.begin_group("History");
  add_history(program);
  add_show(program);
  add_diff(program);
  add_conflicts(program);
  add_resolve(program);

  program.begin_group("Other people's copies");
  add_assets(program);
  add_ls(program);
  add_pull(program);

  program.begin_group("Programs of your own");
  add_channel(program);
}

}  // namespace
}  // namespace callboard::cli

int main(int argc, char** argv) {
  using namespace callboard::cli;
  Interrupt interrupt;  // Before any other thread: it decides who gets signals.
  Output output;
  Program program(output, interrupt);
  add_verbs(program);
  return program.run(argc, argv);
}
