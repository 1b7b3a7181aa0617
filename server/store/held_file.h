#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>

#include "base/fd.h"
#include "base/result.h"
#include "server/store/file_stamp.h"

namespace callboard::server {

// A database's file as it was opened: whether it still has its name. While this lives its number becomes no other file's.
// Thread: one, but for look().
class HeldFile {
 public:
  // Of a database that is open. Once.
  Result<void> hold(std::filesystem::path file);

  // The connection was closed: what was written ahead is in the file, or is read by the next one.
  void forget_log();
  // failed: it was removed, or another file took its place or that of what is written ahead; it stays gone. The first time
  // `write_back` is called, to have what is written ahead done to the file that is open. Where another file lies there, what was
  // written ahead gets a name by which nobody takes it for that one's. Any other error says nothing of the file.
  Result<void> check(const std::function<void()>& write_back);
  bool is_gone() const { return is_gone_; }
  // It has its name, and is another one all the same.
  void set_gone() { is_gone_ = true; }
  // Whether it is there, and nothing is done. Any thread.
  Result<void> look() const;

 private:
  Result<bool> is_there() const;
  void note_log();
  bool has_log();
  Error gone() const;
  void set_log_aside();

  std::filesystem::path path_;
  std::filesystem::path real_;  // What SQLite writes ahead lies beside this one.
  // Closing one of O_PATH takes no locks away.
  Fd held_;
  FileIdentity file_;
  std::optional<FileIdentity> log_;
  std::optional<FileIdentity> index_;
  std::atomic<bool> is_gone_{false};
};

}  // namespace callboard::server
