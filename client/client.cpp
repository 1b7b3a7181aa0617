#include "client/client.h"

#include <limits.h>
#include <unistd.h>

#include <utility>

#include "base/document/schema.h"
#include "base/text.h"
#include "client/client_impl.h"
#include "client/conversions.h"
#include "protocol/codec.h"
#include "sync/items.h"

namespace callboard::client {
namespace {

constexpr const char* kSoftware = "callboard " CALLBOARD_VERSION;

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  if (gethostname(name, sizeof name - 1) != 0 || !is_utf8(name)) return "";
  return std::string(name).substr(0, kUserNameMaxCodePoints);
}

Result<SessionKeeper::Options> session_options(const Options& options) {
  SessionKeeper::Options session;
  session.identity.name = options.user;
  session.identity.project = options.project;
  session.identity.visit = options.visit;
  session.identity.shares = !options.visit && !options.folder.empty();
  session.identity.patches = true;
  session.identity.host = host_name();
  session.identity.software = kSoftware;
  session.search.project = options.project;
  session.search.discovery_port = options.discovery_port;
  session.search.ask_addresses = options.ask_addresses;
  session.folder = options.folder;
  if (!options.key.empty()) {
    auto key = access_key_from(options.key);
    if (!key) return key.error();
    session.key = std::move(*key);
    session.search.key = session.key;
  }
  session.rejoin = options.rejoin && (!options.visit || options.stays);
  session.pause_min = options.rejoin_pause;
  session.waits_for_server = !options.visit;
  if (!options.server.empty()) {
    auto endpoint = net::endpoint_from(options.server, kSessionPort);
    if (!endpoint) return endpoint.error().prefixed("server " + quoted(options.server));
    session.server = std::move(*endpoint);
  }
  return session;
}

// What the server would refuse, said before anybody is asked.
Result<void> check_options(const Options& options) {
  protocol::Username username;
  username.name = options.user;
  if (auto checked = protocol::check(username); !checked) return Error{Outcome::usage, checked.error().text};
  protocol::Project project;
  project.project = options.project;
  if (auto checked = protocol::check(project); !checked) return Error{Outcome::usage, checked.error().text};
  if (options.rejoin_pause <= Duration::zero() || options.rejoin_pause > SessionKeeper::kPauseMax) {
    return Error{Outcome::usage, "rejoin pause: expected more than 0 and at most 15 s"};
  }
  if (!options.schema.empty()) {
    if (auto schema = document::Schema::from(options.schema); !schema)
      return schema.error().prefixed("schema");
  }
  if (options.item_patterns.empty()) return {};
  auto patterns = sync::ItemPatterns::from(options.item_patterns);
  if (!patterns) return patterns.error();
  return {};
}

Result<bool> to_done(const protocol::ServerMessage& reply) {
  if (std::holds_alternative<protocol::Ok>(reply)) return true;
  return Error{Outcome::failed, "the server's answer is of the wrong kind"};
}

// For answers that are one struct of the wire, converted.
template <class T, class Wire, class Convert>
auto expecting(Convert convert) {
  return [convert](protocol::ServerMessage reply) -> Result<T> {
    const Wire* wire = std::get_if<Wire>(&reply);
    if (!wire) return Error{Outcome::failed, "the server's answer is of the wrong kind"};
    return convert(*wire);
  };
}

template <class T>
Answer<T> refused(Error error) {
  Answer<T> answer;
  answer.set(std::move(error));
  return answer;
}

// One piece after the other; answers come on the client's thread, or when it has stopped.
void read_records(Client::Impl& impl, const protocol::RecordsRead& ask,
                  const std::shared_ptr<std::vector<Record>>& all,
                  const Answer<std::vector<Record>>& answer) {
  struct Piece {
    RecordList list;
    bool more = false;
  };
  const auto convert = [](const protocol::Records& told) -> Result<Piece> {
    auto list = to_records(told);
    if (!list) return list.error();
    return Piece{std::move(*list), told.more};
  };
  impl.ask<Piece>(ask, expecting<Piece, protocol::Records>(convert))
      .then([&impl, ask, all, answer](const Result<Piece>& piece) {
        if (!piece) return static_cast<void>(answer.set(piece.error()));
        all->insert(all->end(), piece->list.records.begin(), piece->list.records.end());
        if (!piece->more || piece->list.records.empty())
          return static_cast<void>(answer.set(std::move(*all)));
        protocol::RecordsRead next = ask;
        next.after = all->back().path;
        read_records(impl, next, all, answer);
      });
}

// A pull that could not begin.
class EndedTransfer final : public Transfer {
 public:
  explicit EndedTransfer(Error error) : answer_(refused<PullReport>(std::move(error))) {}
  PullProgress progress() const override { return {}; }
  void cancel() override {}
  Answer<PullReport> report() const override { return answer_; }

 private:
  Answer<PullReport> answer_;
};

}  // namespace

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::start(Options options, Listener* listener) {
  if (auto checked = check_options(options); !checked) return checked.error();
  auto session = session_options(options);
  if (!session) return session.error();
  std::unique_ptr<ProjectFolder> folder;
  if (!options.folder.empty()) {
    auto opened = ProjectFolder::open(options.folder);
    if (!opened) return opened.error();
    folder = std::move(*opened);
  }
  auto impl = std::make_unique<Impl>(std::move(options), listener, std::move(folder), std::move(*session));
  impl->start();
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

Answer<User> Client::joined() const { return impl_->joined(); }
Answer<bool> Client::left() const { return impl_->left(); }

Answer<Document> Client::story() { return read({.document = DocumentName::story}); }
Answer<Document> Client::analytics() { return read({.document = DocumentName::analytics}); }

Answer<WriteResult> Client::set_story(std::string json, Timestamp timestamp, std::uint64_t base) {
  return change(
      {.document = DocumentName::story, .content = std::move(json), .timestamp = timestamp, .base = base});
}

Answer<WriteResult> Client::set_analytics(std::string json, Timestamp timestamp, std::uint64_t base) {
  return change({.document = DocumentName::analytics,
                 .content = std::move(json),
                 .timestamp = timestamp,
                 .base = base});
}

Answer<WriteResult> Client::patch(DocumentName document, std::string patch, std::uint64_t base) {
  return change({.document = document, .content = std::move(patch), .base = base, .patch = true});
}

Answer<Document> Client::read(DocumentQuery query) {
  protocol::DocumentRead ask;
  ask.record = wire_record(query.document);
  ask.at = std::move(query.at);
  ask.revision = query.revision;
  ask.from = query.from;
  ask.written = query.written;
  return impl_->ask<Document>(std::move(ask), expecting<Document, protocol::DocumentState>(to_document));
}

Answer<WriteResult> Client::change(DocumentChange change) { return impl_->change(std::move(change)); }

Answer<History> Client::history(HistoryQuery query) {
  protocol::HistoryAsk ask;
  ask.document = wire_record(query.document);
  ask.at = std::move(query.at);
  ask.since = query.since;
  ask.before = query.before;
  const auto convert = [](const protocol::Revisions& revisions) {
    History history;
    history.more = revisions.more;
    history.looked_to = revisions.looked_to;
    for (const protocol::Revision& each : revisions.revisions) history.revisions.push_back(to_revision(each));
    return history;
  };
  return impl_->ask<History>(std::move(ask), expecting<History, protocol::Revisions>(convert));
}

Answer<std::vector<Conflict>> Client::conflicts(std::uint64_t since) {
  protocol::ConflictsAsk ask;
  ask.since = since;
  const auto convert = [](const protocol::Conflicts& conflicts) { return to_conflicts(conflicts.conflicts); };
  return impl_->ask<std::vector<Conflict>>(ask,
                                           expecting<std::vector<Conflict>, protocol::Conflicts>(convert));
}

Answer<Assets> Client::assets() {
  return impl_->ask<Assets>(protocol::AssetsRead{}, expecting<Assets, protocol::Assets>(to_assets));
}

Answer<std::vector<User>> Client::users() {
  const auto convert = [](const protocol::Users& users) { return to_users(users.users); };
  return impl_->ask<std::vector<User>>(protocol::UsersAsk{},
                                       expecting<std::vector<User>, protocol::Users>(convert));
}

Answer<std::vector<Message>> Client::messages(std::uint64_t since) {
  protocol::MessagesAsk ask;
  ask.since = since;
  const auto convert = [](const protocol::Messages& messages) { return to_messages(messages.messages); };
  return impl_->ask<std::vector<Message>>(ask, expecting<std::vector<Message>, protocol::Messages>(convert));
}

Answer<std::uint64_t> Client::say(std::string text) {
  const bool is_blank = text.find_first_not_of(" \t\r\n\v\f") == std::string::npos;
  if (is_blank) return refused<std::uint64_t>({Outcome::usage, "nothing is said: the text is empty"});
  protocol::MessageAsk ask;
  ask.text = std::move(text);
  ask.op = make_operation_id(system_clock().wall(), system_random());
  const auto convert = [](const protocol::Ok& ok) { return ok.number.value_or(0); };
  return impl_->write<std::uint64_t>(std::move(ask), expecting<std::uint64_t, protocol::Ok>(convert), 0);
}

Answer<bool> Client::at(std::string item) {
  protocol::AtAsk ask;
  ask.item = std::move(item);
  return impl_->ask<bool>(std::move(ask), to_done);
}

Answer<bool> Client::camera(std::int64_t x, std::int64_t y) {
  protocol::CameraAsk ask;
  ask.x = x;
  ask.y = y;
  return impl_->ask<bool>(ask, to_done);
}

Answer<bool> Client::offer(std::string descriptions, OfferHandler handler) {
  return impl_->offer_calls(std::move(descriptions), std::move(handler));
}

Answer<std::vector<Record>> Client::records(std::string zone) {
  Answer<std::vector<Record>> answer;
  read_records(*impl_, {.id = 0, .zone = std::move(zone), .after = {}},
               std::make_shared<std::vector<Record>>(), answer);
  return answer;
}

Answer<std::uint64_t> Client::record(RecordChange change) {
  protocol::RecordAsk ask;
  ask.op = make_operation_id(system_clock().wall(), system_random());
  ask.path = std::move(change.path);
  ask.action = change.action;
  ask.record_class = std::move(change.record_class);
  ask.to = change.to;
  ask.base = change.base;
  if (!change.fields.empty()) ask.fields = std::make_shared<const std::string>(std::move(change.fields));
  const auto convert = [](const protocol::Ok& ok) { return ok.number.value_or(0); };
  return impl_->ask<std::uint64_t>(std::move(ask), expecting<std::uint64_t, protocol::Ok>(convert));
}

Answer<bool> Client::enter(std::string zone, RecordHandler handler) {
  protocol::EnterAsk ask;
  ask.zone = zone;
  return impl_->ask<bool>(std::move(ask),
                          [impl = impl_.get(), zone, handler](const protocol::ServerMessage& reply) {
                            auto done = to_done(reply);
                            if (done) impl->zones().on_entered(zone, handler);
                            return done;
                          });
}

Answer<bool> Client::exit(std::string zone) { return impl_->exit(std::move(zone)); }

Answer<ServerStatus> Client::status() {
  return impl_->ask<ServerStatus>(protocol::StatusAsk{},
                                  expecting<ServerStatus, protocol::Status>(to_status));
}

Answer<std::vector<AuditEntry>> Client::audit(std::uint64_t since) {
  const auto convert = [](const protocol::AuditEntries& told) { return to_audit(told.entries); };
  return impl_->ask<std::vector<AuditEntry>>(
      protocol::AuditAsk{.id = 0, .since = since},
      expecting<std::vector<AuditEntry>, protocol::AuditEntries>(convert));
}

Answer<WorkstationStatus> Client::workstation() {
  Answer<WorkstationStatus> answer;
  answer.set(impl_->workstation());
  return answer;
}

Answer<std::string> Client::call(std::string name, std::string arguments, CallOptions options) {
  return impl_->call(std::move(name), std::move(arguments), std::move(options));
}

void Client::cancel_call(UniqueId op) { impl_->cancel_call(op); }

Answer<std::string> Client::calls() {
  const auto convert = [](const protocol::CallList& list) { return *list.descriptions; };
  return impl_->ask<std::string>(protocol::CallsAsk{}, expecting<std::string, protocol::CallList>(convert));
}

std::shared_ptr<Transfer> Client::pull(PullRequest request) {
  if (!impl_->has_folder()) {
    return std::make_shared<EndedTransfer>(Error{Outcome::usage, "pull: no project folder to pull into"});
  }
  if (request.items.empty()) {
    return std::make_shared<EndedTransfer>(Error{Outcome::usage, "pull: expected at least one item"});
  }
  return impl_->transfers().pull(std::move(request));
}

Answer<std::vector<LookEntry>> Client::look(std::string item, std::string from) {
  if (!impl_->has_folder()) {
    return refused<std::vector<LookEntry>>(Error{Outcome::usage, "look: no project folder to compare with"});
  }
  return impl_->transfers().look(std::move(item), std::move(from));
}

Answer<std::shared_ptr<Channel>> Client::open_channel(std::string user, std::string name) {
  protocol::ChannelAsk ask;
  ask.user = std::move(user);
  ask.name = std::move(name);
  return impl_->channels().open(std::move(ask));
}

Answer<bool> Client::offer_channel(ChannelOffer offer) {
  protocol::ChannelsAsk ask;
  ask.channels.push_back({offer.name});
  if (auto checked = protocol::check(ask); !checked)
    return refused<bool>(Error{Outcome::usage, checked.error().text});
  if (!offer.take) return refused<bool>(Error{Outcome::usage, "a channel is offered that nobody takes"});
  return impl_->offer([offer = std::move(offer)](Channels& channels) { return channels.offer(offer); });
}

Answer<bool> Client::withdraw_channel(std::string name) {
  return impl_->offer([name = std::move(name)](Channels& channels) -> Result<void> {
    channels.withdraw(name);
    return {};
  });
}

void Client::leave() { impl_->leave(); }

}  // namespace callboard::client
