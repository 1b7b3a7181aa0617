#include "tests/lint/rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace callboard::lint {
namespace {

namespace fs = std::filesystem;

constexpr long kFileLines = 600;
constexpr long kHeaderLines = 145;

const std::map<std::string, std::set<std::string>>& allowed() {
  static const std::map<std::string, std::set<std::string>> edges{
      {"base", {"base"}},
      {"protocol", {"protocol", "base"}},
      {"sync", {"sync", "base"}},
      {"net", {"net", "base"}},
      {"net/channel", {"net/channel", "protocol", "net", "base"}},
      {"base/document", {"base/document", "base"}},
      {"base/call", {"base/call", "base/document", "base"}},
      {"server/board", {"server/board", "base/document", "base"}},
      {"server/store", {"server/store", "server/board", "base/document", "base"}},
      {"server",
       {"server", "server/plugins", "server/store", "server/board", "base/call", "base/document",
        "net/channel", "protocol", "sync", "net", "base"}},
      {"client", {"client", "base/call", "base/document", "net/channel", "protocol", "sync", "net", "base"}},
      {"tools",
       {"tools", "client", "server", "base/call", "base/document", "protocol", "sync", "net", "base"}},
      // What plugins are made of, and what loads them.
      {"server/plugins", {"server/plugins", "server", "base/call", "base/document", "base"}},
      {"docs", {"docs", "client", "server/plugins", "base"}},
      {"tests",
       {"tests", "tools", "client", "server", "server/plugins", "server/store", "server/board", "base/call",
        "base/document", "net/channel", "protocol", "sync", "net", "base"}}};
  return edges;
}

// The part of the layer graph that a path lies in; empty for what is none, e.g. docs.
std::string layer_of(const std::string& path) {
  for (const auto* part : {"base/document/", "base/call/", "net/channel/", "server/board/", "server/store/",
                           "server/plugins/"}) {
    if (path.starts_with(part)) return std::string(part, std::string_view(part).size() - 1);
  }
  const auto folder = path.substr(0, path.find('/'));
  return allowed().contains(folder) ? folder : "";
}

bool is_header(const std::string& path) { return path.ends_with(".h"); }

void for_each_line(const std::string& text, const std::function<void(long, const std::string&)>& visit) {
  std::istringstream lines(text);
  std::string line;
  for (long number = 1; std::getline(lines, line); ++number) visit(number, line);
}

std::string at(const SourceFile& file, long line, const std::string& what) {
  return file.path + ":" + std::to_string(line) + ": " + what;
}

// What tools/precompiled.cmake would hide that a header lacks.
const std::map<std::string, std::vector<std::string>>& standard_names() {
  static const std::map<std::string, std::vector<std::string>> names{
      {"algorithm", {"any_of", "all_of", "clamp", "find_if", "max", "min", "sort"}},
      {"array", {"array"}},
      {"atomic", {"atomic"}},
      {"chrono", {"chrono"}},
      {"cstddef", {"byte"}},
      {"cstdint", {"int8_t", "int16_t", "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t"}},
      {"deque", {"deque"}},
      {"functional", {"function", "greater", "hash", "less"}},
      {"map", {"map", "multimap"}},
      {"memory",
       {"enable_shared_from_this", "make_shared", "make_unique", "shared_ptr", "unique_ptr", "weak_ptr"}},
      {"mutex", {"lock_guard", "mutex", "scoped_lock", "unique_lock"}},
      {"optional", {"make_optional", "nullopt", "optional"}},
      {"set", {"multiset", "set"}},
      {"span", {"span"}},
      {"string", {"string", "to_string"}},
      {"string_view", {"string_view"}},
      {"thread", {"this_thread", "thread"}},
      {"unordered_map", {"unordered_map"}},
      {"utility", {"exchange", "forward", "move", "pair", "swap"}},
      {"variant", {"get_if", "holds_alternative", "monostate", "variant", "visit"}},
      {"vector", {"vector"}}};
  return names;
}

bool names_standard(const std::string& code, const std::string& name) {
  const auto is_part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  for (const std::string& whole : {"std::" + name, "std::ranges::" + name}) {
    for (auto found = code.find(whole); found != std::string::npos; found = code.find(whole, found + 1)) {
      if (found + whole.size() == code.size() || !is_part(code[found + whole.size()])) return true;
    }
  }
  return false;
}

}  // namespace

Violations check_layers(const SourceFile& file) {
  static const std::regex include(R"re(^\s*#\s*include\s*(["<])([^">]+)[">])re");
  Violations found;
  const auto from = layer_of(file.path);
  for_each_line(file.content, [&](long number, const std::string& line) {
    std::smatch match;
    if (!std::regex_search(line, match, include)) return;
    const auto target = match[2].str();
    if ((target == "uv.h" || target.starts_with("uv/")) && from != "net") {
      found.push_back(at(file, number, "<uv.h> outside net/"));
    }
    const auto to = layer_of(target);
    // What is built elsewhere, too, finds what lies beside it.
    const bool is_beside = from == "docs" && target.find('/') == std::string::npos;
    if (match[1] == "\"" && to.empty() && !is_beside) {
      found.push_back(
          at(file, number, "include \"" + target + "\" does not begin with a folder of the project"));
    } else if (!to.empty() && !from.empty() && !allowed().at(from).contains(to)) {
      found.push_back(at(file, number, from + " must not include " + to + " (\"" + target + "\")"));
    }
  });
  return found;
}

Violations check_shape(const SourceFile& file) {
  static const std::regex using_namespace(R"(^\s*using\s+namespace\s+([\w:]+))");
  Violations found;
  long lines = 0;
  for_each_line(file.content, [&](long /*number*/, const std::string& line) {
    if (!is_header(file.path) || !line.starts_with("#include")) ++lines;
  });
  // All limits stand in one file, as a list of what others can do to us.
  const bool is_short = is_header(file.path) && file.path != "base/limits.h";
  const auto limit = is_short ? kHeaderLines : kFileLines;
  if (lines > limit) {
    found.push_back(at(file, lines, "expected at most " + std::to_string(limit) + " lines"));
  }
  if (!is_header(file.path)) return found;
  for_each_line(file.content, [&](long number, const std::string& line) {
    std::smatch match;
    // Literal suffixes cannot be named in any other way.
    if (std::regex_search(line, match, using_namespace) && !match[1].str().ends_with("_literals")) {
      found.push_back(at(file, number, "using namespace in a header"));
    }
    if (line.find("<nlohmann/json.hpp>") != std::string::npos) {
      found.push_back(at(file, number, "nlohmann/json.hpp in a header; json_fwd.hpp declares what it needs"));
    }
  });
  return found;
}

Violations check_standard_headers(const SourceFile& file) {
  if (!is_header(file.path)) return {};
  std::string code;
  std::set<std::string> included;
  for_each_line(file.content, [&](long /*number*/, const std::string& line) {
    if (line.starts_with("#include <")) included.insert(line.substr(10, line.find('>') - 10));
    code += line.substr(0, line.find("//")) + '\n';
  });
  Violations found;
  for (const auto& [header, names] : standard_names()) {
    if (included.contains(header)) continue;
    for (const auto& name : names) {
      if (!names_standard(code, name)) continue;
      found.push_back(at(file, 1, "expected <" + header + ">, for std::" + name));
      break;
    }
  }
  return found;
}

Violations check_own_header(const SourceFile& file, const fs::path& root) {
  static const std::regex include(R"re((^|\n)[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">])re");
  if (!file.path.ends_with(".cpp")) return {};
  const auto header = file.path.substr(0, file.path.size() - 4) + ".h";
  if (!fs::exists(root / header)) return {};
  std::smatch match;
  if (std::regex_search(file.content, match, include) && match[2] == header) return {};
  return {at(file, 1, "expected its own header as the first include")};
}

Violations check_links(const SourceFile& file, const fs::path& root) {
  static const std::regex link(R"(\]\(([^)#\s]+)(#[^)]*)?\))");
  Violations found;
  for_each_line(file.content, [&](long number, const std::string& line) {
    for (auto match = std::sregex_iterator(line.begin(), line.end(), link); match != std::sregex_iterator();
         ++match) {
      const auto target = (*match)[1].str();
      if (target.find("://") != std::string::npos || target.starts_with("mailto:")) continue;
      if (!fs::exists((root / file.path).parent_path() / target)) {
        found.push_back(at(file, number, "link to \"" + target + "\", which does not exist"));
      }
    }
  });
  return found;
}

namespace {

// Names that are written in several literals, one after the other, in one.
std::string joined_literals(std::string_view text) {
  std::string joined;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t next = text[at] == '"' ? text.find_first_not_of(" \n", at + 1) : std::string_view::npos;
    const bool is_between = next != std::string_view::npos && next > at + 1 && text[next] == '"' &&
                            text.substr(at, next - at).find('\n') != std::string_view::npos;
    if (is_between) {
      at = next;
    } else {
      joined += text[at];
    }
  }
  return joined;
}

}  // namespace

Violations check_named_tests(const SourceFile& table, const std::vector<SourceFile>& sources) {
  std::vector<SourceFile> tests;
  for (const SourceFile& each : sources) {
    if (each.path.starts_with("tests/")) tests.push_back({each.path, joined_literals(each.content)});
  }
  constexpr std::string_view kBetween = " \u00b7 ";
  Violations found;
  std::istringstream lines(table.content);
  int number = 0;
  bool names_tests = false;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    // Only tables whose last column is of tests.
    names_tests = line.ends_with(" test |") || (names_tests && line.ends_with(" |"));
    if (!names_tests || line.ends_with("- |") || line.ends_with(" test |")) continue;
    std::string_view cell = std::string_view(line).substr(0, line.size() - 2);
    cell.remove_prefix(cell.rfind("| ") + 2);
    std::string folder = "tests/";  // Of the ring that is named; those after it are of the same.
    while (!cell.empty()) {
      std::string_view name = cell.substr(0, cell.find(kBetween));
      cell.remove_prefix(std::min(cell.size(), name.size() + kBetween.size()));
      for (const std::string_view ring : {"unit/", "e2e: ", "scripted: ", "sim: "}) {
        if (!name.starts_with(ring)) continue;
        folder = "tests/" + std::string(name.substr(0, name.find(": "))) + "/";
        name.remove_prefix(name.find(": ") + 2);
      }
      if (name.find('`') != std::string_view::npos) continue;  // A program.
      const std::string quoted = '"' + std::string(name) + '"';
      const bool is_there = std::ranges::any_of(tests, [&](const SourceFile& file) {
        return file.path.starts_with(folder) && file.content.find(quoted) != std::string::npos;
      });
      if (!is_there) {
        found.push_back(at(table, number, "no test \"" + std::string(name) + "\" in " + folder));
      }
    }
  }
  return found;
}

Violations check_named_headers(const SourceFile& document, const std::vector<SourceFile>& outside) {
  static const std::regex header(R"re([`"<]((base|client|net|server/plugins)/[\w/]+\.h)[`">])re");
  Violations found;
  for_each_line(document.content, [&](long number, const std::string& line) {
    for (auto match = std::sregex_iterator(line.begin(), line.end(), header); match != std::sregex_iterator();
         ++match) {
      const std::string name = (*match)[1].str();
      const bool is_included = std::ranges::any_of(outside, [&](const SourceFile& source) {
        return source.content.find("#include \"" + name + "\"") != std::string::npos ||
               source.content.find("#include <" + name + ">") != std::string::npos;
      });
      if (!is_included) {
        found.push_back(
            at(document, number, "names " + name + ", which tests/lint/package does not include"));
      }
    }
  });
  return found;
}

namespace {

// The words of what `pattern` has in brackets, wherever it is found.
std::set<std::string> words_in(const std::string& text, const std::regex& pattern) {
  static const std::regex word(R"([^\s,]+)");
  std::set<std::string> words;
  for (auto match = std::sregex_iterator(text.begin(), text.end(), pattern); match != std::sregex_iterator();
       ++match) {
    const std::string listed = (*match)[1].str();
    for (auto each = std::sregex_iterator(listed.begin(), listed.end(), word); each != std::sregex_iterator();
         ++each)
      words.insert(each->str());
  }
  return words;
}

}  // namespace

Violations check_packages(const SourceFile& readme, const SourceFile& setup) {
  static const std::regex array(R"([A-Z]+_PACKAGES=\(([^)]*)\))");
  static const std::regex row(R"(\n\| ([a-z][^|]*) \| )");
  const std::set<std::string> installed = words_in(setup.content, array);
  std::set<std::string> named = words_in(readme.content, row);
  named.erase("package");  // The table's head.
  std::vector<std::string> on_one_side;
  std::ranges::set_symmetric_difference(installed, named, std::back_inserter(on_one_side));
  Violations found;
  for (const std::string& each : on_one_side) {
    found.push_back(each + ": only in " + (installed.contains(each) ? setup.path : readme.path));
  }
  return found;
}

SourceFile read_source(const fs::path& path, const fs::path& root) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  return {.path = path.lexically_relative(root).string(), .content = content.str()};
}

std::vector<SourceFile> project_files(const fs::path& root) {
  static constexpr std::array kFolders{"base",   "protocol", "sync",  "net",  "server",
                                       "client", "tools",    "tests", "docs", "README.md"};
  std::vector<SourceFile> files;
  const auto take = [&](const fs::path& path) {
    const auto extension = path.extension();
    if (extension != ".h" && extension != ".cpp" && extension != ".md") return;
    files.push_back(read_source(path, root));
  };
  for (const auto* name : kFolders) {
    if (fs::is_regular_file(root / name)) take(root / name);
    if (!fs::is_directory(root / name)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / name)) {
      if (entry.is_regular_file()) take(entry.path());
    }
  }
  return files;
}

}  // namespace callboard::lint
