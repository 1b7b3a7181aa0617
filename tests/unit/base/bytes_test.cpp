#include "base/bytes.h"

#include <catch2/catch.hpp>
#include <string>

namespace callboard::bytes_test {
namespace {

Bytes everything() {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090a0b0c0d0e0f);
  writer.i64(-2);
  writer.text16("rig");
  writer.raw(as_bytes("!"));
  return bytes;
}

TEST_CASE("integers are written big-endian, texts with their length before them") {
  const std::string expected(
      "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
      "\xff\xff\xff\xff\xff\xff\xff\xfe\x00\x03rig!",
      29);
  CHECK(as_text(everything()) == expected);
}

TEST_CASE("what was written is read back, and nothing is left") {
  const Bytes bytes = everything();
  ByteReader reader(bytes);
  CHECK(reader.u8() == 0x01);
  CHECK(reader.u16() == 0x0203);
  CHECK(reader.u32() == 0x04050607);
  CHECK(reader.u64() == 0x08090a0b0c0d0e0f);
  CHECK(reader.i64() == -2);
  CHECK(reader.text16() == "rig");
  CHECK_FALSE(reader.finished());
  CHECK(as_text(reader.raw(1)) == "!");
  CHECK(reader.finished());
}

TEST_CASE("a structure cut at any byte fails and yields zero from there on") {
  const Bytes bytes = everything();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    INFO("cut after " << size << " bytes");
    ByteReader reader(ByteView(bytes).first(size));
    reader.u8();
    reader.u16();
    reader.u32();
    reader.u64();
    reader.i64();
    reader.text16();
    reader.raw(1);
    CHECK(reader.failed());
    CHECK_FALSE(reader.finished());
    CHECK(reader.u64() == 0);
    CHECK(reader.rest().empty());
  }
}

TEST_CASE("a short read takes nothing, also not for a smaller read after it") {
  const Bytes bytes(3);
  ByteReader reader(bytes);
  CHECK(reader.u32() == 0);
  CHECK(reader.u8() == 0);
  CHECK(reader.failed());
}

TEST_CASE("a text that claims more than is there is empty") {
  Bytes bytes;
  ByteWriter(bytes).u16(4);
  bytes.resize(5);
  ByteReader reader(bytes);
  CHECK(reader.text16().empty());
  CHECK(reader.failed());
}

TEST_CASE("the longest text that its length can tell is written whole") {
  const std::string longest(65'535, 'x');
  Bytes bytes;
  ByteWriter(bytes).text16(longest);
  ByteReader reader(bytes);
  CHECK(reader.text16() == longest);
  CHECK(reader.finished());
}

TEST_CASE("nothing read from nothing is no failure") {
  ByteReader reader(ByteView{});
  CHECK(reader.raw(0).empty());
  CHECK(reader.finished());
}

}  // namespace
}  // namespace callboard::bytes_test
