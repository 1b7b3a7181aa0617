#pragma once

#include <cstdint>

// What statfs() calls the file systems that do not behave as others do: linux/magic.h, and the headers of their own.
namespace callboard::sync::file_system {

inline constexpr std::uint32_t kTmpfs = 0x01021994;
inline constexpr std::uint32_t kNfs = 0x6969;
inline constexpr std::uint32_t kSmb = 0x517b;
inline constexpr std::uint32_t kSmb2 = 0xfe534d42;
inline constexpr std::uint32_t kCifs = 0xff534d42;
inline constexpr std::uint32_t kFuse = 0x65735546;
inline constexpr std::uint32_t k9p = 0x01021997;
inline constexpr std::uint32_t kAfs = 0x5346414f;
inline constexpr std::uint32_t kCeph = 0x00c36400;
inline constexpr std::uint32_t kLustre = 0x0bd00bd0;
inline constexpr std::uint32_t kGpfs = 0x47504653;

}  // namespace callboard::sync::file_system
