#include "client/item_watch.h"

#include <algorithm>
#include <utility>

namespace callboard::client {
namespace {

ItemWatch::Changes difference(const ItemWatch::Items& before, const ItemWatch::Items& after) {
  ItemWatch::Changes changes;
  for (const auto& [item, timestamp] : after) {
    const auto it = before.find(item);
    if (it == before.end() || it->second != timestamp) changes[item] = timestamp;
  }
  for (const auto& [item, timestamp] : before) {
    if (!after.contains(item)) changes[item] = std::nullopt;
  }
  return changes;
}

}  // namespace

ItemWatch::ItemWatch(net::Loop& loop, ProjectFolder& folder, sync::ItemPatterns patterns, Handlers handlers)
    : loop_(loop),
      folder_(folder),
      patterns_(std::move(patterns)),
      handlers_(std::move(handlers)),
      pause_(loop, [this] { look(); }),
      worker_(loop, 1),
      self_(std::make_shared<ItemWatch*>(this)) {
  folder_.live().set_on_changed([&loop, weak = std::weak_ptr(self_)] {
    loop.post([weak] {
      if (const auto self = weak.lock()) (*self)->look_soon();
    });
  });
  folder_.live().start();
  look();
}

ItemWatch::~ItemWatch() { folder_.live().set_on_changed({}); }

void ItemWatch::look_soon() {
  if (is_look_due_) return;
  is_look_due_ = true;
  if (!is_looking_) pause_.set_after(kGather);
}

void ItemWatch::look_now() {
  if (is_looking_) {
    look_again_ = true;
  } else {
    look();
  }
}

void ItemWatch::look() {
  is_looking_ = true;
  is_look_due_ = false;
  pause_.cancel();
  const Instant started = loop_.now();
  worker_.submit(
      [this](const std::stop_token& stop) -> Result<sync::FoundItems> {
        // The first tree of a folder may be long in coming; the items need not wait for it.
        const auto tree = folder_.live().is_live()
                              ? folder_.live().settled_tree(nullptr, [&] { return stop.stop_requested(); })
                              : nullptr;
        if (tree) return sync::find_items(*tree, patterns_);
        return sync::find_items(folder_.root(), patterns_, stop);
      },
      [this, started](Result<sync::FoundItems> found) {
        on_looked(std::move(found), loop_.now() - started);
      });
}

void ItemWatch::on_looked(Result<sync::FoundItems> found, Duration took) {
  is_looking_ = false;
  if (found) {
    if (found->left_out > 0) {
      warn(std::to_string(found->left_out) +
           " items are not announced: too many, or names that are not UTF-8");
    }
    const bool is_first = !items_;
    const Changes changes = difference(items_.value_or(Items{}), found->items);
    items_ = std::move(found->items);
    if (is_first) {
      handlers_.on_first_look();
    } else if (!changes.empty()) {
      handlers_.on_changes(changes);
    }
  } else {
    warn(found.error().text);
    if (!items_) {
      items_.emplace();
      handlers_.on_first_look();
    }
  }
  if (const std::string why = folder_.live().trouble(); !why.empty()) {
    warn("changes in the project folder are found only by looking again and again: " + why);
  }
  if (std::exchange(look_again_, false)) return look();
  if (is_look_due_) return pause_.set_after(kGather);
  if (folder_.live().is_live()) return;
  pause_.set_after(std::max<Duration>(kPauseMin, took * kPauseFactor));
}

void ItemWatch::warn(std::string text) {
  const auto [warned, is_new] = warned_.insert(std::move(text));
  if (is_new) handlers_.on_warning(*warned);
}

}  // namespace callboard::client
