#pragma once

namespace callboard::server {

// What becomes of a write to what somebody else has locked: who writes may ask first (the call lock.check), and is refused or not.
enum class LockPolicy { warn, refuse };

}  // namespace callboard::server
