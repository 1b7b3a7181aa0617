#include "sync/scan.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <optional>

#include "base/text.h"
#include "sync/hash.h"
#include "tests/support/skip.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::sync::scan_test {
namespace {

namespace fs = std::filesystem;
using support::TempDir;

RelativePath path(std::string_view bytes) { return RelativePath::from_bytes(bytes).value(); }

// A clock that runs ahead of the files' times, or exactly with them.
class ShiftedClock final : public Clock {
 public:
  explicit ShiftedClock(Duration ahead) : ahead_(ahead) {}
  Timestamp wall() const override {
    return {system_clock().wall().ms + std::chrono::duration_cast<std::chrono::milliseconds>(ahead_).count()};
  }
  Instant monotonic() const override { return system_clock().monotonic(); }

 private:
  Duration ahead_;
};

const ShiftedClock kLater(1h);
const ShiftedClock kNow(0s);

struct Project {
  TempDir folder;
  Root root = Root::open(folder.path()).value();
  Index index = Index::open(root).value();

  void write(const fs::path& name, std::string_view content) const {
    support::write_file(folder / name, content);
  }
  Result<Scanned> try_scan(std::string_view top = "", const Clock& clock = kLater,
                           const ScanOptions& options = {}) {
    return scan(root, index, path(top), clock, options);
  }
  Scanned scanned(std::string_view top = "", const Clock& clock = kLater) {
    return try_scan(top, clock).value();
  }
};

void set_mtime(const fs::path& file, std::int64_t seconds, long ns) {
  const timespec times[2] = {{0, UTIME_OMIT}, {seconds, ns}};
  REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

std::vector<std::string> names(const Listing& listing) {
  std::vector<std::string> all;
  for (const Entry& entry : listing.entries) all.push_back(entry.name);
  return all;
}

const Entry* find(const Listing& listing, std::string_view name) {
  for (const Entry& entry : listing.entries) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

TEST_CASE("a small tree has the digests that the documentation's rules give by hand") {
  Project project;
  project.write("a", "hello\n");
  project.write("d/e", "");
  fs::create_symlink("a", project.folder / "l");
  fs::permissions(project.folder / "a", fs::perms(0644));
  fs::permissions(project.folder / "d", fs::perms(0755));
  fs::permissions(project.folder / "d/e", fs::perms(0600));
  set_mtime(project.folder / "a", 1'600'000'000, 123'456'789);
  set_mtime(project.folder / "d/e", 0, 0);

  const auto tree = project.scanned().tree;

  // Packed with Python's struct and hashed with xxh128sum.
  CHECK(to_text(tree->digest_of(path("d"))) == "a31be025e9b21fae5afa5e39558ca469");
  CHECK(to_text(tree->top().digest) == "f634a93f76942154ea5406f032bda180");
  CHECK(to_text(tree->digest_of(path("a"))) == "6bba86c7e069f56d5a10b435f1c8e49c");
  CHECK(to_text(tree->digest_of(path("l"))) == "a96faf705af16834e6c632b61e964e1f");
  CHECK(tree->files() == 2);
  CHECK(tree->bytes() == 6);
  CHECK(tree->top().kind == EntryKind::directory);
  CHECK(tree->top().name.empty());
  CHECK_FALSE(tree->digest_of(path("none")));
  CHECK_FALSE(tree->digest_of(path("none/x")));
  CHECK(tree->listing_of(path("none")) == nullptr);
}

TEST_CASE("a listing is in byte order and says all about its entries") {
  Project project;
  for (const char* name : {"b", "B", "a.c", "a-c", "\xc3\xa4", "_"}) project.write(name, name);
  fs::create_directories(project.folder / "a");
  fs::create_symlink("../x", project.folder / "a/up");
  fs::permissions(project.folder / "b", fs::perms(0640));
  set_mtime(project.folder / "b", 7, 8);

  const auto tree = project.scanned().tree;
  const auto listing = tree->listing_of({});
  REQUIRE(listing != nullptr);
  CHECK(names(*listing) == std::vector<std::string>{"B", "_", "a", "a-c", "a.c", "b", "\xc3\xa4"});
  CHECK(*find(*listing, "b") ==
        Entry{EntryKind::file, 0640, 1, 7'000'000'008, digest_of(as_bytes("b")), "b", ""});
  CHECK(listing->files_below == 6);
  CHECK(listing->digest == tree->top().digest);

  const auto inner = tree->listing_of(path("a"));
  REQUIRE(inner != nullptr);
  CHECK(*find(*inner, "up") == Entry{EntryKind::symlink, 0, 4, 0, digest_of(as_bytes("../x")), "up", "../x"});
}

TEST_CASE("a time of writing that nobody will live to see is still in the future") {
  Project project;
  project.write("a", "1");
  set_mtime(project.folder / "a", 9'400'000'000, 0);  // 2267.
  CHECK(find(*project.scanned().tree->listing_of({}), "a")->mtime_ns > 9'000'000'000'000'000'000);
}

TEST_CASE(
    "a puller is told of a directory beneath which something is refused without a digest, and each time") {
  Project project;
  project.write("whole/a", "1");
  project.write("part/deep/b", "2");
  fs::create_symlink("/etc/passwd", project.folder / "part/deep/out");
  const auto tree = project.scanned().tree;
  CHECK(tree->is_partial());
  CHECK_FALSE(tree->part(path("whole"))->is_partial());
  const auto puller = sync::Tree::Reader::puller;
  const auto listing = tree->listing_of({}, {}, puller);
  CHECK_FALSE(find(*listing, "part")->digest);
  CHECK(find(*listing, "whole")->digest);
  CHECK(tree->digest_of(path("part")));
  // Its bucket is known, and listed all the same.
  const auto known = tree->bucket_names({});
  REQUIRE(known.size() == 1);
  CHECK(tree->listing_of({}, known, puller)->same.empty());
  // For us it is as good as any other.
  CHECK(tree->listing_of({}, known)->same == known);
  CHECK(find(*tree->listing_of({}), "part")->digest == tree->digest_of(path("part")));
  fs::remove(project.folder / "part/deep/out");
  const auto mended = project.scanned().tree;
  CHECK_FALSE(mended->is_partial());
  CHECK(mended->listing_of({}, known, puller)->same == known);
}

TEST_CASE("equal trees in different folders have equal digests, and any difference shows at the top") {
  Project left;
  Project right;
  support::make_tree(left.folder / "t", {.seed = 3, .files = 60, .files_per_directory = 7});
  support::make_tree(right.folder / "t", {.seed = 3, .files = 60, .files_per_directory = 7});
  const Digest digest = left.scanned("t").tree->top().digest;
  CHECK(right.scanned("t").tree->top().digest == digest);

  right.write("t/extra", "x");
  CHECK(right.scanned("t").tree->top().digest != digest);
  fs::remove(right.folder / "t/extra");
  CHECK(right.scanned("t").tree->top().digest == digest);
  fs::create_directory(right.folder / "t/empty");
  CHECK(right.scanned("t").tree->top().digest != digest);
}

TEST_CASE("nothing unchanged is read twice, by whichever process") {
  Project project;
  support::make_tree(project.folder / "t", {.seed = 5, .files = 200, .files_per_directory = 20});
  const Scanned first = project.scanned();
  CHECK(first.totals.files_hashed == 200);
  CHECK(first.index_trouble.empty());

  project.index = Index::open(project.root).value();
  const Scanned second = project.scanned();
  CHECK(second.totals.files_seen == 200);
  CHECK(second.totals.files_hashed == 0);
  CHECK(second.totals.bytes_hashed == 0);
  CHECK(second.tree->top().digest == first.tree->top().digest);

  project.write("t/one more", "x");
  CHECK(project.scanned().totals.files_hashed == 1);
  CHECK(project.scanned().totals.files_hashed == 0);
}

TEST_CASE("a change of content, mode or time alone is noticed") {
  Project project;
  project.write("a", "1");
  project.write("b", "1");
  const Digest before = project.scanned().tree->top().digest;

  fs::permissions(project.folder / "a", fs::perms(0600));
  const Scanned mode = project.scanned();
  CHECK(mode.totals.files_hashed == 1);
  CHECK(mode.tree->top().digest != before);

  // The same size and modification time as before: only the change time tells.
  struct stat old {};
  REQUIRE(::stat((project.folder / "b").c_str(), &old) == 0);
  project.write("b", "2");
  set_mtime(project.folder / "b", old.st_mtim.tv_sec, old.st_mtim.tv_nsec);
  const Scanned content = project.scanned();
  CHECK(content.totals.files_hashed == 1);
  CHECK(find(*content.tree->listing_of({}), "b")->digest == digest_of(as_bytes("2")));
}

TEST_CASE("files that were just written are read again until their times have settled") {
  Project project;
  project.write("a", "1");
  CHECK(project.scanned("", kNow).totals.files_hashed == 1);
  CHECK(project.scanned("", kNow).totals.files_hashed == 1);
  CHECK(project.scanned("", kLater).totals.files_hashed == 1);
  CHECK(project.scanned("", kLater).totals.files_hashed == 0);
  CHECK(project.scanned("", kNow).totals.files_hashed == 0);
}

TEST_CASE(
    "a new file that is open for writing is refused as being written, one that is known or old is not") {
  Project project;
  project.write("dir/known", "1");
  project.scanned();
  std::ofstream known(project.folder / "dir/known", std::ios::app);
  std::ofstream open(project.folder / "dir/open");
  open << "half" << std::flush;
  FileOps ops;
  ScanOptions options;
  options.ops = &ops;
  std::vector<std::string> told;
  options.on_open = [&](const RelativePath& directory, const std::string& name) {
    told.push_back(directory.bytes() + "|" + name);
  };
  const auto scanned = project.try_scan("", kNow, options).value();
  CHECK(scanned.tree->files() == 1);
  CHECK(told == std::vector<std::string>{"dir|open"});
  CHECK(project.try_scan("dir/open", kNow, options).error().text == "\"/dir/open\": is being written");
  CHECK(project.try_scan("", kNow).value().tree->files() == 2);  // Of who does not ask.
  const ShiftedClock after(kOpenStableAfter + 1s);
  CHECK(project.try_scan("", after, options).value().tree->files() == 2);
  open.close();
  CHECK(project.try_scan("", kNow, options).value().tree->files() == 2);
}

TEST_CASE("a single file or link is scanned without its directory") {
  Project project;
  project.write("dev/a", "1");
  project.write("dev/b", "2");
  fs::create_symlink("a", project.folder / "dev/l");
  const Scanned file = project.scanned("dev/a");
  CHECK(file.totals.files_hashed == 1);
  CHECK(file.tree->top().kind == EntryKind::file);
  CHECK(file.tree->top().digest == digest_of(as_bytes("1")));
  CHECK(file.tree->top().name.empty());
  CHECK(file.tree->files() == 1);
  CHECK(file.tree->bytes() == 1);
  CHECK(file.tree->listing_of(path("dev")) == nullptr);
  CHECK(file.tree->digest_of(path("dev/a")) == file.tree->top().digest);
  CHECK(project.scanned("dev/a").totals.files_hashed == 0);
  CHECK(project.scanned("dev").totals.files_hashed == 1);

  const Scanned link = project.scanned("dev/l");
  CHECK(link.tree->top().kind == EntryKind::symlink);
  CHECK(link.tree->top().target == "a");
}

TEST_CASE("what is not there, or lies behind a link, cannot be scanned") {
  Project project;
  const TempDir outside;
  fs::create_symlink(outside.path(), project.folder / "way");
  CHECK(project.try_scan("none").error().outcome == Outcome::not_found);
  CHECK(project.try_scan("way").error().outcome == Outcome::refused);
  CHECK(project.try_scan("way/x").error().outcome == Outcome::refused);
}

TEST_CASE("names of every kind are listed, digested and found again") {
  Project project;
  std::vector<std::string> expected = support::awkward_names();
  for (const std::string& name : expected) project.write(fs::path("odd") / name, name);
  std::sort(expected.begin(), expected.end());
  CHECK(project.scanned().totals.files_hashed == expected.size());
  const Scanned again = project.scanned();
  CHECK(again.totals.files_hashed == 0);
  CHECK(names(*again.tree->listing_of(path("odd"))) == expected);
  for (const std::string& name : expected) {
    CHECK(again.tree->digest_of(path("odd/" + name)) == digest_of(as_bytes(name)));
  }
}

TEST_CASE("what cannot travel is listed with its reason and changes no digest") {
  Project project;
  project.write("dev/a", "1");
  const Digest before = project.scanned().tree->top().digest;

  REQUIRE(::mkfifo((project.folder / "dev/pipe").c_str(), 0600) == 0);
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string socket_path = project.folder / "dev/socket";
  REQUIRE(socket_path.copy(address.sun_path, sizeof address.sun_path - 1) == socket_path.size());
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  for (const auto& [name, target] : std::vector<std::pair<const char*, const char*>>{
           {"absolute", "/etc/passwd"}, {"escaping", "../../x"}, {"roundabout", "x/../../../y"}}) {
    fs::create_symlink(target, project.folder / "dev" / name);
  }
  fs::create_directory(project.folder / ".CallBoard");

  const auto tree = project.scanned().tree;
  CHECK(tree->top().digest == before);
  CHECK(tree->files() == 1);
  const auto listing = tree->listing_of(path("dev"));
  CHECK(names(*listing) ==
        std::vector<std::string>{"a", "absolute", "escaping", "pipe", "roundabout", "socket"});
  CHECK(*find(*listing, "pipe") == Entry{EntryKind::refused, 0, 0, 0, {}, "pipe", "a pipe"});
  CHECK(find(*listing, "socket")->target == "a socket");
  CHECK(find(*listing, "escaping")->target == "a link that leaves the project folder: \"../../x\"");
  CHECK(find(*listing, "absolute")->kind == EntryKind::refused);
  CHECK(find(*listing, "roundabout")->kind == EntryKind::refused);
  CHECK(find(*tree->listing_of({}), ".CallBoard") == nullptr);
  CHECK(find(*tree->listing_of({}), ".callboard") == nullptr);
  CHECK(tree->refused(100).size() == 5);
  CHECK(tree->refused(2).size() == 2);
  CHECK(tree->refused(1)[0].item == "/dev/absolute");
}

TEST_CASE("a link that points upwards but stays inside is kept as it is") {
  Project project;
  fs::create_directories(project.folder / "dev/chr");
  fs::create_symlink("../../tex/a.png", project.folder / "dev/chr/tex");
  const Entry entry = *find(*project.scanned().tree->listing_of(path("dev/chr")), "tex");
  CHECK(entry.kind == EntryKind::symlink);
  CHECK(entry.target == "../../tex/a.png");
}

// Acts as a user without rights while it lives, when the tests run as root.
class WithoutRights {
 public:
  WithoutRights() {
    if (::geteuid() == 0) REQUIRE(::seteuid(65534) == 0);
  }
  ~WithoutRights() { static_cast<void>(::seteuid(::getuid())); }
};

TEST_CASE("what cannot be read is refused by name and the rest is scanned") {
  Project project;
  project.index = Index::in_memory().value();
  project.write("good", "1");
  const Digest before = project.scanned().tree->top().digest;
  project.write("secret", "2");
  project.write("closed/inside", "3");
  project.write("half/inside", "4");
  fs::permissions(project.folder / "secret", fs::perms::none);
  fs::permissions(project.folder / "closed", fs::perms::none);

  const WithoutRights without;
  const auto scanned = project.try_scan();
  REQUIRE(scanned.has_value());
  const auto listing = scanned->tree->listing_of({});
  CHECK(names(*listing) == std::vector<std::string>{"closed", "good", "half", "secret"});
  CHECK(find(*listing, "secret")->kind == EntryKind::refused);
  CHECK(find(*listing, "secret")->target == "cannot be read: permission denied");
  CHECK(find(*listing, "closed")->kind == EntryKind::refused);
  CHECK(find(*listing, "closed")->target == "cannot be read: permission denied");
  CHECK(find(*listing, "half")->kind == EntryKind::directory);
  CHECK(scanned->tree->files() == 2);
  CHECK(scanned->tree->listing_of(path("closed")) == nullptr);
  CHECK(scanned->tree->top().digest != before);
}

TEST_CASE("an index that cannot be written costs time, not the scan") {
  // Its own user has it open for writing, and nothing takes that away.
  if (::geteuid() != 0) return support::skip_test("acting as another user needs root");
  Project project;
  project.write("a", "1");
  fs::permissions(project.folder / ".callboard", fs::perms(0500));
  {
    const WithoutRights without;
    const auto scanned = project.try_scan();
    REQUIRE(scanned.has_value());
    CHECK(scanned->tree->files() == 1);
    CHECK_FALSE(scanned->index_trouble.empty());
  }
  fs::permissions(project.folder / ".callboard", fs::perms(0700));
  CHECK(project.scanned().totals.files_hashed == 1);
}

TEST_CASE("a tree keeps what it saw whatever happens afterwards") {
  Project project;
  project.write("dev/a", "1");
  const auto tree = project.scanned().tree;
  const auto listing = tree->listing_of(path("dev"));
  fs::remove_all(project.folder / "dev");
  CHECK(tree->listing_of(path("dev"))->entries == listing->entries);
  CHECK(project.scanned().tree->listing_of(path("dev")) == nullptr);
}

TEST_CASE("directories as deep as paths allow are scanned, deeper ones refused by name") {
  Project project;
  fs::path deep;
  for (int i = 0; i < 128; ++i) deep /= "d";
  project.write(deep.parent_path() / "file", "1");
  fs::create_directories(project.folder / deep / "too deep");
  project.write(deep / "too deep file", "2");

  const auto tree = project.scanned().tree;
  CHECK(tree->files() == 1);
  CHECK(tree->directory_count() == 129);
  const auto listing = tree->listing_of(path(deep.string()));
  REQUIRE(listing != nullptr);
  CHECK(names(*listing) == std::vector<std::string>{"too deep", "too deep file"});
  for (const Entry& entry : listing->entries) {
    CHECK(entry.kind == EntryKind::refused);
    CHECK(entry.target.find("deeper than 128 folders") != std::string::npos);
  }
}

TEST_CASE("a directory of many files is hashed once, whatever the number of threads") {
  for (const int threads : {1, 3}) {
    Project project;
    for (int i = 0; i < 1500; ++i) project.write("wide/" + std::to_string(i), std::to_string(i));
    ScanOptions options;
    options.hash_threads = threads;
    ScanProgress last;
    options.on_progress = [&](const ScanProgress& progress) {
      CHECK(progress.files_hashed >= last.files_hashed);
      last = progress;
    };
    const auto scanned = project.try_scan("", kLater, options);
    REQUIRE(scanned.has_value());
    CHECK(scanned->totals.files_hashed == 1500);
    CHECK(last.files_seen == 1500);
    CHECK(scanned->tree->digest_of(path("wide/1499")) == digest_of(as_bytes("1499")));
    CHECK(project.scanned().totals.files_hashed == 0);
  }
}

TEST_CASE(
    "many directories are walked alike, whatever the number of threads, and told of before they are read") {
  Project project;
  for (int i = 0; i < 60; ++i)
    project.write("d" + std::to_string(i % 7) + "/e" + std::to_string(i) + "/file", std::to_string(i));
  std::optional<Digest> digest;
  for (const int threads : {1, 2, 4}) {
    std::map<std::string, int> told;
    std::atomic<int> at_once{0};
    ScanOptions options;
    options.walk_threads = threads;
    options.before_reading = [&](const RelativePath& directory, int fd) {
      CHECK(++at_once == 1);
      told[directory.bytes()] += 1;
      // What comes after a directory is watched must be seen: this is there only from now on.
      CHECK(::unlinkat(fd, "late", 0) == (threads == 1 ? -1 : 0));
      CHECK(::symlinkat("file", fd, "late") == 0);
      at_once -= 1;
      return Result<void>();
    };
    const auto scanned = project.try_scan("", kLater, options);
    REQUIRE(scanned.has_value());
    CHECK(told.size() == 1 + 7 + 60);
    CHECK(std::all_of(told.begin(), told.end(), [](const auto& each) { return each.second == 1; }));
    CHECK(scanned->totals.files_seen == 60);
    for (const auto& [directory, times] : told)
      CHECK(scanned->tree->part(path(directory.empty() ? "late" : directory + "/late")) != nullptr);
    if (digest) CHECK(scanned->tree->top().digest == *digest);
    digest = scanned->tree->top().digest;
  }
}

TEST_CASE("a directory that cannot be made ready ends the scan, whichever thread walks it") {
  Project project;
  for (int i = 0; i < 40; ++i) project.write("d" + std::to_string(i) + "/file", "x");
  ScanOptions options;
  options.walk_threads = 2;
  int told = 0;
  options.before_reading = [&](const RelativePath&, int) -> Result<void> {
    if (++told < 20) return {};
    return Error{Outcome::refused, "no more"};
  };
  const auto scanned = project.try_scan("", kLater, options);
  REQUIRE_FALSE(scanned.has_value());
  CHECK(scanned.error().outcome == Outcome::refused);
  CHECK(scanned.error().text == "no more");
  CHECK(told <= 21);
}

TEST_CASE("a cancelled scan ends as cancelled, and what it learnt is kept") {
  Project project;
  for (int i = 0; i < 300; ++i) project.write("d" + std::to_string(i / 10) + "/" + std::to_string(i), "x");
  std::atomic<bool> cancelled{false};
  ScanOptions options;
  options.cancelled = &cancelled;
  options.hash_threads = 1;
  options.on_progress = [&](const ScanProgress& progress) {
    if (progress.files_hashed >= 100) cancelled = true;
  };
  const auto scanned = project.try_scan("", kLater, options);
  REQUIRE_FALSE(scanned.has_value());
  CHECK(scanned.error().outcome == Outcome::cancelled);

  const Scanned again = project.scanned();
  CHECK(again.totals.files_hashed < 300);
  CHECK(again.tree->files() == 300);
}

TEST_CASE("files and directories that vanish during the walk are left out") {
  Project project;
  for (int i = 0; i < 20; ++i) project.write("a/" + std::to_string(i), "x");
  project.write("b/x", "x");
  project.write("c/y", "y");
  ScanOptions options;
  options.hash_threads = 1;
  bool first = true;
  options.on_progress = [&](const ScanProgress&) {
    // The top is read, nothing beneath it yet.
    if (std::exchange(first, false)) fs::remove_all(project.folder / "b");
  };
  const auto tree = project.try_scan("", kLater, options)->tree;
  CHECK(names(*tree->listing_of({})) == std::vector<std::string>{"a", "c"});
  CHECK(tree->files() == 21);

  Project same;
  for (int i = 0; i < 20; ++i) same.write("a/" + std::to_string(i), "x");
  same.write("c/y", "y");
  CHECK(names(*same.scanned().tree->listing_of({})) == std::vector<std::string>{"a", "c"});
}

TEST_CASE("a file that vanishes between the walk and the hashing is left out") {
  Project project;
  project.write("a", "1");
  project.write("b", "2");
  ScanOptions options;
  options.hash_threads = 1;
  bool first = true;
  options.on_progress = [&](const ScanProgress& progress) {
    if (progress.files_seen == 2 && std::exchange(first, false)) fs::remove(project.folder / "b");
  };
  const auto tree = project.try_scan("", kLater, options)->tree;
  CHECK(names(*tree->listing_of({})) == std::vector<std::string>{"a"});
  CHECK(tree->files() == 1);
  CHECK(project.scanned().tree->top().digest == tree->top().digest);
}

TEST_CASE("a directory replaced by a link during the walk is not followed") {
  Project project;
  const TempDir outside;
  support::write_file(outside / "secret", "secret");
  project.write("a/x", "x");
  ScanOptions options;
  bool first = true;
  options.on_progress = [&](const ScanProgress&) {
    if (!std::exchange(first, false)) return;
    fs::remove_all(project.folder / "a");
    fs::create_symlink(outside.path(), project.folder / "a");
  };
  const auto tree = project.try_scan("", kLater, options)->tree;
  CHECK(tree->files() == 0);
  const Entry entry = *find(*tree->listing_of({}), "a");
  CHECK(entry.kind == EntryKind::refused);
  CHECK(entry.target.find("symbolic link") != std::string::npos);
}

}  // namespace
}  // namespace callboard::sync::scan_test
