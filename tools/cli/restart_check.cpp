#include "tools/cli/restart_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "tools/cli/exit_code.h"

namespace callboard::cli {
namespace {

// Of what it says, the end, where the error is: a plugin may say much before.
constexpr std::size_t kRestartCheckSaidMax = 16 * 1024;

// The last line that says what is wrong, as Output::error() writes it; empty: none does.
std::string_view error_in(std::string_view said) {
  constexpr std::string_view kLabel = "error: ";
  std::string_view found;
  while (!said.empty()) {
    const std::string_view line = said.substr(0, said.find('\n'));
    if (line.starts_with(kLabel)) found = line.substr(kLabel.size());
    said.remove_prefix(std::min(line.size() + 1, said.size()));
  }
  return found;
}

}  // namespace

RestartCheck::RestartCheck(net::Loop& loop, std::chrono::seconds patience)
    : loop_(loop), patience_(patience), limit_(loop, [this] { on_limit(); }) {}

RestartCheck::~RestartCheck() { *is_alive_ = false; }

void RestartCheck::begin(Then then) {
  if (then_ || process_) {
    return loop_.post([then = std::move(then), is_asked_for = then_ != nullptr] {
      then(Error{Outcome::refused,
                 is_asked_for ? "somebody else has it started anew at this moment"
                              : "the check before this one, which ran out of time, is still ending"});
    });
  }
  then_ = std::move(then);
  said_.clear();
  limit_.set_after(patience_);
  auto anew = Anew::of_this_process();
  if (!anew) return end_soon(anew.error());
  net::Process::Options options{std::move(anew->words)};
  options.command.front() = std::move(anew->program);
  options.command.emplace_back("--check");
  auto started =
      net::Process::start(loop_, options,
                          {.on_output = {},
                           .on_error_output =
                               [this](ByteView bytes) {
                                 said_ += as_text(bytes);
                                 said_.erase(0, said_.size() - std::min(said_.size(), kRestartCheckSaidMax));
                               },
                           .on_ended = [this](const net::Process::Ending& ending) { on_ended(ending); }});
  if (!started) return end_soon(started.error());
  process_ = std::move(*started);
}

void RestartCheck::end_soon(Error why) {
  loop_.post([this, why = std::move(why), alive = is_alive_] {
    if (*alive) end(why);
  });
}

// It is waited for until it is gone, so that nothing is left of it.
void RestartCheck::on_limit() {
  if (process_) process_->kill();
  end(Error{Outcome::timed_out,
            fmt::format("what it would load is not loaded after {} s", patience_.count())});
}

void RestartCheck::on_ended(const net::Process::Ending& ending) {
  process_.reset();
  end(result_of(ending));
}

void RestartCheck::end(Result<void> checked) {
  limit_.cancel();
  if (const auto then = std::exchange(then_, nullptr)) then(std::move(checked));
}

Result<void> RestartCheck::result_of(const net::Process::Ending& ending) const {
  if (ending.signal == 0 && ending.exit_code == exit_code(Outcome::done)) return {};
  const std::string_view said = error_in(said_);
  if (said.empty()) return Error{Outcome::failed, "serve --check ended with " + net::to_text(ending)};
  return Error{ending.signal == 0 ? outcome_of(static_cast<int>(ending.exit_code)) : Outcome::failed,
               std::string(said)};
}

}  // namespace callboard::cli
