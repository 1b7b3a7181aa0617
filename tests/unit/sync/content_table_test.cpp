#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

#include "sync/content_table.h"
#include "sync/hash.h"
#include "tests/unit/sync/project_fixture.h"

namespace callboard::sync {
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

}  // namespace callboard::sync
