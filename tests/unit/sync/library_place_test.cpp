#include "sync/library_place.h"

#include <catch2/catch.hpp>
#include <vector>

namespace callboard::sync::library_place_test {
namespace {

const std::vector<std::string> kFolders{"/home/rigging/moria", "/mnt/disk 2/moria/"};

// The item, or why there is none.
std::string place(std::string_view path, std::string_view from = "rnd/s1/shot-03/shot.blend") {
  const auto found = library_place(path, RelativePath::from_bytes(from).value(), kFolders);
  return found ? found->to_item() : found.error().text;
}

TEST_CASE("two slashes are the folder of the .blend file that has the path") {
  CHECK(place("//tex.blend") == "/rnd/s1/shot-03/tex.blend");
  CHECK(place("//lib/./a//b.blend") == "/rnd/s1/shot-03/lib/a/b.blend");
  CHECK(place("//../../../dev/chr/Moria/Moria.blend") == "/dev/chr/Moria/Moria.blend");
  CHECK(place("//../shot-04/../shot-05/x.blend") == "/rnd/s1/shot-05/x.blend");
  CHECK(place("//lib.blend", "top.blend") == "/lib.blend");
  CHECK(place("///lib.blend", "top.blend") == "/lib.blend");
}

TEST_CASE("backslashes of Windows are turned") {
  CHECK(place("//..\\..\\..\\dev\\chr\\Moria\\Moria.blend") == "/dev/chr/Moria/Moria.blend");
  CHECK(place("\\home\\rigging\\moria\\dev\\x.blend") == "/dev/x.blend");
  CHECK(place("C:\\moria\\dev\\x.blend") == "is not in the project folder");
  CHECK(place("D:/moria/dev/x.blend") == "is not in the project folder");
  CHECK(place("\\\\server\\moria\\x.blend") == "is not in the project folder");
}

TEST_CASE("an absolute path counts where it lies in the project folder, whichever way that is called") {
  CHECK(place("/home/rigging/moria/dev/chr/x.blend") == "/dev/chr/x.blend");
  CHECK(place("/home/./rigging/old/../moria//dev/x.blend") == "/dev/x.blend");
  CHECK(place("/../home/rigging/moria/x.blend") == "/x.blend");
  CHECK(place("/mnt/disk 2/moria/x.blend") == "/x.blend");
  CHECK(place("/home/rigging/moria2/x.blend") == "is not in the project folder");
  CHECK(place("/home/rigging/moria") == "is not in the project folder");
  CHECK(place("/home/rigging/moria/../x.blend") == "is not in the project folder");
  CHECK(place("/") == "is not in the project folder");
}

TEST_CASE("a path that leads out of the project, or nowhere, is refused") {
  CHECK(place("//../../../../lib.blend") == "leads out of the project folder");
  CHECK(place("//../../../../moria/lib.blend") == "leads out of the project folder");
  CHECK(place("//") == "/rnd/s1/shot-03");
  CHECK(place("//../../..") == "names no file");
  CHECK(place("lib.blend") == "is neither absolute nor relative to its file");
  CHECK(place("../lib.blend") == "is neither absolute nor relative to its file");
  CHECK(place("") == "is neither absolute nor relative to its file");
  CHECK(place("//../../../.callboard/tmp/x.blend").find("is private") != std::string::npos);
  CHECK(place("//" + std::string(300, 'x')).find("longer than 255 bytes") != std::string::npos);
  CHECK(place("//\xff.blend") == "/rnd/s1/shot-03/\xff.blend");
}

}  // namespace
}  // namespace callboard::sync::library_place_test
