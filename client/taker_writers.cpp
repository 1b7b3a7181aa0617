#include "client/taker_writers.h"

#include <functional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "sync/local_copy.h"

namespace callboard::client {

namespace {

// Staged files that wait for the committer are small facts; writers that are further ahead wait.
constexpr std::size_t kCommitQueue = 4'096;
// Until a group is full the committer only gathers.
constexpr std::size_t kCommitBatch = 256;
// The buffers bound what is queued here; this bounds the tasks of empty files.
constexpr std::size_t kWriteQueue = 4'096;
// About what one piece of the stream brings each writer.
constexpr std::size_t kWriteBatch = 16;
constexpr auto kTickPeriod = 250ms;
// Large files whose chunks may be listed afterwards: few projects have as many.
constexpr std::size_t kCameWholeMax = 4'096;

}  // namespace

bool is_mismatch(const Error& error) { return error.outcome == Outcome::superseded; }

TakerWriters::TakerWriters(const TakerParts& parts, TakerState& state, bool durable)
    : parts_(parts),
      state_(state),
      ops_(parts.ops, state),
      durable_(durable),
      content_(*this, state),
      write_queues_{TakerQueue<WriteTask>(kWriteQueue, kWriteBatch),
                    TakerQueue<WriteTask>(kWriteQueue, kWriteBatch)},
      commit_queue_(kCommitQueue, kCommitBatch) {}

Result<std::unique_ptr<TakerWriters>> TakerWriters::start(const TakerParts& parts, TakerState& state,
                                                          bool durable) {
  std::unique_ptr<TakerWriters> writers(new TakerWriters(parts, state, durable));
  Result<std::unique_ptr<sync::Stager>> stager =
      sync::Stager::open(parts.root, writers->ops_, parts.transfer, parts.clock.wall());
  if (!stager) return stager.error();
  writers->stager_ = std::move(*stager);
  if (durable && !sync::FileOps::is_in_memory(parts.root.fd())) writers->stager_->bypass_cache();
  Result<std::unique_ptr<sync::Versions>> versions = sync::Versions::open(parts.root, writers->ops_);
  if (!versions) return versions.error();
  writers->versions_ = std::move(*versions);
  if (const Result<void> recorded = writers->record_notes(); !recorded) return recorded.error();
  for (std::size_t i = 0; i < writers->writers_.size(); ++i) {
    writers->writers_[i] =
        std::thread([self = writers.get(), i] { self->run_writer(self->write_queues_[i]); });
  }
  writers->committing_ = std::thread([self = writers.get()] { self->run_committer(); });
  return writers;
}

Result<void> TakerWriters::record_notes() {
  auto unread =
      sync::PullJournal::record_kept({.root = parts_.root,
                                      .ops = ops_,
                                      .folder_fd = stager_->kept_fd(),
                                      .records = parts_.records,
                                      .on_read = [this](std::uint64_t) { return !state_.is_cancelled(); }});
  if (!unread) return unread.error();
  for (sync::PullJournal::Unread& each : *unread)
    unread_notes_.push_back({std::move(each.path), std::move(each.error)});
  return {};
}

TakerWriters::~TakerWriters() {
  close();
  for (std::thread& writer : writers_) {
    if (writer.joinable()) writer.join();
  }
  commit_queue_.close();
  if (committing_.joinable()) committing_.join();
  for (const auto& [path, entry] : came_whole_) parts_.folder.on_pulled(path, entry);
}

void TakerWriters::close() {
  buffers_.close();
  for (TakerQueue<WriteTask>& queue : write_queues_) queue.close();
}

std::size_t TakerWriters::queue_of(const sync::RelativePath& path) const {
  const std::string_view bytes = path.bytes();
  const std::size_t slash = bytes.rfind('/');
  return std::hash<std::string_view>{}(slash == bytes.npos ? "" : bytes.substr(0, slash)) %
         write_queues_.size();
}

void TakerWriters::wake() {
  for (TakerQueue<WriteTask>& queue : write_queues_) queue.wake();
}

void TakerWriters::write(TakerMachine::WholeFile file, std::shared_ptr<TakerBuffer> buffer) {
  const std::size_t which = queue_of(file.file.path);
  write_queues_[which].push(SmallFile{std::move(file), std::move(buffer)});
}

void TakerWriters::finish(WantedFile file, sync::IncomingFile incoming) {
  finishing_queue_ = (finishing_queue_ + 1) % write_queues_.size();
  write_queues_[finishing_queue_].push(LargeFile{std::move(file), std::move(incoming)});
  write_queues_[finishing_queue_].wake();
}

void TakerWriters::copy(sync::RelativePath source, sync::RelativePath path, Entry entry) {
  const std::size_t which = queue_of(path);
  write_queues_[which].push(LocalCopy{std::move(source), std::move(path), std::move(entry)});
  write_queues_[which].wake();
}

void TakerWriters::commit(sync::Change change) { commit_queue_.push({std::move(change)}); }

void TakerWriters::keep_chunks(const WantedFile& file) {
  sync::Index* index = parts_.folder.index();
  if (index != nullptr && !file.delta->chunks.empty())
    sync::keep_chunks(*index, file.entry.digest, file.delta->chunks);
}

Result<void> TakerWriters::finish_round(bool places) {
  auto finished = std::make_shared<std::promise<std::optional<Error>>>();
  std::future<std::optional<Error>> answer = finished->get_future();
  commit_queue_.push({std::nullopt, places, std::move(finished)});
  commit_queue_.wake();
  const std::optional<Error> error = answer.get();
  if (error) return *error;
  return {};
}

void TakerWriters::run_writer(TakerQueue<WriteTask>& queue) {
  while (std::optional<WriteTask> task = queue.pop()) {
    if (!state_.is_cancelled()) std::visit([this](auto& one) { perform(one); }, *task);
    task.reset();
  }
}

void TakerWriters::perform(const SmallFile& small) {
  const WantedFile& wanted = small.file.file;
  const ByteView content = small.file.content;
  Result<sync::StagedFile> staged = stager_->stage_whole(wanted.path, wanted.entry, content);
  if (staged) state_.on_content(content.size());
  on_staged(wanted, std::move(staged));
  state_.settle();
}

void TakerWriters::perform(LargeFile& large) {
  on_staged(large.file, large.incoming.finish());
  state_.settle();
}

void TakerWriters::on_staged(const WantedFile& file, Result<sync::StagedFile> staged) {
  if (staged) {
    state_.on_staged();
    if (file.delta) {
      keep_chunks(file);
    } else if (file.entry.size_bytes >= sync::kDeltaFileMin) {
      const std::lock_guard lock(came_whole_mutex_);
      if (came_whole_.size() < kCameWholeMax) came_whole_.emplace_back(file.path, file.entry);
    }
    commit(sync::Change::file(std::move(*staged)));
  } else if (is_mismatch(staged.error())) {
    if (file.delta) state_.go_whole(file.path);
    state_.on_changed(file.path, file.entry, "it changed while it was read");
  } else {
    state_.stop_for_disk(staged.error());
  }
}

void TakerWriters::perform(const LocalCopy& copy) {
  // What came is not lost with a stop; this lies here and can be copied another time.
  if (state_.is_stopping()) return state_.settle();
  sync::LocalCopier copier({parts_.root, *stager_, parts_.records});
  Result<std::optional<sync::StagedFile>> staged = copier.copy(copy.source, copy.path, copy.entry);
  if (!staged) {
    state_.stop_for_disk(staged.error());
  } else if (staged->has_value()) {
    state_.on_reused(copy.entry.size_bytes);
    commit(sync::Change::file(std::move(**staged)));
  } else {
    state_.distrust_copies();
    state_.on_changed(copy.path, copy.entry, "what was to be copied changed here");
  }
  state_.settle();
}

// --- The committing thread --------------------------------------------------------------------------------------------

sync::Committer& TakerWriters::committer() {
  if (!committer_) {
    const sync::Committer::Parts parts{.root = parts_.root,
                                       .ops = ops_,
                                       .stager = *stager_,
                                       .versions = *versions_,
                                       .records = parts_.records,
                                       .listener = *this,
                                       .started = parts_.clock.wall()};
    sync::CommitOptions options;
    options.durable = durable_;
    committer_.emplace(parts, options);
  }
  return *committer_;
}

std::optional<Error> TakerWriters::perform(CommitTask& task) {
  if (commits_fail_) return state_.error();
  Result<void> done;
  if (task.change) {
    done = committer().add(std::move(*task.change), parts_.clock.monotonic());
  } else {
    done = committer().finish(task.places);
    committer_.reset();
  }
  if (done) return std::nullopt;
  commits_fail_ = true;
  return state_.stop_for_disk(done.error());
}

void TakerWriters::run_committer() {
  while (true) {
    std::optional<CommitTask> task = commit_queue_.pop(kTickPeriod);
    if (task) {
      std::optional<Error> error;
      if (!state_.is_cancelled()) error = perform(*task);
      if (task->finished) task->finished->set_value(error);
      continue;
    }
    if (commit_queue_.is_closed()) break;
    if (!committer_ || commits_fail_ || state_.is_cancelled()) continue;
    if (const Result<void> done = committer_->tick(parts_.clock.monotonic()); !done) {
      commits_fail_ = true;
      state_.stop_for_disk(done.error());
    }
  }
  // What was interrupted keeps what it has: committed where that is still possible, else staged.
  CommitTask finish{};
  finish.places = false;
  if (committer_ && !state_.is_cancelled()) static_cast<void>(perform(finish));
  committer_.reset();
}

void TakerWriters::on_committed(const sync::Change& change) {
  state_.settle_conflict(change.path);
  std::uint64_t files = 1;
  std::uint64_t bytes = change.entry.size_bytes;
  if (change.kind == sync::Change::Kind::rename) {
    if (change.node) files = change.node->files_below;
    if (change.node) bytes = change.node->bytes_below;
    state_.on_reused(bytes, files);
  } else if (change.kind != sync::Change::Kind::file) {
    return;
  }
  state_.edit_report([&](PullReport& report) {
    report.files += files;
    report.bytes += bytes;
  });
}

void TakerWriters::on_changed() {
  state_.edit_report([](PullReport& report) { report.has_changed = true; });
}

void TakerWriters::on_assembled(const sync::RelativePath&, std::uint64_t files, std::uint64_t bytes) {
  state_.edit_report([&](PullReport& report) {
    report.files += files;
    report.bytes += bytes;
  });
}

void TakerWriters::on_removed(const sync::KeptVersion& version) {
  state_.settle_conflicts_of_removed(version.path);
  state_.edit_report(
      [&](PullReport& report) { report.removed.emplace_back(version.path.bytes(), version.place); });
}

void TakerWriters::on_kept(const sync::KeptVersion& version) {
  state_.edit_report([&](PullReport& report) {
    report.versions.emplace_back(version.path.bytes(), version.place);
    if (version.is_open) report.open_versions.push_back(version.place);
  });
}

void TakerWriters::on_source_changed(const sync::Change& change) {
  state_.distrust_copies();
  Entry all = change.entry;
  if (change.node) all.size_bytes = change.node->bytes_below;
  state_.on_changed(change.path, all, "what was to be renamed changed here",
                    change.node ? change.node->files_below : 1);
}

// Another pull's, mostly: what is missing in it is seen in another round.
void TakerWriters::on_place_taken(const sync::RelativePath& directory, const Error& error) {
  state_.need_round();
  if (!state_.is_to_be_continued()) on_failed(directory, error);
}

void TakerWriters::on_failed(const sync::RelativePath& path, const Error& error) {
  state_.add_problem(path.bytes(), error);
}

}  // namespace callboard::client
