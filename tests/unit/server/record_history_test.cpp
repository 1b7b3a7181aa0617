// What was done to records that last: the fold over their operations, and the calls.
#include <catch2/catch.hpp>

#include <vector>

#include "base/document/parse.h"
#include "server/board/log.h"
#include "server/board/record_history.h"
#include "tests/unit/server/studio.h"

using namespace callboard;
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
