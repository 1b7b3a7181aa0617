#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::lint {

// One text file of the project, by its path from the root: "net/loop.cpp".
struct SourceFile {
  std::string path;
  std::string content;
};

// Each rule returns what is wrong, one "path:line: what" each.
using Violations = std::vector<std::string>;

// Which folder may include which: base <- {protocol, sync, net} <- {server, client} <- tools, inside server board <- store <-
// the rest; tests may include everything and nobody includes tests. <uv.h> stays in net/.
Violations check_layers(const SourceFile& file);
// At most 600 lines, headers 145 beside their includes; in headers no `using namespace` but for literals, and no nlohmann/json.hpp.
Violations check_shape(const SourceFile& file);
// A header includes what it names of the standard library itself, as far as that is precompiled.
Violations check_standard_headers(const SourceFile& file);
// The first include of x.cpp is x.h, where `root` has one: so every x.h is compiled alone.
Violations check_own_header(const SourceFile& file, const std::filesystem::path& root);
// Links in Markdown that are no addresses must lead to files beneath `root`.
Violations check_links(const SourceFile& file, const std::filesystem::path& root);

// Tests that the last column of a table names, as "unit/sync: a sentence · another", and that `sources` have not.
Violations check_named_tests(const SourceFile& table, const std::vector<SourceFile>& sources);

// Headers of the library that a document for those who write programs names, and that no source of `outside` includes, which
// are compiled with what is installed.
Violations check_named_headers(const SourceFile& document, const std::vector<SourceFile>& outside);

// Packages that only one of the two names: `readme` in the first column of a table, as "a, b", and `setup`, a bash script, in
// its arrays NAME_PACKAGES.
Violations check_packages(const SourceFile& readme, const SourceFile& setup);

SourceFile read_source(const std::filesystem::path& path, const std::filesystem::path& root);
// All sources and documents of the project, without build/ and what begins with a dot.
std::vector<SourceFile> project_files(const std::filesystem::path& root);

}  // namespace callboard::lint
