#include <catch2/catch.hpp>

#include "client/agent_replies.h"
#include "client/agent_session.h"

// Both machines of the agent's connection, byte by byte.
namespace callboard::client::agent::agent_machines_test {
namespace {

using Catch::Contains;

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& each : parts) all.insert(all.end(), each.begin(), each.end());
  return all;
}

Bytes raw_frame(std::uint8_t kind, const Bytes& body) {
  Bytes frame;
  protocol::append_frame(kind, body, frame);
  return frame;
}

Bytes raw_frame(Frame kind, const Bytes& body) { return raw_frame(static_cast<std::uint8_t>(kind), body); }

PullRequest request() {
  return {.items = {"/dev/\xff", "/pln"},
          .from = "lighting",
          .include = {"*.blend"},
          .exclude = {"a", "b"},
          .dry_run = true,
          .sync = false};
}

// Of values as they are made, written one after the other.
template <class... T>
std::size_t written_bytes() {
  Bytes body;
  (Writer{body}(T{}), ...);
  return body.size();
}
// Of asks and what is answered to them.
template <class... T>
std::size_t asked_bytes(const std::variant<T...>&) {
  return written_bytes<T...>() + written_bytes<typename T::Reply...>();
}

AgentSession::Asked only_asked(Result<std::vector<AgentSession::Event>> events) {
  REQUIRE(events.has_value());
  REQUIRE(events->size() == 1);
  return std::get<AgentSession::Asked>(events->front());
}

// What a command makes of the answer; hello is out of the way.
struct Command {
  Replies replies;
  Command() {
    replies.push(AgentSession::opening({}));
    REQUIRE(std::holds_alternative<Hello>(**replies.next()));
  }
  Replies::Event next(const Bytes& bytes) {
    replies.push(bytes);
    auto event = replies.next();
    REQUIRE(event.has_value());
    REQUIRE(event->has_value());
    return std::move(**event);
  }
  template <class T>
  Result<T> answer(const Bytes& bytes) {
    return Replies::to_result<T>(std::get<Replies::Answered>(next(bytes)));
  }
};

TEST_CASE("every ask arrives as it was said, whatever its place among the others") {
  AgentSession session;
  const auto hears = [&](const Bytes& bytes) { return only_asked(session.on_bytes(bytes)).ask; };
  const auto query =
      std::get<ReadDocument>(
          hears(Replies::ask(1,
                             ReadDocument{{.document = DocumentName::analytics, .at = "/a", .revision = 4}})))
          .query;
  CHECK((query.document == DocumentName::analytics && query.at == "/a" && query.revision == 4));
  const auto change =
      std::get<ChangeDocument>(hears(Replies::ask(2, ChangeDocument{{.content = "{}",
                                                                     .timestamp = Timestamp{-5},
                                                                     .base = 7,
                                                                     .at = "/b",
                                                                     .patch = true,
                                                                     .restore = 3,
                                                                     .settles = 2,
                                                                     .take = true}})))
          .change;
  CHECK((change.content == "{}" && change.timestamp.ms == -5 && change.base == 7 && change.at == "/b"));
  CHECK((change.patch && change.restore == 3 && change.settles == 2 && change.take));
  const auto history =
      std::get<ListHistory>(
          hears(Replies::ask(12, ListHistory{{.at = "/c", .since = Timestamp{9}, .before = 8}})))
          .query;
  CHECK((history.at == "/c" && history.since.ms == 9 && history.before == 8));
  CHECK(std::get<ListConflicts>(hears(Replies::ask(13, ListConflicts{17}))).since == 17);
  CHECK(std::holds_alternative<ListAssets>(hears(Replies::ask(3, ListAssets{}))));
  CHECK(std::holds_alternative<ListUsers>(hears(Replies::ask(4, ListUsers{}))));
  CHECK(std::get<ListMessages>(hears(Replies::ask(5, ListMessages{41}))).since == 41);
  CHECK(std::get<Say>(hears(Replies::ask(6, Say{"hello"}))).text == "hello");
  CHECK(std::get<GoTo>(hears(Replies::ask(7, GoTo{"/pln"}))).item == "/pln");
  CHECK(std::holds_alternative<AskServer>(hears(Replies::ask(8, AskServer{}))));
  CHECK(std::holds_alternative<AskWorkstation>(hears(Replies::ask(9, AskWorkstation{}))));
  CHECK(std::get<Look>(hears(Replies::ask(10, Look{"/dev", "rigging"}))).from == "rigging");
  const auto call =
      std::get<MakeCall>(hears(Replies::ask(14, MakeCall{"render", "[1]", 90min, UniqueId{1, 2}})));
  CHECK((call.name == "render" && call.arguments == "[1]" && call.deadline == 90min &&
         call.op == UniqueId{1, 2}));
  CHECK(std::holds_alternative<ListCalls>(hears(Replies::ask(15, ListCalls{}))));
  CHECK(std::get<ListAudit>(hears(Replies::ask(16, ListAudit{812}))).since == 812);
  const auto pull = std::get<Pull>(hears(Replies::ask(11, Pull{request()}))).request;
  CHECK(pull.items == std::vector<std::string>{"/dev/\xff", "/pln"});
  CHECK((pull.from == "lighting" && pull.dry_run && !pull.sync));
  CHECK(pull.include == std::vector<std::string>{"*.blend"});
  CHECK(pull.exclude == std::vector<std::string>{"a", "b"});
}

TEST_CASE("asks split at any byte are the same asks") {
  const Bytes all = joined({Replies::ask(1, Pull{request()}), Replies::cancel(1), Replies::ask(2, Say{"x"})});
  for (std::size_t split = 0; split <= all.size(); ++split) {
    INFO(split);
    AgentSession session;
    std::size_t asked = 0;
    std::size_t cancelled = 0;
    for (const ByteView part : {ByteView(all).first(split), ByteView(all).subspan(split)}) {
      const auto events = session.on_bytes(part);
      REQUIRE(events.has_value());
      for (const auto& each : *events) {
        (std::holds_alternative<AgentSession::Asked>(each) ? asked : cancelled) += 1;
      }
    }
    CHECK((asked == 2 && cancelled == 1));
  }
}

TEST_CASE("what is no ask ends the agent's connection and says why") {
  const auto said = [](const Bytes& bytes) {
    AgentSession session;
    const auto events = session.on_bytes(bytes);
    REQUIRE_FALSE(events.has_value());
    // For good: nothing of what follows is heard.
    CHECK_FALSE(session.on_bytes(Replies::ask(9, ListUsers{})).has_value());
    return events.error().text;
  };
  Bytes id(8);
  CHECK_THAT(said(raw_frame(Frame::hello, id)), Contains("got kind 1"));
  CHECK_THAT(said(raw_frame(static_cast<std::uint8_t>(16 + std::variant_size_v<Ask>), id)),
             Contains("got kind 34"));
  CHECK_THAT(said(raw_frame(Frame::cancel, {})), Contains("cancel: malformed"));
  CHECK_THAT(said({std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}}), Contains("length"));
  CHECK_THAT(said({std::byte{255}, std::byte{0}, std::byte{0}, std::byte{0}}), Contains("length"));
  const Bytes whole = Replies::ask(1, Pull{request()});
  for (std::size_t size = protocol::kFrameHeadSize; size < whole.size(); ++size) {
    INFO(size);
    const Bytes cut(whole.begin() + protocol::kFrameHeadSize,
                    whole.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_THAT(said(raw_frame(static_cast<std::uint8_t>(whole[4]), cut)), Contains("ask: malformed"));
  }
  Bytes longer(whole.begin() + protocol::kFrameHeadSize, whole.end());
  longer.push_back(std::byte{0});
  CHECK_THAT(said(raw_frame(static_cast<std::uint8_t>(whole[4]), longer)), Contains("ask: malformed"));
}

// Whoever changes what travels counts kProtocol up, and says here what came of it: a command and the join before its upgrade
// would misread each other.
TEST_CASE("a field more or less between commands and agents is another protocol") {
  const std::size_t bytes =
      asked_bytes(Ask()) +
      written_bytes<Hello, Revision, Conflict, User, Message, AuditEntry, AssetCopy, TransferStatus, Record,
                    LookEntry, PullProgress, PullChange, PullProblem, PullConflict, WorkstationTransfer>();
  CHECK(kProtocol == 15);
  CHECK(bytes == 1910);
}

TEST_CASE("an ask that announces more than it holds takes no memory for it") {
  Bytes body;
  Writer{body}(AskId{1}, ~std::uint64_t{0} >> 1);
  AgentSession session;
  constexpr auto kPull = static_cast<std::uint8_t>(16 + 10);
  CHECK_FALSE(session.on_bytes(raw_frame(kPull, body)).has_value());
}

TEST_CASE("an agent hears each number once, and so many asks at a time") {
  AgentSession session;
  for (AskId id = 1; id <= kAsksMax; ++id)
    REQUIRE(session.on_bytes(Replies::ask(id, ListUsers{})).has_value());
  SECTION("one more is too many") {
    CHECK_FALSE(session.on_bytes(Replies::ask(kAsksMax + 1, ListUsers{})).has_value());
  }
  SECTION("an answer makes room") {
    (void)session.answer<bool>(1, true);
    CHECK_FALSE(session.is_open(1));
    CHECK(session.on_bytes(Replies::ask(kAsksMax + 1, ListUsers{})).has_value());
  }
  SECTION("the same number while it is open is refused") {
    (void)session.answer<bool>(1, true);
    CHECK_FALSE(session.on_bytes(Replies::ask(2, ListUsers{})).has_value());
  }
}

TEST_CASE("a cancel of what is not open means nothing") {
  AgentSession session;
  const auto events = session.on_bytes(Replies::cancel(3));
  REQUIRE(events.has_value());
  CHECK(events->empty());
}

TEST_CASE("a report arrives with every field, and an error as it was") {
  AgentSession session;
  Command command;
  REQUIRE(
      session.on_bytes(joined({Replies::ask(1, Pull{request()}), Replies::ask(2, ListUsers{})})).has_value());
  PullReport report;
  report.outcome = Outcome::interrupted;
  report.text = "the giver left";
  report.giver = "lighting";
  report.files = 1;
  report.bytes = 2;
  report.wire_bytes = 3;
  report.unchanged_files = 4;
  report.changes = {{ChangeKind::symlink, "a\xff", 5}};
  report.versions = {{"b", ".callboard/versions/b"}};
  report.problems = {{"c", Error{Outcome::refused, "no"}}};
  const auto progressed = std::get<Replies::Progressed>(command.next(
      session.progress(1, {.files_wanted = 9, .bytes_done = 8, .listed = true, .current = "x"})));
  CHECK((progressed.id == 1 && progressed.progress.files_wanted == 9 && progressed.progress.bytes_done == 8 &&
         progressed.progress.listed && progressed.progress.current == "x"));
  const auto got = command.answer<PullReport>(session.answer<PullReport>(1, report));
  REQUIRE(got.has_value());
  CHECK((got->outcome == Outcome::interrupted && got->text == "the giver left" && got->giver == "lighting"));
  CHECK((got->files == 1 && got->bytes == 2 && got->wire_bytes == 3 && got->unchanged_files == 4));
  REQUIRE(got->changes.size() == 1);
  CHECK((got->changes[0].kind == ChangeKind::symlink && got->changes[0].path == "a\xff" &&
         got->changes[0].size_bytes == 5));
  CHECK(got->versions == report.versions);
  REQUIRE(got->problems.size() == 1);
  CHECK((got->problems[0].path == "c" && got->problems[0].error.outcome == Outcome::refused &&
         got->problems[0].error.text == "no"));
  const auto refused =
      command.answer<std::vector<User>>(session.answer<std::vector<User>>(2, Error{Outcome::locked, "held"}));
  REQUIRE_FALSE(refused.has_value());
  CHECK((refused.error().outcome == Outcome::locked && refused.error().text == "held"));
}

TEST_CASE("documents, listings and status arrive with every field") {
  AgentSession session;
  Command command;
  AskId id = 0;
  const auto carry = [&]<class T>(const T& value) {
    REQUIRE(session.on_bytes(Replies::ask(++id, ListUsers{})).has_value());
    const auto got = command.answer<T>(session.answer<T>(id, value));
    REQUIRE(got.has_value());
    return *got;
  };
  const auto none = carry(Document{});
  CHECK((none.text == nullptr && none.revision == 0));
  const auto document =
      carry(Document{std::make_shared<const std::string>("{}"), 3, "rigging", SessionId{4}, Timestamp{5}});
  CHECK((*document.text == "{}" && document.revision == 3 && document.by == "rigging" &&
         document.session == SessionId{4} && document.timestamp.ms == 5));
  const auto assets = carry(Assets{{"/pln", {"rigging", SessionId{1}, Timestamp{2}}}});
  CHECK((assets.size() == 1 && assets.at("/pln").user == "rigging" && assets.at("/pln").timestamp.ms == 2));
  LookEntry look;
  look.entry.kind = EntryKind::symlink;
  look.entry.name = "n\xff";
  look.entry.target = "t";
  look.entry.mtime_ns = -1;
  look.path = "p";
  look.files_below = 6;
  look.difference = Difference::only_here;
  const auto looks = carry(std::vector<LookEntry>{look, {}});
  REQUIRE(looks.size() == 2);
  CHECK((looks[0].entry == look.entry && looks[0].path == "p" && looks[0].files_below == 6 &&
         looks[0].difference == Difference::only_here));
  WorkstationStatus here;
  here.folder = "/f";
  here.is_joined = true;
  here.watch_trouble = "no room";
  here.files = 50'000;
  PullProgress progress;
  progress.bytes_done = 1;
  here.transfers = {{WorkstationTransfer::Direction::giving, "/dev", "lighting", progress}};
  const auto got = carry(here);
  CHECK((got.folder == "/f" && got.is_joined && !got.is_watching && got.watch_trouble == "no room" &&
         got.files == 50'000));
  REQUIRE(got.transfers.size() == 1);
  CHECK((got.transfers[0].direction == WorkstationTransfer::Direction::giving &&
         got.transfers[0].peer == "lighting" && got.transfers[0].progress.bytes_done == 1));
}

TEST_CASE("a command hears a hello first and once, and of another version only which it is") {
  Hello hello{.software = "callboard 9", .process = 42, .project = "p", .user = "u", .server = "s"};
  hello.ask_addresses = {"127.255.255.255"};
  Replies replies;
  replies.push(AgentSession::opening(hello));
  const auto event = replies.next();
  REQUIRE((event.has_value() && event->has_value()));
  const auto& heard = std::get<Hello>(**event);
  CHECK((heard.process == 42 && heard.project == "p" && heard.user == "u" && heard.server == "s" &&
         heard.ask_addresses == hello.ask_addresses));
  replies.push(AgentSession::opening(hello));
  CHECK_FALSE(replies.next().has_value());

  Bytes body;
  Writer{body}(kProtocol + 1, std::string("something else"));
  Replies other;
  other.push(raw_frame(Frame::hello, body));
  const auto theirs = other.next();
  REQUIRE((theirs.has_value() && theirs->has_value()));
  CHECK(std::get<Hello>(**theirs).protocol == kProtocol + 1);

  Replies silent;
  silent.push(raw_frame(Frame::answer, body));
  CHECK_FALSE(silent.next().has_value());
}

TEST_CASE("an answer of the wrong form is an error, not a value") {
  AgentSession session;
  Command command;
  REQUIRE(session.on_bytes(Replies::ask(1, ListUsers{})).has_value());
  const auto got = command.answer<PullReport>(session.answer<bool>(1, true));
  REQUIRE_FALSE(got.has_value());
  CHECK_THAT(got.error().text, Contains("malformed"));
}

}  // namespace
}  // namespace callboard::client::agent::agent_machines_test
