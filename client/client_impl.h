#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "client/channels.h"
#include "client/client.h"
#include "client/heard.h"
#include "client/inbox.h"
#include "client/item_watch.h"
#include "client/kept_writes.h"
#include "client/known_document.h"
#include "client/last_known.h"
#include "client/offers.h"
#include "client/project_folder.h"
#include "client/session_keeper.h"
#include "client/transfer_threads.h"
#include "client/under_way.h"
#include "client/zone_keeper.h"
#include "protocol/codec.h"

namespace callboard::client {

// Everything behind Client: its thread, the session kept on it, what is told passed to the listener, and the transfers'
// threads. Members are touched on the client's thread only, but for what says otherwise.
class Client::Impl : public TransferDesk {
 public:
  Impl(Options options, Listener* listener, std::unique_ptr<ProjectFolder> folder,
       SessionKeeper::Options session);
  ~Impl() override;
  void start();  // Runs it on a thread of its own until the session is over. Once.
  // The two ends of that, for a loop that another one drives: a simulation's.
  void begin();
  void end();
  // Thread: any. `convert` makes a T of the answer, on the client's thread. usage: the server would refuse to read it.
  template <class T, class Convert>
  Answer<T> ask(protocol::ClientMessage message, Convert convert) {
    Answer<T> answer;
    submit_ask(std::move(message), answering(answer, std::move(convert)));
    return answer;
  }
  // The same for a write; `kept` is the answer when there is no server to answer.
  template <class T, class Convert>
  Answer<T> write(protocol::ClientMessage message, Convert convert, T kept) {
    Answer<T> answer;
    submit_write(std::move(message), answering(answer, std::move(convert)),
                 [answer, kept = std::move(kept)] { answer.set(kept); });
    return answer;
  }
  Answer<WriteResult> change(DocumentChange change);
  Answer<bool> exit(std::string zone);
  Answer<std::string> call(std::string name, std::string arguments, CallOptions options);
  void cancel_call(UniqueId op);
  Answer<bool> offer_calls(std::string descriptions, OfferHandler handler);
  Answer<User> joined() const { return joined_; }
  Answer<bool> left() const { return left_; }
  TransferThreads& transfers() { return transfers_; }
  Channels& channels() { return channels_; }
  Answer<bool> offer(std::function<Result<void>(Channels&)> change);  // Answered when the server knows of it.
  ZoneKeeper& zones() { return *zones_; }                             // On the client's thread.
  bool has_folder() const { return folder_ != nullptr; }
  WorkstationStatus workstation();
  void leave();
  // --- TransferDesk; thread: any ---
  Answer<Granted> get(protocol::GetAsk ask) override;
  Answer<Granted> open_channel(protocol::ChannelAsk ask, std::shared_ptr<channel::ChannelLine> line) override;
  void cancel_on_server(protocol::TransferId transfer, const std::optional<Error>& why = {}) override;
  Answer<protocol::TransferOver> over(protocol::TransferId transfer) override;

 private:
  static Error stopped() { return {Outcome::cancelled, "the client has stopped"}; }
  using Refuse = std::function<void(const Error&)>;
  void submit(protocol::ClientMessage message, std::function<void(const protocol::ClientMessage&)> run,
              Refuse refuse);
  void submit_ask(protocol::ClientMessage message, Connection::AnswerHandler on_answer);
  void submit_write(protocol::ClientMessage message, Connection::AnswerHandler on_answer,
                    std::function<void()> on_kept);
  template <class T, class Convert>
  static Connection::AnswerHandler answering(const Answer<T>& answer, Convert convert) {
    return [answer, convert = std::move(convert)](Result<protocol::ServerMessage> reply) {
      answer.set(reply ? convert(std::move(*reply)) : Result<T>(reply.error()));
    };
  }
  KnownDocument& known_of(protocol::DocumentRecord record) {
    return known_[record == protocol::DocumentRecord::story ? 0 : 1];
  }
  void note_joined();
  void note_known();
  void note_not_joined(const Error& why);
  void watch_items();
  void on_action(protocol::ClientAction action);
  void on_told(protocol::ServerMessage message);
  void on_users(const protocol::Users& tell);
  void on_assets(const protocol::Assets& tell);
  void on_lost(const Error& why, bool will_rejoin);
  void begin_writes();
  protocol::ClientMessage as_seen_here(protocol::ClientMessage message);
  void on_late_answer(const protocol::ClientMessage& write, const protocol::ServerMessage& answer);
  void claim(protocol::DocumentRecord record);
  enum class Patience { some, none };
  void claim_items(Patience patience);
  void on_first_look();
  net::Endpoint data_address(std::uint16_t port) const;
  void on_document(const protocol::DocumentState& state);
  void read_anew(protocol::DocumentRecord record);
  void ask_whole(protocol::DocumentRecord record);
  Result<WriteResult> on_written(const protocol::DocumentState& state, bool is_whole,
                                 const std::shared_ptr<const std::string>& sent);
  Result<Granted> on_granted(const protocol::ServerMessage& reply);
  void on_give(const protocol::Give& give);
  void on_over(protocol::TransferOver over);
  void say_offers(const Answer<bool>& answer);
  void say_offers_again();
  Options options_;
  Listener no_listener_;
  Listener& listener_;
  std::unique_ptr<ProjectFolder> folder_;  // Null: none was named.
  SessionKeeper::Options session_options_;
  Answer<User> joined_;
  Answer<bool> left_;
  bool is_leaving_ = false;
  User self_;
  std::mutex presence_mutex_;
  WorkstationStatus presence_;  // Guarded by it: who, where, and why not.
  std::atomic<std::uint64_t> kept_writes_{0};
  net::Loop loop_;
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>(loop_);  // Thread: any. Outlives this in calls.
  std::unique_ptr<ItemWatch> items_;
  std::unique_ptr<SessionKeeper> session_;
  std::unique_ptr<KeptWrites> writes_;
  std::unique_ptr<Offers> offers_;  // Of calls.
  std::unique_ptr<ZoneKeeper> zones_;
  std::unique_ptr<net::Timer> look_patience_;
  bool owes_items_ = false;             // Joined before the first look at the folder had ended.
  std::array<KnownDocument, 2> known_;  // Story and analytics, newest heard of.
  LastKnown last_known_;
  // Of which the whole is asked for, with the newest revision that was told since.
  std::map<protocol::DocumentRecord, std::uint64_t> reading_;
  std::set<protocol::DocumentRecord> unread_;  // Of those, which are to be asked for again after a pause.
  std::unique_ptr<net::Timer> read_again_;
  Heard heard_;
  protocol::Assets first_assets_;  // Settled while joining: passed on once joined.
  std::map<protocol::TransferId, Answer<protocol::TransferOver>> overs_;  // Of the newest that we take.
  std::unique_ptr<UnderWay> under_way_;
  TransferThreads transfers_;
  Channels channels_;
  std::thread thread_;
};

}  // namespace callboard::client
