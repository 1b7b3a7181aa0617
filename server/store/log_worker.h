#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "server/board/log.h"
#include "server/store/data_folder.h"
#include "server/store/database.h"
#include "server/store/held_file.h"
#include "server/store/trimmer.h"

namespace callboard::server {

// The loop's side of a log: whom to tell. Only touched on the loop thread; answers posted after the log is gone find it closed.
struct LogAnswers {
  Log::CommitHandler on_commit;
  Log::BrokenHandler on_broken;
  bool is_closed = false;
};

// The disk's side: a queue and the one thread that empties it, with the only connection that writes. Its destructor first
// writes and answers what was accepted. Thread: what says nothing else is for the loop's, and runs on the worker's what it is
// given, in order.
class LogWorker {
 public:
  using Post = std::function<void(std::function<void()>)>;
  using Task = std::function<void()>;

  // The database is open for writing, or as it was left.
  LogWorker(DataFolder folder, Database database, bool is_as_left, Post post,
            std::shared_ptr<LogAnswers> answers);
  ~LogWorker();

  // Nothing else runs yet: the opening thread still has the connection.
  Result<void> start();

  // One transaction. Begun with wake() at the latest; sooner where the worker is at work. False: too much is waiting.
  bool submit(std::vector<Operation> operations, Log::AppendDone done);
  void wake() { wake_.notify_one(); }
  // After what was submitted before.
  void submit(Task task) { queue(std::move(task)); }
  // The same, and what it returns, when it has run.
  template <class Read>
  auto wait_for(const Read& read) {
    std::promise<decltype(read())> promise;
    auto future = promise.get_future();
    submit([&] { promise.set_value(read()); });
    return future.get();
  }
  // Within the transaction of a group, with the appends that wait then. Any thread.
  void submit_to_group(std::function<Result<void>()> write, Log::Done done) {
    queue(Extra{std::move(write), std::move(done)});
  }
  // To the loop, while the log is there. Any thread.
  void post(Task answer);
  // Any thread. What is asked of another file is no history of this one.
  Result<std::unique_ptr<History>> open_history();

  // On the worker's thread.
  void keep_ahead();
  Result<void> trim(const Retention& retention, Timestamp now, const Log::TrimDone& done);
  Result<void> install(const LogSnapshot& snapshot);
  Result<void> read_from(std::uint64_t sequence, const Log::Visit& visit);
  Database& database() { return database_; }
  std::filesystem::path folder() const { return folder_.path(); }

 private:
  struct Append {
    Operation operation;
    Log::AppendDone done;
    bool is_with_next = false;  // They are in one transaction.
  };
  // Snapshots and keyframes: a sync of their own would hold up the appends behind them.
  struct Extra {
    std::function<Result<void>()> write;
    Log::Done done;
  };
  using Queued = std::variant<Append, Extra, Task>;
  // What becomes one transaction.
  struct Group {
    std::vector<Append> appends;
    std::vector<Extra> extras;
  };
  // What becomes of one append: its place, once the group is durable.
  struct Written {
    Append append;
    Appended place;
  };

  template <class One>
  void queue(One one) {
    {
      const std::lock_guard lock(mutex_);
      queue_.emplace_back(std::move(one));
    }
    wake_.notify_one();
  }
  void run();
  bool is_calm();
  Group take_group();
  void commit(Group group);
  // What becomes of each extra is in `kept`: one that fails is no reason to refuse the appends.
  Result<std::vector<Written>> write(Group& group, std::vector<Result<void>>& kept);
  Result<Appended> insert(const Operation& operation);
  void answer(std::vector<Written> written);
  void refuse(std::vector<Append> group, const Error& why);
  void reopen();
  Result<void> open_anew();
  Result<void> tell_missed();
  Result<void> prepare_statements();
  void write_back();
  Result<void> trim_to(const Cuts& cuts, std::uint64_t forgotten, const Log::TrimDone& done);

  DataFolder folder_;
  Database database_;  // Before the statements: they are finalized first.
  Post post_;
  std::shared_ptr<LogAnswers> answers_;
  Statement insert_;
  Statement find_;
  HeldFile held_;           // The one that was opened at the start.
  std::uint64_t last_ = 0;  // Of the newest durable operation that the loop was told of.
  bool is_broken_ = false;  // The connection failed and waits to be opened anew.
  Error why_broken_;
  bool keeps_ahead_ = false;  // The database is damaged.
  // Whoever reads the file as it was left holds the gate; is_closed_ is changed behind it: no connection writes to the file.
  std::shared_mutex gate_;
  bool is_closed_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Queued> queue_;
  std::size_t waiting_appends_ = 0;
  std::uint64_t waiting_bytes_ = 0;
  bool is_closing_ = false;
  std::thread thread_;
};

}  // namespace callboard::server
