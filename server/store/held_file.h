#pragma once

#include <filesystem>
#include <optional>

#include "base/fd.h"
#include "base/result.h"
#include "server/store/file_stamp.h"

namespace callboard::server {

// A database's file as it was opened: whether it still has its name. While this lives its number becomes no other file's.
// Thread: one, but for look().
class HeldFile {
 public:
  HeldFile() = default;
  static Result<HeldFile> hold(std::filesystem::path file);

  // It was opened anew, by that name: what is written ahead is in another file perhaps.
  void note_log();
  // failed: it was removed, or another file took its place; it stays gone. What is written ahead of it, and lies beside that other
  // one, gets a name there by which nobody takes it for that one's. Any other error says nothing of the file.
  Result<void> check();
  bool is_gone() const { return is_gone_; }
  // It has its name, and is another one all the same.
  void set_gone() { is_gone_ = true; }
  // The same, and nothing is done. Any thread.
  Result<void> look() const;

 private:
  Error gone() const;
  void set_log_aside() const;

  std::filesystem::path path_;
  // Closing one of O_PATH takes no locks away.
  Fd held_;
  FileIdentity file_;
  std::optional<FileIdentity> log_;
  std::optional<FileIdentity> index_;
  bool is_gone_ = false;
};

}  // namespace callboard::server
