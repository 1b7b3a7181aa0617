#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "server/store/data_folder.h"
#include "server/store/key_file.h"
#include "tests/unit/server/studio.h"

namespace callboard::server {

inline KeyEntry key_entry(const std::string& name, const std::string& role = "artist") {
  KeyEntry made;
  made.name = name;
  made.key = make_access_key(system_random());
  made.role = role;
  made.created = {1'763'733'203'123};
  return made;
}

// A server whose keys are changed while it runs, as `callboard key` does it.
struct KeyedStudio : Studio {
  explicit KeyedStudio(ServerOptions options = {}) : Studio(std::move(options)) {}

  KeyFile file{data(), "Moria's Race"};

  AccessKey add(KeyEntry made) {
    REQUIRE(file.update([&](KeyRing& ring) { return ring.add(made); }));
    return made.key;
  }
  AccessKey add(const std::string& name, const std::string& role = "artist") {
    return add(key_entry(name, role));
  }
  AccessKey add_with_role(const std::string& role) { return add(role, role); }
  void revoke(const std::string& name) {
    REQUIRE(file.update([&](KeyRing& ring) { return ring.revoke(name); }));
  }
  std::filesystem::path project_folder() const { return data() / folder_name("Moria's Race"); }
  // As by an editor: in one piece. The mode is that of a new file.
  void write_roles(const std::string& json) {
    const auto path = project_folder() / "roles.json";
    const auto fresh = project_folder() / "roles.json.new";
    std::ofstream(fresh) << json;
    std::filesystem::permissions(fresh, std::filesystem::perms(0644));
    std::filesystem::rename(fresh, path);
  }
  std::unique_ptr<TestClient> join_with(const AccessKey& key, const std::string& name = "somebody",
                                        bool resumable = false) {
    auto client = connect(key);
    client->resumable = resumable;
    REQUIRE(client->join(name));
    return client;
  }
  // How it is turned away, by the server's words or by TLS.
  Error refusal(std::unique_ptr<TestClient> client) {
    client->say(protocol::Username{"somebody", client->wall(), false, false, "", "test"});
    for (auto heard = client->next(); heard; heard = client->next()) {
      if (std::holds_alternative<protocol::ProjectQuestion>(*heard))
        client->say(protocol::Project{"Moria's Race"});
      if (const auto* bye = std::get_if<protocol::Bye>(&*heard)) return {bye->outcome, bye->reason};
      REQUIRE_FALSE(std::holds_alternative<protocol::Welcome>(*heard));
    }
    return client->why_ended;
  }
};

// What somebody tried, and for want of what it was refused. "": it was not.
inline std::string refused_for(TestClient& client, protocol::ClientMessage ask) {
  const auto answer = client.ask(std::move(ask));
  const auto* error = std::get_if<protocol::ErrorAnswer>(&answer);
  if (error == nullptr) return "";
  CHECK(error->outcome == Outcome::refused);
  const std::string_view before = "lack the permission ";
  const std::size_t at = error->text.find(before);
  return at == std::string::npos ? error->text : error->text.substr(at + before.size());
}

}  // namespace callboard::server
