#include "tests/support/blend.h"

#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <stdexcept>

namespace callboard::support {
namespace {

constexpr std::size_t kPathBytes = 1024;

struct Member {
  std::string type;
  std::string name;
};
struct Struct {
  std::string type;
  std::vector<Member> members;
};

class BlendWriter {
 public:
  explicit BlendWriter(const BlendPlan& plan) : plan_(plan) {
    structs_ = {
        {"ListBase", {{"void", "*first"}, {"void", "*last"}}},
        // As of 2.79.
        {"ID",
         {{"void", "*next"},
          {"void", "*prev"},
          {"Library", "*lib"},
          {"char", "name[66]"},
          {"short", "flag"},
          {"int", "us"},
          {"int", "pad"}}},
        // A function and an array of arrays are in other structs.
        {"Library", {{"ID", "id"}, {"FileData", "*filedata"}, {"void", "(*call)()"}, {"int", "mat[4][2]"}}}};
    for (const std::string& each : plan.members)
      structs_.back().members.push_back({"char", each + "[" + std::to_string(kPathBytes) + "]"});
    structs_.back().members.push_back({"Library", "*parent"});
    sizes_ = {{"void", 0},
              {"char", 1},
              {"short", 2},
              {"int", 4},
              {"FileData", 0},
              {"ListBase", 2 * plan.pointer_bytes},
              {"ID", id_bytes()},
              {"Library", id_bytes() + 3 * plan.pointer_bytes + 8 * 4 + kPathBytes * plan.members.size()}};
  }

  std::string write() {
    out_ = "BLENDER";
    if (plan_.has_large_heads) {
      out_ += "17-01v0500";
    } else {
      out_ += plan_.pointer_bytes == 8 ? '-' : '_';
      out_ += plan_.is_big_endian ? 'V' : 'v';
      out_ += "279";
    }
    block("REND", std::string(72, '\1'));
    block("ME", std::string(plan_.mesh_bytes, 'L'));
    for (const std::string& each : plan_.libraries) block("LI", library(each));
    block("DNA1", dna());
    block("ENDB", "");
    return out_;
  }

 private:
  std::size_t id_bytes() const { return 3 * plan_.pointer_bytes + 66 + 2 + 4 + 4; }

  void number(std::string& to, std::uint64_t value, std::size_t width) const {
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t shift = 8 * (plan_.is_big_endian ? width - 1 - i : i);
      to += static_cast<char>((value >> shift) & 0xff);
    }
  }

  void block(const std::string& code, const std::string& bytes) {
    std::string padded = code;
    // Codes of two letters are numbers, too.
    const std::string zeros(4 - code.size(), '\0');
    out_ += plan_.is_big_endian ? zeros + code : code + zeros;
    constexpr std::uint64_t kAddress = 0x1234'5678;
    if (plan_.has_large_heads) {
      number(out_, 2, 4);
      number(out_, kAddress, 8);
      number(out_, bytes.size(), 8);
      number(out_, 1, 8);
    } else {
      number(out_, bytes.size(), 4);
      number(out_, kAddress, plan_.pointer_bytes);
      number(out_, 2, 4);
      number(out_, 1, 4);
    }
    out_ += bytes;
  }

  std::string library(const std::string& path) const {
    if (path.size() >= kPathBytes) throw std::runtime_error("a path that fits no library: " + path);
    std::string bytes(3 * plan_.pointer_bytes, '\2');
    bytes += "LIlibrary.blend" + std::string(66 - 15, '\0');
    bytes += std::string(2 + 4 + 4, '\3');
    bytes += std::string(2 * plan_.pointer_bytes + 8 * 4, '\4');
    for (std::size_t i = 0; i < plan_.members.size(); ++i) {
      std::string text = i == 0 ? path : "/where/it/was/written/" + std::to_string(i);
      bytes += text + std::string(kPathBytes - text.size(), '\0');
    }
    return bytes + std::string(plan_.pointer_bytes, '\0');
  }

  void align(std::string& to) const { to += std::string((4 - to.size() % 4) % 4, '\0'); }

  void texts(std::string& to, const std::string& part, const std::vector<std::string>& all) const {
    to += part;
    number(to, all.size(), 4);
    for (const std::string& each : all) to += each + '\0';
    align(to);
  }

  std::string dna() const {
    std::vector<std::string> names;
    for (const Struct& each : structs_) {
      for (const Member& member : each.members) names.push_back(member.name);
    }
    std::vector<std::string> types;
    for (const auto& [type, size] : sizes_) types.push_back(type);
    const auto index = [](const std::vector<std::string>& all, const std::string& one) {
      return static_cast<std::uint64_t>(std::ranges::find(all, one) - all.begin());
    };
    std::string to = "SDNA";
    texts(to, "NAME", names);
    texts(to, "TYPE", types);
    to += "TLEN";
    for (const auto& [type, size] : sizes_) number(to, size, 2);
    align(to);
    to += "STRC";
    number(to, structs_.size(), 4);
    for (const Struct& each : structs_) {
      number(to, index(types, each.type), 2);
      number(to, each.members.size(), 2);
      for (const Member& member : each.members) {
        number(to, index(types, member.type), 2);
        number(to, index(names, member.name), 2);
      }
    }
    return to;
  }

  const BlendPlan& plan_;
  std::vector<Struct> structs_;
  std::map<std::string, std::size_t> sizes_;
  std::string out_;
};

void little_endian(std::string& to, std::uint64_t value) {
  for (int shift = 0; shift < 32; shift += 8) to += static_cast<char>((value >> shift) & 0xff);
}

}  // namespace

std::string make_blend(const BlendPlan& plan) { return BlendWriter(plan).write(); }

std::string make_blend(const std::vector<std::string>& libraries) {
  return make_blend(BlendPlan{.libraries = libraries});
}

std::string compress_blend(std::string_view blend, std::size_t frame_bytes) {
  std::string all;
  std::string table;
  std::uint64_t frames = 0;
  for (; !blend.empty(); ++frames) {
    const std::string_view content = blend.substr(0, frame_bytes);
    blend.remove_prefix(content.size());
    std::string frame(ZSTD_compressBound(content.size()), '\0');
    const std::size_t size = ZSTD_compress(frame.data(), frame.size(), content.data(), content.size(), 3);
    if (ZSTD_isError(size) != 0) throw std::runtime_error(ZSTD_getErrorName(size));
    all += frame.substr(0, size);
    little_endian(table, size);
    little_endian(table, content.size());
  }
  little_endian(table, frames);
  table += '\0';
  little_endian(table, 0x8F92EAB1);
  little_endian(all, 0x184D2A5E);
  little_endian(all, table.size());
  return all + table;
}

}  // namespace callboard::support
