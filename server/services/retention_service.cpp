#include "server/services/retention_service.h"

#include <chrono>
#include <memory>
#include <utility>

#include "base/document/build.h"

namespace callboard::server {

void add_retention_call(CallRegistry& registry, Records& records, const Retention& retention) {
  registry.add_built_in(
      {{.name = "retention",
        .summary = "forgets what is not to be kept of the history (serve --history-days and the like)",
        .category = "server",
        .permission = "services",
        .result = ValueType::map},
       LaterRun([&records, retention](const Caller&, const CallArguments&, std::shared_ptr<CallRun> run) {
         records.tidy([&records, retention, run = std::move(run)](const Result<std::uint64_t>& forgotten) {
           if (!forgotten) return run->answer(forgotten.error());
           using Days = std::chrono::duration<std::int64_t, std::ratio<86'400>>;
           const auto days = std::chrono::duration_cast<Days>(retention.age);
           run->answer(
               document::make_object({{"forgotten", document::make_number(*forgotten)},
                                      {"revision", document::make_number(records.board().sequence())},
                                      {"kept_days", document::make_number(days.count())},
                                      {"kept_bytes", document::make_number(retention.size_bytes)},
                                      {"kept_revisions", document::make_number(retention.revisions)}}));
         });
       })});
}

}  // namespace callboard::server
