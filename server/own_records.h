#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/document/value.h"
#include "base/own_folders.h"
#include "base/result.h"
#include "server/board/record_change.h"

namespace callboard::server {

// States of tasks are elsewhere, so that nobody's is taken for one of these.
constexpr bool is_in_own_folder(std::string_view path) {
  for (const std::string_view folder : {kLocksFolder, kServicesFolder}) {
    if (path.starts_with(folder) && path.substr(folder.size()).starts_with('/')) return true;
  }
  return false;
}

// A record that the server makes for itself.
struct OwnRecord {
  std::string path;
  std::string record_class{};
  document::ValuePtr fields{};  // An object; members that are null are left out.
  bool is_whole = true;         // False: other fields that it has stay as they are.
  std::string user{};           // On whose behalf; empty: nobody's.
  RecordAnswerPtr answer{};     // Of the call that it is done for; null: of none that is asked for again.
  // The revision that it has to be at; 0: there is to be none yet; nullopt: whatever there is.
  std::optional<std::uint64_t> base{};
};

// The records that the server keeps for itself on the board, where everybody sees them: states of stateful calls, and how
// services go. Loop thread only.
class OwnRecords {
 public:
  using Then = std::function<void(const Result<void>&)>;

  virtual ~OwnRecords() = default;
  // Its fields; null: there is none yet. usage: what is there belongs to somebody else.
  virtual Result<document::ValuePtr> find(std::string_view record_class, const std::string& path) const = 0;
  // 0: there is none.
  virtual std::uint64_t revision(const std::string& path) const = 0;
  // These are all its fields from now on, or nothing happens; `then` is called once, perhaps within the call, when it is on
  // disk, where its class lasts there, or when it could not be done.
  virtual void put(OwnRecord record, Then then) = 0;
  // The same with several, each of a path of its own and of a class that lasts on disk, at least one: all of them or none.
  virtual void put_together(std::vector<OwnRecord> records, Then then) = 0;
};

}  // namespace callboard::server
