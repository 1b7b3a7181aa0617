// Makes the trees the benchmark moves, and the edits between two pulls. The same seed gives the same bytes.
//   bench_trees make  big|frames|small|many|scene|blend|pointers|rename FOLDER PERCENT    of the full size
//   bench_trees edit  few|blend|pointers FOLDER SEED

#include <sys/stat.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kFilesPerFolder = 500;

// splitmix64: bytes no compressor shortens, fast and the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  std::string bytes(std::uint64_t size) {
    std::string filled((size + 7) / 8 * 8, '\0');
    for (std::size_t at = 0; at < filled.size(); at += 8) {
      const std::uint64_t word = next();
      for (std::size_t i = 0; i < 8; ++i) filled[at + i] = static_cast<char>(word >> (8 * i));
    }
    filled.resize(size);
    return filled;
  }

 private:
  std::uint64_t state_;
};

void write_file(const fs::path& path, std::uint64_t size, Random& random) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  for (std::uint64_t left = size; left > 0;) {
    const std::uint64_t piece = std::min(left, kMiB);
    const std::string bytes = random.bytes(piece);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    left -= piece;
  }
  if (!file.flush()) throw std::runtime_error("write " + path.string());
}

// Vertices as a mesh's file has them: coordinates that change little from one to the next, indices, flags. zstd's fast level
// makes a half of it.
void write_mesh(const fs::path& path, std::uint64_t size, Random& random) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  std::uint64_t written = 0;
  for (std::uint32_t i = 0; written < size; ++i) {
    const std::uint64_t noise = random.next();
    const float at = static_cast<float>(i) * 0.001F;
    const struct {
      float x, y, z;
      std::uint32_t index[3], flags, material;
    } vertex = {at + static_cast<float>(noise % 64) * 0.0001F,
                at * 0.5F + static_cast<float>(noise / 64 % 64) * 0.0001F,
                1.0F,
                {i, i + 1, i + static_cast<std::uint32_t>(noise >> 60)},
                0x10,
                i / 4096};
    const std::uint64_t piece = std::min<std::uint64_t>(sizeof vertex, size - written);
    file.write(reinterpret_cast<const char*>(&vertex), static_cast<std::streamsize>(piece));
    written += piece;
  }
  if (!file.flush()) throw std::runtime_error("write " + path.string());
}

std::string numbered(const char* format, std::uint64_t number) {
  char text[64];
  std::snprintf(text, sizeof text, format, static_cast<unsigned long long>(number));
  return text;
}

fs::path small_file(const fs::path& folder, std::uint64_t number) {
  return folder / numbered("shot_%04llu", number / kFilesPerFolder) / numbered("cache_%06llu.json", number);
}

void make(const std::string& kind, const fs::path& folder, std::uint64_t percent) {
  Random random(0xca11b0a4d);
  const auto scaled = [percent](std::uint64_t full) {
    return std::max<std::uint64_t>(1, full * percent / 100);
  };
  if (kind == "big") {
    write_file(folder / "simulation.abc", scaled(2048) * kMiB, random);
  } else if (kind == "frames" || kind == "rename") {
    const std::uint64_t count = scaled(kind == "frames" ? 1000 : 200);
    for (std::uint64_t i = 0; i < count; ++i)
      write_file(folder / "render" / numbered("frame_%05llu.exr", i), 2 * kMiB, random);
  } else if (kind == "small") {
    const std::uint64_t count = scaled(50'000);
    for (std::uint64_t i = 0; i < count; ++i)
      write_file(small_file(folder, i), 2 * kKiB + random.below(12 * kKiB), random);
  } else if (kind == "many") {
    // A film's files by number; what they hold does not matter to a pull that finds next to nothing to do.
    const std::uint64_t count = scaled(800'000);
    for (std::uint64_t i = 0; i < count; ++i)
      write_file(small_file(folder, i), 64 + random.below(256), random);
  } else if (kind == "scene") {
    write_mesh(folder / "scene.abc", scaled(384) * kMiB, random);
    const std::uint64_t count = scaled(4096);
    for (std::uint64_t i = 0; i < count; ++i)
      write_mesh(small_file(folder, i), 16 * kKiB + random.below(32 * kKiB), random);
  } else if (kind == "blend" || kind == "pointers") {
    write_file(folder / "scene.blend", scaled(512) * kMiB, random);
  } else {
    throw std::runtime_error(
        "make: expected big, frames, small, many, scene, blend, pointers or rename, got " + kind);
  }
}

// Ten files of the `small` tree, anywhere in it, are saved again.
void edit_few(const fs::path& folder, Random& random) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  if (files.empty()) throw std::runtime_error("edit: no files in " + folder.string());
  for (int i = 0; i < 10; ++i)
    write_file(files[random.below(files.size())], 2 * kKiB + random.below(12 * kKiB), random);
}

// Twenty stretches of 64 KiB are other bytes, and 123,457 bytes come in between.
void edit_blend(const fs::path& folder, Random& random) {
  const fs::path path = folder / "scene.blend";
  std::string content(fs::file_size(path), '\0');
  std::ifstream(path, std::ios::binary).read(content.data(), static_cast<std::streamsize>(content.size()));
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t at = random.below(content.size() - 64 * kKiB);
    content.replace(at, 64 * kKiB, random.bytes(64 * kKiB));
  }
  content.insert(random.below(content.size()), random.bytes(123'457));
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.flush()) throw std::runtime_error("write " + path.string());
}

// Saved again after it was loaded: every pointer in it is another one, 8 bytes in every 24 KiB.
void edit_pointers(const fs::path& folder, Random& random) {
  std::fstream file(folder / "scene.blend", std::ios::binary | std::ios::in | std::ios::out);
  const std::uint64_t size = fs::file_size(folder / "scene.blend");
  for (std::uint64_t at = random.below(24 * kKiB - 8); at + 8 <= size; at += 24 * kKiB) {
    file.seekp(static_cast<std::streamoff>(at));
    file.write(random.bytes(8).data(), 8);
  }
  if (!file.flush()) throw std::runtime_error("write " + (folder / "scene.blend").string());
}

void edit(const std::string& kind, const fs::path& folder, std::uint64_t seed) {
  Random random(seed);
  if (kind == "few") return edit_few(folder, random);
  if (kind == "blend") return edit_blend(folder, random);
  if (kind == "pointers") return edit_pointers(folder, random);
  throw std::runtime_error("edit: expected few, blend or pointers, got " + kind);
}

}  // namespace

int main(int count, char** words) try {
  if (count != 5) throw std::runtime_error("usage: bench_trees make|edit KIND FOLDER PERCENT|SEED");
  const std::string verb = words[1];
  const std::uint64_t number = std::strtoull(words[4], nullptr, 10);
  if (verb != "make" && verb != "edit") throw std::runtime_error("expected make or edit, got " + verb);
  verb == "make" ? make(words[2], words[3], number) : edit(words[2], words[3], number);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_trees: %s\n", error.what());
  return 1;
}
