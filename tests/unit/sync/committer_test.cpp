#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/tree.h"
#include "tests/unit/sync/project_fixture.h"

namespace callboard::sync::committer_test {
namespace {

FileStatus status_in(const TestProject& project, std::string_view path) {
  Result<FileStatus> status = project.root().status(at(path));
  REQUIRE(status.has_value());
  return *status;
}

}  // namespace

TEST_CASE("a committed file has the giver's content, mode and time, and is known as pulled") {
  TestProject project;
  FileOps ops;
  TestPull pull(project, ops);
  pull.folder("dir");
  pull.file("dir/a.sh", "content", 0750);
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(project.look("dir/a.sh") == "file:content");
  CHECK(status_in(project, "dir/a.sh").mode == 0750);
  CHECK(status_in(project, "dir/a.sh").mtime_ns == 1'600'000'000'123'456'789);
  Result<std::optional<Digest>> pulled = pull.index().pulled_digest(at("dir/a.sh"));
  REQUIRE(pulled.has_value());
  CHECK(*pulled == file_entry("a", "content").digest);
  CHECK(pull.listener.kept.empty());
}

TEST_CASE("a file is replaced without a version when it is what was pulled, even if its times were touched") {
  TestProject project;
  pull_before(project, "a", "first");
  std::filesystem::last_write_time(project.full("a"), std::filesystem::file_time_type::clock::now());
  FileOps ops;
  TestPull pull(project, ops);
  pull.file("a", "second");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(project.look("a") == "file:second");
  CHECK(pull.listener.kept.empty());
  CHECK(project.names_below(".callboard/versions").empty());
}

TEST_CASE("a file of the same size and time but other content is kept as a version") {
  TestProject project;
  pull_before(project, "a", "first");
  project.write("a", "mine!");
  const timespec times[2] = {{0, UTIME_OMIT}, {1'600'000'000, 123'456'789}};
  REQUIRE(utimensat(AT_FDCWD, project.full("a").c_str(), times, 0) == 0);
  FileOps ops;
  TestPull pull(project, ops);
  pull.file("a", "second");
  pull.finish();
  REQUIRE(pull.result().has_value());
  REQUIRE(pull.listener.kept.size() == 1);
  CHECK(pull.listener.kept[0].place == ".callboard/versions/2026-11-21T13-52-23.123Z/a");
  CHECK(pull.listener.kept[0].size_bytes == 5);
  CHECK(project.look(pull.listener.kept[0].place) == "file:mine!");
  CHECK(project.look("a") == "file:second");
}

TEST_CASE("what is saved between the look and the swap is kept, too") {
  TestProject project;
  pull_before(project, "a", "first");
  int renames = 0;
  ScriptedOps ops([&](const ScriptedOps::Call& call) {
    // The first finds that the name is taken; the second swaps.
    if (call.kind == FileCall::rename && call.name == "a" && ++renames == 2) {
      std::filesystem::remove(project.full("a"));
      project.write("a", "saved at the worst moment");
    }
    return 0;
  });
  TestPull pull(project, ops);
  pull.file("a", "second");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(project.look("a") == "file:second");
  REQUIRE(pull.listener.kept.size() == 1);
  CHECK(project.look(pull.listener.kept[0].place) == "file:saved at the worst moment");
}

TEST_CASE("what appears under a free name before the rename is kept, not replaced") {
  TestProject project;
  bool appeared = false;
  ScriptedOps ops([&](const ScriptedOps::Call& call) {
    if (call.kind == FileCall::rename && call.name == "a" && !appeared) {
      appeared = true;
      project.write("a", "just made");
    }
    return 0;
  });
  TestPull pull(project, ops);
  pull.file("a", "the giver's");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(project.look("a") == "file:the giver's");
  REQUIRE(pull.listener.kept.size() == 1);
  CHECK(project.look(pull.listener.kept[0].place) == "file:just made");
}

TEST_CASE("a file that vanishes before it is replaced is simply written") {
  TestProject project;
  pull_before(project, "a", "first");
  int renames = 0;
  ScriptedOps ops([&](const ScriptedOps::Call& call) {
    // The first finds that the name is taken; the second would swap.
    if (call.kind == FileCall::rename && call.name == "a" && ++renames == 2)
      std::filesystem::remove(project.full("a"));
    return 0;
  });
  TestPull pull(project, ops);
  pull.file("a", "second");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(project.look("a") == "file:second");
}

TEST_CASE("a directory swapped for a link is never written through") {
  TestProject project;
  TestProject outside;
  project.make_folder("dir");
  FileOps ops;
  TestPull pull(project, ops);
  pull.file("dir/a", "content");
  std::filesystem::remove(project.full("dir"));
  project.make_link("dir", outside.root().folder());
  pull.finish();
  REQUIRE(pull.listener.failed.size() == 1);
  CHECK(pull.listener.failed[0].find("symbolic link") != std::string::npos);
  CHECK(outside.names_below("").empty());
  CHECK(pull.listener.committed.empty());
}

TEST_CASE("a directory that forbids writing is an error with its path, and the rest goes on") {
  TestProject project;
  project.make_folder("closed");
  ScriptedOps ops([](const ScriptedOps::Call& call) {
    return call.kind == FileCall::rename && call.name == "a" ? EACCES : 0;
  });
  TestPull pull(project, ops);
  pull.file("closed/a", "content");
  pull.file("b", "content");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(pull.listener.failed == std::vector<std::string>{"closed/a: write \"/closed/a\": permission denied"});
  CHECK(pull.listener.committed == std::vector<std::string>{"b"});
  CHECK(project.look("closed/a") == "");
}

TEST_CASE("a full disk stops the group, and what had its name by then is recorded") {
  TestProject project;
  ScriptedOps ops([](const ScriptedOps::Call& call) {
    return call.kind == FileCall::rename && call.name == "b" ? ENOSPC : 0;
  });
  {
    TestPull pull(project, ops);
    pull.file("a", "1");
    pull.file("b", "2");
    pull.file("c", "3");
    pull.finish();
    REQUIRE_FALSE(pull.result().has_value());
    CHECK(pull.result().error().text == "write \"/b\": no space left on device");
    CHECK(pull.listener.committed == std::vector<std::string>{"a"});
    CHECK(pull.index().pulled_digest(at("a")).value().has_value());
    CHECK(project.look("c") == "");
  }
  // Verified bytes are kept for the next try.
  CHECK(project.names_below(".callboard/tmp/kept").size() == 2);
}

TEST_CASE("nothing gets a name when the contents cannot be brought to disk") {
  TestProject project;
  ScriptedOps ops(
      [](const ScriptedOps::Call& call) { return call.kind == FileCall::sync_file_system ? EIO : 0; });
  TestPull pull(project, ops);
  pull.file("a", "1");
  pull.finish();
  CHECK_FALSE(pull.result().has_value());
  CHECK(project.look("a") == "");
}

TEST_CASE("one sync for a group before its first rename, none when not asked for") {
  TestProject project;
  std::vector<FileCall> calls;
  ScriptedOps ops([&calls](const ScriptedOps::Call& call) {
    if (call.kind == FileCall::sync_file_system || call.kind == FileCall::rename ||
        call.kind == FileCall::sync_directory) {
      calls.push_back(call.kind);
    }
    return 0;
  });
  {
    TestPull pull(project, ops);
    pull.file("a", "1");
    pull.file("b", "2");
    pull.finish();
  }
  CHECK(calls == std::vector<FileCall>{FileCall::sync_file_system, FileCall::rename, FileCall::rename,
                                       FileCall::sync_directory});
  calls.clear();
  TestPull quick(project, ops, "2", Timestamp{1}, {.durable = false});
  quick.file("c", "3");
  quick.finish();
  CHECK(calls == std::vector<FileCall>{FileCall::rename});
}

TEST_CASE("a group is committed when it has its files, its bytes or its age") {
  TestProject project;
  FileOps ops;
  TestPull by_files(project, ops, "1", Timestamp{1}, {.group_files = 2});
  by_files.file("a", "1");
  CHECK(by_files.listener.committed.empty());
  by_files.file("b", "2");
  CHECK(by_files.listener.committed.size() == 2);
  TestPull by_bytes(project, ops, "2", Timestamp{1}, {.group_bytes = 3});
  by_bytes.file("c", "12");
  CHECK(by_bytes.listener.committed.empty());
  by_bytes.file("d", "3");
  CHECK(by_bytes.listener.committed.size() == 2);
}

TEST_CASE("a group is committed directory by directory, each after it was made, in the order within it") {
  TestProject project;
  FileOps ops;
  // What is new would be put together elsewhere.
  project.write("b/deep/old", "");
  project.write("b-side/old", "");
  TestPull pull(project, ops);
  pull.folder("b");
  pull.file("b/2", "2");
  pull.folder("b/deep");
  pull.folder("b-side");
  pull.file("b/deep/3", "3");
  pull.file("top", "0");
  pull.file("b-side/4", "4");
  pull.file("b/1", "1");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(pull.listener.committed ==
        std::vector<std::string>{"b", "b-side", "top", "b/2", "b/deep", "b/1", "b-side/4", "b/deep/3"});
}

TEST_CASE("a group that is old enough is committed by a tick") {
  TestProject project;
  FileOps ops;
  Result<std::unique_ptr<Stager>> stager = Stager::open(project.root(), ops, "1", Timestamp{1});
  Result<std::unique_ptr<Versions>> versions = Versions::open(project.root(), ops);
  Result<Index> index = Index::open(project.root());
  REQUIRE((stager && versions && index));
  IndexRecords records(project.root(), *index);
  RecordingListener listener;
  Committer committer({project.root(), ops, **stager, **versions, records, listener, Timestamp{1}}, {});
  const Instant start{};
  REQUIRE(committer.add(Change::symlink(at("l"), link_entry("l", "x")), start).has_value());
  REQUIRE(committer.tick(start + 1999ms).has_value());
  CHECK(listener.committed.empty());
  REQUIRE(committer.tick(start + 2000ms).has_value());
  CHECK(listener.committed.size() == 1);
}

TEST_CASE("a new directory has its mode when it gets its name") {
  TestProject project;
  ScriptedOps ops([](const ScriptedOps::Call& call) {
    return call.kind == FileCall::set_mode && call.name == "dir" ? EIO : 0;
  });
  TestPull pull(project, ops);
  pull.folder("dir", 0755);
  pull.file("dir/a", "content");
  pull.finish();
  CHECK(pull.result().has_value());
  CHECK(status_in(project, "dir").mode == 0755);
}

TEST_CASE("a directory gets its mode in the end, so that a read-only one can be filled") {
  TestProject project;
  FileOps ops;
  TestPull pull(project, ops, "1", Timestamp{1}, {.group_files = 1});
  pull.folder("ro", 0555);
  pull.folder("ro/below", 0500);
  pull.file("ro/below/a", "1");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(status_in(project, "ro").mode == 0555);
  CHECK(status_in(project, "ro/below").mode == 0500);
  CHECK(project.look("ro/below/a") == "file:1");
}

TEST_CASE(
    "a new directory is put together elsewhere, group by group, and has all of it when it has its name") {
  TestProject project;
  std::vector<FileCall> calls;
  bool was_half = false;
  ScriptedOps ops([&](const ScriptedOps::Call& call) {
    if (call.kind == FileCall::sync_file_system || call.kind == FileCall::sync_directory)
      calls.push_back(call.kind);
    was_half = was_half || (project.look("new") != "" && project.names_below("new").size() != 3);
    return 0;
  });
  TestPull pull(project, ops, "1", Timestamp{1}, {.group_files = 2});
  pull.folder("new", 0555);
  pull.file("new/a", "1");
  pull.folder("new/sub", 0750);
  pull.file("new/sub/b", "2");
  pull.link("new/l", "a");
  CHECK(project.look("new") == "");
  CHECK(pull.listener.assembled.empty());
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK_FALSE(was_half);
  CHECK(project.look("new/sub/b") == "file:2");
  CHECK(project.look("new/l") == "link:a");
  CHECK(status_in(project, "new").mode == 0555);
  CHECK(status_in(project, "new/sub").mode == 0750);
  CHECK(pull.listener.assembled == std::vector<std::string>{"new: 2"});
  CHECK(pull.listener.kept.empty());
  CHECK(pull.index().pulled_digest(at("new/sub/b")).value().has_value());
  CHECK(project.names_below(".callboard/tmp").empty());
  // One for each group with files, one for the link that came alone, and the folder above at the end.
  CHECK(calls == std::vector<FileCall>{FileCall::sync_file_system, FileCall::sync_file_system,
                                       FileCall::sync_file_system, FileCall::sync_directory});
}

TEST_CASE(
    "what was put together of a directory is found by the next try and goes with the directory's name") {
  TestProject project;
  FileOps ops;
  {
    TestPull first(project, ops, "1", Timestamp{1}, {.group_files = 2});
    first.folder("new");
    first.file("new/a", "1");
    first.folder("new/sub");
    first.file("new/sub/b", "2");
  }
  CHECK(project.look("new") == "");
  TestPull second(project, ops, "2", Timestamp{2});
  CHECK(second.stager().trees().has_any());
  const auto taken = second.stager().take_from_tree(at("new/sub/b"), file_entry("b", "2"));
  REQUIRE(taken.has_value());
  CHECK(taken->status.size_bytes == 1);
  CHECK_FALSE(second.stager().take_from_tree(at("new/sub/b"), file_entry("b", "2")).has_value());
  CHECK_FALSE(second.stager().take_from_tree(at("new/a"), file_entry("a", "other")).has_value());
  CHECK_FALSE(second.stager().take_from_tree(at("other/a"), file_entry("a", "1")).has_value());
  second.folder("new");
  second.staged(*taken);
  second.finish();
  REQUIRE(second.result().has_value());
  // What the giver does not have any more did not come along.
  CHECK(project.names_below("new") == std::vector<std::string>{"new/sub/b"});
  CHECK(project.names_below(".callboard/tmp").empty());
}

TEST_CASE("what a power cut left of a new directory is not taken for its content, however alike it looks") {
  TestProject project;
  FileOps ops;
  const std::string content(2 * MiB, 'x');
  {
    TestPull first(project, ops, "1", Timestamp{1}, {.group_files = 2});
    first.folder("new");
    first.file("new/lost", content);
    first.file("new/whole", content);
    first.folder("new/sub");
  }
  // Size and time were on disk, the blocks were not.
  bool was_lost = false;
  for (const std::string& below : project.names_below(".callboard/tmp")) {
    if (!below.ends_with("/lost")) continue;
    const std::filesystem::path lost = project.full(below);
    const auto time = std::filesystem::last_write_time(lost);
    support::write_file(lost, std::string(content.size(), '\0'));
    std::filesystem::last_write_time(lost, time);
    was_lost = true;
  }
  REQUIRE(was_lost);
  TestPull second(project, ops, "2", Timestamp{2});
  CHECK_FALSE(second.stager().take_from_tree(at("new/lost"), file_entry("lost", content)).has_value());
  const auto taken = second.stager().take_from_tree(at("new/whole"), file_entry("whole", content));
  REQUIRE(taken.has_value());
  CHECK(taken->status.size_bytes == content.size());
}

TEST_CASE("what an old try put together is removed after its time") {
  TestProject project;
  FileOps ops;
  {
    TestPull first(project, ops, "1", Timestamp{1}, {.group_files = 1});
    first.folder("new");
    first.file("new/a", "1");
  }
  CHECK(project.names_below(".callboard/tmp/kept").size() == 1);
  const Timestamp later{system_clock().wall().ms + 15 * 24 * 3'600'000LL};
  TestPull second(project, ops, "2", later);
  CHECK(project.names_below(".callboard/tmp/kept").empty());
  CHECK_FALSE(second.stager().trees().has_any());
}

TEST_CASE(
    "a folder that somebody made meanwhile is left alone, and what was to be there is kept for the next "
    "try") {
  TestProject project;
  FileOps ops;
  {
    TestPull pull(project, ops, "1", Timestamp{1}, {.group_files = 2});
    pull.folder("new");
    pull.file("new/a", "theirs");
    project.write("new/a", "mine");
    pull.finish();
    REQUIRE(pull.result().has_value());
    CHECK(pull.listener.failed ==
          std::vector<std::string>{"new: write \"/new\": it was changed here while it was pulled"});
    CHECK(pull.listener.assembled.empty());
  }
  CHECK(project.look("new/a") == "file:mine");
  TestPull next(project, ops, "2", Timestamp{2});
  CHECK(next.stager().take_from_tree(at("new/a"), file_entry("a", "theirs")).has_value());
}

TEST_CASE("directories on the way are made when something is put into them") {
  TestProject project;
  FileOps ops;
  TestPull pull(project, ops);
  pull.file("x/y/z/a", "1");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(project.look("x/y/z/a") == "file:1");
}

TEST_CASE("metadata is set on a file with the right content and on no other") {
  TestProject project;
  project.write("a", "content");
  project.write("b", "changed meanwhile");
  FileOps ops;
  TestPull pull(project, ops);
  pull.metadata("a", file_entry("a", "content", 42'000'000'001, 0600));
  pull.metadata("b", file_entry("b", "content", 42, 0600));
  pull.metadata("gone", file_entry("gone", "content", 42, 0600));
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(status_in(project, "a").mtime_ns == 42'000'000'001);
  CHECK(status_in(project, "a").mode == 0600);
  CHECK(status_in(project, "b").mode != 0600);
  CHECK(pull.listener.failed.size() == 2);
  CHECK(project.look("gone") == "");
}

TEST_CASE("a link takes the place of a file, a file that of a link, and neither is followed") {
  TestProject project;
  project.write("target", "not to be touched");
  project.make_link("becomes-file", "target");
  project.write("becomes-link", "mine");
  FileOps ops;
  TestPull pull(project, ops);
  pull.file("becomes-file", "a file");
  pull.link("becomes-link", "target");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(project.look("becomes-file") == "file:a file");
  CHECK(project.look("becomes-link") == "link:target");
  CHECK(project.look("target") == "file:not to be touched");
  CHECK(pull.listener.kept.size() == 2);
}

TEST_CASE("a link that was pulled is replaced without a version") {
  TestProject project;
  FileOps ops;
  {
    TestPull first(project, ops);
    first.link("l", "one");
    first.finish();
  }
  TestPull second(project, ops, "2");
  second.link("l", "two");
  second.finish();
  REQUIRE(second.result().has_value());
  CHECK(project.look("l") == "link:two");
  CHECK(second.listener.kept.empty());
}

TEST_CASE("a name of 255 bytes, one that is not UTF-8 and one with newlines are written as they are") {
  TestProject project;
  FileOps ops;
  TestPull pull(project, ops);
  const std::string longest(255, 'n');
  for (const std::string& name :
       {longest, std::string("\xff\xfe"), std::string("a\nb 'c' \"d\""), std::string("\xf0\x9f\x8e\xac")}) {
    project.write(name, "mine");
    pull.file(name, "content of " + name);
  }
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(pull.listener.failed.empty());
  CHECK(pull.listener.kept.size() == 4);
  CHECK(project.look(longest) == "file:content of " + longest);
  CHECK(project.look("\xff\xfe") == "file:content of \xff\xfe");
}

TEST_CASE("a replacement that fails leaves the local file under its name and no version of it") {
  TestProject project;
  project.write("a", "mine");
  ScriptedOps ops([](const ScriptedOps::Call& call) {
    return call.kind == FileCall::rename && call.name == "a" ? EACCES : 0;
  });
  TestPull pull(project, ops);
  pull.file("a", "the giver's");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(pull.listener.failed == std::vector<std::string>{"a: replace \"/a\": permission denied"});
  CHECK(pull.listener.kept.empty());
  CHECK_FALSE(pull.listener.has_changed);
  CHECK(project.look("a") == "file:mine");
  CHECK(project.names_below(".callboard/versions").empty());
}

TEST_CASE("what was changed on the way to what then fails is told") {
  TestProject project;
  project.write("a", "content");
  ScriptedOps ops([](const ScriptedOps::Call& call) {
    return call.kind == FileCall::rename || call.kind == FileCall::set_times ? EACCES : 0;
  });
  TestPull pull(project, ops);
  SECTION("a folder above it") { pull.link("way/there", "a"); }
  SECTION("its mode, when its time cannot be set") {
    pull.metadata("a", file_entry("a", "content", 42'000'000'001, 0600));
  }
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(pull.listener.failed.size() == 1);
  CHECK(pull.listener.has_changed);
}

TEST_CASE("a folder that is here as it is to be is not told as changed, one that gets another mode is") {
  TestProject project;
  project.make_folder("dir");
  FileOps ops;
  TestPull pull(project, ops);
  const std::uint16_t mode = status_in(project, "dir").mode;
  const bool is_other = GENERATE(false, true);
  pull.folder("dir", is_other ? 0710 : mode);
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(pull.listener.has_changed == is_other);
}

}  // namespace callboard::sync::committer_test
