#include "tests/scripted/script.h"

#include <memory>
#include <stdexcept>
#include <utility>

#include "base/limits.h"
#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/server_asks.h"

namespace callboard::protocol::script {

namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

std::string text(std::string_view view) { return std::string(view); }

std::string record_name(DocumentRecord record) {
  return record == DocumentRecord::story ? "story" : "analytics";
}

std::string said(const ServerMessage& message) {
  auto words = "send " + text(verb_of(message));
  if (const auto re = answered_id_of(message)) words += " re=" + std::to_string(*re);
  const auto* state = std::get_if<DocumentState>(&message);
  if (state != nullptr && state->document) words += " with document";
  return words;
}

std::string said(const ClientMessage& message) {
  auto words = "send " + text(verb_of(message));
  if (const auto id = ask_id_of(message)) words += " id=" + std::to_string(*id);
  return words;
}

std::string in_words(const ServerAction& action) {
  using namespace server_action;
  return std::visit(
      Overloaded{
          [](const Send& send) { return said(send.message); },
          [](const SendEncoded&) { return std::string("send encoded"); },
          [](const TicketShown&) { return std::string("ticket"); },
          [](const Admission& admission) { return "admission " + admission.name; },
          [](const DocumentClaimed& claimed) { return "claimed " + record_name(claimed.claim.record); },
          [](const AssetsClaimed&) { return std::string("claimed assets"); },
          [](const server_action::Joined&) { return std::string("joined"); },
          [](const TurnTaken& m) { return std::string(m.has_heard ? "turn taken" : "turn taken, unheard"); },
          [](const server_action::Heard&) { return std::string("heard"); },
          [](const ClockTold&) { return std::string("clock told"); },
          [](const Asked& asked) {
            return "asked " + text(verb_of(*asked.ask)) + " " + std::to_string(*ask_id_of(*asked.ask));
          },
          [](const Reported& reported) { return "reported " + std::to_string(reported.progress.call); },
          [](const server_action::Closed& closed) { return "closed " + text(to_text(closed.outcome)); },
      },
      action);
}

std::string in_words(const ClientAction& action) {
  using namespace client_action;
  return std::visit(
      Overloaded{
          [](const Send& send) { return said(send.message); },
          [](const Admitted& admitted) { return "admitted " + admitted.welcome.name; },
          [](const Refused&) { return std::string("refused"); },
          [](const DocumentWanted& wanted) { return "wanted " + record_name(wanted.record); },
          [](const AssetsWanted&) { return std::string("wanted assets"); },
          [](const DocumentSettled& settled) { return "settled " + record_name(settled.state.record); },
          [](const AssetsSettled&) { return std::string("settled assets"); },
          [](const client_action::Joined&) { return std::string("joined"); },
          [](const Told& told) { return "told " + text(verb_of(told.message)); },
          [](const Answered& answered) {
            const auto& answer = answered.answer;
            return "answered " + std::to_string(answered.id) + " " +
                   text(answer ? verb_of(*answer) : to_text(answer.error().outcome));
          },
          [](const client_action::Closed& closed) { return "closed " + text(to_text(closed.outcome)); },
      },
      action);
}

template <class Closed, class Session>
std::string reason_of(Session& session) {
  std::string reason;
  while (const auto action = session.next_action()) {
    if (const auto* closed = std::get_if<Closed>(&*action)) reason = closed->reason;
  }
  return reason;
}

Document document() { return std::make_shared<const std::string>(R"({"shots":[]})"); }

}  // namespace

std::vector<ServerMessage> messages_of(const EncodedFrame& frames) {
  FrameReader reader(kFrameMax);
  reader.push(bytes_of(frames));
  std::vector<ServerMessage> messages;
  while (const auto frame = reader.next().value())
    messages.push_back(decode_server(frame->kind, frame->body).value());
  return messages;
}

Words drain(ServerSession& session) {
  Words words;
  while (const auto action = session.next_action()) {
    const auto* sent = std::get_if<server_action::SendEncoded>(&*action);
    if (sent == nullptr || !sent->is_answer) {
      words.push_back(in_words(*action));
    } else {
      for (const ServerMessage& answer : messages_of(sent->frame)) words.push_back(said(answer));
    }
  }
  return words;
}

Words drain(ClientSession& session) {
  Words words;
  while (const auto action = session.next_action()) words.push_back(in_words(*action));
  return words;
}
std::string reason_of_end(ServerSession& session) { return reason_of<server_action::Closed>(session); }
std::string reason_of_end(ClientSession& session) { return reason_of<client_action::Closed>(session); }

std::vector<ClientMessage> every_client_message() {
  return {username(),
          Project{"Moria's Race"},
          document_claim(DocumentRecord::story),
          document_claim(DocumentRecord::analytics),
          AssetsClaim{{{"/dev/chr/Moria", Timestamp{1}}}},
          JoinOk{},
          TurnRequest{},
          Ticket{{1, 2}},
          Yours{},
          DocumentRead{DocumentRecord::story, 1},
          DocumentWrite{DocumentRecord::analytics, 2, Timestamp{1}, 0, {3, 4}, document()},
          AssetsRead{3},
          AssetsChange{4, {}},
          AtAsk{5, "/rnd/scene-01/shot-03"},
          CameraAsk{6, 1, 2},
          UsersAsk{7},
          MessageAsk{8, "hello", {5, 6}},
          MessagesAsk{9, 0},
          HistoryAsk{14, DocumentRecord::story, "", {}, 0},
          ConflictsAsk{15, 0},
          GetAsk{10, "lighting", false, "/pln", false, Compression::automatic},
          CancelAsk{11, 1},
          WorkingAsk{14, {1, 2}},
          StatusAsk{12},
          ChannelsAsk{21, {{"playblast"}}},
          ChannelAsk{22, "lighting", "playblast"},
          RecordAsk{16, {7, 8}, "/reviews/sc01", RecordAction::set, "", {}, 0, document()},
          RecordAsk{17, {7, 9}, "/reviews/sc01", RecordAction::give, "", SessionId{3}, 0, nullptr},
          RecordsRead{18, "/reviews", ""},
          EnterAsk{19, "/reviews/*"},
          ExitAsk{20, "/reviews/*"},
          SchemaAsk{21, document()},
          CallAsk{17, "ping"},
          CallCancelAsk{18, 17, {}},
          CallsAsk{19},
          OfferAsk{20, document()},
          CalledAsk{21, 1},
          CallProgressed{1, document()},
          AuditAsk{16, 1},
          UnknownAsk{"levitate", 13},
          UnknownTell{"hum"}};
}

std::vector<ServerMessage> every_server_message() {
  auto answer = document_state(DocumentRecord::story);
  answer.re = 1;
  return {Greeting{1, "callboard", {1, 2}},
          ProjectQuestion{},
          welcome(),
          WrongProject{"Other"},
          DocumentOffer{DocumentRecord::story},
          DocumentOffer{DocumentRecord::analytics},
          AssetsOffer{},
          Ready{},
          Yours{},
          document_state(DocumentRecord::story),
          document_state(DocumentRecord::analytics),
          answer,
          all_assets(),
          Revisions{1, {}, false},
          Conflicts{},
          Writable{},
          Admitting{},
          Slower{"writes", 20'000},
          Users{.re = {}, .full = true, .users = {}, .left = {}},
          Messages{},
          Records{{}, "/reviews", true, false, document()},
          Ok{1, {}},
          ErrorAnswer{1, Outcome::failed, "no"},
          TransferGranted{1, 1, {1, 2}, "lighting", {3}},
          ChannelGranted{1, 1, {1, 2}, "lighting", SessionId{3}},
          status_answer(1),
          CallResult{1, document()},
          CallList{1, document()},
          CallProgress{1, document()},
          CallTell{1, "open_shot", "rigging", SessionId{1}, 1s, document()},
          CallCancelTell{1},
          AuditEntries{1, {}, 0},
          UnknownAnswer{"levitated", 1},
          AtTell{},
          Give{},
          ChannelTell{},
          TransferOver{},
          UnknownTell{"hum"}};
}

// --- The server's side ----------------------------------------------------------------------------------------------

ServerSession fresh_server() {
  ServerSessionConfig config;
  config.project = "Moria's Race";
  config.server = {7, 8};
  config.software = "callboard test";
  config.wall = {1'000'000};
  return ServerSession(std::move(config), kStart);
}

Username username(bool visit) {
  return {
      .name = "rigging", .clock = {1'000'000}, .visit = visit, .shares = true, .host = "pc7", .software = ""};
}

Welcome welcome() {
  return {.session = {77},
          .name = "rigging (2)",
          .clock = {1'000'000},
          .frame_max = kFrameMax,
          .heartbeat = kHeartbeat,
          .silence = kSilenceLimit};
}

DocumentClaim document_claim(DocumentRecord record) {
  return {.record = record, .timestamp = {5}, .base = 3, .op = UniqueId{9, 9}, .document = document()};
}

DocumentState document_state(DocumentRecord record) {
  DocumentState state;
  state.record = record;
  state.timestamp = {6};
  state.revision = 4;
  state.by = "lighting";
  state.session = {55};
  state.document = document();
  return state;
}

Status status_answer(AskId re) {
  Status status;
  status.re = re;
  return status;
}

Assets all_assets() {
  Assets assets;
  assets.full = true;
  return assets;
}

namespace {

template <class... Right, class Message>
bool any_of(const Message& message) {
  return (std::holds_alternative<Right>(message) || ...);
}

template <DocumentRecord record>
bool claims(const ClientMessage& message) {
  const auto* claim = std::get_if<DocumentClaim>(&message);
  return any_of<UnknownTell>(message) || (claim != nullptr && claim->record == record);
}

bool none(const ClientMessage&) { return false; }
// Asks and what ends the turn; `turn?` is ignored.
bool in_turn(const ClientMessage& message) {
  return ask_id_of(message).has_value() || any_of<Yours, TurnRequest, CallProgressed, UnknownTell>(message);
}

}  // namespace

const std::vector<ServerStep>& server_steps() {
  using S = ServerSession;
  constexpr auto story = DocumentRecord::story;
  constexpr auto analytics = DocumentRecord::analytics;
  const auto username_right = [](const ClientMessage& m) { return any_of<Username, Ticket, UnknownTell>(m); };
  const auto project_right = [](const ClientMessage& m) { return any_of<Project, UnknownTell>(m); };
  const auto items_right = [](const ClientMessage& m) { return any_of<AssetsClaim, UnknownTell>(m); };
  const auto ok_right = [](const ClientMessage& m) { return any_of<JoinOk, UnknownTell>(m); };
  const auto request_right = [](const ClientMessage& m) { return any_of<TurnRequest>(m); };
  static const std::vector<ServerStep> steps = {
      {"awaiting username", [](S&, Instant) {}, username_right},
      {"awaiting project", [](S& s, Instant now) { s.on_message(username(), now); }, project_right},
      {"awaiting admission", [](S& s, Instant now) { s.on_message(Project{"Moria's Race"}, now); }, none},
      {"awaiting claim of story", [](S& s, Instant) { s.admit(welcome()); }, claims<story>},
      {"awaiting winner of story", [](S& s, Instant now) { s.on_message(document_claim(story), now); }, none},
      {"awaiting ok of story", [](S& s, Instant) { s.settle(document_state(story)); }, ok_right},
      {"awaiting claim of assets", [](S& s, Instant now) { s.on_message(JoinOk{}, now); }, items_right},
      {"awaiting winner of assets", [](S& s, Instant now) { s.on_message(AssetsClaim{}, now); }, none},
      {"awaiting ok of assets", [](S& s, Instant) { s.settle(all_assets()); }, ok_right},
      {"awaiting claim of analytics", [](S& s, Instant now) { s.on_message(JoinOk{}, now); },
       claims<analytics>},
      {"awaiting winner of analytics",
       [](S& s, Instant now) { s.on_message(document_claim(analytics), now); }, none},
      {"awaiting ok of analytics", [](S& s, Instant) { s.settle(document_state(analytics)); }, ok_right},
      {"awaiting yours", [](S& s, Instant now) { s.on_message(JoinOk{}, now); }, in_turn},
      {"awaiting request", [](S& s, Instant now) { s.on_message(Yours{}, now); }, request_right},
  };
  return steps;
}

ServerSession server_at(std::size_t step, Instant now) {
  auto session = fresh_server();
  for (std::size_t i = 0; i <= step; ++i) {
    drain(session);
    server_steps()[i].enter(session, now);
  }
  drain(session);
  return session;
}

namespace {

template <class Steps>
std::size_t index_of(const Steps& steps, const std::string& name) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].name == name) return i;
  }
  throw std::runtime_error("no step " + name);
}

}  // namespace

std::size_t server_step(const std::string& name) { return index_of(server_steps(), name); }

// --- The client's side ----------------------------------------------------------------------------------------------

ClientSession fresh_client(bool visit) {
  return ClientSession({.name = "rigging",
                        .project = "Moria's Race",
                        .visit = visit,
                        .shares = true,
                        .host = "pc7",
                        .software = "callboard test",
                        .workstation = UniqueId{5, 6},
                        .wall = {2'000'000}},
                       kStart);
}

namespace {

template <DocumentRecord record>
bool offers(const ServerMessage& message) {
  const auto* offer = std::get_if<DocumentOffer>(&message);
  return any_of<UnknownTell>(message) || (offer != nullptr && offer->record == record);
}

template <DocumentRecord record>
bool settles(const ServerMessage& message) {
  const auto* state = std::get_if<DocumentState>(&message);
  return any_of<UnknownTell>(message) || (state != nullptr && state->record == record && !state->re);
}

// No answer: nothing that was asked has been sent.
bool tells(const ServerMessage& message) {
  return !answered_id_of(message) &&
         any_of<DocumentState, Conflicts, Assets, Users, Messages, Records, AtTell, Writable, Admitting,
                Slower, Give, ChannelTell, TransferOver, CallProgress, CallTell, CallCancelTell, Yours,
                UnknownTell>(message);
}

}  // namespace

const std::vector<ClientStep>& client_steps() {
  using C = ClientSession;
  constexpr auto story = DocumentRecord::story;
  constexpr auto analytics = DocumentRecord::analytics;
  const auto greeting_right = [](const ServerMessage& m) { return any_of<Greeting, UnknownTell>(m); };
  const auto project_right = [](const ServerMessage& m) { return any_of<ProjectQuestion, UnknownTell>(m); };
  const auto welcome_right = [](const ServerMessage& m) { return any_of<Welcome, UnknownTell>(m); };
  const auto offer_right = [](const ServerMessage& m) { return any_of<AssetsOffer, UnknownTell>(m); };
  const auto items_right = [](const ServerMessage& m) { return any_of<Assets, UnknownTell>(m); };
  const auto turn_right = [](const ServerMessage& m) { return any_of<Yours, UnknownTell>(m); };
  const auto unknown_right = [](const ServerMessage& m) { return any_of<UnknownTell>(m); };
  static const std::vector<ClientStep> steps = {
      {"awaiting greeting", [](C&, Instant) {}, greeting_right},
      {"awaiting project",
       [](C& c, Instant now) {
         c.on_message(Greeting{1, "callboard", {7, 8}}, now);
       },
       project_right},
      {"awaiting welcome", [](C& c, Instant now) { c.on_message(ProjectQuestion{}, now); }, welcome_right},
      {"awaiting offer of story", [](C& c, Instant now) { c.on_message(welcome(), now); }, offers<story>},
      {"awaiting claim of story", [](C& c, Instant now) { c.on_message(DocumentOffer{story}, now); },
       unknown_right},
      {"awaiting winner of story", [](C& c, Instant) { c.claim(document_claim(story)); }, settles<story>},
      {"awaiting offer of assets", [](C& c, Instant now) { c.on_message(document_state(story), now); },
       offer_right},
      {"awaiting claim of assets", [](C& c, Instant now) { c.on_message(AssetsOffer{}, now); },
       unknown_right},
      {"awaiting winner of assets", [](C& c, Instant) { c.claim(AssetsClaim{}); }, items_right},
      {"awaiting offer of analytics", [](C& c, Instant now) { c.on_message(all_assets(), now); },
       offers<analytics>},
      {"awaiting claim of analytics", [](C& c, Instant now) { c.on_message(DocumentOffer{analytics}, now); },
       unknown_right},
      {"awaiting winner of analytics", [](C& c, Instant) { c.claim(document_claim(analytics)); },
       settles<analytics>},
      {"awaiting turn", [](C& c, Instant now) { c.on_message(document_state(analytics), now); }, turn_right},
      {"awaiting news", [](C& c, Instant now) { c.on_message(Yours{}, now); }, tells},
      {"awaiting yours", [](C& c, Instant now) { c.ask(UsersAsk{}, now); },
       [](const ServerMessage& m) { return tells(m) || answered_id_of(m) == AskId{1}; }},
  };
  return steps;
}

ClientSession client_at(std::size_t step, Instant now) {
  auto session = fresh_client();
  for (std::size_t i = 0; i <= step; ++i) {
    drain(session);
    client_steps()[i].enter(session, now);
  }
  drain(session);
  return session;
}

std::size_t client_step(const std::string& name) { return index_of(client_steps(), name); }

}  // namespace callboard::protocol::script
