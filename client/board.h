#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/client.h"
#include "client/record_class.h"

// Records as C++ values; Review is described in record_class.h.
//
//   Board board(client);
//   board.on<Review>("/reviews/*", [](const Held<Review>& review) {
//     if (review->status == "open") review.set(&Review::status, "seen");
//   });
namespace callboard::client {

// One record as it was told, and what can be done with it. Valid as long as the client. Thread: any.
template <class T>
class Held {
 public:
  Held(Client& client, Record record)
      : client_(&client), record_(std::move(record)), value_(from_fields<T>(record_.fields)) {}

  const T& operator*() const { return value_; }
  const T* operator->() const { return &value_; }
  // Its path, owner, revision, and who changed it when.
  const Record& record() const { return record_; }

  // These fields alone: set(&Review::status, "ok"). Answered with the record's revision.
  template <class M, class V>
  Answer<std::uint64_t> set(M T::*field, const V& value) const {
    return change(field, value, 0);
  }
  // The same, unless somebody has changed the record since: Outcome::superseded.
  template <class M, class V>
  Answer<std::uint64_t> set_if_unchanged(M T::*field, const V& value) const {
    return change(field, value, record_.revision);
  }
  Answer<std::uint64_t> give(SessionId to) const {
    return client_->record({.action = RecordAction::give, .path = record_.path, .to = to});
  }
  Answer<std::uint64_t> remove() const {
    return client_->record({.action = RecordAction::remove, .path = record_.path});
  }

 private:
  template <class M, class V>
  Answer<std::uint64_t> change(M T::*field, const V& value, std::uint64_t base) const {
    // As the field's own type: what cannot be one is no program.
    const M as_field = M(value);
    std::string fields = "{" + to_json(field_name(field)) + ":" + to_json(as_field) + "}";
    return client_->record(
        {.action = RecordAction::set, .path = record_.path, .fields = std::move(fields), .base = base});
  }

  Client* client_;
  Record record_;
  T value_;
};

// The board's records as values of T. Of other classes nothing is told. The client must outlive it and what it gave out.
class Board {
 public:
  explicit Board(Client& client) : client_(client) {}

  // From now on `changed` is called for each record of T in the zone, those that are there first, and `gone` for those of them
  // that go; on the client's thread: return soon, and wait for no answer in it. One call a zone: the last counts.
  template <class T>
  Answer<bool> on(std::string zone, std::function<void(const Held<T>&)> changed,
                  std::function<void(const RecordGone&)> gone = {}) {
    const auto paths = std::make_shared<std::set<std::string>>();  // Of the records of T that were told.
    const auto told = [client = &client_, paths, changed = std::move(changed),
                       gone = std::move(gone)](const RecordNews& news) {
      const auto forget = [&](const RecordGone& each) {
        if (paths->erase(each.path) > 0 && gone) gone(each);
      };
      for (const Record& each : news.changed) {
        const bool is_event = each.revision == 0;
        if (each.record_class == T::kClass) {
          if (!is_event) paths->insert(each.path);
          changed(Held<T>(*client, each));
        } else if (!is_event) {
          // Removed, and another one is in its place.
          forget({each.path, false});
        }
      }
      for (const RecordGone& each : news.gone) forget(each);
    };
    return client_.enter(std::move(zone), told);
  }
  Answer<bool> leave(std::string zone) { return client_.exit(std::move(zone)); }

  // Answered with the record's revision.
  template <class T>
  Answer<std::uint64_t> make(std::string path, const T& value) {
    return change(RecordAction::make, std::move(path), value);
  }
  // Made where there is none.
  template <class T>
  Answer<std::uint64_t> put(std::string path, const T& value) {
    return change(RecordAction::put, std::move(path), value);
  }
  Answer<std::uint64_t> remove(std::string path) {
    return client_.record({.action = RecordAction::remove, .path = std::move(path)});
  }
  // What is there now, without entering the zone.
  template <class T>
  Answer<std::vector<Held<T>>> read(std::string zone) {
    Answer<std::vector<Held<T>>> answer;
    client_.records(std::move(zone))
        .then([client = &client_, answer](const Result<std::vector<Record>>& all) {
          if (!all) return static_cast<void>(answer.set(all.error()));
          std::vector<Held<T>> held;
          for (const Record& each : *all) {
            if (each.record_class == T::kClass) held.emplace_back(*client, each);
          }
          answer.set(std::move(held));
        });
    return answer;
  }

 private:
  template <class T>
  Answer<std::uint64_t> change(RecordAction action, std::string path, const T& value) {
    return client_.record({.action = action,
                           .path = std::move(path),
                           .record_class = std::string(T::kClass),
                           .fields = fields_json(value)});
  }

  Client& client_;
};

}  // namespace callboard::client
