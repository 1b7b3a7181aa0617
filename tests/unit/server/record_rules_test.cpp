// Who may change and see which records, through a real server with keys.
#include <catch2/catch.hpp>

#include "tests/unit/server/keyed_studio.h"
#include "tests/unit/server/record_asks.h"

namespace callboard::record_rules_test {
using namespace callboard::server;

namespace {

constexpr const char* kRules = R"({"classes":[
  {"name":"review","fields":[
    {"name":"status","type":"text","required":true},
    {"name":"takes","type":"int","default":1},
    {"name":"votes","type":"int","computed":true},
    {"name":"approved","type":"bool","write":"review.approve"},
    {"name":"note","type":"text","write":"owner"}]},
  {"name":"grade","enter":"review.see","fields":[{"name":"n","type":"int"}]},
  {"name":"shout","life":"event","enter":"review.see","fields":[]}
]})";

constexpr const char* kRoles =
    R"({"supervisor":["records.write","review.approve","review.see"],"seer":["records.write","review.see"]})";

ServerOptions with_rules() {
  ServerOptions options;
  auto schema = document::Schema::from(kRules);
  REQUIRE(schema);
  options.schema = *schema;
  return options;
}

struct Reviews : KeyedStudio {
  AccessKey artist_key = add("artist");
  AccessKey boss_key = add("boss", "admin");
  std::unique_ptr<TestClient> artist;
  std::unique_ptr<TestClient> boss;
  AccessKey supervisor_key;
  AccessKey seer_key;

  Reviews() : KeyedStudio(with_rules()) {
    supervisor_key = add("supervisor", "supervisor");
    seer_key = add("seer", "seer");
    write_roles(kRoles);
    artist = join_with(artist_key);
    boss = join_with(boss_key);
  }
  void people_call(const std::string& name, const std::string& arguments) {
    protocol::CallAsk ask;
    ask.name = name;
    ask.arguments = std::make_shared<const std::string>(arguments);
    boss->ask_for<protocol::CallResult>(ask);
  }
  // What the seer is told of grades once that they see them, or do not, has changed.
  Words changed(TestClient& seer) {
    Words words;
    while (words.empty()) words = tells(seer);
    return words;
  }
};

RecordAsk put(const std::string& fields) { return change(Action::put, "/r", fields, "review"); }

// Says all of that in one breath, and what is answered to each.
std::vector<std::string> at_once(TestClient& client, std::vector<RecordAsk> asks) {
  client.say(protocol::TurnRequest{});
  client.expect<protocol::Yours>();
  protocol::AskId id = 1000;
  for (RecordAsk& ask : asks) {
    ask.id = ++id;
    client.say(ask);
  }
  client.say(protocol::Yours{});
  std::vector<std::string> answers(asks.size());
  for (std::size_t missing = asks.size(); missing > 0;) {
    const auto heard = client.next();
    REQUIRE(heard);
    const auto* ok = std::get_if<Ok>(&*heard);
    const auto* error = std::get_if<protocol::ErrorAnswer>(&*heard);
    if (ok == nullptr && error == nullptr) continue;
    answers.at((ok != nullptr ? ok->re : error->re) - 1001) = ok != nullptr ? "ok" : error->text;
    --missing;
  }
  return answers;
}

}  // namespace

TEST_CASE(
    "a put changes no field that its author may not write, neither by saying it nor by leaving it out") {
  Reviews studio;
  const auto supervisor = studio.join_with(studio.supervisor_key);
  done(*supervisor, make("/r", "review", R"({"status":"open","approved":true,"note":"mine"})"));
  const std::string needs = "refused: field \"approved\": you lack the permission review.approve";
  CHECK(refusal(*studio.artist, put(R"({"status":"open"})")).starts_with(needs));
  CHECK(
      refusal(*studio.artist, put(R"({"status":"open","approved":false,"note":"mine"})")).starts_with(needs));
  // The note is its owner's, who alone may take it away.
  CHECK(refusal(*studio.artist, put(R"({"status":"ok","approved":true})")) ==
        "refused: \"/r\" is \"supervisor\"'s: only its owner may do that");
  const std::string before = R"({"status":"open","takes":1,"approved":true,"note":"mine"})";
  CHECK(fields_of(*studio.boss, "/r") == before);
  // Who says of those what is there already changes the others.
  done(*studio.artist, put(R"({"status":"ok","approved":true,"note":"mine"})"));
  CHECK(fields_of(*studio.boss, "/r") == R"({"status":"ok","takes":1,"approved":true,"note":"mine"})");
  done(*supervisor, put(R"({"status":"ok"})"));
  CHECK(fields_of(*studio.boss, "/r") == R"({"status":"ok","takes":1})");
  done(*studio.artist, put(R"({"status":"open"})"));
  // Where there is none, what is left out is nobody's doing; what is said is.
  done(*studio.artist, change(Action::put, "/made", R"({"status":"open"})", "review"));
  CHECK(refusal(*studio.artist, change(Action::put, "/said", R"({"status":"","approved":true})", "review"))
            .starts_with(needs));
}

TEST_CASE("a put is judged by the record as it is when its turn comes") {
  Reviews studio;
  done(*studio.artist, make("/r", "review", R"({"status":"open"})"));
  const auto answers =
      at_once(*studio.boss, {change(Action::set, "/r", R"({"approved":true})"), put(R"({"status":"1"})"),
                             change(Action::set, "/r", R"({"takes":7})")});
  CHECK(answers == std::vector<std::string>{"ok", "ok", "ok"});
  // In the order in which they were said: what the put left out is gone, and what was set after it is not.
  CHECK(fields_of(*studio.boss, "/r") == R"({"status":"1","takes":7})");
}

TEST_CASE("a record is no larger than the limit, however many set it at once") {
  Studio studio(with_rules());
  const auto rigging = studio.join("rigging");
  done(*rigging, make("/r", "review", R"({"status":"open"})"));
  const std::string half(kRecordMax * 2 / 3, 'x');
  const auto answers = at_once(*rigging, {change(Action::set, "/r", R"({"status":")" + half + "\"}"),
                                          change(Action::set, "/r", R"({"note":")" + half + "\"}"),
                                          change(Action::set, "/r", R"({"takes":2})")});
  CHECK(answers == std::vector<std::string>{"ok", "fields: expected at most 64.0 KiB in all", "ok"});
  CHECK(fields_of(*rigging, "/r") == R"({"status":")" + half + R"(","takes":2})");
  done(*rigging, change(Action::set, "/r", R"({"status":"small"})"));
}

TEST_CASE(
    "who changes what somebody else has changed meanwhile is told so, and who makes what is there that") {
  Studio studio(with_rules());
  const auto rigging = studio.join("rigging");
  const auto first = done(*rigging, make("/r", "review", R"({"status":"open"})"));
  const auto second = done(*rigging, change(Action::set, "/r", R"({"status":"ok"})"));
  auto late = change(Action::set, "/r", R"({"status":"late"})");
  late.base = first;
  CHECK(refusal(*rigging, late) ==
        "superseded: \"/r\" was changed meanwhile: revision " + std::to_string(second) + ", by \"rigging\"");
  late.base = second + 9000;
  CHECK(refusal(*rigging, late) == "superseded: \"/r\" has no revision " + std::to_string(second + 9000) +
                                       ": the newest is " + std::to_string(second) + ", by \"rigging\"");
  CHECK(refusal(*rigging, make("/r", "review", R"({"status":""})")) ==
        "superseded: \"/r\" is there already, at revision " + std::to_string(second) + ", by \"rigging\"");
}

TEST_CASE("who may see a class no more is told that its records are gone, and of no others") {
  Reviews studio;
  const auto seer = studio.join_with(studio.seer_key);
  enter(*seer, "/a");
  CHECK(tells(*seer) == Words{"/a full:"});
  done(*studio.boss, make("/a/1", "grade"));
  done(*studio.boss, make("/a/r", "review", R"({"status":"open"})"));
  CHECK(tells(*seer) == Words{"/a: /a/1", "/a: /a/r"});
  const std::string how = GENERATE("revoke", "roles.json");
  INFO(how);
  if (how == "revoke") {
    studio.people_call("revoke", R"({"user":"seer","permission":["review.see"]})");
  } else {
    studio.write_roles(R"({"supervisor":["records.write"],"seer":["records.write"]})");
  }
  CHECK(studio.changed(*seer) == Words{"/a full: /a/r"});
  done(*studio.boss, make("/a/2", "grade"));
  done(*studio.boss, make("/a/shout", "shout"));
  CHECK(tells(*seer).empty());
  CHECK(fields_of(*seer, "/a/2") == "none");
  done(*studio.boss, change(Action::set, "/a/r", R"({"status":"ok"})"));
  CHECK(tells(*seer) == Words{"/a: /a/r"});
  if (how == "revoke") {
    studio.people_call("grant", R"({"user":"seer","permission":["review.see"]})");
  } else {
    studio.write_roles(kRoles);
  }
  CHECK(studio.changed(*seer) == Words{"/a full: /a/1 /a/2 /a/r"});
}

TEST_CASE("who may not see a record changes and removes none, and hears nothing of it") {
  Reviews studio;
  const auto seer = studio.join_with(studio.seer_key);
  done(*studio.boss, make("/a/1", "grade", R"({"n":1})"));
  CHECK(refusal(*studio.artist, make("/a/1", "grade")) == "superseded: \"/a/1\" is there already");
  for (const auto& each : {change(Action::set, "/a/1", R"({"n":2})"), change(Action::remove, "/a/1")})
    CHECK(refusal(*studio.artist, each) == "not_found: there is no record \"/a/1\"");
  CHECK(fields_of(*seer, "/a/1") == R"({"n":1})");
  done(*seer, change(Action::remove, "/a/1"));
}

TEST_CASE("who may see a class no more when they come back is not told of it") {
  Reviews studio;
  const auto seer = studio.join_with(studio.seer_key, "seer", true);
  enter(*seer, "/a");
  done(*studio.boss, make("/a/1", "grade"));
  REQUIRE(tells(*seer).back() == "/a: /a/1");
  tells(*seer);
  studio.lose(*seer, *studio.boss);
  studio.people_call("revoke", R"({"user":"seer","permission":["review.see"]})");
  done(*studio.boss, make("/a/2", "grade"));
  auto back = studio.connect(studio.seer_key);
  REQUIRE(back->resume(*seer, "seer"));
  REQUIRE(back->welcome.resumed);
  CHECK(tells(*back) == Words{"/a full:"});
}

TEST_CASE("those who ask for a lock at the same moment are all among those who want it") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  const auto call_of = [](protocol::AskId id, const std::string& name) {
    protocol::CallAsk ask;
    ask.id = id;
    ask.name = name;
    ask.arguments = std::make_shared<const std::string>(R"({"item":"/dev/Moria"})");
    return ask;
  };
  rigging->ask_for<protocol::CallResult>(call_of(0, "lock"));
  lighting->say(protocol::TurnRequest{});
  lighting->expect<protocol::Yours>();
  lighting->say(call_of(101, "lock.ask"));
  lighting->say(call_of(102, "lock.ask"));
  lighting->say(protocol::Yours{});
  for (int i = 0; i < 2; ++i) CHECK(*lighting->expect<protocol::CallResult>().value == R"("rigging")");
  CHECK(fields_of(*rigging, "/locks/dev/Moria").find(R"("wanted":["lighting"])") != std::string::npos);
}

TEST_CASE("who may everything is in one zone with those who see all that there is") {
  ServerOptions options = with_rules();
  options.zones.entries = 3;
  KeyedStudio studio(std::move(options));
  const AccessKey boss_key = studio.add("boss", "admin");
  const AccessKey seer_key = studio.add("seer", "seer");
  const AccessKey artist_key = studio.add("artist");
  studio.write_roles(kRoles);
  const auto seer = studio.join_with(seer_key);
  for (const char* path : {"/g/1", "/g/2"}) done(*seer, make(path, "grade"));
  enter(*seer, "/g");
  const auto boss = studio.join_with(boss_key);
  enter(*boss, "/g");
  CHECK(tells(*boss) == Words{"/g full: /g/1 /g/2"});
  // Of another zone with those there would be four.
  const auto artist = studio.join_with(artist_key);
  enter(*artist, "/g");
  CHECK(tells(*artist) == Words{"/g full:"});
}

TEST_CASE("records of a class that the schema does not name are their owners' and the admins' alone") {
  std::vector<Event> warnings;
  ServerOptions options = with_rules();
  options.on_event = [&](const Event& event) {
    if (event.level == Event::Level::warn) warnings.push_back(event);
  };
  KeyedStudio studio(std::move(options));
  const AccessKey boss_key = studio.add("boss", "admin");
  const AccessKey seer_key = studio.add("seer", "seer");
  const AccessKey artist_key = studio.add("artist");
  studio.write_roles(kRoles);
  for (const char* path : {"/g/1", "/g/2"}) {
    done(*studio.join_with(seer_key), make(path, "grade", R"({"n":1})"));
  }
  studio.stop();
  CHECK(warnings.empty());
  studio.set_schema(document::Schema::built_in());
  studio.start();
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(line_of(warnings[0]),
             Catch::Contains("does not name") && Catch::Contains("class=grade count=2"));

  const auto artist = studio.join_with(artist_key);
  enter(*artist, "/g");
  CHECK(fields_of(*artist, "/g/1") == "none");
  CHECK(refusal(*artist, change(Action::remove, "/g/1")) == "not_found: there is no record \"/g/1\"");
  CHECK(tells(*artist) == Words{"/g full:"});
  const auto seer = studio.join_with(seer_key);
  CHECK(fields_of(*seer, "/g/1") == R"({"n":1})");
  done(*seer, change(Action::remove, "/g/1"));
  const auto boss = studio.join_with(boss_key);
  enter(*boss, "/g");
  CHECK(fields_of(*boss, "/g/2") == R"({"n":1})");
  CHECK(tells(*boss) == Words{"/g full: /g/2"});
  done(*boss, change(Action::remove, "/g/2"));
  CHECK(tells(*boss) == Words{"/g: -/g/2"});
  CHECK(tells(*artist).empty());
}

TEST_CASE("a server that is started with another schema says which records do not fit it") {
  std::vector<std::string> warnings;
  ServerOptions options = with_rules();
  options.on_event = [&](const Event& event) {
    if (event.level == Event::Level::warn) warnings.push_back(line_of(event));
  };
  Studio studio(std::move(options));
  done(*studio.join("rigging"), make("/r/1", "review", R"({"status":"open","note":"a"})"));
  done(*studio.join("rigging"), make("/r/2", "review", R"({"status":"open"})"));
  studio.stop();
  studio.set_schema(*document::Schema::from(R"({"classes":[{"name":"review","fields":[
    {"name":"status","type":"int"},{"name":"takes","type":"int"},{"name":"by","type":"text","required":true}]}]})"));
  studio.start();
  const std::string same = "records do not fit the schema class=review field=";
  CHECK(warnings == Words{same + "by count=2 cause=\"it is required, and not there\"",
                          same + "note count=1 cause=\"the schema does not name it\"",
                          same + "status count=2 cause=\"expected int, got text\""});
}

}  // namespace callboard::record_rules_test
