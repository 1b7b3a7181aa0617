#pragma once

#include <sys/resource.h>

#include <csignal>

#include <catch2/catch.hpp>

namespace callboard::server {

// Writes beyond this size fail while it lives, as on a full disk.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t size_bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_) == 0);
    rlimit small = old_;
    small.rlim_cur = size_bytes;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  }
  ~SmallDisk() {
    static_cast<void>(::setrlimit(RLIMIT_FSIZE, &old_));
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_{};
  void (*old_handler_)(int) = nullptr;
};

}  // namespace callboard::server
