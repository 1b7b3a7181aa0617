#include "sync/root.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "sync/open_beneath.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::sync::root_test {
namespace {

namespace fs = std::filesystem;
using support::TempDir;

RelativePath path(std::string_view bytes) { return RelativePath::from_bytes(bytes).value(); }

std::string content(const Fd& fd) {
  char text[64];
  const auto size = ::read(fd.get(), text, sizeof text);
  return {text, static_cast<std::size_t>(size)};
}

TEST_CASE("a file is read beneath the folder, whatever its name") {
  const TempDir folder;
  for (const std::string& name : support::awkward_names()) {
    INFO(name);
    support::write_file(folder / "dev" / name, name.substr(0, 60));
    const Root root = Root::open(folder.path()).value();
    const auto file = root.open_file(path("dev/" + name));
    REQUIRE(file.has_value());
    CHECK(content(*file) == name.substr(0, 60));
    CHECK(root.status(path("dev/" + name))->kind == FileKind::file);
  }
}

TEST_CASE("a project folder that is not there is an error that names it") {
  const TempDir folder;
  const auto root = Root::open(folder / "absent");
  REQUIRE_FALSE(root.has_value());
  CHECK(root.error().outcome == Outcome::not_found);
  CHECK(root.error().text.starts_with("open project folder \""));
}

TEST_CASE("no link is followed, neither in the last place nor on the way") {
  const TempDir outside;
  support::write_file(outside / "secret", "secret");
  const TempDir folder;
  support::write_file(folder / "dev/real", "real");
  fs::create_symlink(outside.path(), folder / "way");
  fs::create_symlink("dev", folder / "inner");
  fs::create_symlink(outside / "secret", folder / "dev/link");
  const Root root = Root::open(folder.path()).value();

  for (const char* refused : {"way/secret", "inner/real", "dev/link"}) {
    INFO(refused);
    const auto file = root.open_file(path(refused));
    REQUIRE_FALSE(file.has_value());
    CHECK(file.error().outcome == Outcome::refused);
    CHECK(file.error().text == "open \"/" + std::string(refused) + "\": leads through a symbolic link");
  }
  CHECK_FALSE(root.open_directory(path("way")).has_value());
  CHECK_FALSE(root.status(path("way/secret")).has_value());
  CHECK_FALSE(root.make_directories(path("way/new")).has_value());
  CHECK_FALSE(fs::exists(outside / "new"));
  CHECK(root.status(path("way"))->kind == FileKind::symlink);
  CHECK(root.read_link(path("inner")).value() == "dev");
}

TEST_CASE("a directory that is replaced by a link is refused from then on") {
  const TempDir outside;
  support::write_file(outside / "a", "outside");
  const TempDir folder;
  support::write_file(folder / "dev/a", "inside");
  const Root root = Root::open(folder.path()).value();
  REQUIRE(root.open_file(path("dev/a")).has_value());

  fs::rename(folder / "dev", folder / "moved");
  fs::create_symlink(outside.path(), folder / "dev");

  CHECK_FALSE(root.open_file(path("dev/a")).has_value());
}

TEST_CASE("the walk and the kernel's rule agree") {
  const TempDir folder;
  support::write_file(folder / "a/b/file", "x");
  fs::create_symlink("a", folder / "link");
  fs::create_symlink("b", folder / "a/inner");
  const Root root = Root::open(folder.path()).value();
  struct Case {
    const char* path;
    int flags;
    int error;  // 0: opens.
  };
  const Case cases[] = {
      {"", O_RDONLY | O_DIRECTORY, 0},
      {"a/b/file", O_RDONLY, 0},
      {"a/b", O_RDONLY | O_DIRECTORY, 0},
      {"link", O_RDONLY, ELOOP},
      {"link/b/file", O_RDONLY, ELOOP},
      {"a/inner/file", O_RDONLY, ELOOP},
      {"a/none", O_RDONLY, ENOENT},
      {"a/b/file/x", O_RDONLY, ENOTDIR},
      {"link", O_RDONLY | O_DIRECTORY, ELOOP},
      {"none/x", O_RDONLY, ENOENT},
      {"a/b/file", O_RDONLY | O_DIRECTORY, ENOTDIR},
  };
  for (const Case& each : cases) {
    INFO(each.path);
    const Fd kernel(open_beneath(root.fd(), each.path, each.flags));
    const int kernel_error = kernel ? 0 : errno;
    const Fd walked(open_beneath_by_walking(root.fd(), each.path, each.flags));
    const int walked_error = walked ? 0 : errno;
    CHECK(kernel_error == each.error);
    CHECK(walked_error == each.error);
  }
}

TEST_CASE("what is no regular file is not opened as one, and a pipe is not waited for") {
  const TempDir folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  fs::create_directory(folder / "dir");
  const Root root = Root::open(folder.path()).value();
  CHECK(root.open_file(path("pipe")).error().text == "open \"/pipe\": is a pipe, no file");
  CHECK(root.open_file(path("dir")).error().text == "open \"/dir\": is a folder, no file");
  CHECK(root.open_file(path("none")).error().outcome == Outcome::not_found);
}

TEST_CASE("missing directories are made down to the last") {
  const TempDir folder;
  const Root root = Root::open(folder.path()).value();
  REQUIRE(root.make_directories(path("a/b/c")).has_value());
  CHECK(fs::is_directory(folder / "a/b/c"));
  CHECK(root.make_directories(path("a/b/c")).has_value());
  CHECK(root.make_directories({}).has_value());

  support::write_file(folder / "file", "x");
  CHECK_FALSE(root.make_directories(path("file/d")).has_value());
}

TEST_CASE("the private folder is made for its owner alone, and a link in its place is refused") {
  const TempDir folder;
  const Root root = Root::open(folder.path()).value();
  REQUIRE(root.private_directory("tmp").has_value());
  CHECK(fs::status(folder / ".callboard").permissions() == fs::perms(0700));
  CHECK(fs::status(folder / ".callboard/tmp").permissions() == fs::perms(0700));
  CHECK(root.private_path("index.db") == (folder / ".callboard/index.db").string());

  const TempDir other;
  fs::create_symlink(folder.path(), other / ".callboard");
  CHECK_FALSE(Root::open(other.path())->private_directory().has_value());
}

TEST_CASE("a path as long as the wire allows can be opened") {
  const TempDir folder;
  const Root root = Root::open(folder.path()).value();
  std::string bytes;
  for (int i = 0; i < 15; ++i) bytes += std::string(255, 'x') + "/";
  bytes += std::string(254, 'x') + "/y";
  REQUIRE(bytes.size() == 4096);
  CHECK(root.make_directories(path(bytes)).has_value());
  CHECK(root.open_directory(path(bytes)).has_value());
  CHECK(root.status(path(bytes))->kind == FileKind::directory);
}

}  // namespace
}  // namespace callboard::sync::root_test
