#include "protocol/datagram.h"

#include <string>
#include <string_view>

#include <catch2/catch.hpp>

namespace callboard::datagram_test {
using namespace callboard::protocol;

namespace {

constexpr std::string_view kAnnouncement =
    "VCStudio MULTIUSER SERVER | 192.168.1.5 | Moria's Race | port=7000 | "
    "id=6f3a5d2c9b8e47f10a1b2c3d4e5f6071 | proto=1 | "
    "access=key";

std::optional<Datagram> parse_text(std::string_view line) { return parse_datagram(as_bytes(line)); }

template <class T>
T parsed(std::string_view line) {
  const auto datagram = parse_text(line);
  REQUIRE(datagram);
  REQUIRE(std::holds_alternative<T>(*datagram));
  return std::get<T>(*datagram);
}

}  // namespace

TEST_CASE("an announcement tells where its server is") {
  const auto d = parsed<Announcement>(kAnnouncement);
  CHECK(d.address == "192.168.1.5");
  CHECK(d.project == "Moria's Race");
  CHECK(d.port == 7000);
  CHECK(d.id == UniqueId{0x6f3a5d2c9b8e47f1, 0x0a1b2c3d4e5f6071});
  CHECK(d.proto == 1);
  CHECK(d.access == "key");
}

TEST_CASE("the fields after the fixed ones come in any order, and unknown ones are ignored") {
  const auto d = parsed<Announcement>(
      "VCStudio MULTIUSER SERVER | 10.0.0.1 | P | colour=red | proto=2 | nonsense | port=1");
  CHECK(d.port == 1);
  CHECK(d.proto == 2);
  CHECK(d.access == "open");
  CHECK_FALSE(d.id);
}

TEST_CASE("the plain announcement and abort of the program before are understood") {
  const auto d = parsed<Announcement>("VCStudio MULTIUSER SERVER | 192.168.1.5 | Moria's Race");
  CHECK(d.project == "Moria's Race");
  CHECK(d.port == 64646);
  CHECK(d.proto == 0);
  CHECK_FALSE(parsed<Abort>("VCStudio ABORT MULTIUSER").project);
  CHECK_FALSE(parsed<Abort>("VCStudio ABORT MULTIUSER\n").project);
}

TEST_CASE("search and abort may name a project") {
  CHECK_FALSE(parsed<Search>("VCStudio MULTIUSER WHERE").project);
  CHECK(parsed<Search>("VCStudio MULTIUSER WHERE | project=A=B").project == "A=B");
  CHECK(parsed<Abort>("VCStudio ABORT MULTIUSER | project=P | at=1").project == "P");
}

TEST_CASE("what would break a line travels as percent and hex digits") {
  const std::string name = "100% | a\nb\x7f Größe \xe2\x80\xa8";
  const std::string line = format(Search{name});
  CHECK(line == "VCStudio MULTIUSER WHERE | project=100%25 %7C a%0Ab%7F Größe %E2%80%A8");
  CHECK(parsed<Search>(line).project == name);
}

TEST_CASE("datagrams are written as documented") {
  CHECK(format(Announcement{.address = "192.168.1.5",
                            .project = "Moria's Race",
                            .port = 7000,
                            .id = UniqueId{0x6f3a5d2c9b8e47f1, 0x0a1b2c3d4e5f6071},
                            .access = "key"}) == kAnnouncement);
  CHECK(format(AbortAcknowledged{"10.0.0.1", "P", UniqueId{1, 2}}) ==
        "VCStudio MULTIUSER ABORTED | 10.0.0.1 | P | id=00000000000000010000000000000002");
  CHECK(format(TerminalLine{"13:52:23", "rig|ging", "connected"}) ==
        "VCStudio MULTIUSER SERVER TERMINAL | 13:52:23 | rig%7Cging | connected");
  CHECK(format(Abort{}) == "VCStudio ABORT MULTIUSER");
}

TEST_CASE("whatever is not one of ours is ignored") {
  for (const char* line : {"",
                           "hello",
                           "VCStudio",
                           "VCStudio MULTIUSER SERVER",
                           "VCStudio MULTIUSER SERVER | 10.0.0.1",
                           "VCStudio MULTIUSER SERVER | not an address | P",
                           "VCStudio MULTIUSER SERVER | 10.0.0.1 | ",
                           "VCStudio MULTIUSER SERVER | 10.0.0.1 | P | port=0",
                           "VCStudio MULTIUSER SERVER | 10.0.0.1 | P | port=65536",
                           "VCStudio MULTIUSER SERVER | 10.0.0.1 | P | port=7x",
                           "VCStudio MULTIUSER SERVER | 10.0.0.1 | P | port=-1",
                           "VCStudio MULTIUSER SERVER | 10.0.0.1 | P | id=12",
                           "VCStudio MULTIUSER SERVER | 10.0.0.1 | P%",
                           "VCStudio MULTIUSER SERVER | 10.0.0.1 | P%2",
                           "VCStudio MULTIUSER SERVER | 10.0.0.1 | P%zz",
                           "VCStudio MULTIUSER SERVER | 10.0.0.1 | %ff",
                           "VCStudio MULTIUSER SERVER|10.0.0.1|P",
                           "VCStudio MULTIUSER WHEREABOUTS",
                           "VCStudio MULTIUSER WHERE | project=",
                           "VCStudio ABORT MULTIUSER | project=%80",
                           "vcstudio abort multiuser",
                           "VCStudio ABORT MULTIUSER\nVCStudio ABORT MULTIUSER",
                           "VCStudio ABORT MULTIUSER | project=\x80",
                           "VCStudio MULTIUSER SERVER TERMINAL | 13:52:23 | rigging",
                           "VCStudio MULTIUSER ABORTED | 10.0.0.1"}) {
    INFO(line);
    CHECK_FALSE(parse_text(line));
  }
}

TEST_CASE("no truncation of a datagram does anything worse than being ignored") {
  for (std::size_t size = 0; size < kAnnouncement.size(); ++size) {
    INFO(kAnnouncement.substr(0, size));
    const auto datagram = parse_text(kAnnouncement.substr(0, size));
    // The address must be whole before anything is understood.
    if (size <= 40) CHECK_FALSE(datagram);
    if (datagram) CHECK(std::holds_alternative<Announcement>(*datagram));
  }
}

TEST_CASE("a datagram may have 1400 bytes and no more") {
  const std::string start = "VCStudio MULTIUSER WHERE | project=";
  for (const std::size_t size : {1399U, 1400U, 1401U}) {
    INFO(size);
    CHECK(parse_text(start + std::string(size - start.size(), 'a')).has_value() == (size <= 1400));
  }
}

TEST_CASE("what is written never exceeds 1400 bytes, and is cut between characters") {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "ü|";
  const std::string line = format(TerminalLine{"13:52:23", text, text});
  CHECK(line.size() <= 1400);
  CHECK(line.size() > 1390);
  CHECK(parsed<TerminalLine>(line).text.substr(0, 6) == "ü|ü|");
  CHECK(format(Announcement{.address = "10.0.0.1", .project = text, .id = UniqueId{1, 1}}).size() <= 1400);
  CHECK(parsed<Search>(format(Search{text})).project->substr(0, 3) == "ü|");
}

}  // namespace callboard::datagram_test
