#include <utility>

#include "protocol/faults.h"
#include "server/stage.h"

// Who may be here on a server with keys. A connection proves its key by TLS before a word is said (Session); what it is
// called and may do is the key's matter. On an open server nothing of this happens.
namespace callboard::server {

std::optional<Secret> Stage::find_secret(std::string_view identity) { return gate_.find_secret(identity); }

// Whose key is good no more goes at once: said goodbye to, never kept for a return, its transfers over.
void Stage::on_keys_changed() {
  const Error why{Outcome::refused, "the key is no longer good"};
  std::vector<std::uint64_t> unwelcome;
  for (const auto& [key, session] : sessions_) {
    const bool is_known = session->is_admitted() || !session->identity.key.empty();
    if (is_known && !session->is_over() && !gate_.is_welcome(session->identity)) unwelcome.push_back(key);
  }
  for (const std::uint64_t key : unwelcome) {
    Session* session = by_key(key);
    if (session == nullptr) continue;
    const bool has_key = !session->identity.key.empty();
    session->close(why.outcome,
                   has_key ? why.text : "the server has keys now: " + protocol::key_needed().text);
  }
  for (const Away& away : away_.take_if([&](const Identity& each) { return !gate_.is_welcome(each); })) {
    depart_away(away, why);
  }
  set_away_timer();
}

}  // namespace callboard::server
