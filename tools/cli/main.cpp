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

  // A workstation's own folder.
  add_init(program);
  add_join(program);
  add_versions(program);
  add_restore(program);

  // The board.
  add_users(program);
  add_at(program);
  add_say(program);
  add_messages(program);
  add_story(program);
  add_analytics(program);
  add_records(program);
  add_record(program);
  add_locks(program);

  // What can be done by name.
  add_call(program);
  add_calls(program);
  add_shell(program);
  add_services(program);

  // What the documents were, and where two people met.
  add_history(program);
  add_show(program);
  add_diff(program);
  add_conflicts(program);
  add_resolve(program);

  // Other people's copies.
  add_assets(program);
  add_ls(program);
  add_pull(program);

  // Programs of your own.
  add_channel(program);

  return program.run(argc, argv);
}
