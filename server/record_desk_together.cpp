// Changes of several records that are done together, or not at all.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/text.h"
#include "server/record_desk.h"

namespace callboard::server {

// What becomes of it is known before it is written: nothing is on its way to these records, and nothing comes between.
Result<Operation> RecordDesk::checked_operation(const Author& author, const Wish& wish) const {
  const auto sound = checked(author, wish);
  if (!sound) return sound.error();
  if (sound->life != document::Life::disk)
    return Error{Outcome::usage, quoted(wish.path) + ": expected a record that lasts on disk"};
  const RecordTable& table = floor_.records.board().records();
  const Outcome outcome = table.check(wish.path, wish.base, sound->change, author.session, author.user);
  if (outcome != Outcome::done)
    return record_refusal(outcome, wish.action, wish.path, table.find(wish.path), wish.base);
  Operation operation = operation_for(author, wish, sound->change);
  operation.value = std::make_shared<const std::string>(print(sound->change));
  return operation;
}

void RecordDesk::change_together(const Author& author, std::vector<Wish> wishes, Done done) {
  const auto busy = std::ranges::find_if(wishes, [this](const Wish& each) {
    const auto found = under_way_.find(each.path);
    return found != under_way_.end() && found->second.count > 0;
  });
  if (busy != wishes.end()) {
    Waiting waiting{author, Wish{.op = {}, .path = busy->path, .action = RecordAction::put}, {}};
    UnderWay& under_way = under_way_.at(busy->path);
    waiting.begin = [this, author, wishes = std::move(wishes), done = std::move(done)]() mutable {
      change_together(author, std::move(wishes), std::move(done));
    };
    under_way.waiting.push_back(std::move(waiting));
    return;
  }
  // Of a disk that fails it is not known what it has of what was written before.
  if (const Error* failure = floor_.records.failure())
    return done(Error{failure->outcome, "the disk takes no writes: " + failure->text});
  std::vector<Operation> operations;
  std::set<std::string> paths;
  for (Wish& each : wishes) {
    if (!paths.insert(each.path).second)
      return done(Error{Outcome::usage, quoted(each.path) + " is there twice"});
    if (each.action == RecordAction::set && find(each.path) == nullptr) each.action = RecordAction::make;
    auto operation = checked_operation(author, each);
    if (!operation) return done(operation.error());
    operations.push_back(*std::move(operation));
  }
  std::map<std::string, std::uint64_t> begun;
  for (const Operation& each : operations) begun[each.path] = under_way_[each.path].add(*each.change);
  floor_.records.write_together(std::move(operations),
                                [this, begun, done = std::move(done)](const Result<Applied>& applied) {
                                  done(applied ? Result<std::uint64_t>(applied->number) : applied.error());
                                  for (const auto& [path, bytes] : begun) on_written(path, bytes);
                                });
}

}  // namespace callboard::server
