// Every rule is shown to catch a planted violation, then asked about the project itself.
#include <catch2/catch.hpp>
#include <functional>

#include "tests/lint/rules.h"

namespace callboard::lint::lint_test {
namespace {

const std::filesystem::path kRoot = CALLBOARD_SOURCE;

Violations over_project(const std::function<Violations(const SourceFile&)>& rule, bool documents) {
  Violations all;
  for (const auto& file : project_files(kRoot)) {
    if (file.path.ends_with(".md") != documents) continue;
    for (auto& violation : rule(file)) all.push_back(std::move(violation));
  }
  return all;
}

void must_be_empty(const Violations& violations) {
  for (const auto& violation : violations) UNSCOPED_INFO(violation);
  CHECK(violations.empty());
}

TEST_CASE("an include against the layers is found, with its line") {
  const auto wrong =
      GENERATE(table<std::string, std::string>({{"base/x.h", "net/tcp.h"},
                                                {"protocol/x.cpp", "sync/hash.h"},
                                                {"net/x.cpp", "protocol/frame.h"},
                                                {"sync/x.cpp", "net/loop.h"},
                                                {"net/channel/x.cpp", "client/client.h"},
                                                {"client/x.cpp", "server/server.h"},
                                                {"server/x.cpp", "client/client.h"},
                                                {"server/board/x.cpp", "server/store/sqlite_log.h"},
                                                {"server/board/x.cpp", "net/loop.h"},
                                                {"server/store/x.cpp", "server/server.h"},
                                                {"client/x.cpp", "tools/cli/output.h"},
                                                {"tools/cli/x.cpp", "tests/support/tree.h"}}));
  const auto& [path, target] = wrong;
  const auto found = check_layers({.path = path, .content = "// a\n  #  include \"" + target + "\"\n"});
  REQUIRE(found.size() == 1);
  CHECK_THAT(found[0], Catch::StartsWith(path + ":2: "));
}

TEST_CASE("an include along the layers is fine") {
  const auto right = GENERATE(table<std::string, std::string>({{"base/x.h", "base/y.h"},
                                                               {"server/x.cpp", "server/store/sqlite_log.h"},
                                                               {"server/store/x.cpp", "server/board/board.h"},
                                                               {"tools/cli/x.cpp", "client/client.h"},
                                                               {"tests/x.cpp", "server/board/board.h"}}));
  CHECK(check_layers({.path = std::get<0>(right), .content = "#include \"" + std::get<1>(right) + "\"\n"})
            .empty());
}

TEST_CASE("uv.h outside net and an include that is not from the root are found") {
  CHECK(check_layers({.path = "server/x.cpp", .content = "#include <uv.h>\n"}).size() == 1);
  CHECK(check_layers({.path = "net/x.cpp", .content = "#include <uv.h>\n"}).empty());
  CHECK(check_layers({.path = "docs/examples/x.cpp", .content = "#include \"y.h\"\n"}).empty());
  CHECK(check_layers({.path = "docs/examples/x.cpp", .content = "#include \"../y.h\"\n"}).size() == 1);
  CHECK(check_layers({.path = "net/x.cpp", .content = "#include \"loop.h\"\n"}).size() == 1);
}

TEST_CASE("a file that is too long, a using namespace and the slow JSON header are found in headers") {
  CHECK(check_shape({.path = "base/x.h", .content = "#include <map>\n" + std::string(145, '\n')}).empty());
  CHECK(check_shape({.path = "base/x.h", .content = std::string(146, '\n')}).size() == 1);
  CHECK(check_shape({.path = "base/limits.h", .content = std::string(600, '\n')}).empty());
  CHECK(check_shape({.path = "base/x.cpp", .content = std::string(600, '\n')}).empty());
  CHECK(check_shape({.path = "base/x.cpp", .content = std::string(601, '\n')}).size() == 1);
  CHECK(check_shape({.path = "base/x.h", .content = "  using namespace std;\n"}).size() == 1);
  CHECK(check_shape({.path = "base/x.h", .content = "using namespace std::chrono_literals;\n"}).empty());
  CHECK(check_shape({.path = "base/x.h", .content = "#include <nlohmann/json.hpp>\n"}).size() == 1);
  CHECK(check_shape({.path = "base/x.cpp", .content = "#include <nlohmann/json.hpp>\n"}).empty());
}

TEST_CASE("a header that names of the standard library what it does not include is found") {
  const auto found = [](const std::string& content) {
    return check_standard_headers({.path = "base/x.h", .content = content});
  };
  CHECK(found("#include <vector>\nstd::vector<int> f();\n").empty());
  CHECK(found("std::vector<int> f();\n") == Violations{"base/x.h:1: expected <vector>, for std::vector"});
  CHECK(found("// A std::vector of them.\nstd::vectorial f();\n").empty());
  CHECK(found("std::ranges::sort(all);\n").size() == 1);
  CHECK(check_standard_headers({.path = "base/x.cpp", .content = "std::string x;"}).empty());
}

TEST_CASE("a source whose own header is not its first include is found") {
  const auto found = [](const std::string& path, const std::string& content) {
    return check_own_header({.path = path, .content = content}, kRoot).size();
  };
  CHECK(found("base/text.cpp", "// a\n#include \"base/text.h\"\n#include <string>\n") == 0);
  CHECK(found("base/text.cpp", "#include <string>\n#include \"base/text.h\"\n") == 1);
  CHECK(found("base/text.cpp", "") == 1);
  CHECK(found("tools/cli/main.cpp", "#include <string>\n") == 0);
}

TEST_CASE("a link that leads nowhere is found, an address is not followed") {
  const auto links = [](const std::string& text) {
    return check_links({.path = "docs/x.md", .content = text}, kRoot);
  };
  CHECK(links("see [a](protocol.md#frames), [b](../CMakeLists.txt), [c](https://example.org/x)\n").empty());
  CHECK(links("see [a](protocol.md) and [b](missing.md)\n") ==
        Violations{"docs/x.md:1: link to \"missing.md\", which does not exist"});
}

TEST_CASE("a test that a table names and nobody has written, or elsewhere, is found") {
  const std::vector<SourceFile> sources{
      {"tests/unit/sync/x.cpp", "TEST_CASE(\"it works\") {}\nTEST_CASE(\"it ends\", \"[x]\") {}\n"},
      {"tests/e2e/x.cpp", "TEST_CASE(\"it wakes\") {}\nTEST_CASE(\n    \"it dreams, \"\n    \"too\") {}\n"}};
  const auto found = [&](const std::string& row) {
    return check_named_tests({"docs/x.md", "| case | test |\n| --- | --- |\n" + row + "\n"}, sources);
  };
  CHECK(found("| a | unit/sync: it works \u00b7 it ends \u00b7 `tool/run` |").empty());
  CHECK(found("| a | unit/sync: it works \u00b7 e2e: it sleeps |") ==
        Violations{"docs/x.md:3: no test \"it sleeps\" in tests/e2e/"});
  CHECK(found("| a | unit/sync: it works \u00b7 e2e: it wakes \u00b7 it dreams, too |").empty());
  CHECK(found("| a | e2e: it wakes \u00b7 it ends \u00b7 unit/net: it works |") ==
        Violations{"docs/x.md:3: no test \"it ends\" in tests/e2e/",
                   "docs/x.md:3: no test \"it works\" in tests/unit/net/"});
}

TEST_CASE("every test that the documents name is there") {
  const auto files = project_files(kRoot);
  const std::string document = GENERATE("docs/nasty_cases.md", "docs/building-on-callboard.md");
  for (const auto& file : files) {
    if (file.path == document) return must_be_empty(check_named_tests(file, files));
  }
  FAIL("there is no " << document);
}

TEST_CASE("a header that a document names and no program outside the project includes is found") {
  const std::vector<SourceFile> outside{
      {"tests/lint/package/main.cpp", "#include \"base/a.h\"\n#include <net/b/c.h>\n"}};
  const auto found = [&](const std::string& text) {
    return check_named_headers({"docs/x.md", text}, outside);
  };
  CHECK(found("see `base/a.h`, `net/b/c.h`, `words.h`\n#include \"docs/d.h\"\n").empty());
  CHECK(found("see\n`client/a.h`\n") ==
        Violations{"docs/x.md:2: names client/a.h, which tests/lint/package does not include"});
  CHECK(found("#include \"client/a.h\"\n").size() == 1);
}

TEST_CASE("every header that the documents for programs name is in the installed package") {
  const auto files = project_files(kRoot);
  std::vector<SourceFile> outside;
  for (const auto& file : files) {
    if (file.path.starts_with("tests/lint/package/")) outside.push_back(file);
  }
  REQUIRE_FALSE(outside.empty());
  const std::string document =
      GENERATE("docs/building-on-callboard.md", "docs/calls.md", "docs/client.md", "docs/records.md");
  for (const auto& file : files) {
    if (file.path == document) return must_be_empty(check_named_headers(file, outside));
  }
  FAIL("there is no " << document);
}

TEST_CASE("a package that is named and not installed, or installed and not named, is found") {
  const SourceFile setup{
      "setup", "BUILD_PACKAGES=(g++ libuv1-dev\n  libfmt-dev)\n# More.\nTEST_PACKAGES=(iproute2)\n"};
  const auto found = [&](const std::string& rows) {
    return check_packages({"x.md", "| package | for |\n| --- | --- |\n" + rows}, setup);
  };
  CHECK(found("| g++, libuv1-dev, libfmt-dev | building |\n| iproute2 | tests: llvm |\n").empty());
  CHECK(found("| g++, libuv1-dev, llvm | building |\n| iproute2 | tests |\n") ==
        Violations{"libfmt-dev: only in setup", "llvm: only in x.md"});
}

TEST_CASE("README names the packages that tools/setup installs, and no others") {
  must_be_empty(
      check_packages(read_source(kRoot / "README.md", kRoot), read_source(kRoot / "tools/setup", kRoot)));
}

TEST_CASE("the project keeps to its layers") { must_be_empty(over_project(check_layers, false)); }

TEST_CASE("the project's files keep their size and shape") {
  must_be_empty(over_project(check_shape, false));
}

TEST_CASE("every header of the project includes what it names of the standard library") {
  const auto rule = [](const SourceFile& file) {
    return file.path.starts_with("tests/") ? Violations{} : check_standard_headers(file);
  };
  must_be_empty(over_project(rule, false));
}

TEST_CASE("every source of the project includes its own header first") {
  must_be_empty(over_project([](const SourceFile& file) { return check_own_header(file, kRoot); }, false));
}

TEST_CASE("links in the documents lead somewhere") {
  must_be_empty(over_project([](const SourceFile& file) { return check_links(file, kRoot); }, true));
}

}  // namespace
}  // namespace callboard::lint::lint_test
