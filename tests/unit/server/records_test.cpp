// Records and zones through a real server.
#include <catch2/catch.hpp>

#include "tests/unit/server/record_asks.h"
#include "tests/unit/server/studio.h"

namespace callboard::records_test {
using namespace callboard::server;

namespace {

constexpr const char* kSchema = R"({"classes":[
  {"name":"review","fields":[{"name":"status","type":"text","required":true},{"name":"takes","type":"int","default":1},
    {"name":"votes","type":"int","computed":true}]},
  {"name":"mine","write":"owner","fields":[{"name":"n","type":"int"},{"name":"wish","type":"text","write":"any"}]},
  {"name":"rules","write":"server","fields":[{"name":"n","type":"int"}]},
  {"name":"slot","life":"session","fields":[{"name":"n","type":"int"}]},
  {"name":"count","life":"memory","fields":[{"name":"n","type":"int"}]},
  {"name":"secret","told":"owner","fields":[{"name":"n","type":"int"}]}
]})";

ServerOptions with_schema(Duration grace = kGrace) {
  ServerOptions options;
  auto schema = document::Schema::from(kSchema);
  REQUIRE(schema);
  options.schema = *schema;
  options.grace = grace;
  return options;
}

}  // namespace

TEST_CASE("a record that is made is told to those in its zone and to nobody else") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  enter(*rigging, "/reviews");
  enter(*lighting, "/shots");
  CHECK(tells(*rigging) == Words{"/reviews full:"});
  const auto revision = done(*lighting, make("/reviews/sc01", "review", R"({"status":"open"})"));
  CHECK(revision > 0);
  CHECK(tells(*rigging) == Words{"/reviews: /reviews/sc01"});
  CHECK(tells(*lighting) == Words{"/shots full:"});
  CHECK(done(*rigging, change(Action::set, "/reviews/sc01", R"({"status":"ok"})")) > revision);
  CHECK(tells(*rigging) == Words{"/reviews: /reviews/sc01"});
  CHECK(fields_of(*rigging, "/reviews/sc01") == R"({"status":"ok","takes":1})");
  done(*rigging, change(Action::remove, "/reviews/sc01"));
  CHECK(tells(*rigging) == Words{"/reviews: -/reviews/sc01"});
  rigging->ask_for<Ok>(protocol::ExitAsk{0, "/reviews"});
  done(*lighting, make("/reviews/sc02", "review", R"({"status":"open"})"));
  CHECK(tells(*rigging).empty());
}

TEST_CASE("what does not fit the schema is refused, naming class and field") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  CHECK(refusal(*rigging, make("/a", "shot")) ==
        "usage: class \"shot\": the server's schema has none of that name");
  CHECK(refusal(*rigging, make("/a", "review")) ==
        "usage: class \"review\": field \"status\": it is required: expected text");
  CHECK(refusal(*rigging, make("/a", "review", R"({"status":1})")) ==
        "usage: class \"review\": field \"status\": expected text, got 1");
  CHECK(refusal(*rigging, make("/a", "review", "{")).starts_with("usage: fields: "));
  CHECK(refusal(*rigging, make("/a", "review", R"({"status":"","votes":1})")) ==
        "refused: class \"review\": field \"votes\": the server computes it: nobody else writes it");
  CHECK(refusal(*rigging, make("/a/", "review")) ==
        "usage: path: expected a path without empty components, got \"/a/\"");
  CHECK(refusal(*rigging, change(Action::set, "/a")) == "not_found: there is no record \"/a\"");
  CHECK(refusal(*rigging, change(Action::remove, "/a")) == "not_found: there is no record \"/a\"");
  done(*rigging, make("/a", "review", R"({"status":""})"));
  CHECK(refusal(*rigging, make("/a", "review", R"({"status":""})"))
            .starts_with("superseded: \"/a\" is there already, at revision "));
  CHECK(refusal(*rigging, change(Action::put, "/a", "{}", "count")) ==
        "usage: \"/a\" is of class \"review\", not \"count\"");
  CHECK(fields_of(*rigging, "/a") == R"({"status":"","takes":1})");
}

TEST_CASE("to set nothing is refused, and a star that is a part of a component, too") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  done(*rigging, make("/a", "review", R"({"status":""})"));
  CHECK(refusal(*rigging, change(Action::set, "/a")) == "usage: fields: expected at least one to be set");
  for (const char* zone : {"/rev*", "/a/*x/b"}) {
    const std::string why = std::string("expected \"*\" for a whole component, got \"") + zone + "\"";
    CHECK(rigging->ask_for<protocol::ErrorAnswer>(protocol::EnterAsk{0, zone}).text == "zone: " + why);
    CHECK(rigging->ask_for<protocol::ErrorAnswer>(protocol::RecordsRead{0, zone, ""}).text == "zone: " + why);
  }
}

TEST_CASE("who may write is what the class says, or the field") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  CHECK(refusal(*rigging, make("/r", "rules")) ==
        "refused: \"/r\", of class \"rules\": the server alone writes it");
  for (const char* path : {"/m", "/slot"}) {
    done(*rigging, make(path, path == std::string("/m") ? "mine" : "slot"));
  }
  CHECK(refusal(*lighting, change(Action::set, "/m", R"({"n":1})")) ==
        "refused: \"/m\" is \"rigging\"'s: only its owner may do that");
  CHECK(refusal(*lighting, change(Action::remove, "/m")).starts_with("refused: "));
  done(*lighting, change(Action::set, "/m", R"({"wish":"please"})"));
  done(*lighting, change(Action::set, "/slot", R"({"n":1})"));
  auto give = change(Action::give, "/m");
  give.to = lighting->session;
  CHECK(lighting->ask_for<protocol::ErrorAnswer>(give).outcome == Outcome::refused);
  done(*rigging, give);
  give.op = make_unique_id(system_random());
  CHECK(rigging->ask_for<protocol::ErrorAnswer>(give).outcome == Outcome::refused);
  done(*lighting, change(Action::set, "/m", R"({"n":2})"));
  give.to = SessionId{5};
  give.op = make_unique_id(system_random());
  CHECK(refusal(*lighting, give).starts_with("not_found: to: there is no session "));
}

TEST_CASE("nobody makes a record where the server keeps its own, or one of its classes elsewhere") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  const std::string refused =
      "refused: what is below /locks and /services is made by the server's calls alone";
  CHECK(refusal(*rigging, make("/services/mine", "mine")) == refused);
  CHECK(refusal(*rigging, make("/locks/mine", "mine")) == refused);
  CHECK(refusal(*rigging, change(Action::set, "/services/backup", R"({"enabled":false})")) == refused);
  done(*rigging, make("/servicesx", "mine"));
  for (const char* of : {"state", "service", "lock"})
    CHECK_THAT(refusal(*rigging, make("/a", of)), Catch::Contains("\"/a\", of class \""));
}

TEST_CASE("what is in memory is told like the rest: a service is seen while it runs") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  enter(*rigging, "/services");
  CHECK(tells(*rigging) ==
        Words{"/services full: /services/backup /services/ping /services/retention /services/verify"});
  CHECK(fields_of(*rigging, "/services/backup")
            .starts_with(R"({"call":"backup","enabled":true,"running":false,)"));
  protocol::CallAsk run;
  run.name = "services.run";
  run.arguments = std::make_shared<const std::string>(R"(["backup"])");
  rigging->ask_for<protocol::CallResult>(run);
  while (fields_of(*rigging, "/services/backup/state").find("\"runs\":1") == std::string::npos) {
  }
  const std::string fields = fields_of(*rigging, "/services/backup");
  CHECK(fields.find(R"("runs":1,"failures":0)") != std::string::npos);
  CHECK(fields.find("\"last_run\":") != std::string::npos);
  CHECK_FALSE(tells(*rigging).empty());
}

TEST_CASE("the same wish again gets the answer it got and does nothing, whatever the life") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  for (const auto& ask : {make("/disk", "mine"), make("/memory", "count")}) {
    INFO(ask.path);
    const auto revision = done(*rigging, ask);
    done(*rigging, change(Action::set, ask.path, R"({"n":1})"));
    CHECK(done(*rigging, ask) == revision);
    CHECK(fields_of(*rigging, ask.path) == R"({"n":1})");
  }
}

TEST_CASE("a change of another revision is superseded, whatever the life") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  for (const char* of : {"mine", "count"}) {
    INFO(of);
    const std::string path = std::string("/") + of;
    auto set = change(Action::set, path, R"({"n":1})");
    set.base = done(*rigging, make(path, of));
    done(*rigging, set);
    set.op = make_unique_id(system_random());
    CHECK(rigging->ask_for<protocol::ErrorAnswer>(set).outcome == Outcome::superseded);
  }
}

TEST_CASE("a record is made and set in one breath") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  auto first = make("/a", "review", R"({"status":"open"})");
  auto second = change(Action::set, "/a", R"({"status":"ok"})");
  first.id = 101;
  second.id = 102;
  rigging->say(protocol::TurnRequest{});
  rigging->expect<protocol::Yours>();
  rigging->say(first);
  rigging->say(second);
  rigging->say(protocol::Yours{});
  for (const protocol::AskId id : {101u, 102u}) CHECK(rigging->expect<Ok>().re == id);
  CHECK(fields_of(*rigging, "/a") == R"({"status":"ok","takes":1})");
}

TEST_CASE("two who make one record at once: one does, and both are told who") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  auto first = make("/a", "review", R"({"status":"1"})");
  auto second = make("/a", "review", R"({"status":"2"})");
  first.id = 101;
  second.id = 102;
  rigging->say(protocol::TurnRequest{});
  rigging->expect<protocol::Yours>();
  rigging->say(first);
  rigging->say(second);
  rigging->say(protocol::Yours{});
  CHECK(rigging->expect<Ok>().re == 101);
  CHECK(rigging->expect<protocol::ErrorAnswer>().outcome == Outcome::superseded);
}

TEST_CASE("what lasts as long as a session goes with it, in one tell") {
  Studio studio(with_schema(0s));
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  for (int i = 0; i < 10; ++i) done(*lighting, make("/slots/" + std::to_string(i), "slot"));
  done(*lighting, make("/slots/stays", "count"));
  enter(*rigging, "/slots");
  REQUIRE(tells(*rigging).size() == 1);
  lighting->close();
  std::vector<std::string> words;
  while (words.empty()) words = tells(*rigging);
  CHECK(words == Words{"/slots: --/slots/0 --/slots/1 --/slots/2 --/slots/3 --/slots/4 --/slots/5 --/slots/6 "
                       "--/slots/7 --/slots/8 --/slots/9"});
  CHECK(fields_of(*rigging, "/slots/stays") == "{}");
}

TEST_CASE("what is given to another session lasts as long as that, and everybody in the zone is told") {
  Studio studio(with_schema(0s));
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  const auto witness = studio.join("layout");
  done(*lighting, make("/slot", "slot"));
  for (TestClient* each : {rigging.get(), lighting.get(), witness.get()}) {
    enter(*each, "/slot");
    REQUIRE(tells(*each) == Words{"/slot full: /slot"});
  }
  auto give = change(Action::give, "/slot");
  give.to = rigging->session;
  done(*lighting, give);
  for (TestClient* each : {rigging.get(), lighting.get(), witness.get()}) {
    // What does not last is told some times a second.
    std::vector<protocol::Records> told;
    while (told.empty()) told = each->told<protocol::Records>();
    CHECK(told[0].records->find(R"("owner":")" + to_text(rigging->session) + R"(","user":"rigging")") !=
          std::string::npos);
    CHECK(tells(*each) == Words{"/slot: /slot"});
  }
  const auto before = rigging->ask_for<protocol::Status>(protocol::StatusAsk{}).sessions;
  lighting->close();
  while (rigging->ask_for<protocol::Status>(protocol::StatusAsk{}).sessions == before) {
  }
  CHECK(fields_of(*rigging, "/slot") == "{}");
  CHECK(tells(*rigging).empty());
}

TEST_CASE("what waits for another write is not done for a session that has left meanwhile") {
  Studio studio(with_schema(0s));
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  lighting->say(protocol::TurnRequest{});
  lighting->expect<protocol::Yours>();
  // Each waits for the one before.
  for (int i = 0; i < 20; ++i) {
    lighting->say(change(Action::put, "/a", R"({"n":1})", "mine"));
    lighting->say(change(Action::remove, "/a"));
  }
  lighting->say(change(Action::put, "/a", "{}", "slot"));
  lighting->say(protocol::Bye{Outcome::done, "left"});
  REQUIRE(rigging->comes_to_see(1));
  for (int i = 0; i < 50; ++i) done(*rigging, change(Action::put, "/b", R"({"n":2})", "mine"));
  CHECK(fields_of(*rigging, "/a") != "{}");
}

TEST_CASE("a session that comes back is in its zones, has its records and is told what it missed") {
  Studio studio(with_schema());
  const auto lost = studio.join_resumable("rigging");
  const auto lighting = studio.join("lighting");
  done(*lost, make("/slots/mine", "slot"));
  done(*lighting, make("/slots/other", "slot"));
  enter(*lost, "/slots");
  REQUIRE(tells(*lost).size() == 1);
  static_cast<void>(lost->told<protocol::Records>());
  studio.lose(*lost, *lighting);
  done(*lighting, change(Action::remove, "/slots/other"));
  done(*lighting, make("/slots/new", "slot"));
  auto back = studio.connect();
  REQUIRE(back->resume(*lost, "rigging"));
  REQUIRE(back->welcome.resumed);
  const auto words = tells(*back);
  REQUIRE(words.size() == 1);
  CHECK(words[0].starts_with("/slots:"));
  CHECK(words[0].find(" -/slots/other") != std::string::npos);
  CHECK(words[0].find(" /slots/new") != std::string::npos);
  CHECK(fields_of(*back, "/slots/mine") == "{}");
  enter(*back, "/slots");
  CHECK(tells(*back).empty());
}

TEST_CASE("who is put out of a zone while they are away is told so when they are back") {
  ServerOptions options = with_schema();
  options.zones = {.entries = 4, .per_origin = 2};
  Studio studio(options);
  const auto lost = studio.join_resumable("rigging");
  const auto lighting = studio.join("lighting");
  enter(*lost, "/slots");
  static_cast<void>(tells(*lost));
  studio.lose(*lost, *lighting);
  // The fifth finds all zones full.
  for (int i = 0; i < 5; ++i) done(*lighting, make("/slots/" + std::to_string(i), "slot"));
  auto back = studio.connect();
  REQUIRE(back->resume(*lost, "rigging"));
  REQUIRE(back->welcome.resumed);
  const auto told = back->told<protocol::Records>();
  REQUIRE(told.size() == 1);
  CHECK((told[0].zone == "/slots" && told[0].full && *told[0].records == "[]"));
  CHECK(told[0].why == "the zones that you are in hold too many records; enter smaller ones");
  static_cast<void>(tells(*back));
  // Whoever is in it again by then has nothing to hear of that.
  done(*lighting, change(Action::remove, "/slots/4"));
  done(*lighting, change(Action::remove, "/slots/3"));
  done(*lighting, change(Action::remove, "/slots/2"));
  enter(*back, "/slots");
  CHECK(tells(*back) == Words{"/slots full: /slots/0 /slots/1"});
}

TEST_CASE("after a kill what lasts is there, and what is in memory is not") {
  Studio studio(with_schema());
  std::uint64_t revision = 0;
  {
    const auto rigging = studio.join("rigging");
    revision = done(*rigging, make("/a", "review", R"({"status":"open"})"));
    done(*rigging, make("/b", "count"));
    done(*rigging, make("/c", "slot"));
  }
  studio.kill();
  studio.start();
  const auto rigging = studio.join("rigging");
  CHECK(fields_of(*rigging, "/a") == R"({"status":"open","takes":1})");
  CHECK(fields_of(*rigging, "/b") == "none");
  CHECK(fields_of(*rigging, "/c") == "none");
  enter(*rigging, "/");
  CHECK(tells(*rigging) ==
        Words{"/ full: /a /services/backup /services/ping /services/retention /services/verify"});
  CHECK(done(*rigging, change(Action::set, "/a", R"({"status":"ok"})")) > revision);
}

TEST_CASE(
    "a visit acts for the session of its user, and without one owns nothing that lasts as long as that") {
  Studio studio(with_schema(0s));
  {
    const auto alone = studio.visit("rigging");
    CHECK(refusal(*alone, make("/slot", "slot")) ==
          "refused: records of class \"slot\" last as long as their owner's session: join first");
    done(*alone, make("/mine", "mine"));
  }
  const auto rigging = studio.join("rigging");
  done(*rigging, change(Action::set, "/mine", R"({"n":1})"));
  const auto visit = studio.visit("rigging");
  done(*visit, make("/slot", "slot"));
  done(*visit, change(Action::set, "/mine", R"({"n":2})"));
  CHECK(fields_of(*rigging, "/slot") == "{}");
  const auto records = rigging->ask_for<protocol::Records>(protocol::RecordsRead{0, "/slot", ""});
  CHECK(records.records->find("\"owner\":\"" + to_text(rigging->session) + "\"") != std::string::npos);
}

TEST_CASE("a visit that enters a zone is told of it") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  const auto visit = studio.visit("lighting");
  enter(*visit, "/a");
  CHECK(tells(*visit) == Words{"/a full:"});
  done(*rigging, make("/a/b", "count"));
  CHECK(tells(*visit) == Words{"/a: /a/b"});
}

TEST_CASE("what its owner alone is told of others can neither hear nor read") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  enter(*rigging, "/s");
  enter(*lighting, "/s");
  tells(*lighting);
  done(*rigging, make("/s/1", "secret"));
  CHECK(tells(*lighting).empty());
  CHECK(tells(*rigging).back() == "/s: /s/1");
  CHECK(fields_of(*lighting, "/s/1") == "none");
  CHECK(fields_of(*rigging, "/s/1") == "{}");
}

TEST_CASE("what its owner alone is told of they are told of in their next session, too, also by a visit") {
  Studio studio(with_schema(0ms));
  const auto lighting = studio.join("lighting");
  auto rigging = studio.join("rigging");
  done(*rigging, make("/s/1", "secret"));
  const SessionId before = rigging->session;
  rigging.reset();
  const auto has_left = [&] {
    const auto users = lighting->ask_for<protocol::Users>(protocol::UsersAsk{});
    return std::ranges::none_of(users.users, [&](const auto& each) { return each.session == before; });
  };
  while (!has_left()) {
  }
  rigging = studio.join("rigging");
  REQUIRE(rigging->session != before);
  const auto visit = studio.visit("rigging");
  for (TestClient* each : {rigging.get(), visit.get(), lighting.get()}) enter(*each, "/s");
  CHECK(fields_of(*rigging, "/s/1") == "{}");
  CHECK(tells(*rigging) == Words{"/s full: /s/1"});
  CHECK(tells(*visit) == Words{"/s full: /s/1"});
  CHECK(tells(*lighting) == Words{"/s full:"});
  done(*rigging, change(Action::set, "/s/1", R"({"n":1})"));
  CHECK(tells(*rigging) == Words{"/s: /s/1"});
  CHECK(tells(*visit) == Words{"/s: /s/1"});
  done(*rigging, change(Action::remove, "/s/1"));
  CHECK(tells(*rigging) == Words{"/s: -/s/1"});
  CHECK(tells(*visit) == Words{"/s: -/s/1"});
  CHECK(tells(*lighting).empty());
}

TEST_CASE("null sets a field that has a default back to it, and takes another away") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  done(*rigging, make("/a", "review", R"({"status":"open","takes":null})"));
  CHECK(fields_of(*rigging, "/a") == R"({"status":"open","takes":1})");
  done(*rigging, change(Action::set, "/a", R"({"takes":7})"));
  done(*rigging, change(Action::set, "/a", R"({"takes":null})"));
  CHECK(fields_of(*rigging, "/a") == R"({"status":"open","takes":1})");
  done(*rigging, make("/b", "count", R"({"n":1})"));
  done(*rigging, change(Action::set, "/b", R"({"n":null})"));
  CHECK(fields_of(*rigging, "/b") == "{}");
}

TEST_CASE("an event is told and not kept") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  enter(*rigging, "/camera");
  tells(*rigging);
  CHECK(done(*rigging, make("/camera/rigging", "event", R"({"data":[1,2]})")) == 0);
  CHECK(tells(*rigging) == Words{"/camera: /camera/rigging"});
  CHECK(fields_of(*rigging, "/camera/rigging") == "none");
  CHECK(refusal(*rigging, make("/camera/rigging", "event", R"({"data":")" + std::string(5000, 'x') + "\"}"))
            .starts_with("refused: class \"event\": fields: expected at most 4.00 KiB"));
}

TEST_CASE("what changes all the time and does not last is told in its newest state, some times a second") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  done(*lighting, make("/slots/1", "slot"));
  enter(*rigging, "/slots");
  tells(*rigging);
  const Instant before = studio.loop.now();
  for (int i = 0; i < 100; ++i)
    done(*lighting, change(Action::set, "/slots/1", R"({"n":)" + std::to_string(i) + "}"));
  // In force at once, whoever was told.
  CHECK(fields_of(*rigging, "/slots/1") == R"({"n":99})");
  std::vector<protocol::Records> told;
  while (told.empty() || told.back().records->find(R"("n":99)") == std::string::npos)
    told = rigging->told<protocol::Records>();
  const auto periods = (studio.loop.now() - before) / kCameraPeriod;
  CHECK(told.size() <= static_cast<std::size_t>(periods) + 2);
}

TEST_CASE("a long zone is read in pieces") {
  Studio studio(with_schema());
  const auto rigging = studio.join("rigging");
  for (int i = 0; i < 40; ++i) {
    done(*rigging, make("/big/" + std::to_string(100 + i), "review",
                        R"({"status":")" + std::string(60'000, 'x') + "\"}"));
  }
  std::size_t count = 0;
  std::string after;
  for (int pieces = 0;; ++pieces) {
    REQUIRE(pieces < 10);
    const auto piece = rigging->ask_for<protocol::Records>(protocol::RecordsRead{0, "/big", after});
    const auto list = *document::parse(*piece.records);
    count += list->array()->size();
    if (!piece.more) break;
    after = *list->array()->back()->member("path")->string();
    CHECK(pieces < 3);
  }
  CHECK(count == 40);
}

}  // namespace callboard::records_test
