#include "server/ask_cost.h"

#include <type_traits>

#include "base/limits.h"
#include "protocol/server_asks.h"

namespace callboard::server {
namespace {

// Bytes that take the loop 10 us: JSON that is parsed on it or made (of 5,000 items 500 KB, 3 ms), and what is only passed on
// or written.
constexpr std::uint64_t kParsedBytes = 2 * KiB;
constexpr std::uint64_t kPassedBytes = 16 * KiB;
// Copies put in their places in 10 us.
constexpr std::uint64_t kItemsAtOnce = 8;
// Two tickets, a key, two lines of the log and two tells, and as much when it is over.
constexpr std::uint64_t kCostOfTransfer = 10;
// The process's memory is looked at.
constexpr std::uint64_t kCostOfStatus = 2;

AskCost cost_of_one(const protocol::DocumentWrite& write) {
  return {AskCost::Kind::write, 1 + (write.document ? write.document->size() / kPassedBytes : 0)};
}
AskCost cost_of_one(const protocol::AssetsChange& change) {
  return {AskCost::Kind::write, 1 + change.items.size() / kItemsAtOnce};
}
AskCost cost_of_one(const protocol::AtAsk&) { return {AskCost::Kind::write, 1}; }
AskCost cost_of_one(const protocol::CameraAsk&) { return {AskCost::Kind::write, 1}; }
AskCost cost_of_one(const protocol::RecordAsk& change) {
  return {AskCost::Kind::write, 1 + (change.fields ? change.fields->size() / kParsedBytes : 0)};
}
AskCost cost_of_one(const protocol::MessageAsk&) { return {AskCost::Kind::message, 1}; }
AskCost cost_of_one(const protocol::CallAsk& call) {
  return {AskCost::Kind::ask, 1 + (call.arguments ? call.arguments->size() / kParsedBytes : 0)};
}
AskCost cost_of_one(const protocol::CalledAsk& called) {
  return {AskCost::Kind::ask, 1 + (called.value ? called.value->size() / kPassedBytes : 0)};
}
AskCost cost_of_one(const protocol::CallProgressed& progress) {
  return {AskCost::Kind::ask, 1 + (progress.value ? progress.value->size() / kPassedBytes : 0)};
}
AskCost cost_of_one(const protocol::OfferAsk& offer) {
  return {AskCost::Kind::ask, 1 + (offer.descriptions ? offer.descriptions->size() / kParsedBytes : 0)};
}
AskCost cost_of_one(const protocol::GetAsk&) { return {AskCost::Kind::ask, kCostOfTransfer}; }
AskCost cost_of_one(const protocol::ChannelAsk&) { return {AskCost::Kind::ask, kCostOfTransfer}; }
AskCost cost_of_one(const protocol::StatusAsk&) { return {AskCost::Kind::ask, kCostOfStatus}; }

}  // namespace

AskCost cost_of(const protocol::ClientMessage& message) {
  return std::visit(
      [](const auto& one) {
        if constexpr (requires { cost_of_one(one); }) {
          return cost_of_one(one);
        } else {
          return AskCost{};
        }
      },
      message);
}

std::uint64_t cost_of_answer(std::uint64_t size_bytes) { return size_bytes / kPassedBytes; }

std::uint64_t cost_of_making(std::uint64_t size_bytes) { return size_bytes / kParsedBytes; }

}  // namespace callboard::server
