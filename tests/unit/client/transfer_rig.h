#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "client/giver.h"
#include "client/taker.h"
#include "client/types.h"
#include "sync/file_ops.h"
#include "sync/relative_path.h"
#include "tests/support/temp_dir.h"

namespace callboard::client {

// A pull under way as a test sees it.
struct RunOptions {
  PullRequest request{.items = {"/"},
                      .from = {},
                      .include = {},
                      .exclude = {},
                      .sync = false,
                      .wait_for_space = Duration::zero(),
                      .compress = Compression::never};
  // The connection ends after this many bytes to the taker, in the middle of whatever stands there.
  std::optional<std::uint64_t> cut_after_bytes;
  std::function<void(const sync::RelativePath&)> while_reading;
  std::function<void(Taker&)> while_running;  // On a thread of its own.
  sync::FileOps* ops = nullptr;
  std::optional<sync::NameFolding> name_folding;
  std::function<void(const sync::RelativePath&, const Entry&)> on_pulled;  // What came whole, after the pull.
  bool old_giver = false;        // Does not hear that its taker understands squeezed frames.
  const Clock* clock = nullptr;  // The taker's; the system's when there is none.
};

// `agrees` to whatever goes.
RunOptions mirroring(bool agrees = false);

// 1000.exr and so on, each with content of its own.
void make_frames(const std::filesystem::path& folder, int count, std::uint64_t size_bytes);

struct Ends {
  PullReport pull;
  GiveReport give;
};

// Two project folders, and a giver and a taker joined by a pair of sockets.
class TransferRig {
 public:
  TransferRig();
  ~TransferRig() = default;
  TransferRig(const TransferRig&) = delete;
  TransferRig& operator=(const TransferRig&) = delete;

  const std::filesystem::path& giver() const { return giver_; }
  const std::filesystem::path& taker() const { return taker_; }

  Ends pull(const RunOptions& options = {});
  // The other way round.
  Ends push(const RunOptions& options = {});
  Result<std::vector<LookEntry>> look(const std::string& item);
  // What differs between the two folders.
  std::vector<std::string> differences() const;
  // Names in the taker's folder of temporary files, at any depth.
  std::vector<std::string> temporary_files() const;

  // A taker against a giver that only says `script` (raw frames) after it has read `open`, and then closes.
  PullReport pull_from_script(const Bytes& script, const PullRequest& request = RunOptions().request);
  // A giver against a taker that only says `script`; what it answered.
  GiveReport give_to_script(const Bytes& script, Bytes* answered = nullptr);

 private:
  Ends run(const std::filesystem::path& from, const std::filesystem::path& to, const RunOptions& options);

  support::TempDir top_;
  std::filesystem::path giver_;
  std::filesystem::path taker_;
  std::atomic<int> pulls_{0};
};

}  // namespace callboard::client
