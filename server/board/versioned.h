#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace callboard::server {

// How far a listener of a Versioned has been told.
struct Cursor {
  std::uint64_t version = 0;  // Told up to here; 0: knows nothing.
  // The set's head when it was last told everything from the start, perhaps in pieces: what was removed before it never knew.
  std::uint64_t began = 0;
  // Told up to here before the connection was lost: what of that is gone is told as gone.
  std::uint64_t perhaps = 0;
  friend bool operator==(const Cursor&, const Cursor&) = default;
};

// A keyed set that knows what changed since a version, so that a listener needs nothing but a cursor. Every change gets
// the next version; a key stands once in the order, at its last change, so memory and the cost of catching up follow
// what there is, never how often it changed. Removals are remembered as at most `tombstones_max` tombstones; a cursor
// from before a forgotten one gets everything anew.
template <class Key, class Value, class Removal>
class Versioned {
 public:
  struct Change {
    const Key* key = nullptr;
    const Value* value = nullptr;      // Null: removed.
    const Removal* removal = nullptr;  // Set when removed.
  };
  struct Changes {
    bool full = false;            // Replaces everything the listener has; else adds to it.
    std::vector<Change> changes;  // In the order they happened. Valid until the set is changed.
    Cursor cursor;                // What to ask with next time; short of head() when `count_max` was reached.
  };

  explicit Versioned(std::size_t tombstones_max) : tombstones_max_(tombstones_max) {}

  // The version of the last change. Starts at 1, so that a listener of an empty set differs from one who knows nothing.
  std::uint64_t head() const { return head_; }
  std::size_t size() const { return slots_.size() - tombstones_; }

  const Value* find(const Key& key) const {
    const auto it = slots_.find(key);
    return it == slots_.end() ? nullptr : it->second.value();
  }

  void set(const Key& key, Value value) {
    auto [it, is_new] = slots_.try_emplace(key);
    Slot& slot = it->second;
    if (is_new) {
      slot.born = head_ + 1;
    } else if (slot.value() == nullptr) {
      --tombstones_;
    }
    slot.content = std::move(value);
    move_to_head(it->first, slot);
  }

  // Nothing happens when the key is not there.
  void remove(const Key& key, Removal removal) {
    const auto it = slots_.find(key);
    if (it == slots_.end() || it->second.value() == nullptr) return;
    it->second.content = std::move(removal);
    ++tombstones_;
    move_to_head(it->first, it->second);
    forget_old_tombstones();
  }

  // Removes without telling anybody, where listeners learn of it some other way.
  void forget(const Key& key) {
    const auto it = slots_.find(key);
    if (it == slots_.end()) return;
    if (it->second.value() == nullptr) --tombstones_;
    order_.erase(it->second.version);
    slots_.erase(it);
  }

  // Of a listener who knows everything as it is now.
  Cursor newest() const { return {head_, head_, 0}; }

  // What a listener at `cursor` misses, oldest first, at most `count_max` keys. A key that came and went unseen is left
  // out.
  Changes changes_since(Cursor cursor, std::size_t count_max) const {
    Changes result;
    result.full = cursor.version == 0 || std::max(cursor.version, cursor.began) < forgotten_;
    if (result.full) cursor = {0, head_, cursor.perhaps};
    result.cursor = cursor;
    for (auto it = order_.upper_bound(cursor.version); it != order_.end(); ++it) {
      if (result.changes.size() == count_max) return result;
      const Slot& slot = slots_.at(*it->second);
      result.cursor.version = it->first;
      if (const Value* value = slot.value()) {
        result.changes.push_back({it->second, value, nullptr});
      } else if (slot.born <= std::max(cursor.version, cursor.perhaps) && slot.version > cursor.began) {
        result.changes.push_back({it->second, nullptr, &std::get<Removal>(slot.content)});
      }
    }
    result.cursor.version = head_;
    return result;
  }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [version, key] : order_) {
      if (const Value* value = slots_.at(*key).value()) visit(*key, *value);
    }
  }

 private:
  struct Slot {
    std::variant<Removal, Value> content;
    std::uint64_t version = 0, born = 0;

    const Value* value() const { return std::get_if<Value>(&content); }
  };

  void move_to_head(const Key& key, Slot& slot) {
    if (slot.version != 0) order_.erase(slot.version);
    slot.version = ++head_;
    order_.emplace_hint(order_.end(), head_, &key);
  }

  void forget_old_tombstones() {
    if (tombstones_ <= tombstones_max_) return;  // Half of them go at once: passing over live keys is rare.
    for (auto it = order_.begin(); it != order_.end() && tombstones_ > tombstones_max_ / 2;) {
      const auto [version, key] = *it++;
      const auto slot = slots_.find(*key);
      if (slot->second.value() != nullptr) continue;
      forgotten_ = version;
      order_.erase(version);
      slots_.erase(slot);
      --tombstones_;
    }
  }

  std::size_t tombstones_max_;
  std::size_t tombstones_ = 0;
  std::uint64_t head_ = 1;
  std::uint64_t forgotten_ = 0;  // Version of the newest tombstone that is no longer kept.
  std::unordered_map<Key, Slot> slots_;
  std::map<std::uint64_t, const Key*> order_;  // Version to key, in slots_, whose nodes do not move.
};

}  // namespace callboard::server
