#include "base/file_content.h"

#include <sys/mman.h>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "base/limits.h"

namespace callboard::file_content_test {
namespace {

Fd make_file() {
  Fd file(::memfd_create("content", MFD_CLOEXEC));
  REQUIRE(file);
  return file;
}

TEST_CASE("a file's content is read whole up to its limit, and refused beyond") {
  const Fd file = make_file();
  CHECK(read_content(file.get(), 0)->empty());
  // More than one read takes.
  Bytes bytes(600 * KiB);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
  REQUIRE(write_content(file.get(), bytes));
  CHECK(read_content(file.get(), bytes.size() + 1).value() == bytes);
  CHECK(read_content(file.get(), bytes.size()).value() == bytes);
  const auto refused = read_content(file.get(), bytes.size() - 1);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome == Outcome::refused);
  CHECK(refused.error().text == "it is too long");
}

TEST_CASE("what is written at a place leaves what lies around it") {
  const Fd file = make_file();
  REQUIRE(write_content(file.get(), as_bytes("one two six")));
  REQUIRE(write_content(file.get(), as_bytes("2"), 4));
  REQUIRE(write_content(file.get(), {}, 2));
  CHECK(as_text(read_content(file.get(), KiB).value()) == "one 2wo six");
}

TEST_CASE("a file that cannot be read or written says so") {
  CHECK(read_content(-1, 1).error().text == "read: bad file descriptor");
  CHECK(write_content(-1, as_bytes("x")).error().text == "write: bad file descriptor");
}

}  // namespace
}  // namespace callboard::file_content_test
