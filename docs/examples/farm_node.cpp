// A render node that can be asked to open a shot, by everybody and by name: callboard call open_shot /rnd/scene-01/shot-03
//   farm_node PROJECT USER SERVER
#include <csignal>
#include <thread>

#include "joined.h"

using namespace callboard;

constexpr auto kCalls =
    R"([{"name": "open_shot", "summary": "opens a shot on a node of the farm", "category": "farm",
  "args": [{"name": "shot", "type": "item"}, {"name": "frame", "type": "int", "default": 1}], "result": "text"}])";

// Takes a while, so on a thread of its own; the node goes on meanwhile.
void open_shot(const std::shared_ptr<client::OfferedCall>& call) {
  for (int percent = 0; percent < 100 && !call->is_over(); percent += 25)
    call->progress("{\"percent\": " + std::to_string(percent) + "}");
  std::printf("%s opens %s\n", call->by().c_str(), call->arguments().c_str());
  call->answer(std::string("\"open\""));
}

int main(int argc, char** argv) {
  const auto node = joined(argc, argv);
  const auto offered = node->offer(kCalls, [](std::shared_ptr<client::OfferedCall> call) {
    std::thread(open_shot, std::move(call)).detach();
  });
  if (!offered.get()) give_up(*node, offered.get().error());
  std::printf("waiting\n");
  return (void)node->left().get(), 0;  // Until the session is over for good.
}
