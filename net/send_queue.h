#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/reused.h"

namespace callboard::net {

// Bytes that stay as they are as long as anybody still has to write them; told to many, they are never copied.
struct SharedBytes {
  SharedBytes(Bytes bytes) : SharedBytes(std::make_shared<const Bytes>(std::move(bytes))) {}
  SharedBytes(std::shared_ptr<const Bytes> bytes) : view(*bytes), owner(std::move(bytes)) {}
  SharedBytes(std::shared_ptr<const std::string> text) : view(as_bytes(*text)), owner(std::move(text)) {}

  ByteView view;
  std::shared_ptr<const void> owner;
};

// What a connection has still to give to the kernel. Small pieces that follow each other are gathered: a copy is cheaper
// than a part of its own in a system call. Empty, it holds no memory.
class SendQueue {
 public:
  void push(SharedBytes bytes);
  // The kernel has taken so many of the first bytes.
  void drop(std::size_t size_bytes);
  // All of it; the queue is empty then.
  std::vector<SharedBytes> take();

  std::span<const SharedBytes> parts() const {
    return room_ == nullptr ? std::span<const SharedBytes>() : std::span<const SharedBytes>(room_->parts);
  }
  bool is_empty() const { return room_ == nullptr; }
  std::uint64_t size_bytes() const { return size_bytes_; }

 private:
  struct Room {
    std::vector<SharedBytes> parts;
    std::shared_ptr<Bytes> gathered = {};  // Where small pieces are put; its memory is used again.
    bool is_gathering = false;             // The last part points to it, and more may be put behind it.

    void clear();
  };

  void gather(ByteView bytes);

  Reused<Room> room_;
  std::uint64_t size_bytes_ = 0;
};

}  // namespace callboard::net
