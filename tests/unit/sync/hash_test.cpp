#include "sync/hash.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::sync::hash_test {
namespace {

using support::TempDir;

Fd open_for_reading(const std::filesystem::path& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

void append(const std::filesystem::path& path, std::string_view text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

TEST_CASE("digests are those that xxh128sum prints") {
  CHECK(to_text(digest_of(ByteView{})) == "99aa06d3014798d86001c324468d497f");
  CHECK(to_text(digest_of(as_bytes("abc"))) == "06b05ab6733a618578af5f94892f3950");
  CHECK(to_text(digest_of(as_bytes("hello\n"))) == "6bba86c7e069f56d5a10b435f1c8e49c");
}

TEST_CASE("bytes in pieces have the digest of the whole") {
  const std::string text(3000, 'x');
  for (const std::size_t piece : {1u, 7u, 255u, 256u, 1024u, 2999u}) {
    Hasher hasher;
    for (std::size_t at = 0; at < text.size(); at += piece)
      hasher.update(as_bytes(std::string_view(text).substr(at, piece)));
    CHECK(hasher.digest() == digest_of(as_bytes(text)));
    hasher.reset();
    CHECK(hasher.digest() == digest_of(ByteView{}));
  }
}

TEST_CASE("a file of any size around the read block has the digest of its bytes") {
  const TempDir folder;
  constexpr std::size_t kBlock = 256 * 1024;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kBlock - 1, kBlock, kBlock + 1, 2 * kBlock, 3 * kBlock + 5}) {
    INFO(size);
    std::string content(size, '\0');
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31 + i / 251);
    support::write_file(folder / "file", content);
    std::uint64_t told = 0;
    const auto hashed = hash_file(open_for_reading(folder / "file").get(), [&](std::uint64_t bytes) {
      told += bytes;
      return true;
    });
    REQUIRE(hashed.has_value());
    CHECK(hashed->digest == digest_of(as_bytes(content)));
    CHECK(hashed->status.size_bytes == size);
    CHECK(told == size);
  }
}

TEST_CASE("a file that grows while it is read has no digest") {
  const TempDir folder;
  support::write_file(folder / "file", std::string(100, 'x'));
  const auto hashed = hash_file(open_for_reading(folder / "file").get(), [&](std::uint64_t) {
    append(folder / "file", "more");
    return true;
  });
  REQUIRE_FALSE(hashed.has_value());
  CHECK(hashed.error().outcome == Outcome::interrupted);
  CHECK(hashed.error().text == "changed while it was read");
}

TEST_CASE("a file that is written over or cut while it is read has no digest") {
  const TempDir folder;
  for (const bool cut : {false, true}) {
    INFO(cut);
    support::write_file(folder / "file", std::string(600'000, 'x'));
    bool first = true;
    const auto hashed = hash_file(open_for_reading(folder / "file").get(), [&](std::uint64_t) {
      if (!std::exchange(first, false)) return true;
      const Fd fd(::open((folder / "file").c_str(), O_WRONLY | O_CLOEXEC));
      REQUIRE((cut ? ::ftruncate(fd.get(), 10) == 0 : ::pwrite(fd.get(), "y", 1, 0) == 1));
      return true;
    });
    REQUIRE_FALSE(hashed.has_value());
    CHECK(hashed.error().outcome == Outcome::interrupted);
  }
}

TEST_CASE("a file that changed once is read again, one that keeps changing is given up") {
  const TempDir folder;
  support::write_file(folder / "file", "0123");
  int reads = 0;
  const auto settled = hash_settled_file(open_for_reading(folder / "file").get(), [&](std::uint64_t) {
    if (++reads == 1) append(folder / "file", "4");
    return true;
  });
  REQUIRE(settled.has_value());
  CHECK(settled->digest == digest_of(as_bytes("01234")));

  reads = 0;
  const auto restless = hash_settled_file(open_for_reading(folder / "file").get(), [&](std::uint64_t) {
    ++reads;
    append(folder / "file", "x");
    return true;
  });
  REQUIRE_FALSE(restless.has_value());
  CHECK(restless.error().outcome == Outcome::interrupted);
  CHECK(reads == 3);
}

TEST_CASE("hashing stops when it is told to, and a directory has no content") {
  const TempDir folder;
  support::write_file(folder / "file", "x");
  const auto cancelled =
      hash_file(open_for_reading(folder / "file").get(), [](std::uint64_t) { return false; });
  CHECK(cancelled.error().outcome == Outcome::cancelled);
  const auto directory = hash_file(open_for_reading(folder.path()).get());
  CHECK(directory.error().text == "is a folder, no file");
}

}  // namespace
}  // namespace callboard::sync::hash_test
