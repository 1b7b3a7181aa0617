#include "protocol/datagram_signature.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/limits.h"

namespace callboard::protocol::datagram_signature_test {
namespace {

DatagramKey key_of(std::uint8_t byte) {
  Secret secret{};
  secret.fill(byte);
  return secret;
}

Announcement announcement(const std::string& project = "Moria's Race") {
  Announcement made{.address = "192.168.1.5", .project = project, .id = UniqueId{1, 2}, .access = "key"};
  made.marks = Marks{Timestamp{1'763'733'203'123}};
  return made;
}

std::vector<DatagramKey> keys(std::size_t count) {
  std::vector<DatagramKey> made;
  for (std::size_t i = 0; i < count; ++i) made.push_back(key_of(static_cast<std::uint8_t>(i + 1)));
  return made;
}

TEST_CASE("every key that marked an announcement is found in it, and no other") {
  const std::string line = format_marked(announcement(), keys(3));
  const auto read = std::get<Announcement>(parse_datagram(as_bytes(line)).value());
  REQUIRE(read.marks);
  CHECK(read.marks->at == Timestamp{1'763'733'203'123});
  CHECK(read.marks->row.size() == 3 * kMarkSize);
  CHECK(format(read) == line);
  for (std::uint8_t each = 1; each <= 3; ++each) CHECK(is_marked_with(as_bytes(line), key_of(each)));
  CHECK(is_marked_with(as_bytes(line + "\n"), key_of(1)));
  CHECK_FALSE(is_marked_with(as_bytes(line), key_of(4)));
  CHECK_FALSE(is_signed_with(as_bytes(line), key_of(1)));
}

TEST_CASE("marks are good for what stands before them, to the letter") {
  const std::string line = format_marked(announcement(), keys(2));
  const std::size_t marks_at = line.rfind(" | marks=");
  for (std::size_t at = 0; at < marks_at; ++at) {
    std::string changed = line;
    changed[at] = changed[at] == '1' ? '2' : '1';
    CHECK_FALSE(is_marked_with(as_bytes(changed), key_of(1)));
  }
  // Nothing can be put before them either, nor the row be taken apart.
  CHECK_FALSE(
      is_marked_with(as_bytes(line.substr(0, marks_at) + " | port=1" + line.substr(marks_at)), key_of(1)));
  std::string shifted = line;
  shifted.erase(marks_at + 9, 1);
  CHECK_FALSE(is_marked_with(as_bytes(shifted), key_of(2)));
  CHECK_FALSE(is_marked_with(as_bytes(line.substr(0, marks_at)), key_of(1)));
}

TEST_CASE("a signature is nobody's mark") {
  Announcement answer = announcement();
  answer.marks.reset();
  answer.signature = Signature{Timestamp{1'763'733'203'123}, "0123456789abcdef", UniqueId{3, 4}};
  const std::string line = format_signed(answer, key_of(1));
  const std::string start = line.substr(0, line.rfind(" | mac="));
  std::array<unsigned char, 25> digits{};
  EVP_EncodeBlock(digits.data(), key_of(1).signature_of(start).data(), 16);
  std::string mark(digits.begin(), digits.begin() + kMarkSize);
  std::ranges::replace(mark, '+', '-');
  std::ranges::replace(mark, '/', '_');
  const std::string recoded = start + " | marks=" + mark;
  REQUIRE(std::get<Announcement>(parse_datagram(as_bytes(recoded)).value()).marks);
  CHECK_FALSE(is_marked_with(as_bytes(recoded), key_of(1)));
}

TEST_CASE("nothing stands behind the marks") {
  const std::string line = format_marked(announcement(), keys(2));
  const std::string field = " | x=" + std::string(kMarkSize - 5, 'A');
  for (const std::string& added : {std::string(" | x=1"), field, field + field, std::string("A")})
    CHECK_FALSE(is_marked_with(as_bytes(line + added), key_of(1)));
  // Marks of others do: they are not signed, and say nothing.
  CHECK(is_marked_with(as_bytes(line + std::string(kMarkSize, 'A')), key_of(1)));
}

TEST_CASE("marks for which there is no room beside all that an announcement tells make the datagram none") {
  const std::string start = "VCStudio MULTIUSER SERVER | 1 | P | at=1 | marks=";
  const auto read = [&](std::size_t marks) {
    return parse_datagram(as_bytes(start + std::string(marks * kMarkSize, 'A')));
  };
  REQUIRE(read(59));
  CHECK(format(*read(59)).size() <= kDatagramMax);
  CHECK_FALSE(read(61));
}

TEST_CASE("a row of marks that is none makes the datagram none") {
  const std::string start = "VCStudio MULTIUSER SERVER | 10.0.0.1 | P | access=key | ";
  const std::string mark(kMarkSize, 'A');
  const auto is_read = [&](const std::string& fields) {
    return parse_datagram(as_bytes(start + fields)).has_value();
  };
  CHECK(is_read("at=1 | marks=" + mark));
  CHECK(is_read("at=1 | marks=" + mark + std::string(kMarkSize, '_')));
  CHECK_FALSE(is_read("marks=" + mark));
  CHECK_FALSE(is_read("at=1 | marks="));
  CHECK_FALSE(is_read("at=1 | marks=" + mark + "A"));
  CHECK_FALSE(is_read("at=1 | marks=" + mark.substr(1)));
  CHECK_FALSE(is_read("at=1 | marks=" + mark.substr(1) + "="));
  CHECK_FALSE(is_read("at=-1 | marks=" + mark));
}

TEST_CASE("a full row fits into one datagram, and one more mark would not") {
  for (const std::string& project : {std::string("P"), std::string("Moria's Race"), std::string(2000, '|')}) {
    const std::size_t room = marks_max(announcement(project));
    INFO(project.size());
    CHECK(room >= 5);
    const std::string line = format_marked(announcement(project), keys(room));
    CHECK(line.size() <= kDatagramMax);
    CHECK(line.size() + kMarkSize > kDatagramMax);
    CHECK(is_marked_with(as_bytes(line), key_of(static_cast<std::uint8_t>(room))));
  }
  CHECK(marks_max(announcement()) >= 50);
}

TEST_CASE("what is older or newer than half a minute is not fresh") {
  const Timestamp now{1'763'733'203'123};
  for (const int direction : {-1, 1}) {
    CHECK(is_fresh({now.ms + direction * 30'000}, now));
    CHECK_FALSE(is_fresh({now.ms + direction * 30'001}, now));
  }
  CHECK_FALSE(is_fresh({0}, now));
  CHECK_FALSE(is_fresh({std::numeric_limits<std::int64_t>::max()}, now));
}

}  // namespace
}  // namespace callboard::protocol::datagram_signature_test
