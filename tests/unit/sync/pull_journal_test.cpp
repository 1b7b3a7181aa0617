#include <catch2/catch.hpp>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "sync/pull_journal.h"
#include "tests/support/tree.h"
#include "tests/unit/sync/project_fixture.h"

namespace callboard::sync::pull_journal_test {
namespace {

// A pull that ends between its renames and their record.
class Unrecorded final : public PullRecords {
 public:
  bool is_as_pulled(const RelativePath&, const FileStatus&) override { return false; }
  bool has_content(const RelativePath&, const FileStatus&, const Digest&, const OnRead&) override {
    return false;
  }
  std::optional<Digest> pulled(const RelativePath&) override { return std::nullopt; }
  Result<void> record(const std::vector<Index::Pulled>&) override { return Error{Outcome::failed, "killed"}; }
};

void pull_and_be_killed(const TestProject& project, FileOps& ops) {
  Result<std::unique_ptr<Stager>> stager = Stager::open(project.root(), ops, "1", Timestamp{1});
  Result<std::unique_ptr<Versions>> versions = Versions::open(project.root(), ops);
  REQUIRE((stager && versions));
  Unrecorded records;
  RecordingListener listener;
  Committer committer({project.root(), ops, **stager, **versions, records, listener, Timestamp{1}}, {});
  for (const char* name : {"a", "b"}) {
    Result<StagedFile> staged =
        (*stager)->stage_whole(at(name), file_entry(name, "giver's"), as_bytes("giver's"));
    REQUIRE(staged.has_value());
    REQUIRE(committer.add(Change::file(*std::move(staged)), Instant{}).has_value());
  }
  REQUIRE(committer.add(Change::symlink(at("l"), link_entry("l", "a")), Instant{}).has_value());
  REQUIRE_FALSE(committer.finish().has_value());
}

// Its folder, and the index that is to learn of it.
struct Killed {
  TestProject project;
  FileOps ops;
  Result<Index> index;
  std::optional<IndexRecords> records;

  Killed() : index((pull_and_be_killed(project, ops), Index::open(project.root()))) {
    REQUIRE(index.has_value());
    records.emplace(project.root(), *index);
  }
};

using Unread = std::vector<PullJournal::Unread>;

// What the next pull does first.
Result<Unread> record_notes(const TestProject& project, FileOps& ops, PullRecords& records,
                            const OnRead& on_read = {}) {
  const Result<std::unique_ptr<Stager>> stager = Stager::open(project.root(), ops, "2", Timestamp{2});
  REQUIRE(stager.has_value());
  return PullJournal::record_kept({project.root(), ops, (*stager)->kept_fd(), records, on_read});
}

void record_kept(const TestProject& project, FileOps& ops, Index& index) {
  IndexRecords records(project.root(), index);
  const Result<Unread> unread = record_notes(project, ops, records);
  REQUIRE(unread.has_value());
  CHECK(unread->empty());
}

// The index, on a disk that is full `full` times.
class FullIndex final : public PullRecords {
 public:
  FullIndex(PullRecords& index, int full) : index_(index), full_(full) {}
  bool is_as_pulled(const RelativePath& path, const FileStatus& status) override {
    return index_.is_as_pulled(path, status);
  }
  bool has_content(const RelativePath& path, const FileStatus& status, const Digest& content,
                   const OnRead& on_read) override {
    return index_.has_content(path, status, content, on_read);
  }
  std::optional<Digest> pulled(const RelativePath& path) override { return index_.pulled(path); }
  Result<void> record(const std::vector<Index::Pulled>& pulled) override {
    if (full_-- > 0) return Error{Outcome::failed, "index has no room: database or disk is full"};
    return index_.record(pulled);
  }

 private:
  PullRecords& index_;
  int full_;
};

class WaitingOps final : public FileOps {
 protected:
  bool wait_for_room() override { return ++waits_ < 10; }

 private:
  int waits_ = 0;
};

const std::vector<std::string> kOneNote{".callboard/tmp/kept/pulling-0"};

}  // namespace

TEST_CASE("what a killed pull renamed is known as pulled to the next one, unless it was edited meanwhile") {
  TestProject project;
  FileOps ops;
  pull_and_be_killed(project, ops);
  REQUIRE(project.look("a") == "file:giver's");
  project.write("b", "mine");
  Result<Index> index = Index::open(project.root());
  REQUIRE(index.has_value());
  CHECK_FALSE(index->pulled_digest(at("a")).value().has_value());
  record_kept(project, ops, *index);
  CHECK(index->pulled_digest(at("a")).value() == file_entry("a", "giver's").digest);
  CHECK_FALSE(index->pulled_digest(at("b")).value().has_value());
  CHECK(index->pulled_digest(at("l")).value() == link_entry("l", "a").digest);
  CHECK(project.names_below(".callboard/tmp").empty());
}

TEST_CASE("a restore or another look at the folder leaves what a killed pull noted to the next pull") {
  TestProject project;
  FileOps ops;
  pull_and_be_killed(project, ops);
  static_cast<void>(Stager::open(project.root(), ops, "restore", Timestamp{2}));
  pull_and_be_killed(project, ops);
  CHECK(project.names_below(".callboard/tmp") ==
        std::vector<std::string>{".callboard/tmp/kept/pulling-0", ".callboard/tmp/kept/pulling-1"});
}

TEST_CASE("a pull that is recorded leaves no note") {
  TestProject project;
  FileOps ops;
  TestPull pull(project, ops);
  pull.file("a", "content");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(project.names_below(".callboard/tmp").empty());
}

TEST_CASE("a note that cannot be read is told of and stays, and what can be read of it is recorded") {
  Killed killed;
  const bool opens = GENERATE(false, true);
  int reads = 0;
  ScriptedOps broken([&](const ScriptedOps::Call& call) {
    if (call.kind == FileCall::open && call.name == "pulling-0" && !opens) return EIO;
    return call.kind == FileCall::read && ++reads > 1 ? EIO : 0;
  });
  const Result<Unread> unread = record_notes(killed.project, broken, *killed.records);
  REQUIRE(unread.has_value());
  REQUIRE(unread->size() == 1);
  CHECK(unread->front().path == kOneNote.front());
  CHECK(unread->front().error.text.find(kOneNote.front()) != std::string::npos);
  CHECK(killed.index->pulled_digest(at("a")).value().has_value() == opens);
  CHECK(killed.project.names_below(".callboard/tmp") == kOneNote);
  record_kept(killed.project, killed.ops, *killed.index);
  CHECK(killed.index->pulled_digest(at("a")).value().has_value());
  CHECK(killed.project.names_below(".callboard/tmp").empty());
}

TEST_CASE("what a killed pull noted waits for room in the index, and stays noted where there is none") {
  Killed killed;
  SECTION("room comes") {
    FullIndex full(*killed.records, 3);
    WaitingOps waiting;
    REQUIRE(record_notes(killed.project, waiting, full).has_value());
    CHECK(killed.index->pulled_digest(at("a")).value().has_value());
    CHECK(killed.project.names_below(".callboard/tmp").empty());
  }
  SECTION("none comes") {
    FullIndex full(*killed.records, 1000);
    WaitingOps waiting;
    CHECK_FALSE(record_notes(killed.project, waiting, full).has_value());
    CHECK(killed.project.names_below(".callboard/tmp") == kOneNote);
  }
}

TEST_CASE("looking at what a killed pull noted ends when it is cancelled, and all stays noted") {
  Killed killed;
  const auto unread =
      record_notes(killed.project, killed.ops, *killed.records, [](std::uint64_t) { return false; });
  REQUIRE_FALSE(unread.has_value());
  CHECK(unread.error().outcome == Outcome::cancelled);
  CHECK(killed.project.names_below(".callboard/tmp") == kOneNote);
  CHECK_FALSE(killed.index->pulled_digest(at("a")).value().has_value());
}

TEST_CASE("wherever a note is cut short, what is whole in it is recorded and nothing else") {
  std::string note;
  {
    TestProject project;
    FileOps ops;
    pull_and_be_killed(project, ops);
    note = support::read_file(project.full(".callboard/tmp/kept/pulling-0"));
  }
  const std::size_t one = sizeof(Digest::bytes) + 2;
  REQUIRE(note.size() == 3 * one);
  for (std::size_t size = 0; size <= note.size(); ++size) {
    INFO(size);
    TestProject project;
    FileOps ops;
    for (const char* name : {"a", "b"}) project.write(name, "giver's");
    project.make_link("l", "a");
    project.write(".callboard/tmp/kept/pulling-0", note.substr(0, size));
    Result<Index> index = Index::open(project.root());
    REQUIRE(index.has_value());
    record_kept(project, ops, *index);
    std::size_t recorded = 0;
    for (const char* name : {"a", "b", "l"}) recorded += index->pulled_digest(at(name)).value() ? 1U : 0U;
    CHECK(recorded == size / one);
  }
}

}  // namespace callboard::sync::pull_journal_test
