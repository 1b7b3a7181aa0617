#include "client/known_records.h"

#include <catch2/catch.hpp>

namespace callboard::client::known_records_test {
namespace {

protocol::Records tell(const std::string& records, bool full = false, bool more = false) {
  protocol::Records told;
  told.zone = "/a";
  told.full = full;
  told.more = more;
  told.records = std::make_shared<const std::string>("[" + records + "]");
  return told;
}

std::string record(const std::string& path, int revision, const std::string& fields = "{}") {
  return R"({"path":")" + path + R"(","class":"review","by":"rigging","revision":)" +
         std::to_string(revision) + R"(,"timestamp":1000,"fields":)" + fields + "}";
}

// "+" and the path of what changed, "-" of what is gone, "--" of what left, "!" where all is told; "nothing".
std::string heard(KnownRecords& known, const protocol::Records& told) {
  const auto news = known.hear(told);
  REQUIRE(news);
  if (!*news) return "nothing";
  std::string words;
  for (const Record& each : (*news)->changed) words += "+" + each.path + " ";
  for (const RecordGone& each : (*news)->gone) words += (each.left ? "--" : "-") + each.path + " ";
  return words + ((*news)->is_complete ? "!" : "");
}

}  // namespace

TEST_CASE("a record is read as it was told") {
  const auto list = to_records(
      tell(R"({"path":"/a/b","class":"review","owner":"066a9a8b3c400001","user":"rigging","by":"lighting",)"
           R"("revision":820,"timestamp":1763733203123,"fields":{"status":"ok","n":[1]}},)"
           R"({"path":"/a/c","gone":true},{"path":"/a/d","gone":true,"left":true})"));
  REQUIRE(list);
  REQUIRE(list->records.size() == 1);
  const Record& read = list->records[0];
  CHECK(read.path == "/a/b");
  CHECK(read.record_class == "review");
  CHECK(read.owner == session_id_from("066a9a8b3c400001"));
  CHECK(read.owner_name == "rigging");
  CHECK(read.by == "lighting");
  CHECK(read.revision == 820);
  CHECK(read.timestamp.ms == 1763733203123);
  CHECK(read.fields == R"({"status":"ok","n":[1]})");
  REQUIRE(list->gone.size() == 2);
  CHECK_FALSE(list->gone[0].left);
  CHECK(list->gone[1].left);
}

TEST_CASE("what is no list of records is said so") {
  for (const char* bad : {"{", R"({"path":1})", R"({"class":"a"})", R"({"path":"/a"})"}) {
    INFO(bad);
    CHECK_FALSE(to_records(tell(bad)));
  }
}

TEST_CASE("all that is known is told to whoever listens anew, and nothing before anything was told") {
  KnownRecords known;
  CHECK_FALSE(known.all("/a"));
  CHECK(heard(known, tell(record("/a/b", 1), true, true)) == "+/a/b ");
  REQUIRE(known.all("/a"));
  CHECK_FALSE(known.all("/a")->is_complete);
  CHECK(heard(known, tell(record("/a/c", 2))) == "+/a/c !");
  const auto all = known.all("/a");
  REQUIRE(all);
  CHECK(all->zone == "/a");
  CHECK(all->is_complete);
  CHECK(all->gone.empty());
  REQUIRE(all->changed.size() == 2);
  CHECK(all->changed[0].path == "/a/b");
  CHECK(all->changed[1].path == "/a/c");
}

TEST_CASE("what is told again is no news, and what changed or is gone is") {
  KnownRecords known;
  CHECK(heard(known, tell(record("/a/b", 1), true)) == "+/a/b !");
  CHECK(heard(known, tell(record("/a/b", 1))) == "nothing");
  CHECK(heard(known, tell(record("/a/b", 2) + "," + record("/a/c", 3))) == "+/a/b +/a/c !");
  CHECK(heard(known, tell(R"({"path":"/a/b","gone":true},{"path":"/a/x","gone":true})")) == "-/a/b !");
  CHECK(heard(known, tell(R"({"path":"/a/b","gone":true})")) == "nothing");
  CHECK(heard(known, tell(R"({"path":"/a/c","gone":true,"left":true})")) == "--/a/c !");
}

TEST_CASE("of a zone that is told anew what is missing at its end is gone, and was not removed") {
  KnownRecords known;
  CHECK(heard(known, tell("", true)) == "!");
  heard(known, tell(record("/a/b", 1) + "," + record("/a/c", 2) + "," + record("/a/d", 3)));
  CHECK(heard(known, tell(record("/a/b", 1), true, true)) == "nothing");
  CHECK(heard(known, tell(record("/a/c", 9), false, true)) == "+/a/c ");
  CHECK(heard(known, tell("", false, false)) == "--/a/d !");
  // Put out of the zone.
  auto no_more = tell("", true);
  no_more.why = "it holds too many records";
  CHECK(heard(known, no_more) == "--/a/b --/a/c !");
}

TEST_CASE("an event is news every time, and is not missed later") {
  KnownRecords known;
  CHECK(heard(known, tell(record("/a/b", 0))) == "+/a/b !");
  CHECK(heard(known, tell(record("/a/b", 0))) == "+/a/b !");
  CHECK(heard(known, tell("", true)) == "!");
}

}  // namespace callboard::client::known_records_test
