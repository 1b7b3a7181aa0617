#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "client/project_folder.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/work_queue.h"
#include "sync/items.h"

namespace callboard::client {

// Knows the items of the workstation's folder and how new each is: from the folder's live tree, which it starts, soon after
// every change of it. While there is no such tree it looks at the folder on a worker, names and times only, and again after
// a pause that is kPauseFactor times as long as the look took: at most 2 % of one core, whatever the size of the project.
// Loop thread only.
class ItemWatch {
 public:
  using Items = std::map<std::string, Timestamp>;
  using Changes = std::map<std::string, std::optional<Timestamp>>;
  struct Handlers {
    std::function<void()> on_first_look;  // items() is there.
    std::function<void(const Changes&)> on_changes;
    std::function<void(std::string_view)> on_warning;  // Once for each new text.
  };
  static constexpr int kPauseFactor = 50;
  static constexpr Duration kPauseMin = 5s;
  // Changes of the live tree are gathered for so long: one is told within a second, many cost little.
  static constexpr Duration kGather = 300ms;

  ItemWatch(net::Loop& loop, ProjectFolder& folder, sync::ItemPatterns patterns, Handlers handlers);
  ~ItemWatch();
  ItemWatch(const ItemWatch&) = delete;
  ItemWatch& operator=(const ItemWatch&) = delete;

  // nullopt before the first look has ended.
  const std::optional<Items>& items() const { return items_; }
  // The folder was changed by us: look at once.
  void look_now();

 private:
  void look();
  void look_soon();
  void on_looked(Result<sync::FoundItems> found, Duration took);
  void warn(std::string text);

  net::Loop& loop_;
  ProjectFolder& folder_;
  sync::ItemPatterns patterns_;
  Handlers handlers_;
  std::optional<Items> items_;
  std::set<std::string, std::less<>> warned_;
  bool is_looking_ = false;
  bool look_again_ = false;
  bool is_look_due_ = false;  // Something changed since the last look began.
  net::Timer pause_;
  net::WorkQueue worker_;
  std::shared_ptr<ItemWatch*> self_;  // For tasks that come late.
};

}  // namespace callboard::client
