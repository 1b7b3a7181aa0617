#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "base/result.h"

namespace callboard::server {

// What was looked at.
struct Verified {
  std::uint64_t size_bytes = 0;         // Of the database, all of whose pages were.
  std::uint64_t snapshot_sequence = 0;  // The newest snapshot, read; 0: there is none.
  std::uint64_t keyframes = 0;          // Of the sample: made once more, and equal …
  std::uint64_t operations = 0;         // … of so many operations.
};

// Looks whether a project's database is what it was written as, whether or not a server works on it meanwhile: its pages hang
// together, the newest snapshot can be read, and of a random `sample` of documents' kept states (keyframes) each is what the
// operations between it and the one before make of that one. Blocking; reads the whole file. failed: says what is damaged.
// cancelled: `stop` was requested. Where the file itself cannot be read any more, or its pages do not hang together,
// `on_unreadable` is called before: nothing that is written into it then can be relied on.
Result<Verified> verify(const std::filesystem::path& data, const std::string& project, std::uint64_t sample,
                        const std::stop_token& stop,
                        const std::function<void(const Error&)>& on_unreadable = {});

}  // namespace callboard::server
