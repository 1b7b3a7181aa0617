#include "base/entry.h"

#include <catch2/catch.hpp>

#include "base/limits.h"

namespace callboard::entry_test {
namespace {

Entry file() {
  Entry entry;
  entry.mode = 0644;
  entry.size_bytes = 5;
  entry.mtime_ns = -1;
  entry.digest.bytes[0] = std::byte{0xab};
  entry.digest.bytes[15] = std::byte{0x01};
  entry.name = "a\xff\n";
  entry.target = "t";
  return entry;
}

Bytes serialised(const Entry& entry) {
  Bytes bytes;
  serialise(entry, bytes);
  return bytes;
}

bool parses(ByteView bytes) {
  ByteReader reader(bytes);
  Entry entry;
  return parse(reader, entry);
}

TEST_CASE("an entry is parsed as it was serialised") {
  for (const EntryKind kind :
       {EntryKind::file, EntryKind::directory, EntryKind::symlink, EntryKind::refused}) {
    Entry entry = file();
    entry.kind = kind;
    const Bytes bytes = serialised(entry);
    ByteReader reader(bytes);
    Entry parsed;
    REQUIRE(parse(reader, parsed));
    CHECK(parsed == entry);
    CHECK(reader.finished());
  }
}

TEST_CASE("the form of an entry is the documented one") {
  const std::string expected = std::string("\x01\x01\xa4", 3) + std::string("\0\0\0\0\0\0\0\5", 8) +
                               std::string(8, '\xff') + "\xab" + std::string(14, '\0') + "\x01" +
                               std::string("\0\3", 2) + "a\xff\n" + std::string("\0\1", 2) + "t";
  CHECK(as_text(serialised(file())) == expected);
}

TEST_CASE("an entry cut at any byte is no entry") {
  const Bytes bytes = serialised(file());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    INFO("cut after " << size << " bytes");
    CHECK_FALSE(parses(ByteView(bytes).first(size)));
  }
  CHECK(parses(bytes));
}

TEST_CASE("kinds that there are not and modes beyond the nine bits are refused") {
  Bytes bytes = serialised(file());
  for (const int kind : {0, 5, 255}) {
    bytes[0] = static_cast<std::byte>(kind);
    CHECK_FALSE(parses(bytes));
  }
  Entry entry = file();
  entry.mode = 0777;
  CHECK(parses(serialised(entry)));
  entry.mode = 01000;
  CHECK_FALSE(parses(serialised(entry)));
}

TEST_CASE("names and targets are refused one byte beyond their limit") {
  Entry entry = file();
  entry.name.assign(kPathComponentMaxBytes, 'n');
  entry.target.assign(kPathMaxBytes, 't');
  CHECK(parses(serialised(entry)));
  entry.name += 'n';
  CHECK_FALSE(parses(serialised(entry)));
  entry.name.pop_back();
  entry.target += 't';
  CHECK_FALSE(parses(serialised(entry)));
}

TEST_CASE("a digest is shown as 32 hex digits, and none is false") {
  CHECK(to_text(file().digest) == "ab000000000000000000000000000001");
  CHECK(file().digest);
  CHECK_FALSE(Digest{});
}

}  // namespace
}  // namespace callboard::entry_test
