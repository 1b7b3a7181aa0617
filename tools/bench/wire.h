#pragma once

#include <unistd.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

// The least of the protocol (docs/protocol.md) that a load generator needs: frames written from text, and read as far as
// their verb.
namespace callboard::bench {

inline std::string u32(std::size_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xff);
  return out;
}

inline std::string frame(std::string_view json, std::string_view attachment = {}) {
  if (attachment.empty()) return u32(json.size() + 1).append(1, '\1').append(json);
  std::string out = u32(json.size() + attachment.size() + 5).append(1, '\2');
  return out.append(u32(json.size())).append(json).append(attachment);
}

// The bytes of the frame at the front; 0: it is not whole.
inline std::size_t frame_size(std::string_view bytes) {
  if (bytes.size() < 4) return 0;
  std::size_t size = 4;
  for (std::size_t i = 0; i < 4; ++i)
    size += std::size_t{static_cast<unsigned char>(bytes[i])} << (24 - 8 * i);
  return bytes.size() < size ? 0 : size;
}

inline std::string_view verb_of(std::string_view frame) {
  const std::size_t at = frame.find("\"verb\":\"") + 8;
  return frame.substr(at, frame.find('"', at) - at);
}

inline std::string now_text() {
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

// Another one each time, made as the library makes them.
inline std::string operation_text() {
  static unsigned long long count = 0;
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  const unsigned long long spread = ++count * 0x9e3779b97f4a7c15;
  char text[33];
  std::snprintf(text, sizeof text, "%012llx%04llx%016llx", static_cast<unsigned long long>(ms), spread >> 48,
                (static_cast<unsigned long long>(::getpid()) << 40) + count);
  return text;
}

}  // namespace callboard::bench
