#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/tcp_connection.h"
#include "protocol/codec.h"
#include "protocol/frame.h"
#include "tests/sim/memory_log.h"
#include "tests/sim/server_run.h"
#include "tests/sim/world.h"

// A server of a World, and clients who say what a test has them say, for what is about one moment and no seed.
namespace callboard::sim {

// A workstation that joins by hand. With each turn it asks what it wants to, and hands it back.
class Caller {
 public:
  enum class Kind { passing, resumable };  // Whether it says that it may come back.
  Caller(World& world, std::string name, Kind kind = Kind::passing);
  ~Caller();
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  // In a turn of its own.
  void ask(protocol::ClientMessage message);
  void call(const std::string& name, const std::string& arguments);
  void ask_for_turn();
  void pause_reading();
  void resume_reading();
  // Without a word.
  void hang_up();

  bool is_joined = false;
  bool is_ended = false;
  std::vector<std::string> left;     // Why each one left who did.
  std::vector<std::string> answers;  // Of calls: the result, or what is wrong.

 private:
  void say(const protocol::ClientMessage& message);
  void on_bytes(ByteView bytes);
  void on_message(const protocol::ServerMessage& message);

  World& world_;
  Machine machine_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<net::TcpConnection> connection_;
  protocol::FrameReader reader_{kFrameMax};
  std::vector<protocol::ClientMessage> wishes_;
  protocol::AskId last_ask_ = 0;
};

// The server, which may be killed and started anew on the same disk.
class Hall {
 public:
  Hall();
  ~Hall();
  Hall(const Hall&) = delete;
  Hall& operator=(const Hall&) = delete;

  void start();
  void kill();
  // As the server's own code.
  void on_server(const std::function<void(server::Stage&)>& code);
  // One who has joined, and is here until the end of the test.
  Caller& join(const std::string& name, Caller::Kind kind = Caller::Kind::passing);
  void pass(Duration time) { world.run_until(world.now() + time); }
  // The reasons that the server's log has for sessions that were closed.
  std::vector<std::string> closed() const;

  World world{1, false};
  Disk disk;

 private:
  Machine machine_;
  std::unique_ptr<ServerRun> server_;
  std::vector<std::unique_ptr<Caller>> callers_;
};

}  // namespace callboard::sim
