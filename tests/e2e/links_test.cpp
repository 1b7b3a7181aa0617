// `pull --linked`: what .blend files link to comes with them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/e2e/studio.h"
#include "tests/support/blend.h"
#include "tests/support/tree.h"

namespace callboard::e2e::links_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using support::make_blend;
using support::write_file;

const std::string kShot = "rnd/s1/shot/shot.blend";
const std::string kMoria = "dev/chr/Moria/Moria.blend";
const std::string kSkin = "ast/lib/skin/skin.blend";

// Rigging has a shot that links to a character that links to a library with a texture, and something else.
struct Workshop : Studio {
  fs::path rigging = add_user("rigging");
  fs::path lighting = add_user("lighting");
  std::unique_ptr<Process> rigging_joined;
  std::unique_ptr<Process> lighting_joined;

  Workshop() {
    write_file(rigging / kShot, make_blend({"//../../../" + kMoria}));
    write_file(rigging / kMoria,
               support::compress_blend(make_blend({"//..\\..\\..\\ast\\lib\\skin\\skin.blend"})));
    write_file(rigging / "dev/chr/Moria/old/turntable.blend", make_blend({"//../../Other/other.blend"}));
    write_file(rigging / kSkin, make_blend(std::vector<std::string>()));
    write_file(rigging / "ast/lib/skin/tex/skin.png", "brown");
    write_file(rigging / "dev/chr/Other/other.blend", make_blend({"//../Moria/Moria.blend"}));
    serve();
    rigging_joined = join("rigging");
  }

  Finished pull(std::vector<std::string> words) const {
    words.insert(words.begin(), "pull");
    words.emplace_back("--linked");
    return run("lighting", std::move(words));
  }
  bool has(const std::string& path) const { return fs::exists(lighting / path); }
};

std::vector<std::string> paths(const Finished& finished, std::string_view event, const char* key) {
  std::vector<std::string> found;
  for (const Json& each : events(finished.out, event)) found.push_back(each.at(key).get<std::string>());
  return found;
}

Json pulled(const Finished& finished) { return events(finished.out, "pulled").at(0); }

TEST_CASE("a shot that is pulled with --linked brings what it links to, and what that links to") {
  Workshop shop;
  const bool has_join = GENERATE(false, true);
  const std::string from = GENERATE("rigging", "newest");
  if (has_join) shop.lighting_joined = shop.join("lighting");
  const auto first = shop.pull({"/rnd/s1/shot", "--from", from, "--json"});
  CAPTURE(has_join, from, first.out, first.err);
  CHECK(first.ending.exit_code == 0);
  CHECK(paths(first, "linked", "item") == std::vector<std::string>{"/dev/chr/Moria", "/ast/lib/skin"});
  CHECK(paths(first, "linked", "path") == std::vector<std::string>{kMoria, kSkin});
  CHECK(paths(first, "linked", "by") == std::vector<std::string>{kShot, kMoria});
  CHECK(paths(first, "linked", "from") == std::vector<std::string>{"rigging", "rigging"});
  CHECK(pulled(first).at("linked") == 2);
  CHECK(pulled(first).at("files") == 5);
  for (const char* item : {"rnd", "dev/chr/Moria", "ast"})
    CHECK(support::differences(shop.rigging / item, shop.lighting / item) == support::kNoDifference);
  // Only what is linked to is looked into, not everything beside it.
  CHECK_FALSE(shop.has("dev/chr/Other"));

  write_file(shop.rigging / "ast/lib/skin/tex/skin.png", "browner");
  const auto update = shop.pull({"/rnd/s1/shot", "--from", "rigging", "--json"});
  CAPTURE(update.out, update.err);
  CHECK(update.ending.exit_code == 0);
  CHECK(pulled(update).at("files") == 1);
  CHECK(support::read_file(shop.lighting / "ast/lib/skin/tex/skin.png") == "browner");
}

TEST_CASE("people are told what comes for which link, and a pull without --linked brings nothing of it") {
  Workshop shop;
  const auto plain = shop.run("lighting", {"pull", "/rnd/s1/shot", "--from", "rigging"});
  CHECK(plain.ending.exit_code == 0);
  CHECK_FALSE(shop.has("dev"));
  const auto told = shop.pull({"/rnd/s1/shot", "--from", "rigging"});
  CAPTURE(told.out, told.err);
  CHECK(told.ending.exit_code == 0);
  CHECK_THAT(told.out, Contains("/" + kShot + " links to /dev/chr/Moria\n") &&
                           Contains("/" + kMoria + " links to /ast/lib/skin\n") &&
                           Contains("pulled 4 files") && Contains("2 linked items with it"));
}

TEST_CASE("of what is pulled anyway nothing is pulled for a link") {
  Workshop shop;
  const auto all = shop.pull({"/", "--from", "rigging", "--json"});
  CAPTURE(all.out, all.err);
  CHECK(all.ending.exit_code == 0);
  CHECK(pulled(all).at("linked") == 0);
  CHECK(support::differences(shop.rigging, shop.lighting) == support::kNoDifference);
  const auto both = shop.pull({kShot, kMoria, "--from", "rigging", "--json"});
  CAPTURE(both.out, both.err);
  CHECK(both.ending.exit_code == 0);
  CHECK(paths(both, "linked", "item") == std::vector<std::string>{"/ast/lib/skin"});
}

TEST_CASE("links in a circle end, and a linked file that nobody has is named when the rest is there") {
  Workshop shop;
  const std::string from = GENERATE("rigging", "newest");
  write_file(shop.rigging / "dev/chr/Other/other.blend",
             make_blend({"//../Gone/gone.blend", "//../Moria/Moria.blend"}));
  write_file(shop.rigging / kMoria, make_blend({"//../Other/other.blend", "//not in it.blend"}));
  const auto ended = shop.pull({"/rnd/s1/shot", "--from", from, "--json"});
  CAPTURE(from, ended.out, ended.err);
  CHECK(ended.ending.exit_code == 3);
  CHECK(paths(ended, "missing", "path") ==
        std::vector<std::string>{"dev/chr/Moria/not in it.blend", "dev/chr/Gone/gone.blend"});
  CHECK(pulled(ended).at("linked") == 2);
  CHECK(pulled(ended).at("missing") == 2);
  CHECK(pulled(ended).at("outcome") == "not_found");
  CHECK(pulled(ended).at("synced") == true);
  CHECK(shop.has("dev/chr/Other/other.blend"));
  CHECK_THAT(ended.err, Contains("2 files are neither here nor where they were looked for: ") &&
                            Contains("\"/dev/chr/Other/other.blend\" links to \"/dev/chr/Gone/gone.blend\""));

  // What is here in any case is not missing.
  write_file(shop.lighting / "dev/chr/Gone/gone.blend", make_blend(std::vector<std::string>()));
  write_file(shop.lighting / "dev/chr/Moria/not in it.blend", make_blend(std::vector<std::string>()));
  const auto here = shop.pull({"/rnd/s1/shot", "--from", from});
  CAPTURE(here.out, here.err);
  CHECK(here.ending.exit_code == 0);
  CHECK_THAT(here.err, Contains("\"/dev/chr/Gone/gone.blend\" stays as it is here"));
}

TEST_CASE("links that leave the project and files that cannot be looked into are named, and no failure") {
  Workshop shop;
  write_file(shop.rigging / kShot,
             make_blend({"//../../../../x.blend", "/usr/lib/y.blend", "//../../../" + kMoria}));
  write_file(shop.rigging / kMoria, "\x1f\x8b\x08 packed");
  const auto json = shop.pull({"/rnd/s1/shot", "--from", "rigging", "--json"});
  CAPTURE(json.out, json.err);
  CHECK(json.ending.exit_code == 0);
  CHECK(paths(json, "elsewhere", "link") ==
        std::vector<std::string>{"//../../../../x.blend", "/usr/lib/y.blend"});
  CHECK(paths(json, "unread", "path") == std::vector<std::string>{kMoria});
  CHECK(pulled(json).at("unread") == 1);
  CHECK_THAT(json.err, Contains("\"/" + kMoria + "\" was not looked into for links: compressed with gzip") &&
                           Contains("links to \"/usr/lib/y.blend\", which is not in the project folder"));
}

TEST_CASE("a link brings no folder and nothing but .blend files, whatever it names") {
  Workshop shop;
  const std::string from = GENERATE("rigging", "newest");
  write_file(shop.rigging / "notes.txt", "theirs");
  write_file(shop.lighting / "notes.txt", "mine");
  write_file(shop.rigging / ".setup/start.blend", make_blend(std::vector<std::string>()));
  write_file(shop.rigging / "lib/sets.blend/one.blend", make_blend(std::vector<std::string>()));
  write_file(shop.rigging / "lib/both.blend/two.blend", make_blend(std::vector<std::string>()));
  write_file(shop.lighting / "lib/both.blend", make_blend(std::vector<std::string>()));
  write_file(shop.rigging / kShot,
             make_blend({"//../../../notes.txt", "//../../../dev", "//../../../.setup/start.blend",
                         "//../../../lib/sets.blend", "//../../../lib/both.blend", "//../../../" + kSkin}));
  const auto ended = shop.pull({"/rnd/s1/shot", "--from", from, "--json"});
  CAPTURE(from, ended.out, ended.err);
  CHECK(ended.ending.exit_code == 3);
  CHECK(paths(ended, "elsewhere", "link") ==
        std::vector<std::string>{"//../../../notes.txt", "//../../../dev", "//../../../.setup/start.blend"});
  CHECK(paths(ended, "missing", "path") == std::vector<std::string>{"lib/sets.blend"});
  CHECK(support::read_file(shop.lighting / "notes.txt") == "mine");
  CHECK_FALSE(shop.has("dev"));
  CHECK_FALSE(shop.has(".setup"));
  CHECK_FALSE(shop.has("lib/sets.blend"));
  CHECK(fs::is_regular_file(shop.lighting / "lib/both.blend"));
  CHECK(shop.has(kSkin));
}

TEST_CASE("links to nothing are asked for together, and the rest comes with them") {
  Workshop shop;
  const std::string from = GENERATE("rigging", "newest");
  std::vector<std::string> links;
  for (int i = 0; i < 600; ++i) links.push_back("//../../../lib/" + std::to_string(i) + ".blend");
  write_file(shop.rigging / "lib/7.blend", make_blend({"//../" + kSkin}));
  write_file(shop.rigging / kShot, make_blend(links));
  const auto ended = shop.pull({"/rnd/s1/shot", "--from", from, "--json"});
  CAPTURE(from, ended.err);
  CHECK(ended.ending.exit_code == 3);
  CHECK(events(ended.out, "linked").size() == 601);
  CHECK(events(ended.out, "missing").size() == 599);
  CHECK(pulled(ended).at("linked") == 2);
  CHECK(shop.has("lib/7.blend"));
  CHECK(shop.has(kSkin));
  shop.rigging_joined->send_signal(SIGTERM);
  CHECK(exit_code(*shop.rigging_joined) == 0);
  // The shot, three times up to 256 of what it links to, and the skin.
  CHECK(events(shop.rigging_joined->printed(Stream::out), "giving").size() == 5);
}

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

std::size_t givings(Process& joined) {
  joined.send_signal(SIGTERM);
  CHECK(exit_code(joined) == 0);
  return events(joined.printed(Stream::out), "giving").size();
}

TEST_CASE(
    "of whoever has the newest of many linked items these are asked for together, what is missing is told at "
    "once") {
  Workshop shop;
  std::vector<std::string> links{"//../../../" + kMoria, "//../../../" + kSkin};
  for (int i = 0; i < 300; ++i) links.push_back("//../../../dev/chr/" + std::to_string(i) + "/a.blend");
  write_file(shop.rigging / "dev/chr/7/a.blend", make_blend(std::vector<std::string>()));
  // What lies nowhere is known to be of nobody, once what is here was told.
  shop.rigging_joined->send_signal(SIGTERM);
  REQUIRE(exit_code(*shop.rigging_joined) == 0);
  write_file(shop.rigging / kShot, make_blend(links));
  shop.rigging_joined = shop.join("rigging");
  const auto ended = shop.pull({"/rnd/s1/shot"});
  CAPTURE(ended.out, ended.err);
  CHECK(ended.ending.exit_code == 3);
  CHECK(shop.has(kMoria));
  CHECK(shop.has(kSkin));
  CHECK(shop.has("dev/chr/7/a.blend"));
  CHECK(lines_of(ended.out) < 10);
  CHECK(lines_of(ended.err) < 10);
  CHECK_THAT(ended.err,
             Contains("299 files are neither here") && Contains("and 283 more, which --json names"));
  // The shot, and twice up to 256 of what it links to.
  CHECK(givings(*shop.rigging_joined) == 3);
}

TEST_CASE("linked items with long paths are asked for in as many pulls as it takes") {
  Workshop shop;
  std::vector<std::string> links;
  std::string folder = "lib";
  for (int i = 0; i < 4; ++i) folder += "/" + std::string(220, static_cast<char>('a' + i));
  for (int i = 0; i < 100; ++i) links.push_back("//../../../" + folder + "/" + std::to_string(i) + ".blend");
  write_file(shop.rigging / folder / "99.blend", make_blend(std::vector<std::string>()));
  write_file(shop.rigging / kShot, make_blend(links));
  const auto ended = shop.pull({"/rnd/s1/shot", "--from", "rigging", "--unless-locked", "--json"});
  CAPTURE(ended.err);
  CHECK(ended.ending.exit_code == 3);
  CHECK(pulled(ended).at("missing") == 99);
  CHECK(shop.has(folder + "/99.blend"));
  // The shot, and three times some 36 of what it links to.
  CHECK(givings(*shop.rigging_joined) == 4);
}

TEST_CASE("a lock is told once, and what is locked takes no other linked item from its pull") {
  Workshop shop;
  std::vector<std::string> links{"//../../../" + kSkin};
  for (int i = 0; i < 300; ++i) {
    links.push_back("//../../../dev/chr/" + std::to_string(i) + "/a.blend");
    write_file(shop.rigging / "dev/chr" / std::to_string(i) / "a.blend",
               make_blend(std::vector<std::string>()));
  }
  write_file(shop.rigging / kShot, make_blend(links));
  SECTION("warned of") {
    REQUIRE(shop.run("rigging", {"lock", "/dev"}).ending.exit_code == 0);
    const auto ended = shop.pull({"/rnd/s1/shot", "--from", "rigging", "--json"});
    CAPTURE(ended.err);
    CHECK(ended.ending.exit_code == 0);
    CHECK(events(ended.out, "warning").size() == 1);
    CHECK(pulled(ended).at("linked") == 301);
  }
  SECTION("left out") {
    const auto locking = shop.start("rigging", {"shell"});
    for (int i = 0; i < 130; ++i) locking->write_input("lock /dev/chr/" + std::to_string(i) + "\n");
    locking->close_input();
    REQUIRE(exit_code(*locking) == 0);
    const auto ended = shop.pull({"/rnd/s1/shot", "--from", "rigging", "--unless-locked", "--json"});
    CAPTURE(ended.err);
    CHECK(ended.ending.exit_code == 6);
    CHECK(pulled(ended).at("linked") == 171);
    CHECK_FALSE(shop.has("dev/chr/129"));
    CHECK(shop.has("dev/chr/130/a.blend"));
    CHECK(shop.has(kSkin));
  }
  // The shot, and twice some of what it links to.
  CHECK(givings(*shop.rigging_joined) == 3);
}

TEST_CASE(
    "where each linked item comes from whoever has its newest, one that fails or leaves stops none of the "
    "others") {
  Workshop shop;
  const fs::path story = shop.add_user("story");
  write_file(shop.rigging / kShot, make_blend({"//../../../" + kMoria, "//../../../" + kSkin}));
  write_file(story / kMoria, make_blend(std::vector<std::string>()));
  write_file(story / "dev/chr/Moria/large.abc", std::string(4'000'000, 'f'));
  for (const char* each : {"Moria.blend", "large.abc"})
    fs::last_write_time(story / "dev/chr/Moria" / each,
                        fs::file_time_type::clock::now() + std::chrono::hours(1));
  SECTION("a file of one cannot be had") {
    fs::create_symlink("/etc/passwd", story / "dev/chr/Moria/out");
    const auto story_joined = shop.join("story");
    const auto ended = shop.pull({"/rnd/s1/shot", "--json"});
    CAPTURE(ended.out, ended.err);
    CHECK(ended.ending.exit_code == 4);
    CHECK(paths(ended, "linked", "outcome") == std::vector<std::string>{"refused", "done"});
    CHECK(pulled(ended).at("linked") == 1);
  }
  SECTION("the giver of one leaves") {
    shop.kill_server();
    shop.serve({"--relay-rate", "1M"});
    wait_for_event(*shop.rigging_joined, "joined");
    const auto story_joined = shop.join("story");
    const auto pulling = shop.start("lighting", {"pull", "/rnd/s1/shot", "--linked", "--json"});
    wait_for_event(*pulling, "progress", [](const Json& event) { return event.at("bytes_done") > 500'000; });
    story_joined->send_signal(SIGKILL);
    CHECK(exit_code(*pulling) == 9);
    const std::string out = pulling->printed(Stream::out);
    CAPTURE(out);
    CHECK(events(out, "linked").size() == 2);
    CHECK(events(out, "pulled").at(0).at("linked") == 1);
  }
  CHECK(shop.has(kSkin));
}

TEST_CASE(
    "of links that lead elsewhere and files that cannot be looked into some are named and all counted") {
  Workshop shop;
  std::vector<std::string> links;
  for (int i = 0; i < 1000; ++i) links.push_back("/elsewhere/" + std::to_string(i) + ".blend");
  write_file(shop.rigging / kShot, make_blend(links));
  for (int i = 0; i < 300; ++i)
    write_file(shop.rigging / "rnd/s1/shot/broken" / (std::to_string(i) + ".blend"), "BLENDER");
  const auto ended = shop.pull({"/rnd/s1/shot", "--from", "rigging", "--json"});
  CAPTURE(ended.out, ended.err);
  CHECK(ended.ending.exit_code == 0);
  CHECK(events(ended.out, "elsewhere").size() + events(ended.out, "unread").size() == 256);
  CHECK(pulled(ended).at("unread") == 300);
  CHECK(pulled(ended).at("elsewhere") == 1000);
  CHECK_THAT(ended.err, Contains("1044 more"));
}

TEST_CASE(
    "a dry run with --linked tells what would come as far as the files here tell, and changes nothing") {
  Workshop shop;
  const auto dry = shop.pull({"/rnd/s1/shot", "--from", "rigging", "--dry-run"});
  CAPTURE(dry.out, dry.err);
  CHECK(dry.ending.exit_code == 0);
  CHECK_FALSE(shop.has("rnd"));
  CHECK_THAT(dry.out, Contains("would pull 1 file"));
  CHECK_THAT(dry.out, Contains("what 1 .blend file of these links to will be known when it is here"));
  REQUIRE(shop.run("lighting", {"pull", "/rnd/s1/shot", "--from", "rigging"}).ending.exit_code == 0);
  const auto more = shop.pull({"/rnd/s1/shot", "--from", "rigging", "--dry-run"});
  CAPTURE(more.out, more.err);
  CHECK(more.ending.exit_code == 0);
  CHECK_FALSE(shop.has("dev"));
  CHECK_THAT(more.out, Contains("/dev/chr/Moria/old/turntable.blend") && Contains("would pull 2 files"));
  CHECK_THAT(more.out, Contains("what 1 .blend file of these links to will be known when it is here"));
}

TEST_CASE(
    "with newest each linked item comes from whoever has its newest, and a file in no item from who links to "
    "it") {
  Workshop shop;
  const fs::path story = shop.add_user("story");
  write_file(shop.rigging / kShot, make_blend({"//../../../" + kMoria, "//../../../lib/sky.blend",
                                               "//../../../dev/chr/Mine/m.blend"}));
  write_file(shop.rigging / "lib/sky.blend", make_blend(std::vector<std::string>()));
  write_file(shop.rigging / "dev/chr/Mine/m.blend", make_blend({"//old.blend"}));
  fs::last_write_time(shop.rigging / "dev/chr/Mine/m.blend",
                      fs::file_time_type::clock::now() - std::chrono::hours(2));
  write_file(shop.lighting / "dev/chr/Mine/m.blend", make_blend(std::vector<std::string>()));
  write_file(story / kMoria, make_blend({"//../../../" + kSkin}));
  fs::last_write_time(story / kMoria, fs::file_time_type::clock::now() + std::chrono::hours(1));
  const auto story_joined = shop.join("story");
  shop.lighting_joined = shop.join("lighting");
  const auto ended = shop.pull({"/rnd/s1/shot", "--json"});
  CAPTURE(ended.out, ended.err);
  CHECK(ended.ending.exit_code == 0);
  CHECK(paths(ended, "linked", "item") ==
        std::vector<std::string>{"/dev/chr/Moria", "/lib/sky.blend", "/dev/chr/Mine", "/ast/lib/skin"});
  CHECK(paths(ended, "linked", "from") == std::vector<std::string>{"story", "rigging", "", "rigging"});
  CHECK(paths(ended, "linked", "outcome") == std::vector<std::string>{"done", "done", "superseded", "done"});
  CHECK(shop.has("lib/sky.blend"));
  CHECK(support::read_file(shop.lighting / "dev/chr/Mine/m.blend") == make_blend(std::vector<std::string>()));
}

TEST_CASE(
    "mirroring is for what is named, and locks and conflicts hold item by item, where a pull follows links") {
  Workshop shop;
  write_file(shop.lighting / "rnd/s1/shot/old.txt", "old");
  write_file(shop.lighting / "dev/chr/Moria/mine.txt", "mine");
  SECTION("what is linked to is not mirrored") {
    const auto ended = shop.pull({"/rnd/s1/shot", "--from", "rigging", "--mirror", "--yes"});
    CAPTURE(ended.out, ended.err);
    CHECK(ended.ending.exit_code == 0);
    CHECK_FALSE(shop.has("rnd/s1/shot/old.txt"));
    CHECK(shop.has("dev/chr/Moria/mine.txt"));
    CHECK(shop.has(kSkin));
  }
  SECTION("a linked item that somebody else has locked stays, the rest comes") {
    write_file(shop.rigging / kShot, make_blend({"//../../../" + kMoria, "//../../../" + kSkin}));
    REQUIRE(shop.run("rigging", {"lock", "/dev/chr/Moria"}).ending.exit_code == 0);
    const auto ended = shop.pull({"/rnd/s1/shot", "--from", "rigging", "--unless-locked"});
    CAPTURE(ended.out, ended.err);
    CHECK(ended.ending.exit_code == 6);
    CHECK_FALSE(shop.has(kMoria));
    CHECK(shop.has(kSkin));
  }
  SECTION("a conflict in a linked item is named, and everything comes") {
    write_file(shop.lighting / kMoria, "mine");
    const auto ended = shop.pull({"/rnd/s1/shot", "--from", "rigging", "--json"});
    CAPTURE(ended.out, ended.err);
    CHECK(ended.ending.exit_code == 5);
    CHECK(paths(ended, "conflict", "path") == std::vector<std::string>{kMoria});
    CHECK(pulled(ended).at("linked") == 2);
    CHECK(shop.has(kSkin));
  }
  SECTION("a conflict in a linked item leaves that one as it was") {
    write_file(shop.lighting / kMoria, "mine");
    write_file(shop.rigging / kShot, make_blend({"//../../../" + kMoria, "//../../../" + kSkin}));
    const auto ended = shop.pull({"/rnd/s1/shot", "--from", "rigging", "--on-conflict", "fail"});
    CAPTURE(ended.out, ended.err);
    CHECK(ended.ending.exit_code == 5);
    CHECK(support::read_file(shop.lighting / kMoria) == "mine");
    CHECK_THAT(ended.err, Contains("nothing of its item was changed"));
    CHECK_FALSE(shop.has(kSkin));
  }
}

}  // namespace
}  // namespace callboard::e2e::links_test
