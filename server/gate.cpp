#include "server/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace callboard::server {

Gate::Gate(net::Loop& loop, const Clock& clock, EventLog& events, std::optional<Source> source,
           std::function<void()> on_change)
    : loop_(loop),
      clock_(clock),
      events_(events),
      on_change_(std::move(on_change)),
      looked_(clock.wall()),
      timer_(loop, [this] { on_tick(); }) {
  if (!source) return;
  file_ = std::move(source->file);
  ring_ = std::move(source->ring);
  timer_.set_after(kPeriod);
}

void Gate::on_tick() {
  look();
  timer_.set_after(kPeriod);
}

void Gate::look() {
  if (!file_) return;
  const Timestamp now = clock_.wall();
  const KeyFile::Stamp stamp = file_->stamp();
  const bool is_other = stamp != std::exchange(stamp_, stamp);
  const bool is_changed = (is_other && read()) || has_expired(looked_, now);
  looked_ = now;
  if (is_changed) on_change_();
}

bool Gate::read() {
  auto ring = file_->read();
  if (!ring) {
    events_.error(fmt::format("keys not read again, the old ones go on cause=\"{}\"", ring.error().text));
    return false;
  }
  if (!*ring) {
    if (ring_)
      events_.warn("the file of the keys is gone, the old ones go on until the server is started anew");
    return false;
  }
  events_.info(fmt::format("keys read count={}", (*ring)->entries().size()));
  ring_ = std::move(*ring);
  return true;
}

bool Gate::has_expired(Timestamp since, Timestamp now) const {
  return ring_ && std::ranges::any_of(ring_->entries(), [&](const KeyEntry& each) {
           return each.is_good(since) && !each.is_good(now);
         });
}

const KeyEntry* Gate::find(std::string_view identity) const {
  const KeyEntry* entry = ring_ ? ring_->find(identity) : nullptr;
  return entry != nullptr && entry->is_good(clock_.wall()) ? entry : nullptr;
}

std::optional<Secret> Gate::find_secret(std::string_view identity) const {
  const KeyEntry* entry = find(identity);
  if (entry == nullptr) return std::nullopt;
  return entry->key.secret;
}

protocol::server_action::Admission Gate::permitted(const Identity& identity,
                                                   protocol::server_action::Admission asked) const {
  const KeyEntry* entry = find(identity.key);
  if (entry == nullptr) return asked;
  asked.name = entry->name;
  asked.shares = asked.shares && permissions_of(identity.key).contains(Permission::serve);
  return asked;
}

Permissions Gate::permissions_of(std::string_view identity) const {
  if (!is_keyed()) return Permissions::all();
  const KeyEntry* entry = find(identity);
  return entry == nullptr ? Permissions{} : server::permissions_of(entry->role);
}

// A key that is good once lets in the session that used it, whenever that comes back, and nobody else.
Result<void> Gate::let_in(const Identity& identity, bool is_resumed) {
  if (!is_keyed()) return {};
  const KeyEntry* entry = find(identity.key);
  if (entry == nullptr) return Error{Outcome::refused, "the key is no longer good"};
  if (!entry->once) return {};
  const bool is_used = entry->used || used_.contains(entry->key.identity);
  if (is_used && !is_resumed) return Error{Outcome::refused, "the key was good once, and was used"};
  if (!is_used) set_used(*entry);
  return {};
}

// From now on, and in the file as soon as the disk takes it.
void Gate::set_used(const KeyEntry& entry) {
  used_.insert(entry.key.identity);
  if (!writing_) writing_.emplace(loop_, 1);
  writing_->submit(
      [file = *file_, identity = entry.key.identity](const std::stop_token&) {
        return file.update([&](KeyRing& ring) {
          ring.set_used(identity);
          return Result<void>();
        });
      },
      [this](const Result<void>& written) {
        if (written) return;
        events_.warn(
            fmt::format("that a key was used is not written down cause=\"{}\"", written.error().text));
      });
}

}  // namespace callboard::server
