#include "server/services/verify_service.h"

#include <fmt/format.h>

#include <utility>

#include "base/document/build.h"
#include "server/store/verify.h"

namespace callboard::server {
namespace {

constexpr std::int64_t kSampleMax = 10'000;

CallValue verified(const std::filesystem::path& data, const std::string& project, std::int64_t sample,
                   const std::stop_token& stop, const std::function<void(const Error&)>& on_unreadable) {
  if (sample < 0 || sample > kSampleMax)
    return Error{Outcome::usage, fmt::format("verify: sample: expected 0-{}, got {}", kSampleMax, sample)};
  const auto found = verify(data, project, static_cast<std::uint64_t>(sample), stop, on_unreadable);
  if (!found) return found.error();
  return document::make_object({{"size_bytes", document::make_number(found->size_bytes)},
                                {"snapshot", document::make_number(found->snapshot_sequence)},
                                {"keyframes", document::make_number(found->keyframes)},
                                {"operations", document::make_number(found->operations)}});
}

}  // namespace

void add_verify_call(CallRegistry& registry, const std::filesystem::path& data, const std::string& project,
                     std::function<void(const Error&)> on_unreadable) {
  registry.add_built_in(
      {{.name = "verify",
        .summary = "looks whether the board's database is sound, and a sample of it what it was written as",
        .category = "server",
        .permission = "services",
        .arguments = {{.name = "sample",
                       .type = ValueType::integer,
                       .summary = "how many states of documents are made once more and compared",
                       .fallback = document::make_number(16)}},
        .result = ValueType::map},
       WorkerRun([data, project, on_unreadable = std::move(on_unreadable)](
                     const Caller&, const CallArguments& arguments, const WorkerRoom& room) {
         return verified(data, project, arguments.integer("sample"), room.stop, on_unreadable);
       })});
}

}  // namespace callboard::server
