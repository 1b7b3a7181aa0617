#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

#include "sync/content_table.h"
#include "sync/hash.h"
#include "tests/unit/sync/project_fixture.h"

namespace callboard::sync::content_table_test {
namespace {

using NodePtr = std::shared_ptr<Tree::Directory>;

NodePtr directory(std::string name, std::vector<Entry> entries, std::vector<NodePtr> children = {}) {
  auto made = std::make_shared<Tree::Directory>();
  made->name = std::move(name);
  made->mode = 0755;
  for (const NodePtr& child : children) {
    entries.push_back(child->entry());
    made->files_below += child->files_below;
    made->children.push_back(child);
  }
  Tree::pack(entries, *made);
  return made;
}

std::shared_ptr<const Tree> tree(std::string_view path, const NodePtr& node) {
  return std::make_shared<Tree>(at(path), node->entry(), node);
}

}  // namespace

TEST_CASE("a content is found where it lies, an unknown one and an empty one nowhere") {
  const NodePtr below = directory("below", {file_entry("x", "twin"), file_entry("y", "other")});
  const NodePtr top =
      directory("top", {file_entry("a", "content"), file_entry("e", ""), file_entry("t", "twin")}, {below});
  const ContentTable table({tree("shots/top", top)});
  CHECK(table.file(digest_of(as_bytes("content"))) == at("shots/top/a"));
  CHECK(table.file(digest_of(as_bytes("other"))) == at("shots/top/below/y"));
  CHECK(table.file(digest_of(as_bytes("twin"))) == at("shots/top/t"));
  CHECK_FALSE(table.file(digest_of(as_bytes("unknown"))).has_value());
  CHECK_FALSE(table.file(digest_of(as_bytes(""))).has_value());
  CHECK_FALSE(table.file(below->digest).has_value());
}

TEST_CASE("a directory is found by its digest unless there is no file in it") {
  const NodePtr below = directory("below", {file_entry("x", "1")});
  const NodePtr empty = directory("empty", {});
  const NodePtr top = directory("", {}, {below, empty});
  const ContentTable table({tree("", top)});
  const auto found = table.directory(below->digest);
  REQUIRE(found.has_value());
  CHECK(found->path == at("below"));
  CHECK(found->node.get() == below.get());
  CHECK_FALSE(table.directory(empty->digest).has_value());
  CHECK_FALSE(table.directory(digest_of(as_bytes("x"))).has_value());
}

TEST_CASE("several trees are one table, and a tree of a single file is left out") {
  const NodePtr one = directory("one", {file_entry("a", "1")});
  const NodePtr two = directory("two", {file_entry("b", "2")});
  const auto file = std::make_shared<Tree>(at("f"), file_entry("", "3"), nullptr);
  const ContentTable table({tree("one", one), file, tree("x/two", two)});
  CHECK(table.file(digest_of(as_bytes("1"))) == at("one/a"));
  CHECK(table.file(digest_of(as_bytes("2"))) == at("x/two/b"));
  CHECK_FALSE(table.file(digest_of(as_bytes("3"))).has_value());
  CHECK_FALSE(ContentTable({}).file(digest_of(as_bytes("1"))).has_value());
}

TEST_CASE("each of many contents is found, however often one of them occurs") {
  std::vector<Entry> entries;
  for (int i = 0; i < 5000; ++i) {
    const std::string name = std::to_string(10'000 + i);
    entries.push_back(file_entry(name, i % 2 == 0 ? "black" : name));
  }
  const NodePtr frames = directory("frames", entries);
  const ContentTable table({tree("frames", frames)});
  CHECK(table.file(digest_of(as_bytes("black"))) == at("frames/10000"));
  for (int i = 1; i < 5000; i += 2) {
    const std::string name = std::to_string(10'000 + i);
    REQUIRE(table.file(digest_of(as_bytes(name))) == at("frames/" + name));
  }
}

// frames/ with 5,000 files, one of which has another content or name, and quiet/ that stays.
struct Changing {
  std::vector<Entry> frames;
  NodePtr quiet = directory("quiet", {file_entry("still", "still")});

  Changing() {
    for (int i = 0; i < 5000; ++i)
      frames.push_back(file_entry(std::to_string(10'000 + i), "frame " + std::to_string(i)));
  }
  // Shares `quiet`, and of frames what `of` has alike.
  std::shared_ptr<const Tree> made(const Tree* of = nullptr) const {
    const NodePtr changed = directory("frames", frames);
    if (of != nullptr) {
      for (auto& bucket : changed->buckets) {
        for (const auto& before : Tree::child_of(*of->whole(), "frames")->buckets)
          if (before->packed == bucket->packed) bucket = before;
      }
    }
    return tree("", directory("", {}, {changed, quiet}));
  }
};

TEST_CASE("after a change a table reads what changed, and forgets what is gone") {
  Changing folder;
  ContentTables tables;
  const auto first = folder.made();
  const auto whole = tables.of(first);
  CHECK(whole->size() == 5000 + 1 + 3);
  CHECK(tables.of(first) == whole);

  folder.frames[2500] = file_entry("12500", "another frame");
  folder.frames.erase(folder.frames.begin() + 100);
  const auto second = folder.made(first.get());
  const auto changed = tables.of(second);
  CHECK(changed->size() < 5 * kBucketMax);
  CHECK(changed->file(digest_of(as_bytes("another frame"))) == at("frames/12500"));
  CHECK(changed->file(digest_of(as_bytes("frame 7"))) == at("frames/10007"));
  CHECK(changed->file(digest_of(as_bytes("still"))) == at("quiet/still"));
  CHECK_FALSE(changed->file(digest_of(as_bytes("frame 2500"))));
  CHECK_FALSE(changed->file(digest_of(as_bytes("frame 100"))));
  REQUIRE(changed->directory(folder.quiet->digest));
  CHECK(changed->directory(folder.quiet->digest)->path == at("quiet"));
  CHECK_FALSE(changed->directory(Tree::child_of(*first->whole(), "frames")->digest));
  const Digest frames = Tree::child_of(*second->whole(), "frames")->digest;
  REQUIRE(changed->directory(frames));
  CHECK(changed->directory(frames)->path == at("frames"));
}

TEST_CASE("a table of which much has changed is made anew") {
  Changing folder;
  ContentTables tables;
  const auto first = folder.made();
  const auto before = tables.of(first);
  for (int i = 0; i < 5000; ++i)
    folder.frames[static_cast<std::size_t>(i)] =
        file_entry(std::to_string(10'000 + i), "new " + std::to_string(i));
  const auto second = folder.made(first.get());
  const auto after = tables.of(second);
  CHECK(tables.of(second) == after);
  CHECK(after->trees().front() == second);
  CHECK(after->file(digest_of(as_bytes("new 4999"))) == at("frames/14999"));
  CHECK(after->file(digest_of(as_bytes("still"))) == at("quiet/still"));
  CHECK_FALSE(after->file(digest_of(as_bytes("frame 1"))));
}

}  // namespace callboard::sync::content_table_test
