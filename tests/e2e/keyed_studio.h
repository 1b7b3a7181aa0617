#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e {

// A studio whose server has keys as soon as one is made: by add() on its machine, and kept on a workstation by keep().
struct KeyedStudio : Studio {
  std::filesystem::path rigging = add_user("rigging");
  std::filesystem::path lighting = add_user("lighting");

  // On the server's machine.
  Finished key(std::vector<std::string> words) {
    words.insert(words.begin(), "key");
    words.insert(words.end(), {"--project", project()});
    return support::run(command(0, words));
  }
  // The line that is handed to somebody.
  std::string add(const std::string& name, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"add", name};
    words.insert(words.end(), more.begin(), more.end());
    const auto made = key(words);
    REQUIRE(made.ending.exit_code == 0);
    return made.out.substr(0, made.out.find('\n'));
  }
  void keep(const std::string& user, const std::string& line) {
    const std::filesystem::path path = folder(user) / ".callboard/key";
    support::write_file(path, line + "\n");
    std::filesystem::permissions(path, std::filesystem::perms(0600));
  }
};

}  // namespace callboard::e2e
