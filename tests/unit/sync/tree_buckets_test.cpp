#include "sync/tree_buckets.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "sync/hash.h"
#include "sync/tree_merge.h"

namespace callboard::sync::tree_buckets_test {
namespace {

Entry frame(int number, std::uint64_t size_bytes = 1) {
  Entry entry;
  entry.name = "frame_" + std::to_string(100'000 + number);
  entry.size_bytes = size_bytes;
  entry.digest.bytes[0] = std::byte{1};
  return entry;
}

Entry refused(int number) {
  Entry entry = frame(number);
  entry.kind = EntryKind::refused;
  entry.name += "_socket";
  entry.target = "a socket";
  return entry;
}

Tree::Node directory_of(const std::vector<Entry>& entries) {
  auto directory = std::make_shared<Tree::Directory>();
  Tree::pack(entries, *directory);
  return directory;
}

std::vector<Entry> frames(int count) {
  std::vector<Entry> entries;
  for (int i = 0; i < count; ++i) entries.push_back(frame(i));
  return entries;
}

std::size_t shared_buckets(const Tree::Node& a, const Tree::Node& b) {
  std::size_t shared = 0;
  for (const auto& one : a->buckets) {
    for (const auto& other : b->buckets) shared += one == other ? 1U : 0U;
  }
  return shared;
}

TEST_CASE("a directory of few entries has the digest of its entries") {
  const std::vector<Entry> entries = frames(15);
  Bytes packed;
  for (const Entry& entry : entries) serialise(entry, packed);
  CHECK(directory_of(entries)->digest == digest_of(ByteView(packed)));
  CHECK(directory_of({})->digest == digest_of(ByteView()));
}

TEST_CASE("buckets keep to their sizes and hold every entry") {
  const Tree::Node directory = directory_of(frames(5000));
  CHECK(directory->files_below == 5000);
  CHECK(directory->buckets.size() > 80);
  CHECK(directory->buckets.size() < 320);
  std::size_t count = 0;
  for (const auto& bucket : directory->buckets) {
    CHECK(bucket->entry_count <= kBucketMax);
    count += bucket->entry_count;
  }
  CHECK(count == 5000);
}

TEST_CASE("a changed, an added and a removed name make a few buckets anew and share the rest") {
  const Tree::Node old = directory_of(frames(5000));
  ChangedNames names;
  std::vector<Entry> now = frames(5000);
  now[2500].size_bytes = 77;
  names[now[2500].name].entry = now[2500];
  names[frame(7).name] = {};
  now.erase(now.begin() + 7);
  Entry added = frame(4000);
  added.name += "a";
  names[added.name].entry = added;
  now.insert(now.begin() + 4000, added);
  const Tree::Node made = merged(old, names, std::nullopt);
  CHECK(made->digest == directory_of(now)->digest);
  CHECK(same_buckets(made->buckets, directory_of(now)->buckets));
  CHECK(made->files_below == 5000);
  CHECK(shared_buckets(old, made) + 12 > old->buckets.size());
  CHECK(merged(made, {}, std::nullopt) == made);
}

TEST_CASE("a directory may grow from nothing and become empty again") {
  const Tree::Node empty = directory_of({});
  ChangedNames names;
  for (const Entry& entry : frames(300)) names[entry.name].entry = entry;
  const Tree::Node full = merged(empty, names, std::nullopt);
  CHECK(same_buckets(full->buckets, directory_of(frames(300))->buckets));
  for (auto& [name, changed] : names) changed = {};
  CHECK(merged(full, names, std::nullopt)->digest == empty->digest);
}

TEST_CASE("refused entries change neither digests nor where buckets are cut") {
  const std::vector<Entry> clean = frames(200);
  std::vector<Entry> with;
  for (int i = 0; i < 200; ++i) {
    with.push_back(clean[static_cast<std::size_t>(i)]);
    if (i % 50 == 49) with.push_back(refused(i));
  }
  CHECK(directory_of(with)->digest == directory_of(clean)->digest);
  CHECK(directory_of({refused(1)})->digest == directory_of({})->digest);
}

TEST_CASE("a listing without known buckets has the others, and all that is refused") {
  std::vector<Entry> entries = frames(200);
  entries.push_back(refused(500));
  const Tree::Node directory = directory_of(entries);
  const Tree tree({}, directory->entry(), directory);
  const std::vector<std::uint64_t> names = tree.bucket_names({});
  REQUIRE(names.size() > 3);
  CHECK(names.size() < directory->buckets.size() + 1);
  const auto listing = tree.listing_of({}, std::vector<std::uint64_t>{names[1], 12345});
  CHECK(listing->same == std::vector<std::uint64_t>{names[1]});
  CHECK(listing->entries.size() == 201 - directory->buckets[1]->entry_count);
  CHECK(listing->entries.back().kind == EntryKind::refused);
  CHECK(tree.listing_of({})->entries.size() == 201);
  for (const Entry& entry : entries) CHECK(tree.part(*RelativePath::from_bytes(entry.name)) != nullptr);
  CHECK(tree.part(*RelativePath::from_bytes("frame")) == nullptr);
  CHECK(tree.part(*RelativePath::from_bytes("frame_1000000")) == nullptr);
}

}  // namespace
}  // namespace callboard::sync::tree_buckets_test
