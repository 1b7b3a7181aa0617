#pragma once

#include <type_traits>

#include "protocol/message.h"

// Which of the messages with one verb a frame is. `Shape` says which keys a frame has: has(key), has_attachment(). Used by
// codec.cpp alone.
namespace callboard::protocol {

template <class T, class Shape>
bool has_shape_of(const Shape& s) {
  [[maybe_unused]] const auto writes = [&] {
    return s.has("timestamp") || s.has("op") || s.has_attachment();
  };
  if constexpr (std::is_same_v<T, DocumentClaim> || std::is_same_v<T, AssetsClaim>) {
    return !s.has("id");
  } else if constexpr (std::is_same_v<T, DocumentRead>) {
    return s.has("id") && !writes();
  } else if constexpr (std::is_same_v<T, DocumentWrite>) {
    return s.has("id") && writes();
  } else if constexpr (std::is_same_v<T, AssetsRead>) {
    return s.has("id") && !s.has("items");
  } else if constexpr (std::is_same_v<T, AssetsChange>) {
    return s.has("id") && s.has("items");
  } else if constexpr (std::is_same_v<T, DocumentOffer>) {
    return !s.has("revision") && !writes();
  } else if constexpr (std::is_same_v<T, DocumentState>) {
    return s.has("revision") || writes();
  } else if constexpr (std::is_same_v<T, AssetsOffer>) {
    return !s.has("full") && !s.has("items");
  } else if constexpr (std::is_same_v<T, Assets>) {
    return s.has("full") || s.has("items");
  } else if constexpr (std::is_same_v<T, TransferGranted> || std::is_same_v<T, ChannelGranted>) {
    return s.has("re");
  } else if constexpr (std::is_same_v<T, TransferOver> || std::is_same_v<T, ChannelTell>) {
    return !s.has("re");
  } else {
    return true;
  }
}

}  // namespace callboard::protocol
