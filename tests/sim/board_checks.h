#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/record_action.h"
#include "client/record_types.h"
#include "protocol/message.h"
#include "server/board/log.h"
#include "tests/sim/checks.h"
#include "tests/sim/lock_watch.h"

// What must be true of records, zones, locks and calls, whatever happens. As in checks.h, these know only
// what people were told and answered, and what stands in the log.
namespace callboard::sim {

// Classes of records, and what becomes of them: the schema of a server whose records are simulated.
inline constexpr const char* kBoardSchema = R"({"classes":[
  {"name":"note","fields":[{"name":"v","type":"text"},{"name":"w","type":"text"},
                           {"name":"n","type":"int","default":1}]},
  {"name":"own","write":"owner","fields":[{"name":"v","type":"text"}]},
  {"name":"secret","told":"owner","fields":[{"name":"v","type":"text"}]},
  {"name":"quiet","told":"none","fields":[{"name":"v","type":"text"}]},
  {"name":"lamp","life":"memory","fields":[{"name":"v","type":"text"}]},
  {"name":"cursor","life":"session","write":"owner","fields":[{"name":"v","type":"text"}]},
  {"name":"bell","life":"event","fields":[{"name":"v","type":"text"}]}]})";

// Whether it is in the log, by its class.
bool is_lasting(const std::string& record_class);
// Whether a path is in a zone; as in docs/records.md.
bool is_within(const std::string& zone, const std::string& path);

// What all the people of a run say they were told and promised of these.
struct BoardTestimony {
  explicit BoardTestimony(Testimony& all) : locks(all) {}

  struct Change {
    std::string by;
    std::string path;
    RecordAction action = RecordAction::set;
    std::string token;  // Stands in what was written, and in nothing else; empty: it has no fields.
    std::uint64_t revision = 0;
  };
  struct Tallied {
    std::string token;
    std::uint64_t place = 0;
  };

  std::vector<Change> changes;        // Acknowledged, of records that last.
  std::vector<Tallied> tallied;       // Acknowledged, some of them twice.
  std::vector<client::Record> shown;  // Of those that last.
  LockWatch locks;
};

// The records that one program knows of, by what it was told of its zones. Judges what can be judged at once.
class BoardPicture {
 public:
  using Zone = std::map<std::string, client::Record>;

  BoardPicture(std::string who, Testimony& testimony, BoardTestimony& board)
      : who_(std::move(who)), testimony_(testimony), board_(board) {}

  void on_joined(SessionId session, const std::string& user = "") { self_ = {session, user}; }
  void on_enter_asked(const std::string& zone) { asked_.insert(zone); }
  void on_entered(const std::string& zone) {
    asked_.insert(zone);
    zones_[zone];
  }
  void on_exited(const std::string& zone);
  void on_records(const client::RecordNews& news);

  const std::map<std::string, Zone>& zones() const { return zones_; }
  // The newest revision known of it; 0: none is.
  std::uint64_t revision_of(const std::string& path) const;
  // What its zones lack of `all`, which is all that there is as it may read it; empty: nothing.
  std::string lacks(const std::vector<client::Record>& all) const;

 private:
  void wrong(const std::string& what) { testimony_.violations.push_back(who_ + ": " + what); }

  std::string who_;
  Testimony& testimony_;
  BoardTestimony& board_;
  server::RecordOwner self_;
  std::set<std::string> asked_;
  std::map<std::string, Zone> zones_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> newest_;  // By zone and path, of what lasts.
};

// Beside the wires: nobody is told of zones that their session has not asked for, whatever the client makes
// of it.
class ZoneWatch final : public Wiretap {
 public:
  // All that comes goes on to `next`.
  ZoneWatch(Testimony& testimony, Wiretap& next) : testimony_(testimony), next_(next) {}
  void on_client_said(std::uint64_t connection, ByteView bytes) override;
  void on_server_said(std::uint64_t connection, ByteView bytes) override;
  void on_server_keeps(std::uint64_t connection, std::uint64_t unsent_bytes) override {
    next_.on_server_keeps(connection, unsent_bytes);
  }

 private:
  struct Line {
    protocol::FrameReader client{kFrameMax};
    protocol::FrameReader server{kFrameMax};
    SessionId session;
    std::map<std::uint64_t, std::string> exits;  // Asked and not answered.
  };
  void judge(const Line& line, const protocol::Records& told);

  Testimony& testimony_;
  Wiretap& next_;
  std::map<std::uint64_t, Line> lines_;
  std::map<SessionId, std::set<std::string>> zones_;
};

// What the log must hold, given what people say of records and calls, and that it is what they were shown.
void check_board_log(const std::vector<server::Committed>& operations, const BoardTestimony& board,
                     Testimony& testimony);

// Of what somebody reads when all is quiet: what the log does not say, and what belongs to a session that is
// not `here`, or to a lease that is over.
std::string stale_in(const std::vector<client::Record>& all, const std::vector<server::Committed>& operations,
                     const std::set<SessionId>& here, Timestamp server_time);

}  // namespace callboard::sim
