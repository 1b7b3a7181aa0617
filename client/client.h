#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "client/access.h"
#include "client/answer.h"
#include "client/channel.h"
#include "client/offered_call.h"
#include "client/types.h"

namespace callboard::client {

struct Options {
  std::string project;  // Its name; the server's must be the same.
  std::string user;     // 1–64 characters, no control characters.
  std::string folder;   // The workstation's copy of the project. Empty: shares nothing and cannot pull.
  // The line that lets you into a server with keys ("cb1_…"); empty: none. With one, servers without keys are not joined.
  std::string key = {};
  std::string server;  // "HOST", "HOST:PORT", "[V6]:PORT"; empty: the last good address, then broadcast.
  std::uint16_t discovery_port = kDiscoveryPort;
  std::vector<std::string> ask_addresses = {};  // See SearchOptions.
  // Folders that are items, separated by spaces; empty: "dev/*/* ast/*/* rnd/*/* pln".
  std::string item_patterns = {};
  // JSON: the classes of records that this program works with; a server that they do not fit is left.
  std::string schema = {};
  bool visit = false;  // One command: in no user list, announces no copies, gives nothing.
  bool stays = false;  // Of a visit: a command that goes on after a lost connection, with another visit.
  bool rejoin = true;  // After a lost connection look for the server again, with back-off up to 15 s …
  // … from this on. Less brings a program back sooner, and all of them at once to a server that has just begun.
  Duration rejoin_pause = std::chrono::milliseconds(500);
};

// Told on the client's own thread, in the order things happened. Override what you need; return soon, never wait in it.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_searching(std::string_view /*why*/) {}  // No server yet, or several; the search goes on.
  // Again with the session of before: what follows goes on from what was told. With another one: who is here, what they have
  // and what was said is told anew, so forget these first. Documents go on by their revisions, always.
  virtual void on_joined(std::string_view /*address*/, const User& /*self*/) {}
  // `will_rejoin`: the same server, or the one that it sent this client to.
  virtual void on_left(const Error& /*why*/, bool /*will_rejoin*/) {}
  virtual void on_story(const Document&) {}
  virtual void on_analytics(const Document&) {}
  virtual void on_conflicts(const std::vector<Conflict>&) {}  // That you are in, new or with a newer winner.
  // Of the server's disk, which takes writes until told otherwise, after every join.
  virtual void on_writable(bool /*writable*/, std::string_view /*why not*/) {}
  virtual void on_assets(const AssetChanges&) {}
  virtual void on_users(const std::vector<User>& /*new or changed*/, const std::vector<Departure>& /*left*/) {
  }
  virtual void on_at(const User& /*with `at` and `at_since`*/) {}
  virtual void on_messages(const std::vector<Message>&) {}
  virtual void on_records(const RecordNews&) {}  // Of the zones that you are in.
  virtual void on_giving(std::uint64_t /*transfer*/, std::string_view /*taker*/, std::string_view /*item*/) {}
  virtual void on_given(std::uint64_t /*transfer*/, Outcome, std::string_view /*text*/,
                        std::uint64_t /*bytes*/) {}
  virtual void on_warning(std::string_view /*text*/) {
  }  // Something degraded, e.g. a folder that cannot be read.
};

// A workstation's connection to its project's server: finds it, joins, takes its turns, serves the folder to others
// and comes back after a lost connection. Has one thread of its own for the session and one or more per transfer.
// Every method is safe from any thread. Destroying it leaves the session in an orderly way and waits for its threads.
class Client : public Access {
 public:
  class Impl;  // In client_impl.h, for the library alone.

  // Begins to look for the server and returns at once; on_joined or joined() says when it is there. Fails for options
  // that make no sense. `listener` may be null; otherwise it must outlive the client.
  static Result<std::unique_ptr<Client>> start(Options options, Listener* listener);
  ~Client() override;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Answers with oneself at the first join, or with why it cannot be: Outcome::refused for a wrong project or name,
  // not_found when a visit finds no server (a session that may rejoin keeps looking and does not answer).
  Answer<User> joined() const;

  // Answers when the client has stopped for good: done after leave(), else why it gave up.
  Answer<bool> left() const;

  // Sends only what changed: `patch` is a JSON Patch (RFC 6902) of revision `base`, or of what is there now for 0.
  Answer<WriteResult> patch(DocumentName document, std::string patch, std::uint64_t base = 0);
  Answer<Document> story();
  // `json` is any JSON text up to kFrameMax; `timestamp` is when it was edited, by this machine's clock, 0 for now;
  // `base` is the revision it was made from, 0 if unknown. Answered when the server has it on disk.
  Answer<WriteResult> set_story(std::string json, Timestamp timestamp = {}, std::uint64_t base = 0);
  Answer<Document> analytics();
  Answer<WriteResult> set_analytics(std::string json, Timestamp timestamp = {}, std::uint64_t base = 0);

  // --- Access ---
  Answer<Document> read(DocumentQuery query) override;
  Answer<WriteResult> change(DocumentChange change) override;
  Answer<History> history(HistoryQuery query) override;
  Answer<std::vector<Conflict>> conflicts(std::uint64_t since = 0) override;
  Answer<Assets> assets() override;
  Answer<std::vector<User>> users() override;
  Answer<std::vector<Message>> messages(std::uint64_t since = 0) override;
  Answer<std::uint64_t> say(std::string text) override;
  Answer<bool> at(std::string item) override;
  Answer<std::vector<Record>> records(std::string zone) override;
  Answer<std::uint64_t> record(RecordChange change) override;
  Answer<ServerStatus> status() override;
  Answer<std::vector<AuditEntry>> audit(std::uint64_t since = 0) override;
  Answer<WorkstationStatus> workstation() override;
  Answer<std::string> call(std::string name, std::string arguments = "", CallOptions options = {}) override;
  void cancel_call(UniqueId op) override;
  Answer<std::string> calls() override;
  std::shared_ptr<Transfer> pull(PullRequest request) override;
  Answer<std::vector<LookEntry>> look(std::string item, std::string from) override;
  // Says goodbye and stops; later calls answer Outcome::cancelled.
  void leave() override;

  Answer<bool> camera(std::int64_t x, std::int64_t y);
  // What others may call here from now on, and after every rejoin: a JSON array of descriptions (docs/protocol.md, 2.8); "[]"
  // for nothing any more. Refused for visits, and for names that are taken.
  Answer<bool> offer(std::string descriptions, OfferHandler handler);

  // Opens the channel `name` to a user who offers it, or to the server ("") where a plugin of it takes it.
  // not_found: nobody is called so, or offers none of that name; refused: it is not wanted there; timed_out:
  // nobody came. See net/channel/channel.h.
  Answer<std::shared_ptr<Channel>> open_channel(std::string user, std::string name);
  // From now on, also after a lost connection; one of the same name before it is replaced. Answered when the server knows.
  // A visit may offer, too: it is found by its name, like a session.
  Answer<bool> offer_channel(ChannelOffer offer);
  Answer<bool> withdraw_channel(std::string name);

  // From now on what is and what happens in the zone is told, on_records() or `handler`, also by other servers that are joined.
  // One that it is in already: the last handler counts, and is told what there is.
  Answer<bool> enter(std::string zone, RecordHandler handler = {});
  Answer<bool> exit(std::string zone);

 private:
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace callboard::client
