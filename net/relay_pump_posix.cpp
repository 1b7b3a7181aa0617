#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/bytes.h"
#include "base/limits.h"
#include "net/relay_pump.h"
#include "net/socket_posix.h"

namespace callboard::net {
namespace {

// Loopback is fastest with 64-256 KiB: larger buffers leave the L2 cache.
constexpr std::uint64_t kBuffer = 256 * KiB;

class CopyingPump final : public RelayPump {
 public:
  Step pump(int from, int to, std::uint64_t budget_bytes) override {
    Step step;
    for (;;) {
      if (!rest_.empty()) {
        const auto sent = ::send(to, rest_.data(), rest_.size(), MSG_DONTWAIT | kNoSignal);
        if (sent >= 0) {
          step.moved_bytes += static_cast<std::uint64_t>(sent);
          rest_ = rest_.subspan(static_cast<std::size_t>(sent));
        } else if (errno != EINTR) {
          return stopped(step, Wait::output);
        }
        continue;
      }
      if (has_input_ended_ || step.moved_bytes >= budget_bytes) {
        step.wait = has_input_ended_ ? Wait::nothing : Wait::turn;
        return step;
      }
      buffer_.resize(kBuffer);
      const auto size = std::min<std::uint64_t>(buffer_.size(), budget_bytes - step.moved_bytes);
      const auto read = ::recv(from, buffer_.data(), size, MSG_DONTWAIT);
      if (read < 0 && errno != EINTR) {
        return stopped(step, Wait::input);
      }
      if (read >= 0) {
        has_input_ended_ = read == 0;
        rest_ = ByteView(buffer_).first(static_cast<std::size_t>(read));
      }
    }
  }

 private:
  static Step stopped(Step step, Wait wait) {
    const bool would_block = errno == EAGAIN || errno == EWOULDBLOCK;
    step.wait = would_block ? wait : Wait::failed;
    step.errno_value = would_block ? 0 : errno;
    return step;
  }

  Bytes buffer_;  // Empty until the first byte: most sides of most pairs say little.
  ByteView rest_;
  bool has_input_ended_ = false;
};

}  // namespace

std::unique_ptr<RelayPump> make_copying_pump() { return std::make_unique<CopyingPump>(); }

#ifndef __linux__
std::unique_ptr<RelayPump> make_splicing_pump(std::uint64_t) { return nullptr; }
#endif

}  // namespace callboard::net
