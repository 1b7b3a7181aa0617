#include "tools/cli/start_traces.h"

#include <catch2/catch.hpp>

#include <filesystem>

#include "server/store/data_folder.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::cli::start_traces_test {
namespace {

namespace fs = std::filesystem;

ServerPlace place_in(const fs::path& data) { return {"p", data, data / "p"}; }

// As a start does that gets as far as its log.
StartTraces begin(const ServerPlace& place) {
  StartTraces traces(place);
  fs::create_directories(place.folder);
  traces.make_log(place.default_log());
  return traces;
}

TEST_CASE("of a start that failed neither its log nor the folders stay that were made for it") {
  const support::TempDir folder;
  const ServerPlace place = place_in(folder / "studio" / "data");
  const StartTraces traces = begin(place);
  REQUIRE(fs::is_regular_file(place.default_log()));
  traces.remove();
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("a start that failed leaves what was there before, and links that lead nowhere") {
  const support::TempDir folder;
  const fs::path link = folder / "data";
  fs::create_directory_symlink(folder / "not mounted", link);
  StartTraces unmounted(place_in(link));
  unmounted.remove();
  CHECK(fs::is_symlink(link));

  const ServerPlace place = place_in(folder / "there");
  fs::create_directories(place.folder);
  fs::create_symlink(folder / "not mounted" / "log", place.default_log());
  begin(place).remove();
  CHECK(fs::is_symlink(place.default_log()));
  fs::remove(place.default_log());
  support::write_file(place.default_log(), "a line");
  begin(place).remove();
  CHECK(support::read_file(place.default_log()) == "a line");
  CHECK_FALSE(fs::exists(place.folder / "lock"));
}

TEST_CASE("a log stays that is another one by now, and all of a project that a server works on") {
  const support::TempDir folder;
  const ServerPlace place = place_in(folder / "data");
  const StartTraces traces = begin(place);
  {
    const auto held = server::DataFolder::open(place.data, place.project);
    REQUIRE(held);
    traces.remove();
    CHECK(fs::exists(place.default_log()));
  }
  fs::rename(place.default_log(), place.folder / "server.1.log");
  support::write_file(place.default_log(), "another's");
  traces.remove();
  CHECK(support::read_file(place.default_log()) == "another's");
}

}  // namespace
}  // namespace callboard::cli::start_traces_test
