#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "client/agent_message.h"

// Every value that travels between a command and the agent, described once for both directions: describe() names a type's
// fields, Writer and Reader go through them. A field that a type gets is added to its line here, and kProtocol counted up.
namespace callboard::client::agent {

template <class Enum>
struct LastOf;
template <>
struct LastOf<Outcome> : std::integral_constant<Outcome, Outcome::cancelled> {};
template <>
struct LastOf<EntryKind> : std::integral_constant<EntryKind, EntryKind::refused> {};
template <>
struct LastOf<Difference> : std::integral_constant<Difference, Difference::only_here> {};
template <>
struct LastOf<ChangeKind> : std::integral_constant<ChangeKind, ChangeKind::removed> {};
template <>
struct LastOf<PullRequest::OnConflict>
    : std::integral_constant<PullRequest::OnConflict, PullRequest::OnConflict::fail> {};
template <>
struct LastOf<Record> : std::integral_constant<Record, Record::analytics> {};
template <>
struct LastOf<WorkstationTransfer::Direction>
    : std::integral_constant<WorkstationTransfer::Direction, WorkstationTransfer::Direction::giving> {};

// Appends values. Thread: any.
class Writer {
 public:
  template <class T>
  using Ref = const T&;

  explicit Writer(Bytes& out) : out_(out) {}

  template <class... T>
  void operator()(const T&... values) {
    (write(values), ...);
  }

 private:
  template <std::integral T>
  void write(T value) {
    out_.u64(static_cast<std::uint64_t>(value));
  }
  void write(Duration value) { out_.u64(static_cast<std::uint64_t>(value.count())); }
  template <class T>
  requires std::is_enum_v<T>
  void write(T value) { out_.u8(static_cast<std::uint8_t>(value)); }
  void write(const std::string& value) {
    out_.u64(value.size());
    out_.raw(as_bytes(value));
  }
  void write(const std::shared_ptr<const std::string>& value) {
    write(value != nullptr);
    if (value) write(*value);
  }
  template <class T>
  void write(const std::optional<T>& value) {
    write(value.has_value());
    if (value) write(*value);
  }
  template <class T>
  void write(const std::vector<T>& values) {
    out_.u64(values.size());
    for (const T& each : values) write(each);
  }
  template <class K, class V>
  void write(const std::map<K, V>& values) {
    out_.u64(values.size());
    for (const auto& each : values) write(each);
  }
  template <class A, class B>
  void write(const std::pair<A, B>& value) {
    write(value.first);
    write(value.second);
  }
  template <class T>
  requires std::is_class_v<T>
  void write(const T& value) { describe(*this, value); }

  ByteWriter out_;
};

// Reads what Writer wrote; anything else makes it failed(), and then the values mean nothing. Takes no more memory than a
// small multiple of what it is given.
class Reader {
 public:
  template <class T>
  using Ref = T&;

  explicit Reader(ByteView bytes) : in_(bytes) {}

  template <class... T>
  void operator()(T&... values) {
    (read(values), ...);
  }
  bool failed() const { return failed_ || in_.failed(); }
  // All of it was read, and nothing is left over.
  bool finished() const { return !failed_ && in_.finished(); }

 private:
  template <std::integral T>
  void read(T& value) {
    const std::uint64_t number = in_.u64();
    value = static_cast<T>(number);
    if (static_cast<std::uint64_t>(value) != number) failed_ = true;
  }
  void read(Duration& value) { value = Duration(static_cast<Duration::rep>(in_.u64())); }
  template <class T>
  requires std::is_enum_v<T>
  void read(T& value) {
    const std::uint8_t number = in_.u8();
    if (number > static_cast<std::uint8_t>(LastOf<T>::value)) failed_ = true;
    value = failed_ ? T{} : static_cast<T>(number);
  }
  void read(std::string& value) { value = as_text(in_.raw(count())); }
  void read(std::shared_ptr<const std::string>& value) {
    bool is_there = false;
    read(is_there);
    std::string text;
    if (is_there) read(text);
    if (is_there) value = std::make_shared<const std::string>(std::move(text));
  }
  template <class T>
  void read(std::optional<T>& value) {
    bool is_there = false;
    read(is_there);
    if (is_there) read(value.emplace());
  }
  template <class T>
  void read(std::vector<T>& values) {
    for (std::size_t left = count(); left > 0 && !failed(); --left) read(values.emplace_back());
  }
  template <class K, class V>
  void read(std::map<K, V>& values) {
    for (std::size_t left = count(); left > 0 && !failed(); --left) {
      std::pair<K, V> each;
      read(each);
      values.insert_or_assign(values.end(), std::move(each.first), std::move(each.second));
    }
  }
  template <class A, class B>
  void read(std::pair<A, B>& value) {
    read(value.first);
    read(value.second);
  }
  template <class T>
  requires std::is_class_v<T>
  void read(T& value) { describe(*this, value); }

  // Of bytes or elements, each of which takes a byte at least.
  std::size_t count() {
    const std::uint64_t count = in_.u64();
    if (count > in_.rest().size()) failed_ = true;
    return failed_ ? 0 : static_cast<std::size_t>(count);
  }

  ByteReader in_;
  bool failed_ = false;
};

template <class Archive, class T>
using Ref = typename Archive::template Ref<T>;

// --- Of base/ -------------------------------------------------------------------------------------------------------
template <class A>
void describe(A& fields, Ref<A, Timestamp> t) {
  fields(t.ms);
}
template <class A>
void describe(A& fields, Ref<A, SessionId> id) {
  fields(id.value);
}
template <class A>
void describe(A& fields, Ref<A, UniqueId> id) {
  fields(id.high, id.low);
}
template <class A>
void describe(A& fields, Ref<A, Error> error) {
  fields(error.outcome, error.text);
}
// Of an entry's digest only whether it is the same matters, and LookEntry says that.
template <class A>
void describe(A& fields, Ref<A, Entry> entry) {
  fields(entry.kind, entry.mode, entry.size_bytes, entry.mtime_ns, entry.name, entry.target);
}

// --- What is told ---------------------------------------------------------------------------------------------------
template <class A>
void describe(A& fields, Ref<A, User> user) {
  fields(user.session, user.name, user.host, user.shares, user.joined, user.at, user.at_since, user.camera_x,
         user.camera_y);
}
template <class A>
void describe(A& fields, Ref<A, Message> message) {
  fields(message.number, message.user, message.text, message.timestamp);
}
template <class A>
void describe(A& fields, Ref<A, Document> document) {
  fields(document.text, document.revision, document.by, document.session, document.timestamp);
}
template <class A>
void describe(A& fields, Ref<A, WriteResult> result) {
  fields(result.won, result.current);
}
template <class A>
void describe(A& fields, Ref<A, AssetCopy> copy) {
  fields(copy.user, copy.session, copy.timestamp);
}
template <class A>
void describe(A& fields, Ref<A, TransferStatus> transfer) {
  fields(transfer.transfer, transfer.giver, transfer.taker, transfer.item, transfer.bytes, transfer.started,
         transfer.bytes_per_second);
}
template <class A>
void describe(A& fields, Ref<A, ServerStatus> status) {
  fields(status.project, status.server, status.software, status.started, status.clock, status.sessions,
         status.visits, status.connections, status.revision, status.memory_bytes, status.transfers);
}

// --- Pulls and looks ------------------------------------------------------------------------------------------------
template <class A>
void describe(A& fields, Ref<A, PullRequest> request) {
  fields(request.items, request.from, request.include, request.exclude, request.dry_run, request.sync,
         request.mirror, request.agree_to_removals, request.on_conflict, request.wait_for_space);
}
template <class A>
void describe(A& fields, Ref<A, PullProgress> progress) {
  fields(progress.files_total, progress.bytes_total, progress.files_reused, progress.bytes_reused,
         progress.bytes_per_second, progress.files_wanted, progress.files_done, progress.bytes_wanted,
         progress.bytes_done, progress.listed, progress.paused, progress.current);
}
template <class A>
void describe(A& fields, Ref<A, PullChange> change) {
  fields(change.kind, change.path, change.size_bytes);
}
template <class A>
void describe(A& fields, Ref<A, PullProblem> problem) {
  fields(problem.path, problem.error);
}
template <class A>
void describe(A& fields, Ref<A, PullConflict> conflict) {
  fields(conflict.path, conflict.is_kept_here);
}
template <class A>
void describe(A& fields, Ref<A, PullReport> report) {
  fields(report.outcome, report.text, report.giver, report.files, report.bytes, report.wire_bytes,
         report.unchanged_files, report.is_durable, report.files_reused, report.bytes_reused, report.changes,
         report.versions, report.conflicts, report.removed, report.removals_refused,
         report.removals_refused_of, report.problems);
}
template <class A>
void describe(A& fields, Ref<A, LookEntry> look) {
  fields(look.entry, look.path, look.files_below, look.bytes_below, look.difference);
}
template <class A>
void describe(A& fields, Ref<A, WorkstationTransfer> transfer) {
  fields(transfer.direction, transfer.item, transfer.peer, transfer.progress);
}
template <class A>
void describe(A& fields, Ref<A, WorkstationStatus> status) {
  fields(status.folder, status.user, status.is_joined, status.server, status.why, status.is_watching,
         status.watch_trouble, status.files, status.bytes, status.transfers);
}

// --- Messages -------------------------------------------------------------------------------------------------------
template <class A>
void describe(A& fields, Ref<A, Hello> hello) {
  fields(hello.protocol, hello.software, hello.process, hello.project, hello.user, hello.server,
         hello.discovery_port, hello.ask_addresses);
}
template <class A>
void describe(A& fields, Ref<A, ReadDocument> ask) {
  fields(ask.record);
}
template <class A>
void describe(A& fields, Ref<A, WriteDocument> ask) {
  fields(ask.record, ask.json, ask.timestamp, ask.base);
}
template <class A>
void describe(A&, Ref<A, ListAssets>) {}
template <class A>
void describe(A&, Ref<A, ListUsers>) {}
template <class A>
void describe(A& fields, Ref<A, ListMessages> ask) {
  fields(ask.since);
}
template <class A>
void describe(A& fields, Ref<A, Say> ask) {
  fields(ask.text);
}
template <class A>
void describe(A& fields, Ref<A, GoTo> ask) {
  fields(ask.item);
}
template <class A>
void describe(A&, Ref<A, AskServer>) {}
template <class A>
void describe(A&, Ref<A, AskWorkstation>) {}
template <class A>
void describe(A& fields, Ref<A, Look> ask) {
  fields(ask.item, ask.from);
}
template <class A>
void describe(A& fields, Ref<A, Pull> ask) {
  fields(ask.request);
}

}  // namespace callboard::client::agent
