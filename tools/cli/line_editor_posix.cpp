#include <editline/readline.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <utility>

#include "base/ensure.h"
#include "base/fd.h"
#include "tools/cli/line_editor.h"

// With libedit, whose callbacks know no object: there is one editor at a time.
namespace callboard::cli {

struct LineEditor::Impl {
  explicit Impl(Complete function) : complete(std::move(function)), is_terminal(::isatty(STDIN_FILENO) == 1) {
    std::array<int, 2> ends{};
    ENSURE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    wake_in = Fd(ends[0]);
    wake_out = Fd(ends[1]);
  }

  Complete complete;
  bool is_terminal;
  Fd wake_in;
  Fd wake_out;
  std::string pending;              // Read and not cut into lines, of what is no terminal.
  bool is_ended = false;            // Of the same.
  std::optional<std::string> line;  // Typed.
  bool is_done = false;             // A line was typed, or the end.

  // False: it was stopped.
  bool wait_for_input() const {
    std::array<pollfd, 2> fds{{{STDIN_FILENO, POLLIN, 0}, {wake_in.get(), POLLIN, 0}}};
    while (::poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
    }
    return (fds[1].revents & POLLIN) == 0;
  }
  std::optional<std::string> read_plain();
  std::optional<std::string> read_typed(const std::string& prompt);

  static Impl* current;
  static void on_line(char* typed);
  static char** on_complete(const char* word, int from, int to);
};

LineEditor::Impl* LineEditor::Impl::current = nullptr;

std::optional<std::string> LineEditor::Impl::read_plain() {
  for (;;) {
    const auto end = pending.find('\n');
    if (end != std::string::npos) {
      std::string found = pending.substr(0, end);
      pending.erase(0, end + 1);
      return found;
    }
    if (is_ended && pending.empty()) return std::nullopt;
    if (is_ended) return std::exchange(pending, {});
    if (!wait_for_input()) return std::nullopt;
    std::array<char, 4096> buffer;
    const ssize_t size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size > 0) pending.append(buffer.data(), static_cast<std::size_t>(size));
    is_ended = size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN);
  }
}

void LineEditor::Impl::on_line(char* typed) {
  current->is_done = true;
  current->line.reset();
  // At once, so that what is printed now comes to a terminal that is as it was.
  rl_callback_handler_remove();
  if (typed == nullptr) return;
  current->line = typed;
  if (*typed != '\0') add_history(typed);
  std::free(typed);
}

// The list that libedit frees: what all have in common, then each of them.
char** LineEditor::Impl::on_complete(const char* word, int from, int) {
  rl_attempted_completion_over = 1;
  const std::string_view before(rl_line_buffer, static_cast<std::size_t>(from));
  const auto found = current->complete(before, word);
  if (found.empty()) return nullptr;
  std::string common = found.front();
  for (const std::string& each : found) {
    std::size_t same = 0;
    while (same < common.size() && same < each.size() && common[same] == each[same]) ++same;
    common.resize(same);
  }
  const std::size_t count = found.size() == 1 ? 1 : found.size() + 1;
  auto** list = static_cast<char**>(std::calloc(count + 1, sizeof(char*)));
  if (list == nullptr) return nullptr;
  list[0] = ::strdup(common.c_str());
  for (std::size_t i = 1; i < count; ++i) list[i] = ::strdup(found[i - 1].c_str());
  return list;
}

std::optional<std::string> LineEditor::Impl::read_typed(const std::string& prompt) {
  current = this;
  is_done = false;
  rl_attempted_completion_function = &Impl::on_complete;
  rl_callback_handler_install(prompt.c_str(), &Impl::on_line);
  while (!is_done) {
    if (!wait_for_input()) {
      rl_callback_handler_remove();
      return std::nullopt;
    }
    rl_callback_read_char();
  }
  return std::exchange(line, std::nullopt);
}

LineEditor::LineEditor(Complete complete) : impl_(std::make_unique<Impl>(std::move(complete))) {}
LineEditor::~LineEditor() = default;

std::optional<std::string> LineEditor::read(const std::string& prompt) {
  return impl_->is_terminal ? impl_->read_typed(prompt) : impl_->read_plain();
}

void LineEditor::stop() {
  // It stays readable: every later read() ends at once.
  static_cast<void>(::write(impl_->wake_out.get(), "", 1));
}

}  // namespace callboard::cli
