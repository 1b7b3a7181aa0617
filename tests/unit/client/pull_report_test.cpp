#include "client/pull_report.h"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

namespace callboard::client::pull_report_test {
namespace {

PullReport with_problems(const std::vector<Outcome>& outcomes) {
  PullReport report;
  for (const Outcome each : outcomes) {
    const std::string number = std::to_string(report.problems.size());
    report.problems.push_back({number, {each, number + " cannot be had"}});
  }
  report.cause = PullCause::files;
  const Error ending = ending_of_files(report);
  report.outcome = ending.outcome;
  report.text = ending.text;
  return report;
}

PullReport from(std::string giver) {
  PullReport report;
  report.giver = std::move(giver);
  return report;
}

PullReport ended(Outcome outcome, PullCause cause, std::string text) {
  PullReport report;
  report.outcome = outcome;
  report.cause = cause;
  report.text = std::move(text);
  return report;
}

PullReport with_conflict(PullCause cause) {
  PullReport report = ended(Outcome::superseded, cause, "changed here and there");
  report.conflicts = {{"dev/a"}};
  return report;
}

}  // namespace

TEST_CASE(
    "a note of a pull that was killed and cannot be read is told once, of however many items it is met") {
  PullReport one;
  one.problems = {{".callboard/tmp/kept/pulling-1", {Outcome::failed, "cannot be read"}},
                  {"dev/a", {Outcome::refused, "cannot be had"}}};
  one.cause = PullCause::files;
  one.outcome = Outcome::failed;
  PullReport all;
  add_item_report(all, "/dev", one);
  one.problems[1].path = "rnd/a";
  add_item_report(all, "/rnd", one);
  REQUIRE(all.problems.size() == 3);
  CHECK(all.problems[2].path == "rnd/a");
  CHECK(all.text == "cannot be read (and 2 more)");
}

TEST_CASE("problems of one outcome end a pull with that, different ones as failed") {
  using enum Outcome;
  CHECK(with_problems({refused}).outcome == refused);
  CHECK(with_problems({refused, refused, refused}).outcome == refused);
  CHECK(with_problems({not_found, not_found}).outcome == not_found);
  CHECK(with_problems({refused, refused, not_found}).outcome == failed);
  CHECK(with_problems({refused}).text == "0 cannot be had");
  CHECK(with_problems({refused, refused, refused}).text == "0 cannot be had (and 2 more)");
}

TEST_CASE("problems come before removals refused, those before conflicts, and nothing of these is done") {
  PullReport report;
  CHECK(ending_of_files(report).outcome == Outcome::done);
  report.conflicts = {{"dev/a"}, {"dev/b"}};
  CHECK(ending_of_files(report).outcome == Outcome::superseded);
  CHECK(ending_of_files(report).text ==
        "\"/dev/a\": changed here and at the giver since the last pull (and 1 more)");
  report.removals_refused = 3;
  report.removals_refused_of = 4;
  CHECK(ending_of_files(report).outcome == Outcome::refused);
  report.problems = {{"dev/c", {Outcome::not_found, "dev/c is gone"}}};
  report.problems_unlisted = 7;
  CHECK(ending_of_files(report).outcome == Outcome::not_found);
  CHECK(ending_of_files(report).text == "dev/c is gone (and 7 more)");
}

TEST_CASE("pulls that are added up end as one with the problems of all would") {
  using enum Outcome;
  PullReport all;
  add_report(all, with_problems({refused}));
  CHECK(all.outcome == refused);
  CHECK(all.text == "0 cannot be had");
  add_report(all, PullReport());
  add_report(all, with_problems({refused, refused}));
  CHECK(all.outcome == refused);
  CHECK(all.text == "0 cannot be had (and 2 more)");
  add_report(all, with_problems({not_found}));
  CHECK(all.outcome == failed);
  CHECK(all.cause == PullCause::files);
}

TEST_CASE(
    "what ended another pull as a whole stays the ending, but not before a full disk or who stopped it") {
  PullReport all = ended(Outcome::locked, PullCause::pull, "locked");
  add_report(all, with_problems({Outcome::refused}));
  CHECK(all.text == "locked");
  add_report(all, ended(Outcome::failed, PullCause::disk, "disk full"));
  CHECK(all.outcome == Outcome::failed);
  CHECK(all.cause == PullCause::disk);
  CHECK(all.text == "disk full");
  add_report(all, with_problems({Outcome::refused}));
  CHECK(all.text == "disk full");
  add_report(all, ended(Outcome::cancelled, PullCause::pull, "cancelled"));
  CHECK(all.outcome == Outcome::cancelled);
}

TEST_CASE("what keeps one item of several from coming is a problem of its own, and ends the others seldom") {
  PullReport all;
  PullRequest request;
  const PullReport away = ended(Outcome::not_found, PullCause::pull, "lighting is away");
  CHECK_FALSE(ends_all(request, away));
  add_item_report(all, "/dev/chr/Moria", away);
  add_item_report(all, "/dev/chr/other", with_problems({Outcome::refused}));
  CHECK(all.outcome == Outcome::not_found);
  CHECK(all.text == "\"/dev/chr/Moria\": lighting is away");
  REQUIRE(all.problems.size() == 2);
  CHECK(all.problems.front().path == "dev/chr/Moria");
  CHECK(ends_all(request, ended(Outcome::failed, PullCause::disk, "disk full")));
  CHECK(ends_all(request, ended(Outcome::cancelled, PullCause::pull, "cancelled")));
  CHECK_FALSE(ends_all(request, with_conflict(PullCause::files)));
  request.on_conflict = PullRequest::OnConflict::fail;
  CHECK(ends_all(request, with_conflict(PullCause::files)));
}

TEST_CASE("of several items the first that was not done says how it ended, whatever follows") {
  PullReport all;
  add_item_report(all, "/dev/a", with_conflict(PullCause::files));
  add_item_report(all, "/dev/b", ended(Outcome::not_found, PullCause::pull, "nobody has \"/dev/b\""));
  add_item_report(all, "/dev/c", PullReport{});
  add_item_report(all, "/dev/d", with_problems({Outcome::refused}));
  CHECK(all.outcome == Outcome::superseded);
  REQUIRE(all.problems.size() == 2);
  CHECK(all.problems.front().error.text == "nobody has \"/dev/b\"");
}

TEST_CASE("who stopped a pull, and a conflict that ends it, are no problem of an item") {
  PullReport all;
  add_item_report(all, "/dev/a", with_conflict(PullCause::pull));
  add_item_report(all, "/dev/b", ended(Outcome::cancelled, PullCause::pull, "cancelled"));
  CHECK(all.outcome == Outcome::cancelled);
  CHECK(all.problems.empty());
}

TEST_CASE("every giver is named once, whatever names are parts of others") {
  PullReport all;
  for (const char* giver : {"rigging", "rig", "", "light", "rigging", "lighting", "rig"})
    add_report(all, from(giver));
  CHECK(all.giver == "rigging, rig, light, lighting");
}

}  // namespace callboard::client::pull_report_test
