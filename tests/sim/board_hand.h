#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/client_impl.h"
#include "tests/sim/board_checks.h"
#include "tests/sim/world.h"

namespace callboard::sim {

// What somebody does with records, zones, locks and calls, at random, in few places, so that people meet.
class BoardHand {
 public:
  struct Seat {
    World& world;
    Machine& machine;
    std::string name;  // As in what is told of a run.
    Testimony& testimony;
    BoardTestimony& board;
    bool breaks_locks = false;
  };
  explicit BoardHand(Seat seat) : seat_(std::move(seat)) {}

  // The program, as it runs from now on, and what its user sees of people; both outlive that run.
  void on_started(client::Client::Impl& client, const Picture& people);
  void on_ended();  // However it did.
  void on_joined(SessionId session);
  void on_lost();
  void on_leaving();
  void on_records(const client::RecordNews& news) { picture_->on_records(news); }

  void act();
  // When all is quiet; each is to be acknowledged.
  void act_last();
  bool is_last_done() const { return last_done_ == kLast; }
  int unanswered() const { return unanswered_; }
  // Of all that there is, as it was read by then; what its picture lacks of it.
  void read_all();
  const std::vector<client::Record>& all() const { return all_; }
  std::string lacks() const { return picture_->lacks(all_); }

 private:
  static constexpr int kLast = 6;

  bool is_running() const { return client_ != nullptr; }
  void tell(const std::string& what) { seat_.world.note(seat_.name + " " + what); }
  std::string new_token();
  std::string any_item();
  void enter(std::string zone);
  void exit();
  void read(const std::string& zone, std::function<void(std::vector<client::Record>)> then);
  void change();
  protocol::RecordAsk any_change(std::string& token);
  void send(protocol::RecordAsk ask, std::string token);
  void lock(const std::string& item, bool waits, std::int64_t lease_s, std::function<void()> then = {});
  void free(const std::string& item, const std::string& call, const std::string& arguments);
  void begin_freeing(const std::string& item);
  void end_freeing(const std::string& item, const Result<std::string>& answer);
  void act_on_lock();
  void tally(const std::string& token, UniqueId op);
  void call(const std::string& name, const std::string& arguments, UniqueId op,
            std::function<void(const Result<std::string>&)> on_answer);
  template <class Wire>
  void ask(protocol::ClientMessage message, std::function<void(const Result<Wire>&)> on_answer);

  Seat seat_;
  client::Client::Impl* client_ = nullptr;
  const Picture* people_ = nullptr;
  std::unique_ptr<BoardPicture> picture_;
  SessionId session_;
  std::uint64_t run_ = 0;
  bool is_leaving_ = false;
  std::uint64_t last_token_ = 0;
  std::map<std::string, int> freeing_;                     // Asked by this run and not answered, by item.
  std::vector<std::pair<std::string, UniqueId>> tallies_;  // Tokens said, and by which operation.
  std::vector<client::Record> all_;
  int unanswered_ = 0;
  int last_done_ = 0;
};

}  // namespace callboard::sim
