#include "tools/cli/channel_pipe.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/limits.h"

namespace callboard::cli {
namespace {

constexpr std::size_t kPipeBuffer = 256 * KiB;

}  // namespace

ChannelPipe::ChannelPipe(client::Channel& channel, int from_fd) : channel_(channel), from_fd_(from_fd) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe(ends.data()) != 0) {
    carried_ = os_error("make a pipe", errno);
    return;
  }
  stop_read_fd_ = ends[0];
  stop_write_fd_ = ends[1];
  for (const int fd : ends) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  thread_ = std::thread([this] { run(); });
}

ChannelPipe::~ChannelPipe() {
  static_cast<void>(stop());  // Whoever cares has asked.
  if (stop_read_fd_ >= 0) ::close(stop_read_fd_);
}

Result<void> ChannelPipe::stop() {
  if (stop_write_fd_ >= 0) ::close(std::exchange(stop_write_fd_, -1));
  if (thread_.joinable()) thread_.join();
  return carried_;
}

void ChannelPipe::run() {
  carried_ = carry();
  // Who reads the channel would wait for an answer to what never came.
  if (!carried_) channel_.cancel();
}

bool ChannelPipe::wait_for_input() const {
  std::array<pollfd, 2> watched{pollfd{from_fd_, POLLIN, 0}, pollfd{stop_read_fd_, 0, 0}};
  for (;;) {
    const int ready = ::poll(watched.data(), watched.size(), -1);
    if (ready < 0 && errno != EINTR) return true;  // The read that follows says why.
    if (watched[1].revents != 0) return false;
    if (ready > 0) return true;
  }
}

Result<void> ChannelPipe::carry() {
  Bytes buffer(kPipeBuffer);
  while (wait_for_input()) {
    const auto got = ::read(from_fd_, buffer.data(), buffer.size());
    if (got < 0 && errno != EINTR) return os_error("read the input", errno);
    if (got == 0) return channel_.finish();
    if (got < 0) continue;
    if (auto sent = channel_.write(ByteView(buffer).first(static_cast<std::size_t>(got))); !sent) return sent;
  }
  return {};
}

Result<void> carry_out(client::Channel& channel, int to_fd) {
  Bytes buffer(kPipeBuffer);
  for (;;) {
    const auto got = channel.read(buffer);
    if (!got) return got.error();
    // The other direction may go on.
    if (*got == 0) return channel.await_end();
    ByteView rest = ByteView(buffer).first(*got);
    while (!rest.empty()) {
      const auto written = ::write(to_fd, rest.data(), rest.size());
      if (written < 0 && errno != EINTR) return os_error("write the output", errno);
      if (written > 0) rest = rest.subspan(static_cast<std::size_t>(written));
    }
  }
}

}  // namespace callboard::cli
