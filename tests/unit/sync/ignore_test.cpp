#include "sync/ignore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sync/ignore_files.h"
#include "sync/index.h"
#include "sync/items.h"
#include "sync/scan.h"
#include "tests/support/skip.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::sync::ignore_test {
namespace {

namespace fs = std::filesystem;
using support::TempDir;

RelativePath path(std::string_view bytes) { return RelativePath::from_bytes(bytes).value(); }

// By the file's rules alone. Directories end in '/'.
bool is_ignored(std::string_view rules, std::string_view name) {
  const bool is_directory = name.ends_with('/');
  if (is_directory) name.remove_suffix(1);
  const RelativePath whole = path(name);
  RelativePath above;
  const Ignore::Pointer ignore = Ignore::with_file(nullptr, {}, rules);
  for (std::size_t at = name.find('/'); at != std::string_view::npos; at = name.find('/', at + 1)) {
    const RelativePath directory = path(name.substr(0, at));
    if (ignore->is_ignored(above, directory.name(), true)) return true;
    above = directory;
  }
  return ignore->is_ignored(above, whole.name(), is_directory);
}

struct Case {
  std::string rules;
  std::string name;
  bool ignored;
};

// Each as git's documentation of gitignore says it, or as git 2.39 does where that says nothing.
const std::vector<Case> kCases{
    // A name without a slash holds at every depth.
    {"cache", "cache", true},
    {"cache", "a/b/cache", true},
    {"cache", "cache2", false},
    {"*.tmp", "a.tmp", true},
    {"*.tmp", "x/a.tmp", true},
    {"*.tmp", ".tmp", true},
    {"*.tmp", "a.tmp2", false},
    {"*", "x/y", true},
    {"a*b*c", "aXbYc", true},
    {"a*b*c", "aXbY", false},
    // A slash at the beginning or in the middle binds it to the file's directory.
    {"/cache", "cache", true},
    {"/cache", "a/cache", false},
    {"doc/frotz", "doc/frotz", true},
    {"doc/frotz", "a/doc/frotz", false},
    {"doc/frotz/", "doc/frotz/", true},
    {"doc/frotz/", "a/doc/frotz/", false},
    {"/*.txt", "a.txt", true},
    {"/*.txt", "d/a.txt", false},
    {"foo/*", "foo/test.json", true},
    {"foo/*", "foo/bar/hello.c", true},  // With foo/bar.
    {"foo/*.c", "foo/bar/hello.c", false},
    // A slash at the end: directories alone, at every depth.
    {"frotz/", "frotz/", true},
    {"frotz/", "a/frotz/", true},
    {"frotz/", "frotz", false},
    {"frotz/", "frotz/x", true},
    // `!` takes back, the last rule that matches decides, but nothing comes back out of an ignored directory.
    {"*.log\n!keep.log", "keep.log", false},
    {"*.log\n!keep.log", "d/keep.log", false},
    {"!keep.log\n*.log", "keep.log", true},
    {"d/\n!d/keep", "d/keep", true},
    {"d/*\n!d/keep", "d/keep", false},
    {"/*\n!/foo\n/foo/*\n!/foo/bar", "foo/bar/x", false},
    {"/*\n!/foo\n/foo/*\n!/foo/bar", "foo/other", true},
    {"/*\n!/foo\n/foo/*\n!/foo/bar", "x", true},
    {"*.a\n!*.a\n*.a", "x.a", true},
    // `**`.
    {"**/foo", "foo", true},
    {"**/foo", "a/b/foo", true},
    {"**/foo/bar", "a/foo/bar", true},
    {"**/foo/bar", "a/foo/x/bar", false},
    {"abc/**", "abc/", false},
    {"abc/**", "abc/x", true},
    {"abc/**", "abc/d/e", true},
    {"abc/**", "x/abc/y", false},
    {"a/**/b", "a/b", true},
    {"a/**/b", "a/x/y/b", true},
    {"a/**/b", "a/x/y/bb", false},
    {"**", "x", true},
    {"/**", "x/y", true},
    {"**/", "x", false},
    {"**/", "x/", true},
    {"a**b", "aXXb", true},
    {"a**b", "a/b", false},
    {"x/a**b", "x/aab", true},
    {"x/a**b", "x/a/b", false},
    // Comments, empty lines, escapes, spaces, line ends.
    {"#cache", "#cache", false},
    {"\\#cache", "#cache", true},
    {" #cache", " #cache", true},
    {"\n\n  \ncache\n", "cache", true},
    {"\n\n  \ncache\n", "  ", false},
    {"\\!keep", "!keep", true},
    {"\\!keep", "keep", false},
    {"cache   ", "cache", true},
    {"cache   ", "cache   ", false},
    {"cache\\ ", "cache ", true},
    {"cache\\   ", "cache ", true},
    {"cache\t", "cache\t", true},
    {"a b", "a b", true},
    {"cache\r\nother\r\n", "cache", true},
    {"cache\r\nother\r\n", "other", true},
    {"\xef\xbb\xbf"
     "cache",
     "cache", true},
    {"\\*", "*", true},
    {"\\*", "x", false},
    {"a\\bc", "abc", true},
    {"cache\\", "cache\\", false},
    {"cache\\", "cache", false},
    {"cache\\\\", "cache\\", true},
    // Sets.
    {"frame[0-9].exr", "frame7.exr", true},
    {"frame[0-9].exr", "frameX.exr", false},
    {"x[!a-c]", "xd", true},
    {"x[^a-c]", "xb", false},
    {"x[]-]", "x]", true},
    {"x[]-]", "x-", true},
    {"x[\\]]", "x]", true},
    {"x[[:digit:][:upper:]]", "x7", true},
    {"x[[:digit:][:upper:]]", "xQ", true},
    {"x[[:digit:][:upper:]]", "xq", false},
    {"x[a", "x[a", false},
    {"x[a", "xa", false},
    {"a[/]b", "a/b", false},
    {"?", "x", true},
    {"?", "xy", false},
    {"a?b", "a/b", false},
    // What makes no sense matches nothing.
    {"/", "x", false},
    {"!", "x", false},
    {"//x", "x", false},
    {"x//", "x/", false},
    {"a//b", "a/b", false},
};

TEST_CASE("ignore rules decide as gitignore's documentation says") {
  for (const Case& each : kCases) {
    INFO("rules <" << each.rules << "> name <" << each.name << ">");
    CHECK(is_ignored(each.rules, each.name) == each.ignored);
  }
}

// What `git check-ignore` says of a name that need not exist; nullopt without git.
class Git {
 public:
  Git() { works_ = run("git init -q . 2>/dev/null") == 0; }
  bool works() const { return works_; }
  bool is_ignored(std::string_view rules, std::string name) const {
    support::write_file(folder_ / ".gitignore", rules);
    const bool is_directory = name.ends_with('/');
    const fs::path place = folder_ / name;
    fs::create_directories(is_directory ? place : place.parent_path());
    if (!is_directory) support::write_file(place, "");
    while (name.ends_with('/')) name.pop_back();
    support::write_file(folder_ / ".git/names", name);
    const int answer = run("git check-ignore -q -z --no-index --stdin < .git/names");
    fs::remove_all(folder_ / name.substr(0, name.find('/')));
    REQUIRE((answer == 0 || answer == 1));
    return answer == 0;
  }

 private:
  int run(const std::string& command) const {
    const std::string quiet = "cd '" + folder_.path().string() + "' && GIT_CONFIG_NOSYSTEM=1 HOME=/nowhere ";
    const int status = std::system((quiet + command).c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  TempDir folder_;
  bool works_ = false;
};

TEST_CASE("git decides every case alike") {
  const Git git;
  if (!git.works()) return support::skip_test("there is no git to compare with");
  for (const Case& each : kCases) {
    INFO("rules <" << each.rules << "> name <" << each.name << ">");
    CHECK(git.is_ignored(each.rules, each.name) == each.ignored);
  }
}

TEST_CASE("an ignore file nearer to the name decides before those above it") {
  const Ignore::Pointer top = Ignore::with_file(Ignore::built_in(), {}, "*.cache\n/only-here\n");
  const Ignore::Pointer inner = Ignore::with_file(top, path("dev/chr"), "!keep.cache\n/tex\nsub/x\n");
  CHECK(top->is_ignored(path("dev"), "keep.cache", false));
  CHECK_FALSE(inner->is_ignored(path("dev/chr"), "keep.cache", false));
  CHECK_FALSE(inner->is_ignored(path("dev/chr/deep"), "keep.cache", false));
  CHECK(inner->is_ignored(path("dev/chr"), "other.cache", false));
  // Its slashes are its own directory's.
  CHECK(inner->is_ignored(path("dev/chr"), "tex", true));
  CHECK_FALSE(inner->is_ignored(path("dev/chr/deep"), "tex", true));
  CHECK(inner->is_ignored(path("dev/chr/sub"), "x", false));
  CHECK_FALSE(inner->is_ignored(path("dev/chr"), "only-here", false));
  CHECK(top->is_ignored({}, "only-here", false));
}

TEST_CASE("Blender's backups and other litter are ignored everywhere until a file takes them back") {
  const Ignore::Pointer built_in = Ignore::built_in();
  for (const char* name :
       {"a.blend1", "a.blend9", "a.blend10", "a.blend29", "a.blend32", "a.blend@", "quit.blend", "a.txt~",
        ".a.swp", ".#a", "#a#", ".~lock.a.odt#", "m.pyc", ".DS_Store", "._a", ".nfs0000a", "Thumbs.db"}) {
    INFO(name);
    CHECK(built_in->is_ignored(path("dev/chr"), name, false));
  }
  for (const char* name : {"a.blend", "a.blend0", "a.blend33", "a.blend1.png", "squit.blend", "a.exr",
                           ".hidden", "~a", "a.swp", "shot-0001.png", ".callboardignore"}) {
    INFO(name);
    CHECK_FALSE(built_in->is_ignored(path("dev/chr"), name, false));
  }
  CHECK(built_in->is_ignored({}, "lost+found", true));
  CHECK_FALSE(built_in->is_ignored(path("dev"), "lost+found", true));
  CHECK(built_in->is_ignored(path("dev"), "__pycache__", true));
  const Ignore::Pointer project = Ignore::with_file(built_in, {}, "!*.blend1\n");
  CHECK_FALSE(project->is_ignored(path("dev/chr"), "a.blend1", false));
  CHECK(project->is_ignored(path("dev/chr"), "a.blend2", false));
}

TEST_CASE("rules made to be slow are not") {
  std::string stars;
  for (int i = 0; i < 100; ++i) stars += "a*";
  CHECK_FALSE(is_ignored(stars + "b", std::string(255, 'a')));
  CHECK_FALSE(is_ignored(std::string(5000, 'x'), "x"));
}

// --- Folders ----------------------------------------------------------------------------------------------------------

struct Project {
  TempDir folder;
  Root root = Root::open(folder.path()).value();
  Index index = Index::in_memory().value();

  void write(const fs::path& name, std::string_view content = "x") const {
    support::write_file(folder / name, content);
  }
  std::vector<std::string> names(std::string_view top = "") {
    const auto tree = scan(root, index, path(top), system_clock()).value().tree;
    std::vector<std::string> found;
    const auto add = [&](const auto& self, const RelativePath& at) -> void {
      const auto listing = tree->listing_of(at);
      for (const Entry& entry : listing->entries) {
        found.push_back(at.joined(entry.name)->bytes());
        if (entry.kind == EntryKind::directory) self(self, *at.joined(entry.name));
      }
    };
    add(add, path(top));
    return found;
  }
};

TEST_CASE("what is ignored is no part of a scanned tree and does not change its digest") {
  Project project;
  project.write("dev/a.blend");
  const Digest before = scan(project.root, project.index, {}, system_clock())->tree->top().digest;
  project.write("dev/a.blend1");
  project.write("dev/__pycache__/deep/x.pyc");
  const auto after = scan(project.root, project.index, {}, system_clock()).value();
  CHECK(after.tree->top().digest == before);
  CHECK(after.tree->files() == 1);
  CHECK(after.tree->refused(10).empty());
  CHECK(after.totals.files_seen == 1);
}

TEST_CASE("an ignore file holds for its directory and all beneath, wherever the scan begins") {
  Project project;
  project.write(".callboardignore", "*.tmp\n/cache/\n");
  project.write("dev/.callboardignore", "!keep.tmp\n");
  project.write("a.tmp");
  project.write("keep.tmp");
  project.write("cache/x");
  project.write("dev/keep.tmp");
  project.write("dev/b.tmp");
  project.write("dev/cache/x");
  CHECK(project.names() == std::vector<std::string>{".callboardignore", "dev", "dev/.callboardignore",
                                                    "dev/cache", "dev/cache/x", "dev/keep.tmp"});
  CHECK(project.names("dev") ==
        std::vector<std::string>{"dev/.callboardignore", "dev/cache", "dev/cache/x", "dev/keep.tmp"});
  CHECK(project.names("dev/cache") == std::vector<std::string>{"dev/cache/x"});
  for (const char* ignored : {"cache", "cache/x", "a.tmp", "dev/b.tmp"}) {
    const auto scanned = scan(project.root, project.index, path(ignored), system_clock());
    REQUIRE_FALSE(scanned);
    CHECK(scanned.error().outcome == Outcome::not_found);
  }
}

TEST_CASE("items that are ignored are not found, and ignored files do not make an item newer") {
  Project project;
  project.write("dev/chr/Moria/a.blend");
  project.write("dev/chr/.callboardignore", "Old\n");
  project.write("dev/chr/Old/a.blend");
  const timespec times[2] = {{0, UTIME_OMIT}, {1000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, (project.folder / "dev/chr/Moria/a.blend").c_str(), times, 0) == 0);
  project.write("dev/chr/Moria/a.blend1");
  const std::map<std::string, Timestamp> wanted{{"/dev/chr/Moria", Timestamp{1'000'000}}};
  CHECK(find_items(project.root, ItemPatterns())->items == wanted);
  const auto tree = scan(project.root, project.index, {}, system_clock()).value().tree;
  CHECK(find_items(*tree, ItemPatterns()).items == wanted);
}

TEST_CASE("a folder whose ignore file cannot be read or is too large is not given away") {
  Project project;
  project.write("dev/secret");
  project.write("dev/.callboardignore", std::string(kIgnoreFileMaxBytes + 1, '#'));
  project.write("other");
  const auto scanned = scan(project.root, project.index, {}, system_clock()).value();
  CHECK(scanned.tree->files() == 1);
  const auto refused = scanned.tree->refused(10);
  REQUIRE(refused.size() == 1);
  CHECK(refused.front().item == "/dev");
  CHECK(refused.front().reason ==
        "cannot be read: \"/dev/.callboardignore\": expected at most 1048576 bytes");
}

TEST_CASE("a private folder is ignored in every folder, whatever the rules say") {
  Project project;
  project.write(".callboardignore", "!.callboard\n!*\n");
  project.write("dev/chr/.callboard/key", "secret");
  project.write("dev/chr/a");
  CHECK(project.names() == std::vector<std::string>{".callboardignore", "dev", "dev/chr", "dev/chr/a"});
}

TEST_CASE("an ignore file that is a folder or a link has no rules") {
  Project project;
  project.write("a/.callboardignore/x");
  project.write("b/rules", "*");
  fs::create_symlink("rules", project.folder / "b/.callboardignore");
  CHECK(project.names() == std::vector<std::string>{"a", "a/.callboardignore", "a/.callboardignore/x", "b",
                                                    "b/.callboardignore", "b/rules"});
}

}  // namespace
}  // namespace callboard::sync::ignore_test
