#pragma once

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/udp_socket.h"
#include "protocol/datagram.h"
#include "server/server.h"
#include "tests/unit/server/temporary_folder.h"
#include "tests/unit/server/test_client.h"

namespace callboard::server {

// A real server on loopback with a discovery port of its own, and whatever hears broadcasts there.
class Studio {
 public:
  explicit Studio(ServerOptions options = {}) : options_(std::move(options)) {
    ear_ = *net::UdpSocket::open(
        loop, {.at = {"0.0.0.0", 0}, .shares_port = true},
        {.on_datagram = [this](ByteView bytes, const net::Endpoint&) { hear(bytes); }, .on_trouble = {}});
    options_.project = "Moria's Race";
    options_.data = data_.path();
    options_.listen = "127.0.0.1";
    options_.port = 0;
    options_.discovery_port = ear_->local().port;
    options_.announce = {"127.255.255.255"};
    options_.logger =
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>());
    start();
  }
  ~Studio() { stop(); }

  void start() {
    stopped.reset();
    auto started = Server::start(loop, options_, [this](const ServerStop& how) { stopped = how; });
    REQUIRE(started);
    server = std::move(*started);
  }
  void stop() {
    if (!server) return;
    server->stop("the test is over");
    CHECK(loop.run_until([this] { return stopped.has_value(); }, kPatience));
    server.reset();
  }
  Result<std::unique_ptr<Server>> try_another() { return try_another(options_); }
  Result<std::unique_ptr<Server>> try_another(ServerOptions options) {
    return Server::start(loop, std::move(options), [](const ServerStop&) {});
  }
  std::unique_ptr<TestClient> connect(const AccessKey& key) {
    return std::make_unique<TestClient>(loop, server->listening(), key);
  }
  const ServerOptions& options() const { return options_; }
  // From the next start() on.
  void set_schema(document::Schema schema) { options_.schema = std::move(schema); }
  std::unique_ptr<TestClient> connect() { return std::make_unique<TestClient>(loop, server->listening()); }
  std::unique_ptr<TestClient> join(const std::string& name, bool shares = true) {
    auto client = connect();
    REQUIRE(client->join(name, shares));
    return client;
  }
  std::unique_ptr<TestClient> join_from(UniqueId workstation, const std::string& name) {
    auto client = connect();
    client->workstation = workstation;
    REQUIRE(client->join(name));
    return client;
  }
  std::unique_ptr<TestClient> join_resumable(const std::string& name,
                                             const std::map<std::string, Timestamp>& items = {}) {
    auto client = connect();
    client->resumable = true;
    client->items = items;
    REQUIRE(client->join(name));
    return client;
  }
  // Cuts it off and waits until the server, which tells `witness`, has noticed.
  void lose(TestClient& client, TestClient& witness) {
    const auto away = [&] { return witness.ask_for<protocol::Status>(protocol::StatusAsk{}).away; };
    const auto before = away();
    client.close();
    while (away() == before) {
    }
  }
  // The process is gone without a word; its data stay.
  void kill() { server.reset(); }
  const std::filesystem::path data() const { return data_.path(); }
  std::unique_ptr<TestClient> visit(const std::string& name) {
    auto client = connect();
    REQUIRE(client->visit(name));
    return client;
  }
  net::Endpoint broadcast() const { return {"127.255.255.255", options_.discovery_port}; }

  net::Loop loop;
  std::unique_ptr<Server> server;
  std::optional<ServerStop> stopped;
  std::vector<protocol::Datagram> broadcasts;

 private:
  void hear(ByteView bytes) {
    if (auto datagram = protocol::parse_datagram(bytes)) broadcasts.push_back(*datagram);
  }

  TemporaryFolder data_;
  ServerOptions options_;
  std::unique_ptr<net::UdpSocket> ear_;
};

}  // namespace callboard::server
