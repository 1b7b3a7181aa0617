#pragma once

#include <array>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "client/patient_ops.h"
#include "client/taker.h"
#include "client/taker_buffers.h"
#include "client/taker_content.h"
#include "client/taker_machine.h"
#include "client/taker_queue.h"
#include "client/taker_state.h"
#include "sync/committer.h"
#include "sync/stager.h"
#include "sync/versions.h"

namespace callboard::client {

// True when what came is not what was listed (size or digest), as opposed to a disk that does not take it.
bool is_mismatch(const Error& error);

// What changes the disk in a pull: two threads write small files, one commits what is staged. What came of a large file is
// written by the thread that received it, from the cache where it was just put, while another receives what follows: handed
// over, each byte costs a sixth more CPU. What is gathered to go past the page cache is not in any core's way: the first two
// write that, too.
// After a stop everything handed over is still written and committed; after a cancel it is dropped, and what is staged
// waits for the next try. The state must outlive it.
class TakerWriters : private sync::CommitListener {
 public:
  static Result<std::unique_ptr<TakerWriters>> start(const TakerParts& parts, TakerState& state,
                                                     bool durable);
  // Finishes as said above.
  ~TakerWriters() override;
  TakerWriters(const TakerWriters&) = delete;
  TakerWriters& operator=(const TakerWriters&) = delete;

  sync::Stager& stager() { return *stager_; }
  const sync::Root& root() const { return parts_.root; }
  // Notes of pulls that were killed which could not be read.
  const std::vector<PullProblem>& unread_notes() const { return unread_notes_; }
  TakerBuffers& buffers() { return buffers_; }

  // Files of one directory go through one thread: two threads in one directory wait for each other in the kernel.
  // `buffer` holds the content.
  void write(TakerMachine::WholeFile file, std::shared_ptr<TakerBuffer> buffer);
  // Nothing more is at hand: the writers need not wait for company.
  void wake();
  // The large file under way, written before a call returns. Only for who has the turn to write.
  TakerContent& content() { return content_; }
  // A large file all of which came, and some of which is still to be written.
  void finish(WantedFile file, sync::IncomingFile incoming);
  // Hands it to the committer, or says why there is none. Thread: any.
  void on_staged(const WantedFile& file, Result<sync::StagedFile> staged);
  // Content that lies at `source`; the state has begun the copy.
  void copy(sync::RelativePath source, sync::RelativePath path, Entry entry);
  void commit(sync::Change change);
  // Of a verified file, for the next time it is pulled. Thread: any.
  void keep_chunks(const WantedFile& file);
  // Waits until everything handed over to commit() has its name, on disk when durable.
  // Without `places` new directories wait for another round.
  Result<void> finish_round(bool places = true);
  // Lets go of whoever waits for a buffer. Nothing is handed over afterwards.
  void close();

 private:
  struct LocalCopy {
    sync::RelativePath source;
    sync::RelativePath path;
    Entry entry;
  };
  struct SmallFile {
    TakerMachine::WholeFile file;
    std::shared_ptr<TakerBuffer> buffer;
  };
  struct LargeFile {
    WantedFile file;
    sync::IncomingFile incoming;
  };
  using WriteTask = std::variant<SmallFile, LargeFile, LocalCopy>;
  struct CommitTask {
    std::optional<sync::Change> change;  // nullopt: finish.
    bool places = true;
    std::shared_ptr<std::promise<std::optional<Error>>> finished = nullptr;
  };

  TakerWriters(const TakerParts& parts, TakerState& state, bool durable);
  void run_writer(TakerQueue<WriteTask>& queue);
  void perform(const SmallFile& small);
  void perform(LargeFile& large);
  void perform(const LocalCopy& copy);
  std::size_t queue_of(const sync::RelativePath& path) const;
  void run_committer();
  std::optional<Error> perform(CommitTask& task);
  sync::Committer& committer();

  void on_committed(const sync::Change& change) override;
  void on_changed() override;
  void on_kept(const sync::KeptVersion& version) override;
  void on_assembled(const sync::RelativePath& directory, std::uint64_t files, std::uint64_t bytes) override;
  void on_removed(const sync::KeptVersion& version) override;
  void on_source_changed(const sync::Change& change) override;
  void on_place_taken(const sync::RelativePath& directory, const Error& error) override;
  void on_failed(const sync::RelativePath& path, const Error& error) override;

  Result<void> record_notes();

  TakerParts parts_;
  TakerState& state_;
  PatientOps ops_;
  std::vector<PullProblem> unread_notes_;
  bool durable_;
  std::unique_ptr<sync::Stager> stager_;
  std::unique_ptr<sync::Versions> versions_;
  TakerContent content_;
  std::size_t finishing_queue_ = 0;  // Of who has the turn to write.
  TakerBuffers buffers_;
  std::array<TakerQueue<WriteTask>, 2> write_queues_;
  TakerQueue<CommitTask> commit_queue_;
  std::mutex came_whole_mutex_;
  std::vector<std::pair<sync::RelativePath, Entry>>
      came_whole_;  // Large files of which no list of chunks came.
  std::array<std::thread, 2> writers_;
  std::thread committing_;
  // Committing thread only.
  std::optional<sync::Committer> committer_;
  bool commits_fail_ = false;
};

}  // namespace callboard::client
