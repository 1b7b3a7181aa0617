// What was done to records that last: the fold over their operations, and the calls.
#include <catch2/catch.hpp>

#include <vector>

#include "base/document/parse.h"
#include "server/board/log.h"
#include "server/board/record_history.h"
#include "tests/unit/server/studio.h"

namespace callboard::record_history_test {
using namespace callboard::server;

namespace {

// The operations on one record, in memory.
class RecordShelf final : public History {
 public:
  void add(std::uint64_t number, RecordAction action, const std::string& fields = "",
           const std::string& record_class = "", std::uint64_t base = 0) {
    RecordChange change;
    change.action = action;
    change.record_class = record_class;
    change.owner = {SessionId{1}, "rigging"};
    if (!fields.empty()) change.fields = *document::parse(fields);
    Operation operation;
    operation.session = SessionId{1};
    operation.user = "rigging";
    operation.timestamp = Timestamp{static_cast<std::int64_t>(number) * 1000};
    operation.record = Record::record;
    operation.base = base;
    operation.path = "/a";
    operation.change = std::make_shared<const RecordChange>(std::move(change));
    operations_.push_back({number, std::move(operation)});
  }
  Result<void> visit_record(const std::string& path, std::uint64_t last,
                            const std::function<void(const Committed&)>& visit) override {
    for (const Committed& each : operations_) {
      if (each.operation.path == path && each.sequence <= last) visit(each);
    }
    return {};
  }
  Result<Listing> list(const HistoryQuery&) override { return Error{Outcome::failed, "not asked for"}; }
  Result<Version> version(Record, std::uint64_t) override { return Error{Outcome::failed, "not asked for"}; }
  Result<document::ValuePtr> document_at(Record, std::uint64_t) override {
    return Error{Outcome::failed, "not asked for"};
  }
  Result<void> visit_operations(Record, const std::vector<UniqueId>&,
                                const std::function<void(const Committed&)>&) override {
    return Error{Outcome::failed, "not asked for"};
  }
  Result<AuditListing> audit(std::uint64_t, std::size_t) override {
    return Error{Outcome::failed, "not asked for"};
  }

 private:
  std::vector<Committed> operations_;
};

// "6 remove, 5 set lost": newest first.
std::string listed(RecordShelf& shelf, const RecordQuery& query) {
  const auto listing = record_history(shelf, query);
  REQUIRE(listing);
  std::string words;
  for (const RecordRevision& each : listing->revisions) {
    words += (words.empty() ? "" : ", ") + std::to_string(each.number) + " " +
             std::string(to_text(each.change->action)) + (each.stands ? "" : " lost");
  }
  return words + (listing->is_more ? ", more" : "");
}

std::string fields_at(RecordShelf& shelf, std::uint64_t number) {
  const auto state = record_version(shelf, "/a", number);
  return state ? document::print(*(*state)->fields) : state.error().text;
}

protocol::RecordAsk wish(RecordAction action, const std::string& fields,
                         const std::string& record_class = "") {
  protocol::RecordAsk ask;
  ask.op = make_unique_id(system_random());
  ask.path = "/reviews/sc01";
  ask.action = action;
  ask.record_class = record_class;
  if (!fields.empty()) ask.fields = std::make_shared<const std::string>(fields);
  return ask;
}

protocol::CallAsk asked(const std::string& name, const std::string& arguments) {
  protocol::CallAsk ask;
  ask.name = name;
  ask.op = make_unique_id(system_random());
  ask.arguments = std::make_shared<const std::string>(arguments);
  return ask;
}

}  // namespace

TEST_CASE("every operation on a record is listed, and what it was by each can be seen") {
  RecordShelf shelf;
  shelf.add(1, RecordAction::make, R"({"n":1,"note":"x"})", "count");
  shelf.add(3, RecordAction::set, R"({"n":2})");
  shelf.add(4, RecordAction::set, R"({"n":3})", "", 1);  // Of a revision that it is not at any more.
  shelf.add(6, RecordAction::remove);
  shelf.add(7, RecordAction::put, R"({"n":9})", "count");
  CHECK(listed(shelf, {.path = "/a", .count = 10}) == "7 put, 6 remove, 4 set lost, 3 set, 1 make");
  CHECK(listed(shelf, {.path = "/a", .count = 2}) == "7 put, 6 remove, more");
  CHECK(listed(shelf, {.path = "/a", .before = 6, .count = 2}) == "4 set lost, 3 set, more");
  CHECK(listed(shelf, {.path = "/a", .since = Timestamp{4000}, .count = 10}) ==
        "7 put, 6 remove, 4 set lost");
  CHECK(listed(shelf, {.path = "/b", .count = 10}).empty());
  CHECK(fields_at(shelf, 1) == R"({"n":1,"note":"x"})");
  CHECK(fields_at(shelf, 3) == R"({"n":2,"note":"x"})");
  CHECK(fields_at(shelf, 4) == "\"/a\", revision 4: it came to nothing: somebody else was quicker");
  CHECK(fields_at(shelf, 6) == "\"/a\", revision 6: it was removed by that");
  CHECK(fields_at(shelf, 7) == R"({"n":9})");
  CHECK(fields_at(shelf, 5) == "\"/a\", revision 5: there was none, or it is no longer kept");
}

TEST_CASE("of a record whose beginning is no longer kept it is said what cannot be known") {
  RecordShelf shelf;
  shelf.add(5, RecordAction::set, R"({"n":2})");
  shelf.add(6, RecordAction::give);
  shelf.add(8, RecordAction::put, R"({"n":9})", "count");
  shelf.add(9, RecordAction::set, R"({"m":1})");
  CHECK(listed(shelf, {.path = "/a", .count = 10}) == "9 set, 8 put, 6 give, 5 set");
  CHECK(fields_at(shelf, 5) == "\"/a\", revision 5: what it was made of is no longer kept");
  CHECK(fields_at(shelf, 9) == R"({"n":9,"m":1})");
}

TEST_CASE("a record's history is called for, also of one that is removed, by those who may see it") {
  ServerOptions options;
  options.schema = *document::Schema::from(R"({"classes":[
    {"name":"review","fields":[{"name":"status","type":"text"}]},
    {"name":"secret","told":"owner","fields":[{"name":"status","type":"text"}]}]})");
  Studio studio(std::move(options));
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  const std::string name = GENERATE("review", "secret");
  INFO(name);
  const auto change = [&](const protocol::RecordAsk& ask) {
    return *rigging->ask_for<protocol::Ok>(ask).number;
  };
  const auto first = change(wish(RecordAction::make, R"({"status":"open"})", name));
  change(wish(RecordAction::set, R"({"status":"ok"})"));
  const auto history = asked("record.history", R"({"path":"/reviews/sc01"})");
  const std::string version = R"({"path":"/reviews/sc01","revision":)" + std::to_string(first) + "}";
  const std::string all = *rigging->ask_for<protocol::CallResult>(history).value;
  CHECK(all.find(R"("do":"set","stands":true,"fields":{"status":"ok"})") != std::string::npos);
  CHECK(all.find(R"("do":"make","stands":true,"class":")" + name) != std::string::npos);
  CHECK(all.ends_with(R"("more":false})"));
  CHECK(rigging->ask_for<protocol::CallResult>(asked("record.version", version))
            .value->find(R"("fields":{"status":"open"})") != std::string::npos);
  change(wish(RecordAction::remove, ""));
  auto others = history;
  others.op = make_unique_id(system_random());
  if (name == "review") {
    CHECK(lighting->ask_for<protocol::CallResult>(others).value->find("remove") != std::string::npos);
    return;
  }
  CHECK(lighting->ask_for<protocol::ErrorAnswer>(others).text ==
        "nothing is known of a record \"/reviews/sc01\"");
  CHECK(lighting->ask_for<protocol::ErrorAnswer>(asked("record.version", version)).outcome ==
        Outcome::not_found);
}

namespace {

ServerOptions with_reviews(LockPolicy locks = LockPolicy::warn) {
  ServerOptions options;
  options.locks = locks;
  options.schema = *document::Schema::from(R"({"classes":[
    {"name":"review","fields":[{"name":"status","type":"text"}]},
    {"name":"own","write":"owner","fields":[{"name":"status","type":"text"}]}]})");
  return options;
}

std::string restore_words(std::uint64_t revision) {
  return R"({"path":"/reviews/sc01","revision":)" + std::to_string(revision) + "}";
}

std::string fields_now(TestClient& client) {
  const std::string all =
      *client.ask_for<protocol::Records>(protocol::RecordsRead{0, "/reviews", ""}).records;
  const auto begin = all.find("\"fields\":");
  return begin == std::string::npos ? all : all.substr(begin + 9, all.size() - begin - 9 - 2);
}

}  // namespace

TEST_CASE("a record is again what it was by one of its revisions, in a new one, also when it was removed") {
  Studio studio(with_reviews());
  const auto rigging = studio.join("rigging");
  const auto first =
      *rigging->ask_for<protocol::Ok>(wish(RecordAction::make, R"({"status":"open"})", "review")).number;
  const auto second = *rigging->ask_for<protocol::Ok>(wish(RecordAction::set, R"({"status":"ok"})")).number;
  const auto restore = asked("record.restore", restore_words(first));
  CHECK(*rigging->ask_for<protocol::CallResult>(restore).value == std::to_string(second + 1));
  CHECK(fields_now(*rigging) == R"({"status":"open"})");
  // Asked again because the answer was lost, it is not done again.
  CHECK(*rigging->ask_for<protocol::CallResult>(restore).value == std::to_string(second + 1));
  rigging->ask_for<protocol::Ok>(wish(RecordAction::remove, ""));
  rigging->ask_for<protocol::CallResult>(asked("record.restore", restore_words(second)));
  CHECK(fields_now(*rigging) == R"({"status":"ok"})");
  CHECK(rigging->ask_for<protocol::ErrorAnswer>(asked("record.restore", restore_words(999))).outcome ==
        Outcome::not_found);
}

TEST_CASE("who may not write a record, or has not its lock, does not bring it back either") {
  Studio studio(with_reviews(LockPolicy::refuse));
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  const auto first =
      *rigging->ask_for<protocol::Ok>(wish(RecordAction::make, R"({"status":"open"})", "own")).number;
  rigging->ask_for<protocol::Ok>(wish(RecordAction::set, R"({"status":"ok"})"));
  const auto refused = [&] {
    return lighting->ask_for<protocol::ErrorAnswer>(asked("record.restore", restore_words(first)));
  };
  CHECK(refused().outcome == Outcome::refused);
  rigging->ask_for<protocol::CallResult>(asked("lock", R"({"item":"/reviews/sc01"})"));
  CHECK(refused().outcome == Outcome::locked);
  CHECK(fields_now(*rigging) == R"({"status":"ok"})");
}

TEST_CASE(
    "of what a record was the server's own fields stay, and those that its author may not write are named") {
  const auto options_with = [](const std::string& votes, const std::string& approved) {
    ServerOptions options;
    options.schema =
        *document::Schema::from(R"({"classes":[{"name":"review","fields":[{"name":"status","type":"text"},
      {"name":"votes","type":"int")" +
                                votes + R"(},{"name":"approved","type":"bool")" + approved + "}]}]}");
    return options;
  };
  Studio studio(options_with("", ""));
  const auto rigging = studio.join("rigging");
  const auto change = [&](RecordAction action, const std::string& fields, const std::string& name = "") {
    return *rigging->ask_for<protocol::Ok>(wish(action, fields, name)).number;
  };
  const auto refused =
      change(RecordAction::make, R"({"status":"open","votes":1,"approved":false})", "review");
  const auto good = change(RecordAction::set, R"({"approved":true})");
  change(RecordAction::set, R"({"status":"ok","votes":2})");
  studio.kill();
  ServerOptions stricter = studio.options();
  stricter.schema = options_with(R"(,"computed":true)", R"(,"write":"server")").schema;
  const auto server = studio.try_another(stricter);
  REQUIRE(server);
  TestClient lighting(studio.loop, (*server)->listening());
  REQUIRE(lighting.join("lighting"));
  CHECK(lighting.ask_for<protocol::ErrorAnswer>(asked("record.restore", restore_words(refused))).text ==
        "field \"approved\": the server alone writes it");
  lighting.ask_for<protocol::CallResult>(asked("record.restore", restore_words(good)));
  CHECK(fields_now(lighting) == R"({"status":"open","approved":true,"votes":2})");
}

}  // namespace callboard::record_history_test
