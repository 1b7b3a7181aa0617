#include "server/gate.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "server/keys.h"

namespace callboard::server {
namespace {

std::string list_of(const Permissions& permissions) {
  std::string list;
  for (const std::string& each : permissions.names()) list += (list.empty() ? "" : " ") + each;
  return list.empty() ? "nothing" : list;
}

// Whether the keys are as that change of them left them.
bool is_shown(const AuditEntry& change, const KeyRing& keys) {
  const KeyEntry* entry = keys.find_name(change.about);
  if (change.what == "key_revoke") return entry == nullptr;
  return entry != nullptr && entry->key.identity == change.key && change.text == role_text(*entry);
}

}  // namespace

Gate::Gate(net::Loop& loop, const Clock& clock, EventLog& events, std::optional<Source> source,
           Handlers handlers)
    : loop_(loop),
      clock_(clock),
      events_(events),
      handlers_(std::move(handlers)),
      looked_(clock.wall()),
      timer_(loop, [this] { on_tick(); }) {
  if (!source) return;
  file_ = std::move(source->file);
  ring_ = std::move(source->ring);
  roles_file_ = std::move(source->roles_file);
  roles_ = std::move(source->roles);
  if (ring_) {
    signers_.set(*ring_);
    handlers_.on_keyed();
  }
  timer_.set_after(kPeriod);
}

void Gate::on_tick() {
  if (stopped_) return on_stop_tick();
  look();
  write_used();
  timer_.set_after(kPeriod);
}

void Gate::look() {
  if (!file_) return;
  const Timestamp now = clock_.wall();
  const FileStamp stamp = file_->stamp();
  const bool is_other = stamp != std::exchange(stamp_, stamp);
  const FileStamp roles_stamp = roles_file_->stamp();
  const bool has_other_roles = roles_stamp != std::exchange(roles_stamp_, roles_stamp);
  bool is_changed = has_expired(looked_, now);
  const bool is_read = !is_other || read_keys();
  if (is_other && is_read) is_changed = true;
  if (is_read) {
    std::erase_if(told_, [&](const KeyChange& each) { return settled_.contains(each.id); });
    settled_.clear();
  }
  if (has_other_roles && read_roles()) is_changed = true;
  looked_ = now;
  if (is_changed) handlers_.on_change();
}

bool Gate::read_keys() {
  auto ring = file_->read();
  if (!ring) {
    events_.error("keys not read again, the old ones go on", {{"cause", ring.error().text}});
    return false;
  }
  if (!*ring) {
    if (ring_)
      events_.warn("the file of the keys is gone, the old ones go on until the server is started anew");
    return false;
  }
  events_.info("keys read", {{"count", (*ring)->entries().size()}});
  if (!ring_) handlers_.on_keyed();
  const KeyRing before = std::exchange(ring_, std::move(*ring)).value_or(KeyRing{});
  signers_.set(*ring_);
  tell_changes(before, *ring_);
  return true;
}

bool Gate::read_roles() {
  auto roles = server::read_roles(*roles_file_);
  if (!roles) {
    events_.error("roles not read again, the old ones go on", {{"cause", roles.error().text}});
    return false;
  }
  for (const Role& each : roles->all()) {
    const Role* before = roles_.find(each.name);
    if (before == nullptr || before->permissions != each.permissions)
      handlers_.on_seen({.what = "role", .about = each.name, .text = list_of(each.permissions)});
  }
  for (const Role& each : roles_.all()) {
    if (roles->find(each.name) == nullptr)
      handlers_.on_seen({.what = "role", .about = each.name, .text = "taken away"});
  }
  roles_ = std::move(*roles);
  return true;
}

// Those that were written down beside the keys, also while no server ran; what was put there by hand says for itself what is other.
void Gate::tell_changes(const KeyRing& before, const KeyRing& now) {
  tell_kept_changes();
  for (AuditEntry& each : changes_between(before, now)) {
    if (!is_told(each.about, now)) handlers_.on_seen(std::move(each));
  }
  drop_shown(now);
}

bool Gate::is_told(std::string_view name, const KeyRing& now) const {
  return std::ranges::any_of(
      told_, [&](const KeyChange& each) { return each.entry.about == name && is_shown(each.entry, now); });
}

// With those of the same name before: the keys showed them while nobody looked, or never did.
void Gate::drop_shown(const KeyRing& now) {
  std::set<std::string, std::less<>> shown;
  std::vector<KeyChange> kept;
  std::vector<KeyChange> dropped;
  for (auto each = told_.rbegin(); each != told_.rend(); ++each) {
    if (is_shown(each->entry, now)) shown.insert(each->entry.about);
    (shown.contains(each->entry.about) ? dropped : kept).push_back(std::move(*each));
  }
  std::ranges::reverse(kept);
  told_ = std::move(kept);
  tell_rotated(dropped, now);
}

// Whichever of several the keys showed meanwhile: of all of them somebody has the key that is there now.
void Gate::tell_rotated(const std::vector<KeyChange>& shown, const KeyRing& now) {
  for (const KeyChange& each : shown) {
    const KeyEntry* entry = now.find_name(each.entry.about);
    if (entry != nullptr && !each.replaces.empty()) handlers_.on_rotated(each.replaces, entry->key.identity);
  }
}

void Gate::tell_kept_changes() {
  auto kept = file_->changes();
  if (!kept) {
    events_.warn("what was done to the keys is not known", {{"cause", kept.error().text}});
    return;
  }
  if (!kept->not_understood.empty()) {
    events_.warn("not all that was done to the keys is understood, it stays in keys.changes",
                 {{"lines", kept->not_understood.size()}, {"first", escaped(kept->not_understood[0], 64)}});
  }
  for (KeyChange& each : kept->changes) {
    const bool is_known = std::ranges::find(noted_, each.id) != noted_.end();
    if (is_known || !noting_.insert(each.id).second) continue;
    told_.push_back(each);
    handlers_.on_key_change(std::move(each));
  }
}

// What could not be written stays in the file until it can, be it by the next server.
void Gate::on_noted(UniqueId key_change, bool is_written) {
  noting_.erase(key_change);
  if (!is_written) {
    is_to_note_again_ = true;
    return;
  }
  noted_.push_back(key_change);
  forget_noted();
}

void Gate::on_writable() {
  if (std::exchange(is_to_note_again_, false)) tell_kept_changes();
  forget_noted();
  write_used();
}

void Gate::forget_noted() {
  if (is_forgetting_ || noted_.empty()) return;
  is_forgetting_ = true;
  if (!writing_) writing_.emplace(loop_, 1);
  writing_->submit([file = *file_, ids = noted_](const std::stop_token&) { return file.forget_changes(ids); },
                   [this, count = noted_.size()](const Result<void>& forgotten) {
                     is_forgetting_ = false;
                     if (!forgotten) {
                       return events_.warn("what was done to the keys stays in their file",
                                           {{"cause", forgotten.error().text}});
                     }
                     const auto last = noted_.begin() + static_cast<std::ptrdiff_t>(count);
                     settled_.insert(noted_.begin(), last);
                     noted_.erase(noted_.begin(), last);
                     forget_noted();
                   });
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

std::string Gate::name_of(std::string_view identity) const {
  const KeyEntry* entry = ring_ ? ring_->find(identity) : nullptr;
  return entry == nullptr ? "" : entry->name;
}

std::optional<std::string> Gate::identity_of(std::string_view name) const {
  const KeyEntry* entry = ring_ ? ring_->find_name(name) : nullptr;
  if (entry == nullptr) return std::nullopt;
  return entry->key.identity;
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

bool Gate::has_role_with(const std::string& permission) const {
  return std::ranges::any_of(roles_.all(), [&](const Role& role) {
    const auto names = role.permissions.names();
    return std::ranges::find(names, permission) != names.end();
  });
}

Permissions Gate::permissions_of(std::string_view identity) const {
  if (!is_keyed()) return Permissions::all();
  const KeyEntry* entry = find(identity);
  return entry == nullptr ? Permissions{} : roles_.permissions_of(entry->role);
}

// A key that is good once lets in the session that used it, whenever that comes back, and nobody else.
Result<void> Gate::let_in(const Identity& identity, bool is_resumed) {
  if (!is_keyed()) return {};
  const KeyEntry* entry = find(identity.key);
  if (entry == nullptr) return Error{Outcome::refused, "the key is no longer good"};
  if (!entry->once) return {};
  const bool is_used = entry->used || used_.contains(entry->key.identity);
  if (is_used && !is_resumed) return Error{Outcome::refused, "the key was good once, and was used"};
  if (!is_used) {
    used_.insert(entry->key.identity);
    unwritten_.push_back(entry->key.identity);
    write_used();
  }
  return {};
}

// Nobody else is let in from now on; a server after this one has it from the file, so it is tried until it is there.
void Gate::write_used() {
  if (is_writing_used_ || unwritten_.empty()) return;
  is_writing_used_ = true;
  if (!writing_) writing_.emplace(loop_, 1);
  writing_->submit(
      [file = *file_, identities = unwritten_](const std::stop_token&) {
        return file.update([&](KeyRing& ring) {
          for (const std::string& each : identities) ring.set_used(each);
          return Result<void>();
        });
      },
      [this, identities = unwritten_](const Result<void>& written) { on_used_written(identities, written); });
}

void Gate::on_used_written(const std::vector<std::string>& identities, const Result<void>& written) {
  is_writing_used_ = false;
  if (!written) {
    if (std::exchange(is_said_unwritten_, true)) return;
    return events_.warn("that keys were used is not written down yet",
                        {{"count", unwritten_.size()}, {"cause", written.error().text}});
  }
  is_said_unwritten_ = false;
  unwritten_.erase(unwritten_.begin(), unwritten_.begin() + static_cast<std::ptrdiff_t>(identities.size()));
  write_used();
  if (!stopped_ || !unwritten_.empty()) return;
  timer_.cancel();
  std::exchange(stopped_, {})();
}

void Gate::stop(std::function<void()> done) {
  timer_.cancel();
  if (unwritten_.empty()) return done();
  stopped_ = std::move(done);
  stop_by_ = loop_.now() + kUsedKeyLimit;
  on_stop_tick();
}

void Gate::on_stop_tick() {
  if (!stopped_) return;
  if (loop_.now() < stop_by_) {
    write_used();
    return timer_.set_after(kPeriod);
  }
  events_.error("that keys were used is not written down: they are good once more",
                {{"count", unwritten_.size()}});
  std::exchange(stopped_, {})();
}

}  // namespace callboard::server
