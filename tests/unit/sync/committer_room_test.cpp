// What a pull does where the disk, or the index, takes no more.
#include <catch2/catch.hpp>
#include <cerrno>
#include <string>
#include <vector>

#include "tests/unit/sync/project_fixture.h"

namespace callboard::sync::committer_room_test {
namespace {

struct PatientOps final : FileOps {
  int waits = 0;
  int full = 0;  // So many directories cannot be made.
  bool wait_for_room() override { return ++waits < 10; }
  int fault(FileCall call, const std::string&) override {
    return call == FileCall::make_directory && full-- > 0 ? ENOSPC : 0;
  }
};

struct FailingRecords final : PullRecords {
  bool is_as_pulled(const RelativePath&, const FileStatus&) override { return false; }
  bool has_content(const RelativePath&, const FileStatus&, const Digest&, const OnRead&) override {
    return false;
  }
  std::optional<Digest> pulled(const RelativePath&) override { return std::nullopt; }
  Result<void> record(const std::vector<Index::Pulled>& pulled) override {
    if (fails-- > 0) return Error{Outcome::failed, why};
    recorded += pulled.size();
    return {};
  }
  int fails = 2;
  std::string why = "index has no room: database or disk is full";
  std::size_t recorded = 0;
};

// Pulls the file "f".
Result<void> commit_file(const TestProject& project, FileOps& ops, PullRecords& records,
                         CommitListener& listener) {
  constexpr Timestamp kNow{1'795'269'143'123};
  const Result<std::unique_ptr<Stager>> stager = Stager::open(project.root(), ops, "1", kNow);
  const Result<std::unique_ptr<Versions>> versions = Versions::open(project.root(), ops);
  REQUIRE((stager && versions));
  Committer committer({project.root(), ops, **stager, **versions, records, listener, kNow}, {});
  Result<StagedFile> staged = (*stager)->stage_whole(at("f"), file_entry("f", "x"), as_bytes("x"));
  REQUIRE(staged);
  REQUIRE(committer.add(Change::file(*std::move(staged)), Instant{}));
  return committer.finish();
}

}  // namespace

TEST_CASE("an index without room is waited for as a full disk is") {
  TestProject project;
  PatientOps ops;
  FailingRecords records;
  RecordingListener listener;
  CHECK(commit_file(project, ops, records, listener).has_value());
  CHECK(ops.waits == 2);
  CHECK(records.recorded == 1);
  CHECK(listener.committed == std::vector<std::string>{"f"});
}

TEST_CASE("what has its name is told, also where the index cannot be written") {
  TestProject project;
  PatientOps ops;
  FailingRecords records;
  records.why = "attempt to write a readonly database";
  RecordingListener listener;
  CHECK_FALSE(commit_file(project, ops, records, listener).has_value());
  CHECK(records.recorded == 0);
  CHECK(project.look("f") == "file:x");
  CHECK(listener.committed == std::vector<std::string>{"f"});
}

TEST_CASE("directories on the way to something wait for room, too") {
  TestProject project;
  PatientOps ops;
  ops.full = 2;
  CHECK(ops.make_directories(project.root(), at("a/b")).has_value());
  CHECK(ops.waits == 2);
  ops.full = 2;
  CHECK(ops.private_directory(project.root(), "tmp").has_value());
  CHECK(ops.waits == 4);
}

}  // namespace callboard::sync::committer_room_test
