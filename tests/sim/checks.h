#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/document/value.h"
#include "client/types.h"
#include "protocol/frame.h"
#include "server/board/log.h"
#include "tests/sim/world.h"

// What must be true whatever happens. These know only what people were told and answered, what went over the wires, and
// what stands in the log in the end; nothing of how any of it came about.
namespace callboard::sim {

// What all the people of a run say they were told and promised.
struct Testimony {
  struct Write {
    std::string by;
    std::uint64_t number = 0;  // Which of the writes by them.
    client::DocumentName document = client::DocumentName::story;
    std::string
        token;  // Stands in what was written, and in nothing else; empty: nothing of one's own was written.
    std::uint64_t revision = 0;
    std::uint64_t server = 0;  // Which start of the server took it; 0: it was under way over a start.
  };
  struct Said {
    std::string text;
    std::uint64_t number = 0;
  };
  struct Shown {
    client::DocumentName document = client::DocumentName::story;
    client::Document what;
  };

  std::vector<Write> writes;  // Acknowledged.
  std::vector<Said> said;     // Acknowledged.
  std::vector<Shown> shown;
  std::map<std::uint64_t, std::string> messages;             // Told, by number.
  std::map<std::string, std::set<std::uint64_t>> conflicts;  // Told, their numbers, by the name of who was.
  std::vector<std::string> violations;
  std::uint64_t server_starts = 0;
};

// One program's picture of the board, as a caller of the library makes it of what he is told. Judges what can be judged at
// once.
class Picture {
 public:
  Picture(std::string who, Testimony& testimony) : who_(std::move(who)), testimony_(testimony) {}

  void on_joined(SessionId session, const std::string& name);
  void on_left(const Error& why);
  void on_document(client::DocumentName name, const client::Document& document);
  void on_users(const std::vector<client::User>& users, const std::vector<client::Departure>& left);
  void on_at(const client::User& user);
  // What one does oneself is heard in the answer alone; nullopt: there was none, and whether it was done nobody says.
  void on_own_at(const std::optional<std::string>& item);
  void on_assets(const client::AssetChanges& changes);
  void on_messages(const std::vector<client::Message>& messages);
  void on_writable(bool is_writable) { is_writable_ = is_writable; }

  bool is_joined() const { return is_joined_; }
  SessionId session() const { return session_.value_or(SessionId{}); }
  const std::string& name() const { return name_; }
  const std::map<SessionId, client::User>& users() const { return users_; }
  const client::Assets& assets() const { return assets_; }
  const client::Document& document(client::DocumentName name) const {
    return name == client::DocumentName::story ? story_ : analytics_;
  }
  // Those told in this session.
  const std::set<std::uint64_t>& messages() const { return messages_; }
  bool is_writable() const { return is_writable_; }
  // What differs from what somebody else sees; empty when nothing does.
  std::string difference(const Picture& other) const;

 private:
  void wrong(const std::string& what);

  std::string who_;
  Testimony& testimony_;
  // The server may have noticed kSilenceLimit before the client that the connection was lost.
  static constexpr Duration kSureGrace = kGrace - kSilenceLimit - 5s;
  bool is_joined_ = false;
  std::optional<SessionId> session_;  // The present one, or the last.
  std::optional<Instant> lost_at_;    // None: the server may have noticed long before.
  // When it began to join: what it joined may have been gone before it heard of it.
  std::uint64_t server_starts_ = 0;
  std::uint64_t starts_before_ = testimony_.server_starts;
  std::string name_;
  std::map<SessionId, client::User> users_;
  bool is_own_at_known_ = true;
  std::set<SessionId> gone_;  // Of whom it was told that they left.
  client::Assets assets_;
  client::Document story_;
  client::Document analytics_;
  std::set<std::uint64_t> messages_;
  bool is_writable_ = true;
};

// The rule of the turn as a listener on the wires knows it, and how much the server keeps for one client.
class TurnWatch final : public Wiretap {
 public:
  TurnWatch(Testimony& testimony, std::uint64_t kept_max_bytes)
      : testimony_(testimony), kept_max_bytes_(kept_max_bytes) {}
  void on_client_said(std::uint64_t connection, ByteView bytes) override;
  void on_server_said(std::uint64_t connection, ByteView bytes) override;
  void on_server_keeps(std::uint64_t connection, std::uint64_t unsent_bytes) override;

 private:
  enum class Holder { joining, client, server };
  struct Line {
    protocol::FrameReader client{kFrameMax};
    protocol::FrameReader server{kFrameMax};
    Holder holder = Holder::joining;
    int owed = 0;          // `yours` of the server, for turns that were asked for.
    bool is_over = false;  // The server has said `bye`.
  };

  static void tell(std::uint64_t connection, std::string_view way, std::string_view verb,
                   std::size_t size_bytes);

  Testimony& testimony_;
  std::uint64_t kept_max_bytes_;
  std::map<std::uint64_t, Line> lines_;
};

// What the log must hold, given what people say, and that it is what they were shown. `operations` is all of it.
void check_log(const std::vector<server::Committed>& operations, Testimony& testimony);

// What one who is told of everything has to know of a log in the end.
class Due {
 public:
  explicit Due(const std::vector<server::Committed>& operations);
  // What he does not know; empty when he knows all.
  std::string lacking_in(const Picture& picture) const;
  // A conflict that nobody has settled, of which neither he nor whoever had his name before was told; empty: there is none.
  std::string untold_to(const Picture& picture, const Testimony& testimony) const;

 private:
  struct Said {
    std::uint64_t number = 0;
    SessionId by;
  };
  std::vector<Said> said_;  // The newest, which are told to those who join, too.
  document::ValuePtr story_;
  document::ValuePtr analytics_;
  std::map<std::string, std::set<std::uint64_t>>
      conflicts_;  // The numbers of the open ones, by who is in them.
};

}  // namespace callboard::sim
