#include "sync/blend_links.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"

namespace callboard::sync {
namespace {

Error bad_blend(std::string text) { return {Outcome::failed, std::move(text)}; }

struct BlendForm {
  std::size_t pointer_bytes = 8;
  bool is_big_endian = false;
  bool has_large_heads = false;  // Since 5.0.
};

std::size_t head_bytes(const BlendForm& form) {
  if (form.has_large_heads) return 32;
  return form.pointer_bytes == 8 ? 24 : 20;
}

// Reads integers in the order of the file. After a short read all are zero.
class BlendReader {
 public:
  BlendReader(ByteView bytes, bool is_big_endian) : bytes_(bytes), is_big_endian_(is_big_endian) {}

  std::uint64_t number(std::size_t width) {
    const ByteView raw = take(width);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      const std::size_t from_the_greatest = is_big_endian_ ? i : raw.size() - 1 - i;
      value = value << 8 | std::to_integer<std::uint64_t>(raw[from_the_greatest]);
    }
    return value;
  }
  ByteView take(std::size_t size_bytes) {
    if (bytes_.size() - at_ < size_bytes) {
      failed_ = true;
      at_ = bytes_.size();
      return {};
    }
    at_ += size_bytes;
    return bytes_.subspan(at_ - size_bytes, size_bytes);
  }
  // Up to a NUL, which is taken with it.
  std::string_view text() {
    const std::string_view rest = as_text(bytes_.subspan(at_));
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) {
      failed_ = true;
      return {};
    }
    at_ += end + 1;
    return rest.substr(0, end);
  }
  void align() { take((4 - at_ % 4) % 4); }
  bool failed() const { return failed_; }

 private:
  ByteView bytes_;
  bool is_big_endian_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

// --- The DNA ----------------------------------------------------------------------------------------------------------

struct PathPlace {
  std::size_t offset = 0;
  std::size_t size_bytes = 0;
};

// "*next" is a pointer, "(*call)()" one to a function.
bool is_pointer(std::string_view member) { return member.starts_with('*') || member.starts_with("(*"); }

// What comes before the brackets: "name" of "name[1024]".
std::string_view plain_name(std::string_view member) { return member.substr(0, member.find('[')); }

// How often there is what "mat[4][4]" names, at most kBlendDnaMax: more fits no struct.
std::uint64_t times(std::string_view member) {
  std::uint64_t product = 1;
  for (std::size_t at = member.find('['); at != std::string_view::npos; at = member.find('[', at + 1)) {
    std::uint64_t count = 0;
    for (std::size_t i = at + 1; i < member.size() && member[i] >= '0' && member[i] <= '9'; ++i) {
      count = std::min(count * 10 + static_cast<std::uint64_t>(member[i] - '0'), kBlendDnaMax);
    }
    product = std::min(product * count, kBlendDnaMax);
  }
  return product;
}

class BlendDna {
 public:
  BlendDna(ByteView bytes, const BlendForm& form)
      : reader_(bytes, form.is_big_endian), pointer_bytes_(form.pointer_bytes) {}

  Result<PathPlace> library_path() {
    if (as_text(reader_.take(4)) != "SDNA") return bad_blend("DNA: expected \"SDNA\"");
    if (const auto read = read_texts("NAME", names_); !read) return read.error();
    if (const auto read = read_texts("TYPE", types_); !read) return read.error();
    if (const auto begun = begin("TLEN"); !begun) return begun.error();
    for (std::size_t i = 0; i < types_.size(); ++i)
      sizes_bytes_.push_back(static_cast<std::size_t>(reader_.number(2)));
    reader_.align();
    if (const auto begun = begin("STRC"); !begun) return begun.error();
    const std::uint64_t structs = reader_.number(4);
    for (std::uint64_t i = 0; i < structs && !reader_.failed(); ++i) {
      const auto place = next_struct();
      if (!place) return place.error();
      if (*place) return **place;
    }
    if (reader_.failed()) return bad_blend("DNA: cut short");
    return bad_blend("DNA: expected a struct Library with a path, got none");
  }

 private:
  Result<void> begin(std::string_view part) {
    if (as_text(reader_.take(4)) == part) return {};
    return bad_blend("DNA: expected \"" + std::string(part) + "\"");
  }

  Result<void> read_texts(std::string_view part, std::vector<std::string_view>& into) {
    if (const auto begun = begin(part); !begun) return begun;
    const std::uint64_t count = reader_.number(4);
    // Structs name them with 16 bits.
    if (count > 65'536) return bad_blend("DNA: more than 65536 in \"" + std::string(part) + "\"");
    for (std::uint64_t i = 0; i < count && !reader_.failed(); ++i) into.push_back(reader_.text());
    reader_.align();
    if (reader_.failed()) return bad_blend("DNA: cut short");
    return {};
  }

  // nullopt: another one than Library, or one without a path.
  Result<std::optional<PathPlace>> next_struct() {
    const std::uint64_t type = reader_.number(2);
    const std::uint64_t members = reader_.number(2);
    const bool is_library = type < types_.size() && types_[type] == "Library";
    std::optional<PathPlace> path;
    std::uint64_t offset = 0;
    for (std::uint64_t i = 0; i < members; ++i) {
      const std::uint64_t member_type = reader_.number(2);
      const std::uint64_t member = reader_.number(2);
      if (reader_.failed()) return bad_blend("DNA: cut short");
      if (!is_library) continue;
      if (member_type >= types_.size() || member >= names_.size())
        return bad_blend("DNA: struct Library names what is not there");
      const std::string_view name = names_[member];
      const std::uint64_t size_bytes =
          (is_pointer(name) ? pointer_bytes_ : sizes_bytes_[member_type]) * times(name);
      const bool is_name = plain_name(name) == "name";
      const bool is_path = (is_name || plain_name(name) == "filepath") && types_[member_type] == "char";
      // At most 65,535 members of kBlendDnaMax × 65,535 bytes: no sum of them is too large.
      if (is_path && (is_name || !path) && size_bytes > 0 && offset + size_bytes <= kBlendLibraryMaxBytes)
        path = PathPlace{static_cast<std::size_t>(offset), static_cast<std::size_t>(size_bytes)};
      offset += size_bytes;
    }
    return path;
  }

  BlendReader reader_;
  std::size_t pointer_bytes_;
  std::vector<std::string_view> names_;
  std::vector<std::string_view> types_;
  std::vector<std::size_t> sizes_bytes_;
};

// --- The file ---------------------------------------------------------------------------------------------------------

struct BlendHead {
  std::string code;  // Without the zeros of a code of two letters.
  std::uint64_t size_bytes = 0;
};

class BlendParser {
 public:
  explicit BlendParser(BlendStream& stream) : stream_(stream) {}

  Result<std::vector<std::string>> links() {
    if (const Result<void> read = read_header(); !read) return read.error();
    for (std::uint64_t blocks = 0; blocks < kBlendBlocksMax; ++blocks) {
      const Result<BlendHead> head = read_head();
      if (!head) return head.error();
      if (head->code == "ENDB") return found();
      if (const Result<void> read = read_block(*head); !read) return read.error();
    }
    return bad_blend("more than " + std::to_string(kBlendBlocksMax) + " blocks");
  }

 private:
  Result<void> read_header();
  Result<BlendHead> read_head();
  Result<void> read_block(const BlendHead& head);
  Result<Bytes> take(std::uint64_t size_bytes, std::string_view what);
  Result<std::vector<std::string>> found() const;

  BlendStream& stream_;
  BlendForm form_;
  std::vector<Bytes> libraries_;
  std::optional<Bytes> dna_;
};

Result<Bytes> BlendParser::take(std::uint64_t size_bytes, std::string_view what) {
  Bytes bytes(static_cast<std::size_t>(size_bytes));
  const Result<std::size_t> got = stream_.read(bytes);
  if (!got) return got.error();
  if (*got < bytes.size()) return bad_blend("cut short in " + std::string(what));
  return bytes;
}

bool are_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Result<void> BlendParser::read_header() {
  // The shorter of the two.
  std::array<std::byte, 12> bytes;
  const Result<std::size_t> got = stream_.read(bytes);
  if (!got) return got.error();
  const std::string_view header = as_text(ByteView(bytes).first(*got));
  if (header.size() < bytes.size() || !header.starts_with("BLENDER"))
    return bad_blend("no .blend file: expected \"BLENDER\" at its beginning");
  if (header.substr(7) == "17-01") {
    const Result<Bytes> rest = take(5, "its header");
    if (!rest) return rest.error();
    form_.has_large_heads = true;
    const std::string_view end = as_text(*rest);
    if (end.starts_with('v') && are_digits(end.substr(1))) return {};
  } else {
    form_.pointer_bytes = header[7] == '_' ? 4 : 8;
    form_.is_big_endian = header[8] == 'V';
    const bool is_known = (header[7] == '_' || header[7] == '-') && (header[8] == 'v' || header[8] == 'V');
    if (is_known && are_digits(header.substr(9))) return {};
  }
  return bad_blend("header " + quoted(header) + ": of a Blender that is not known here");
}

Result<BlendHead> BlendParser::read_head() {
  std::array<std::byte, 32> bytes;
  const auto head = std::span(bytes).first(head_bytes(form_));
  const Result<std::size_t> got = stream_.read(head);
  if (!got) return got.error();
  const std::string_view text = as_text(head.first(*got));
  // Of the last one older versions wrote the beginning alone.
  if (text.starts_with("ENDB")) return BlendHead{"ENDB", 0};
  if (*got < head.size()) return bad_blend("cut short: expected a block, got the end");
  BlendHead parsed;
  for (const char c : text.substr(0, 4)) {
    if (c != '\0') parsed.code += c;
  }
  BlendReader reader(head.subspan(4), form_.is_big_endian);
  if (form_.has_large_heads) {
    reader.take(4 + 8);
    parsed.size_bytes = reader.number(8);
  } else {
    parsed.size_bytes = reader.number(4);
  }
  // They are signed.
  const std::uint64_t size_max = (form_.has_large_heads ? 1ULL << 63 : 1ULL << 31) - 1;
  if (parsed.size_bytes > size_max) return bad_blend("block " + quoted(parsed.code) + ": a negative size");
  return parsed;
}

Result<void> BlendParser::read_block(const BlendHead& head) {
  const std::uint64_t size_bytes = head.size_bytes;
  if (head.code == "DNA1") {
    if (size_bytes > kBlendDnaMax) return bad_blend("DNA: larger than 4 MiB");
    Result<Bytes> bytes = take(size_bytes, "the DNA");
    if (!bytes) return bytes.error();
    dna_ = std::move(*bytes);
    return {};
  }
  if (head.code != "LI") return stream_.skip(size_bytes);
  if (libraries_.size() == kBlendLibrariesMax)
    return bad_blend("links to more than " + std::to_string(kBlendLibrariesMax) + " files");
  const std::uint64_t kept_bytes = std::min<std::uint64_t>(size_bytes, kBlendLibraryMaxBytes);
  Result<Bytes> bytes = take(kept_bytes, "a library");
  if (!bytes) return bytes.error();
  libraries_.push_back(std::move(*bytes));
  return stream_.skip(size_bytes - kept_bytes);
}

Result<std::vector<std::string>> BlendParser::found() const {
  std::vector<std::string> paths;
  if (libraries_.empty()) return paths;
  if (!dna_) return bad_blend("expected a block \"DNA1\", got none");
  const Result<PathPlace> place = BlendDna(*dna_, form_).library_path();
  if (!place) return place.error();
  std::set<std::string_view> seen;
  for (const Bytes& library : libraries_) {
    if (library.size() < place->offset + place->size_bytes)
      return bad_blend("a library: shorter than its DNA says");
    const std::string_view text = as_text(ByteView(library).subspan(place->offset, place->size_bytes));
    const std::string_view path = text.substr(0, text.find('\0'));
    if (path.size() > kPathMaxBytes) return bad_blend("a library: its path is longer than 4096 bytes");
    if (!path.empty() && seen.insert(path).second) paths.emplace_back(path);
  }
  return paths;
}

}  // namespace

Result<std::vector<std::string>> blend_links(const ReadAt& file, std::uint64_t& unpacked_bytes_left,
                                             const std::stop_token& stop) {
  const Result<std::unique_ptr<BlendStream>> stream = open_blend_stream(file, unpacked_bytes_left, stop);
  if (!stream) return stream.error();
  return BlendParser(**stream).links();
}

}  // namespace callboard::sync
