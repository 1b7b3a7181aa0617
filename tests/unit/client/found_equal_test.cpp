#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/limits.h"
#include "client/found_equal.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::client::found_equal_test {
namespace {

// Everything has the content that it is asked for; of the records so many go well.
class CountedRecords final : public sync::PullRecords {
 public:
  bool is_as_pulled(const sync::RelativePath&, const sync::FileStatus&) override { return true; }
  bool has_content(const sync::RelativePath&, const sync::FileStatus&, const Digest&,
                   const sync::OnRead&) override {
    ++looks;
    return true;
  }
  std::optional<Digest> pulled(const sync::RelativePath& path) override {
    return known.contains(path.bytes()) ? std::optional(Digest()) : std::nullopt;
  }
  Result<void> record(const std::vector<sync::Index::Pulled>& pulled) override {
    if (records == good_records) return Error{Outcome::failed, "killed"};
    ++records;
    for (const sync::Index::Pulled& each : pulled) known.insert(each.path.bytes());
    return {};
  }
  std::set<std::string> known;
  std::size_t looks = 0;
  std::size_t records = 0;
  std::size_t good_records = 1000;
};

Entry entry_of(const std::string& name) { return {EntryKind::file, 0644, 0, 0, {}, name, {}}; }

// A folder `d` of so many files, here and as it was seen.
class Folder {
 public:
  explicit Folder(std::size_t count) : root_(sync::Root::open(top_.path().string()).value()) {
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < count; ++i) {
      entries.push_back(entry_of(std::to_string(100'000 + i)));
      support::write_file(top_.path() / "d" / entries.back().name, "");
    }
    auto directory = std::make_shared<sync::Tree::Directory>();
    directory->name = "d";
    sync::Tree::pack(entries, *directory);
    node_ = std::move(directory);
  }
  const sync::Root& root() const { return root_; }
  const sync::Tree::Node& node() const { return node_; }
  sync::RelativePath path() const { return sync::RelativePath::from_bytes("d").value(); }

 private:
  support::TempDir top_;
  sync::Root root_;
  sync::Tree::Node node_;
};

constexpr std::size_t kFiles = 2 * kCommitGroupFiles + 1;

}  // namespace

TEST_CASE("a folder of which only a part was recorded as found equal is recorded by the next pull") {
  const Folder folder(kFiles);
  const std::atomic<bool> cancelled{false};
  CountedRecords records;
  for (records.good_records = 0; records.good_records < 3; ++records.good_records) {
    INFO(records.good_records);
    records.records = 0;
    FoundEqual equal(folder.root(), records, cancelled);
    equal.add(folder.path(), folder.node());
    equal.finish();
    CHECK_FALSE(records.known.contains("d/100000"));
  }
  records.good_records = 1000;
  FoundEqual equal(folder.root(), records, cancelled);
  equal.add(folder.path(), folder.node());
  equal.finish();
  CHECK(records.known.size() == kFiles);
  records.looks = 0;
  FoundEqual again(folder.root(), records, cancelled);
  again.add(folder.path(), folder.node());
  CHECK(records.looks == 0);
}

TEST_CASE("files that are found equal one by one are recorded together") {
  const Folder folder(100);
  const std::atomic<bool> cancelled{false};
  CountedRecords records;
  FoundEqual equal(folder.root(), records, cancelled);
  for (std::size_t i = 0; i < 100; ++i) {
    const std::string name = std::to_string(100'000 + i);
    equal.add(folder.path().joined(name).value(), entry_of(name));
  }
  CHECK(records.records == 0);
  equal.finish();
  CHECK(records.records == 1);
  CHECK(records.known.size() == 100);
}

TEST_CASE("once it is cancelled nothing more is looked at or recorded as found equal") {
  const Folder folder(100);
  const std::atomic<bool> cancelled{true};
  CountedRecords records;
  FoundEqual equal(folder.root(), records, cancelled);
  equal.add(folder.path(), folder.node());
  equal.add(folder.path().joined("100000").value(), entry_of("100000"));
  equal.finish();
  CHECK(records.looks == 0);
  CHECK(records.known.empty());
}

}  // namespace callboard::client::found_equal_test
