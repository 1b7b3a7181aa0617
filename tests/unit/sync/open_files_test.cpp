// Files that a program has open while a pull replaces them.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "base/fd.h"
#include "tests/unit/sync/project_fixture.h"

namespace callboard::sync::open_files_test {
namespace {

Fd opened(const TestProject& project, std::string_view path, int flags) {
  Fd file(::open(project.full(path).c_str(), flags | O_CLOEXEC));
  REQUIRE(file);
  return file;
}

void write_to(const Fd& file, std::string_view text) {
  REQUIRE(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

}  // namespace

TEST_CASE(
    "what a program has open for writing is kept when it is replaced, with what is written afterwards") {
  TestProject project;
  pull_before(project, "a", "first");
  pull_before(project, "read", "first");
  pull_before(project, "closed", "first");
  const Fd written = opened(project, "a", O_WRONLY | O_APPEND);
  const Fd read = opened(project, "read", O_RDONLY);
  { const Fd closed = opened(project, "closed", O_RDWR); }
  FileOps ops;
  TestPull pull(project, ops);
  for (const char* path : {"a", "closed", "read"}) pull.file(path, "second");
  pull.finish();
  REQUIRE(pull.result().has_value());
  REQUIRE(pull.listener.kept.size() == 1);
  const KeptVersion& kept = pull.listener.kept.front();
  CHECK(kept.path.bytes() == "a");
  CHECK(kept.is_open);
  write_to(written, " and more");
  CHECK(project.look("a") == "file:second");
  CHECK(project.look(kept.place) == "file:first and more");
}

TEST_CASE("what is open and was edited is one version, not two") {
  TestProject project;
  pull_before(project, "a", "first");
  const Fd written = opened(project, "a", O_WRONLY | O_APPEND);
  write_to(written, ", edited");
  FileOps ops;
  TestPull pull(project, ops);
  pull.file("a", "second");
  pull.finish();
  REQUIRE(pull.result().has_value());
  REQUIRE(pull.listener.kept.size() == 1);
  write_to(written, " again");
  CHECK(project.look(pull.listener.kept.front().place) == "file:first, edited again");
}

TEST_CASE("a file that a program has open for writing is kept when a folder takes its place") {
  TestProject project;
  pull_before(project, "a", "first");
  pull_before(project, "b", "first");
  const Fd written = opened(project, "a", O_WRONLY | O_APPEND);
  FileOps ops;
  TestPull pull(project, ops);
  for (const char* path : {"a", "b"}) pull.folder(path);
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(project.look("b") == "folder");
  REQUIRE(pull.listener.kept.size() == 1);
  write_to(written, " and more");
  CHECK(project.look(pull.listener.kept.front().place) == "file:first and more");
}

}  // namespace callboard::sync::open_files_test
