#pragma once

namespace callboard::cli {

class Program;

// One function for each verb, in verb_<name>.cpp: adds the verb with its options, help, example and body.
void add_abort(Program& program);
void add_analytics(Program& program);
void add_assets(Program& program);
void add_at(Program& program);
void add_audit(Program& program);
void add_backup(Program& program);
void add_call(Program& program);
void add_calls(Program& program);
void add_channel(Program& program);
void add_conflicts(Program& program);
void add_diff(Program& program);
void add_discover(Program& program);
void add_grant(Program& program);
void add_history(Program& program);
void add_init(Program& program);
void add_join(Program& program);
void add_key(Program& program);
void add_locks(Program& program);
void add_kick(Program& program);
void add_redirect(Program& program);
void add_log(Program& program);
void add_ls(Program& program);
void add_messages(Program& program);
void add_mute(Program& program);
void add_pull(Program& program);
void add_record(Program& program);
void add_records(Program& program);
void add_resolve(Program& program);
void add_restore(Program& program);
void add_say(Program& program);
void add_serve(Program& program);
void add_server(Program& program);
void add_services(Program& program);
void add_shell(Program& program);
void add_show(Program& program);
void add_status(Program& program);
void add_stop(Program& program);
void add_story(Program& program);
void add_users(Program& program);
void add_versions(Program& program);

}  // namespace callboard::cli
