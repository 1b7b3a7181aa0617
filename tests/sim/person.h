#pragma once

#include <deque>
#include <memory>
#include <string>

#include "client/client_impl.h"
#include "tests/sim/board_hand.h"
#include "tests/sim/checks.h"
#include "tests/sim/world.h"

namespace callboard::sim {

// Somebody at a workstation, with the whole client library but for its thread: edits, speaks and goes about at random.
class Person final : public client::Listener {
 public:
  struct Habits {
    bool patches = true;              // Whether the library asks to be told documents as patches.
    std::size_t padding_bytes = 0;    // What is written is at most so much longer than it need be.
    bool rewrites = false;            // Whole documents without a base, too.
    BoardTestimony* board = nullptr;  // Set: mostly records, zones, locks and calls.
    bool breaks_locks = false;
  };
  Person(World& world, Machine& machine, std::string name, Habits habits, Testimony& testimony);
  ~Person() override;

  // Starts the program; it looks for the server at kServer.
  void start();
  // The program ends at once, as when it is killed.
  void kill();
  // Says goodbye.
  void leave();
  bool is_running() const { return client_ != nullptr; }
  // Does something.
  void act();

  // What is done when all is quiet, so that it is known what there must be in the end. Each is to be acknowledged.
  void act_last();
  const std::string& last_item() const { return last_item_; }
  // All that was asked since act_last() was acknowledged.
  bool is_last_done() const { return last_acts_ == kLastActs && (!hand_ || hand_->is_last_done()); }
  int unanswered() const { return unanswered_ + (hand_ ? hand_->unanswered() : 0); }
  const Picture& picture() const { return *picture_; }
  const std::string& name() const { return name_; }
  BoardHand* hand() const { return hand_.get(); }  // Null: has nothing to do with records.

  static const net::Endpoint kServer;

 private:
  static constexpr int kLastActs = 5;

  void on_joined(std::string_view address, const client::User& self) override;
  void on_left(const Error& why, bool will_rejoin) override;
  void on_story(const client::Document& document) override;
  void on_analytics(const client::Document& document) override;
  void on_conflicts(const std::vector<client::Conflict>& conflicts) override;
  void on_writable(bool writable, std::string_view why) override;
  void on_assets(const client::AssetChanges& changes) override;
  void on_users(const std::vector<client::User>& users, const std::vector<client::Departure>& left) override;
  void on_at(const client::User& user) override;
  void on_messages(const std::vector<client::Message>& messages) override;
  void on_warning(std::string_view text) override;
  void on_records(const client::RecordNews& news) override { hand_->on_records(news); }
  void on_ended();

  void tell(const std::string& what);
  std::string new_token();
  // JSON text with the token in it.
  std::string value_of(const std::string& token);
  void write();
  void write_part(client::DocumentName document, std::uint64_t base);
  void write_patch(client::DocumentName document, std::uint64_t base);
  void write_whole(client::DocumentName document, const client::Document& from);
  void send(client::DocumentChange change, std::string token);
  void on_document(client::DocumentName name, const client::Document& document);
  void say(std::string text);
  void go(std::string item);
  void have(std::string item, bool has_it);
  void read();
  void restore();
  void settle();
  template <class Wire>
  void ask(protocol::ClientMessage message, std::function<void(const Result<Wire>&)> on_answer);

  World& world_;
  Machine& machine_;
  std::string name_;
  Habits habits_;
  Testimony& testimony_;
  std::unique_ptr<client::Client::Impl> client_;
  std::unique_ptr<Picture> picture_;
  std::unique_ptr<BoardHand> hand_;
  std::uint64_t run_ = 0;  // How often the program was started.
  std::uint64_t last_token_ = 0;
  std::uint64_t last_write_ = 0;
  std::deque<client::Document> known_stories_;  // The newest few, oldest first.
  std::deque<client::Document> known_analytics_;
  std::deque<client::Conflict> conflicts_;
  std::string last_item_;
  int last_acts_ = 0;
  int unanswered_ = 0;
};

}  // namespace callboard::sim
