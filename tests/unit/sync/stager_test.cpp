#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "sync/local_copy.h"
#include "sync/stager.h"
#include "tests/unit/sync/project_fixture.h"

namespace callboard::sync::stager_test {
namespace {

constexpr Timestamp kNow{1'795'269'143'123};

std::unique_ptr<Stager> open_stager(const TestProject& project, FileOps& ops, std::string_view transfer,
                                    Timestamp now = system_clock().wall()) {
  Result<std::unique_ptr<Stager>> stager = Stager::open(project.root(), ops, transfer, now);
  REQUIRE(stager.has_value());
  return *std::move(stager);
}

std::string large_content() {
  std::string content(6 * MiB + 17, '\0');
  std::uint32_t state = 1;
  for (char& c : content) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return content;
}

// Takes the first `size_bytes` and breaks off.
void break_off(const TestProject& project, const std::string& content, std::size_t size_bytes) {
  FileOps ops;
  const auto stager = open_stager(project, ops, "broken");
  Result<IncomingFile> incoming = stager->begin(at("large"), file_entry("large", content));
  REQUIRE(incoming.has_value());
  REQUIRE(incoming->write(as_bytes(content).first(size_bytes)).has_value());
}

}  // namespace

TEST_CASE("a staged file has its content, mode and time to the nanosecond, and no real name") {
  TestProject project;
  FileOps ops;
  const auto stager = open_stager(project, ops, "7");
  Result<StagedFile> staged = stager->stage_whole(
      at("a.txt"), file_entry("a.txt", "content", 1'234'567'890'123'456'789, 0640), as_bytes("content"));
  REQUIRE(staged.has_value());
  CHECK(project.look(".callboard/tmp/7/" + staged->name) == "file:content");
  CHECK(project.look("a.txt") == "");
  CHECK(staged->status.mode == 0640);
  CHECK(staged->status.mtime_ns == 1'234'567'890'123'456'789);
}

TEST_CASE("a time before 1970 is kept") {
  TestProject project;
  FileOps ops;
  const auto stager = open_stager(project, ops, "7");
  Result<StagedFile> staged =
      stager->stage_whole(at("a"), file_entry("a", "x", -1'500'000'000), as_bytes("x"));
  REQUIRE(staged.has_value());
  CHECK(staged->status.mtime_ns == -1'500'000'000);
}

TEST_CASE("content that is not what was announced is removed and named") {
  TestProject project;
  FileOps ops;
  const auto stager = open_stager(project, ops, "7");
  for (const std::string& wrong : {std::string("CONTENT"), std::string("conten"), std::string("content+")}) {
    INFO(wrong);
    Result<StagedFile> staged =
        stager->stage_whole(at("dir/a.txt"), file_entry("a.txt", "content"), as_bytes(wrong));
    REQUIRE_FALSE(staged.has_value());
    CHECK(staged.error().text.find("\"/dir/a.txt\"") != std::string::npos);
  }
  CHECK(project.names_below(".callboard/tmp/7").empty());
}

TEST_CASE("an empty file is staged") {
  TestProject project;
  FileOps ops;
  const auto stager = open_stager(project, ops, "7");
  CHECK(stager->stage_whole(at("a"), file_entry("a", ""), {}).has_value());
}

TEST_CASE("two writers stage at once, equal contents too") {
  TestProject project;
  FileOps ops;
  const auto stager = open_stager(project, ops, "7");
  std::vector<std::string> names[2];
  const auto write_all = [&](int writer) {
    for (int i = 0; i < 200; ++i) {
      const std::string content = "content " + std::to_string(i);
      Result<StagedFile> staged = stager->stage_whole(at("a"), file_entry("a", content), as_bytes(content));
      if (staged) names[writer].push_back(staged->name);
    }
  };
  std::thread other([&] { write_all(1); });
  write_all(0);
  other.join();
  CHECK(names[0].size() == 200);
  CHECK(names[1].size() == 200);
  CHECK(project.names_below(".callboard/tmp/7").size() == 400);
}

TEST_CASE("a large file that broke off goes on where it stopped") {
  TestProject project;
  const std::string content = large_content();
  break_off(project, content, 5 * MiB);
  FileOps ops;
  const auto stager = open_stager(project, ops, "next");
  const Entry entry = file_entry("large", content);
  REQUIRE(stager->promise_offset(entry) == 5 * MiB);
  Result<IncomingFile> incoming = stager->resume(at("large"), entry);
  REQUIRE(incoming.has_value());
  CHECK(incoming->offset() == 5 * MiB);
  REQUIRE(incoming->write(as_bytes(content).subspan(5 * MiB)).has_value());
  Result<StagedFile> staged = incoming->finish();
  REQUIRE(staged.has_value());
  CHECK(project.look(".callboard/tmp/next/" + staged->name) == "file:" + content);
}

TEST_CASE("what an earlier try left is promised to one of the files that have this content") {
  TestProject project;
  const std::string content = large_content();
  break_off(project, content, 5 * MiB);
  FileOps ops;
  const auto stager = open_stager(project, ops, "next");
  CHECK(stager->promise_offset(file_entry("large", content)) == 5 * MiB);
  CHECK(stager->promise_offset(file_entry("another", content)) == 0);
  CHECK(stager->resume(at("large"), file_entry("large", content)).has_value());
}

TEST_CASE("what was kept but is damaged is found out at the end and not kept again") {
  TestProject project;
  const std::string content = large_content();
  break_off(project, content, 5 * MiB);
  const std::vector<std::string> kept = project.names_below(".callboard/tmp/kept");
  REQUIRE(kept.size() == 1);
  project.write(kept[0], std::string(5 * MiB, 'x'));
  FileOps ops;
  {
    const auto stager = open_stager(project, ops, "next");
    Result<IncomingFile> incoming = stager->resume(at("large"), file_entry("large", content));
    REQUIRE(incoming.has_value());
    REQUIRE(incoming->write(as_bytes(content).subspan(5 * MiB)).has_value());
    CHECK_FALSE(incoming->finish().has_value());
  }
  CHECK(project.names_below(".callboard/tmp").empty());
}

TEST_CASE("too little of a file, and one that is void, are not kept") {
  TestProject project;
  const std::string content = large_content();
  break_off(project, content, 1 * MiB);
  CHECK(project.names_below(".callboard/tmp").empty());
  FileOps ops;
  {
    const auto stager = open_stager(project, ops, "void");
    Result<IncomingFile> incoming = stager->begin(at("large"), file_entry("large", content));
    REQUIRE(incoming.has_value());
    REQUIRE(incoming->write(as_bytes(content).first(5 * MiB)).has_value());
    incoming->discard();
  }
  CHECK(project.names_below(".callboard/tmp").empty());
}

TEST_CASE("a whole file that never got its name is found again by its content") {
  TestProject project;
  FileOps ops;
  const Entry entry = file_entry("a", "content");
  { REQUIRE(open_stager(project, ops, "1")->stage_whole(at("a"), entry, as_bytes("content")).has_value()); }
  const auto stager = open_stager(project, ops, "2");
  Result<std::optional<StagedFile>> found = stager->reuse(at("elsewhere"), entry);
  REQUIRE(found.has_value());
  REQUIRE(found->has_value());
  CHECK(project.look(".callboard/tmp/2/" + (**found).name) == "file:content");
  Result<std::optional<StagedFile>> twice = stager->reuse(at("a"), entry);
  REQUIRE(twice.has_value());
  CHECK_FALSE(twice->has_value());
}

TEST_CASE("what lies among the kept files under a false name is not taken for content") {
  TestProject project;
  FileOps ops;
  const Entry entry = file_entry("a", "content");
  { REQUIRE(open_stager(project, ops, "1")->stage_whole(at("a"), entry, as_bytes("content")).has_value()); }
  project.write(project.names_below(".callboard/tmp/kept").at(0), "CONTENT");
  const auto stager = open_stager(project, ops, "2");
  Result<std::optional<StagedFile>> found = stager->reuse(at("a"), entry);
  REQUIRE(found.has_value());
  CHECK_FALSE(found->has_value());
}

TEST_CASE("a running transfer's folder is locked and left alone; a dead one's is swept") {
  TestProject project;
  FileOps ops;
  const auto running = open_stager(project, ops, "running");
  Result<StagedFile> staged = running->stage_whole(at("a"), file_entry("a", "x"), as_bytes("x"));
  REQUIRE(staged.has_value());
  project.write(".callboard/tmp/dead/0", "a link never renamed, or anything");
  project.write(".callboard/tmp/stray", "no folder");
  const auto other = open_stager(project, ops, "other");
  CHECK(project.look(".callboard/tmp/running/" + staged->name) == "file:x");
  CHECK(project.look(".callboard/tmp/dead") == "");
  CHECK(project.look(".callboard/tmp/stray") == "");
  Result<std::unique_ptr<Stager>> again = Stager::open(project.root(), ops, "running", kNow);
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().outcome == Outcome::locked);
}

TEST_CASE("what was kept is removed after a day") {
  TestProject project;
  FileOps ops;
  const Entry entry = file_entry("a", "content");
  { REQUIRE(open_stager(project, ops, "1")->stage_whole(at("a"), entry, as_bytes("content")).has_value()); }
  const Timestamp now = system_clock().wall();
  { CHECK(open_stager(project, ops, "2", Timestamp{now.ms + 23 * 3'600'000})->promise_offset(entry) == 7); }
  { CHECK(open_stager(project, ops, "3", Timestamp{now.ms + 25 * 3'600'000})->promise_offset(entry) == 0); }
  CHECK(project.names_below(".callboard/tmp").empty());
}

TEST_CASE("a full disk is named before a byte of a large file is written") {
  TestProject project;
  ScriptedOps ops([](const ScriptedOps::Call& call) {
    return call.kind == FileCall::reserve ? ENOSPC : call.kind == FileCall::write ? EIO : 0;
  });
  const auto stager = open_stager(project, ops, "7");
  Result<IncomingFile> incoming =
      stager->begin(at("dir/large"), file_entry("large", std::string(1 * MiB, 'x')));
  REQUIRE_FALSE(incoming.has_value());
  CHECK(incoming.error().text == "reserve room for \"/dir/large\": no space left on device");
  CHECK(project.names_below(".callboard/tmp/7").empty());
}

TEST_CASE("zeros that were skipped are content like others, whatever the file was begun as") {
  TestProject project;
  FileOps ops;
  const auto stager = open_stager(project, ops, "7");
  stager->bypass_cache();
  std::string content = large_content();
  const std::size_t hole_begin = 4 * MiB + 777;
  const std::size_t hole_size = 1 * MiB + 11;
  std::fill_n(content.begin() + hole_begin, hole_size, '\0');
  const Entry entry = file_entry("large", content);
  for (const Shape shape : {Shape::dense, Shape::sparse}) {
    Result<IncomingFile> incoming = stager->begin(at("large"), entry, shape);
    REQUIRE(incoming.has_value());
    REQUIRE(incoming->write(as_bytes(content).first(hole_begin)).has_value());
    REQUIRE(incoming->skip(hole_size).has_value());
    CHECK(incoming->offset() == hole_begin + hole_size);
    REQUIRE(incoming->write(as_bytes(content).subspan(hole_begin + hole_size)).has_value());
    Result<StagedFile> staged = incoming->finish();
    REQUIRE(staged.has_value());
    CHECK(project.look(".callboard/tmp/7/" + staged->name) == "file:" + content);
  }
}

TEST_CASE("a hole beyond the announced size, or one that the disk refuses, is an error") {
  TestProject project;
  ScriptedOps ops([](const ScriptedOps::Call& call) { return call.kind == FileCall::write ? EIO : 0; });
  const auto stager = open_stager(project, ops, "7");
  Result<IncomingFile> incoming =
      stager->begin(at("large"), file_entry("large", std::string(100, '\0')), Shape::sparse);
  REQUIRE(incoming.has_value());
  CHECK_FALSE(incoming->skip(101).has_value());
  CHECK(incoming->skip(100).error().text == "write \"/large\": input/output error");
  CHECK(incoming->offset() == 0);
}

TEST_CASE("of a sparse file no room is reserved, and a block of zeros becomes a hole") {
  TestProject project;
  ScriptedOps ops([](const ScriptedOps::Call& call) { return call.kind == FileCall::reserve ? ENOSPC : 0; });
  const auto stager = open_stager(project, ops, "7");
  const std::string content = "begin" + std::string(8 * MiB, '\0') + "end";
  Result<IncomingFile> incoming = stager->begin(at("large"), file_entry("large", content), Shape::sparse);
  REQUIRE(incoming.has_value());
  REQUIRE(incoming->write(as_bytes(content)).has_value());
  Result<StagedFile> staged = incoming->finish();
  REQUIRE(staged.has_value());
  struct stat status {};
  REQUIRE(::stat(project.full(".callboard/tmp/7/" + staged->name).c_str(), &status) == 0);
  CHECK(status.st_blocks * 512 < 1024 * 1024);
  CHECK(project.look(".callboard/tmp/7/" + staged->name) == "file:" + content);
}

TEST_CASE("reserved room does not count as bytes that came") {
  TestProject project;
  FileOps ops;
  const auto stager = open_stager(project, ops, "7");
  const std::string content = large_content();
  Result<IncomingFile> incoming = stager->begin(at("large"), file_entry("large", content));
  REQUIRE(incoming.has_value());
  const std::vector<std::string> names = project.names_below(".callboard/tmp/7");
  REQUIRE(names.size() == 1);
  CHECK(project.look(names[0]) == "file:");
}

namespace {

// Takes all of it in pieces, past the page cache where that is asked for.
Result<StagedFile> take_in(Stager& stager, const std::string& content) {
  const Entry entry = file_entry("large", content);
  const std::uint64_t offset = stager.promise_offset(entry);
  Result<IncomingFile> incoming =
      offset > 0 ? stager.resume(at("large"), entry) : stager.begin(at("large"), entry);
  if (!incoming) return incoming.error();
  constexpr std::size_t kPiece = 300'000;  // Begins and ends where no page does.
  for (std::size_t at = incoming->offset(); at < content.size(); at += kPiece) {
    const ByteView rest = as_bytes(content).subspan(at);
    const Result<void> written = incoming->write(rest.first(std::min(kPiece, rest.size())));
    if (!written) return written.error();
  }
  return incoming->finish();
}

}  // namespace

TEST_CASE("past the page cache a large file is whole, whatever its size and whatever the disk refuses") {
  const std::size_t size_bytes =
      GENERATE(1 * MiB, 1 * MiB + 1, 4 * MiB - 1, 4 * MiB, 4 * MiB + 4096, 6 * MiB + 17);
  const FileCall refused = GENERATE(FileCall::link /* never made */, FileCall::bypass_cache, FileCall::write);
  TestProject project;
  std::map<FileCall, int> calls;
  ScriptedOps ops([&](const ScriptedOps::Call& call) {
    return ++calls[call.kind] == 1 && call.kind == refused ? EINVAL : 0;
  });
  const auto stager = open_stager(project, ops, "7");
  stager->bypass_cache();
  const std::string content = large_content().substr(0, size_bytes);
  const Result<StagedFile> staged = take_in(*stager, content);
  INFO("size " << size_bytes << ", refused " << static_cast<int>(refused));
  CHECK(calls[FileCall::bypass_cache] > 0);
  // Where the file system knows no way past its cache, a refused write is an error.
  if (!staged && refused == FileCall::write && calls[FileCall::bypass_cache] == 1) return;
  REQUIRE(staged.has_value());
  CHECK((project.look(".callboard/tmp/7/" + staged->name) == "file:" + content));
}

TEST_CASE("small files, and all files where it is not asked for, go through the page cache") {
  TestProject project;
  int bypassed = 0;
  ScriptedOps ops([&](const ScriptedOps::Call& call) {
    bypassed += call.kind == FileCall::bypass_cache ? 1 : 0;
    return 0;
  });
  {
    const auto stager = open_stager(project, ops, "7");
    REQUIRE(take_in(*stager, large_content()).has_value());
    stager->bypass_cache();
    REQUIRE(take_in(*stager, large_content().substr(0, 1 * MiB - 1)).has_value());
  }
  CHECK(bypassed == 0);
}

TEST_CASE("past the page cache whichever call fails, the next try makes the file whole") {
  const std::string content = large_content();
  for (int failing = 0;; ++failing) {
    TestProject project;
    ScriptedOps ops([&](const ScriptedOps::Call& call) { return call.number == failing ? EIO : 0; });
    {
      Result<std::unique_ptr<Stager>> stager = Stager::open(project.root(), ops, "7", system_clock().wall());
      if (stager) {
        (*stager)->bypass_cache();
        static_cast<void>(take_in(**stager, content));  // Nearly all fail; what counts is what they leave.
      }
    }
    INFO("call " << failing);
    CHECK(project.look("large") == "");
    FileOps sound;
    const auto again = open_stager(project, sound, "8");
    again->bypass_cache();
    const Result<StagedFile> staged = take_in(*again, content);
    REQUIRE(staged.has_value());
    CHECK((project.look(".callboard/tmp/8/" + staged->name) == "file:" + content));
    if (failing >= ops.calls()) break;
  }
}

TEST_CASE(
    "a copy that the kernel cannot make goes through the page cache, where no writer waits for another") {
  TestProject project;
  const std::string content = large_content();
  project.write("a", content);
  int bypasses = 0;
  ScriptedOps ops([&](const ScriptedOps::Call& call) {
    if (call.kind == FileCall::bypass_cache) ++bypasses;
    return call.kind == FileCall::clone || call.kind == FileCall::copy ? EXDEV : 0;
  });
  TestPull pull(project, ops);
  pull.stager().bypass_cache();
  IndexRecords records(project.root(), pull.index());
  LocalCopier copier({project.root(), pull.stager(), records});
  Result<std::optional<StagedFile>> copied = copier.copy(at("a"), at("b"), file_entry("b", content));
  REQUIRE(copied.has_value());
  REQUIRE(copied->has_value());
  CHECK(bypasses == 0);
  pull.staged(**std::move(copied));
  pull.finish();
  CHECK(project.look("b") == "file:" + content);
}

}  // namespace callboard::sync::stager_test
