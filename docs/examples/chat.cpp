// A chat with rooms: each is a zone, what was said in it its records. What is typed is said; who enters hears all of it.
//   chat PROJECT USER SERVER ROOM
#include <iostream>

#include "client/board.h"
#include "joined.h"

using namespace callboard;

struct Line {
  std::string text;

  static constexpr std::string_view kClass = "line";
  static void describe(auto& field) { field("text", &Line::text); }
};

int main(int argc, char** argv) {
  const auto client = joined(argc, argv);
  const std::string room = std::string("/chat/") + (argc > 4 ? argv[4] : "hall");
  client::Board board(*client);
  const auto entered = board.on<Line>(room, [](const client::Held<Line>& line) {
    std::printf("%s: %s\n", line.record().by.c_str(), line->text.c_str());
  });
  if (!entered.get()) give_up(*client, entered.get().error());
  for (std::string text; std::getline(std::cin, text);) {
    // Later ones come later in a zone.
    const std::string path = room + "/" + to_text(make_operation_id(system_clock().wall(), system_random()));
    if (auto said = board.make(path, Line{text}).get(); !said) give_up(*client, said.error());
  }
  return 0;
}
