#include "sync/blend_links.h"

#include <catch2/catch.hpp>
#include <random>

#include "base/bytes.h"
#include "tests/support/blend.h"

namespace callboard::sync::blend_links_test {
namespace {

using Catch::Contains;
using support::BlendPlan;
using support::compress_blend;
using support::make_blend;
using Paths = std::vector<std::string>;

ReadAt reading_text(std::string_view text) {
  return [text](std::uint64_t offset, std::span<std::byte> into) -> Result<std::size_t> {
    if (offset >= text.size()) return std::size_t{0};
    const ByteView rest = as_bytes(text.substr(static_cast<std::size_t>(offset), into.size()));
    std::ranges::copy(rest, into.begin());
    return rest.size();
  };
}

Result<Paths> links_in(const ReadAt& file, const std::stop_token& stop = {}) {
  std::uint64_t unpacked_bytes_left = GiB;
  return blend_links(file, unpacked_bytes_left, stop);
}
Result<Paths> links_of(std::string_view file) { return links_in(reading_text(file)); }

Error error_of(std::string_view file) {
  const auto links = links_of(file);
  REQUIRE_FALSE(links);
  return links.error();
}

// `to` in the place of the first `from`, which is as long.
std::string changed(std::string file, std::string_view from, std::string_view to) {
  const std::size_t at = file.find(from);
  REQUIRE(at != std::string::npos);
  return file.replace(at, from.size(), to);
}

const Paths kTwo{"//../../dev/chr/Moria/Moria.blend", "/srv/lib/tex.blend"};

TEST_CASE("what a .blend file links to is found, whichever Blender and machine wrote it") {
  const auto plan = GENERATE(values<BlendPlan>({{.pointer_bytes = 8},
                                                {.pointer_bytes = 4},
                                                {.pointer_bytes = 8, .is_big_endian = true},
                                                {.pointer_bytes = 4, .is_big_endian = true},
                                                {.has_large_heads = true},
                                                {.members = {"name"}},
                                                {.members = {"filepath"}},
                                                {.members = {"name", "filepath_abs"}},
                                                {.has_large_heads = true, .members = {"filepath"}}}));
  BlendPlan full = plan;
  full.libraries = kTwo;
  const auto links = links_of(make_blend(full));
  REQUIRE(links);
  CHECK(*links == kTwo);
  full.libraries = {};
  CHECK(links_of(make_blend(full)).value().empty());
}

TEST_CASE("a .blend file in zstd frames of any size says the same") {
  const std::string plain = make_blend(BlendPlan{.libraries = kTwo, .mesh_bytes = 300'000});
  const std::size_t frame_bytes =
      GENERATE(std::size_t{1000}, std::size_t{4096}, std::size_t{131'073}, std::size_t{1} << 20);
  CAPTURE(frame_bytes);
  CHECK(links_of(compress_blend(plain, frame_bytes)).value() == kTwo);
  const std::string small = make_blend(kTwo);
  CHECK(links_of(compress_blend(small, 1)).value() == kTwo);
}

TEST_CASE("a .blend file that gzip compressed is refused by that name") {
  const Error error = error_of("\x1f\x8b\x08 and so on");
  CHECK(error.outcome == Outcome::refused);
  CHECK_THAT(error.text, Contains("compressed with gzip"));
}

TEST_CASE("a .blend file that is cut short anywhere is an error") {
  const bool is_packed = GENERATE(false, true);
  const Paths one{"//a.blend"};
  const std::string whole = make_blend(BlendPlan{.libraries = one, .members = {"name"}, .mesh_bytes = 100});
  // What comes after the code of the last block is not needed.
  const std::size_t needed = whole.size() - 20;
  REQUIRE(whole.substr(needed - 4, 4) == "ENDB");
  CHECK(links_of(whole.substr(0, needed)).value() == one);
  for (std::size_t size = 0; size < needed; ++size) {
    const std::string cut = whole.substr(0, size);
    const auto links = links_of(is_packed ? compress_blend(cut, 500) : cut);
    CAPTURE(size, is_packed);
    REQUIRE_FALSE(links);
    CHECK(links.error().outcome == Outcome::failed);
  }
  const std::string packed = compress_blend(whole);
  CHECK_THAT(error_of(packed.substr(0, 20)).text, Contains("cut short"));
}

TEST_CASE("of a plain .blend file heads, libraries and DNA are read, and the rest is passed over") {
  const std::string file = make_blend(BlendPlan{.libraries = kTwo, .mesh_bytes = 8 << 20});
  std::uint64_t read_bytes = 0;
  const auto links = links_in([&](std::uint64_t offset, std::span<std::byte> into) {
    const auto got = reading_text(file)(offset, into);
    read_bytes += *got;
    return got;
  });
  CHECK(links.value() == kTwo);
  CHECK(read_bytes < 64 * KiB);
}

TEST_CASE("what compressed .blend files unpack to is counted over all of them, and the limit ends it") {
  const std::string plain = make_blend(BlendPlan{.libraries = kTwo, .mesh_bytes = 1 << 20});
  const std::string file = compress_blend(plain);
  std::uint64_t left = 2 * plain.size();
  CHECK(blend_links(reading_text(file), left).value() == kTwo);
  CHECK(blend_links(reading_text(file), left).value() == kTwo);
  const auto third = blend_links(reading_text(file), left);
  REQUIRE_FALSE(third);
  CHECK_THAT(third.error().text, Contains("unpacks to more than is looked through"));
  // Plain ones cost nothing of it.
  CHECK(blend_links(reading_text(plain), left).value() == kTwo);
}

TEST_CASE("a path is told once, and one that is empty not at all") {
  CHECK(links_of(make_blend({"//b.blend", "", "//a.blend", "//b.blend"})).value() ==
        Paths{"//b.blend", "//a.blend"});
  const std::string longest(1023, 'x');
  CHECK(links_of(make_blend({longest, "\xff\xfe"})).value() == Paths{longest, "\xff\xfe"});
}

TEST_CASE("what is no .blend file, or of a Blender to come, is said to be that") {
  CHECK_THAT(error_of("").text, Contains("no .blend file"));
  CHECK_THAT(error_of("BLENDER").text, Contains("no .blend file"));
  CHECK_THAT(error_of("version https://git-lfs.github.com/spec/v1").text, Contains("no .blend file"));
  for (const char* header : {"BLENDER-v2x9", "BLENDER+v279", "BLENDER-w279", "BLENDER17-02v0500",
                             "BLENDER17-01V0500", "BLENDER18-01v0500"}) {
    CAPTURE(header);
    CHECK_THAT(error_of(header + std::string(100, '\0')).text, Contains("not known here"));
  }
}

TEST_CASE("as many libraries as the limit are found, and one more is an error") {
  Paths many;
  for (std::size_t i = 0; i < kBlendLibrariesMax; ++i) many.push_back("//" + std::to_string(i));
  CHECK(links_of(make_blend(many)).value() == many);
  many.emplace_back("//one more");
  CHECK_THAT(error_of(make_blend(many)).text, Contains("more than 4096 files"));
}

TEST_CASE("a .blend file that lies of its sizes is an error, and costs nothing") {
  const BlendPlan plan{.libraries = kTwo};
  const std::string file = make_blend(plan);
  const auto with_size = [&](std::string_view code, std::string_view size) {
    std::string lie = file;
    return lie.replace(file.find(code) + 4, 4, size);
  };
  using namespace std::string_literals;
  CHECK_THAT(error_of(with_size("DNA1", "\xff\xff\xff\x7f"s)).text, Contains("larger than 4 MiB"));
  CHECK_THAT(error_of(with_size("REND", "\xff\xff\xff\xff"s)).text, Contains("negative size"));
  CHECK_THAT(error_of(with_size("REND", "\xff\xff\xff\x7f"s)).text, Contains("cut short"));
  CHECK_THAT(error_of(with_size("LI\0\0"s, "\x10\0\0\0"s)).text, Contains(" "));
  BlendPlan large{.libraries = kTwo, .has_large_heads = true};
  std::string far = make_blend(large);
  far.replace(far.find("REND") + 16, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f"s);
  CHECK_THAT(error_of(far).text, Contains("cut short"));
}

TEST_CASE("a DNA that makes no sense is an error that says where") {
  const std::string file = make_blend(kTwo);
  CHECK_THAT(error_of(changed(file, "SDNA", "XDNA")).text, Contains("\"SDNA\""));
  CHECK_THAT(error_of(changed(file, "NAME", "XAME")).text, Contains("\"NAME\""));
  CHECK_THAT(error_of(changed(file, "TYPE", "XYPE")).text, Contains("\"TYPE\""));
  CHECK_THAT(error_of(changed(file, "TLEN", "XLEN")).text, Contains("\"TLEN\""));
  CHECK_THAT(error_of(changed(file, "STRC", "XTRC")).text, Contains("\"STRC\""));
  CHECK_THAT(error_of(changed(file, "DNA1", "DNA2")).text, Contains("\"DNA1\""));
  // Paths of which nobody knows the name, and a library that is shorter than it should be.
  CHECK_THAT(error_of(make_blend(BlendPlan{.libraries = kTwo, .members = {"path"}})).text,
             Contains("struct Library with a path"));
  const std::string one_path = make_blend(BlendPlan{.libraries = kTwo, .members = {"name"}});
  CHECK_THAT(error_of(changed(one_path, "name[1024]", "name[2024]")).text,
             Contains("shorter than its DNA says"));
  CHECK_THAT(error_of(changed(one_path, "name[1024]", "name[9024]")).text,
             Contains("struct Library with a path"));
  CHECK_THAT(error_of(changed(file, "mat[4][2]", "m[999999]")).text, Contains("struct Library with a path"));
}

TEST_CASE("whatever byte of a .blend file is changed, it is read or refused") {
  const std::uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const std::string file = make_blend(BlendPlan{.libraries = kTwo, .pointer_bytes = 4, .mesh_bytes = 20});
  for (int i = 0; i < 20'000; ++i) {
    std::string other = file;
    for (std::uint64_t n = random() % 3; n < 3; ++n)
      other[random() % other.size()] = static_cast<char>(random());
    const auto links = links_of(other);
    if (!links) CHECK_FALSE(links.error().text.empty());
  }
}

TEST_CASE("a .blend file that cannot be read says why, and one that nobody waits for is given up") {
  const std::string file = make_blend(kTwo);
  const auto failing = links_in([&](std::uint64_t offset, std::span<std::byte> into) -> Result<std::size_t> {
    if (offset > 0) return Error{Outcome::failed, "read: input/output error"};
    return reading_text(file)(0, into.first(std::min<std::size_t>(into.size(), 100)));
  });
  REQUIRE_FALSE(failing);
  CHECK(failing.error().text == "read: input/output error");
  std::stop_source stop;
  stop.request_stop();
  for (const std::string& any : {file, compress_blend(file)}) {
    const auto cancelled = links_in(reading_text(any), stop.get_token());
    REQUIRE_FALSE(cancelled);
    CHECK(cancelled.error().outcome == Outcome::cancelled);
  }
}

}  // namespace
}  // namespace callboard::sync::blend_links_test
