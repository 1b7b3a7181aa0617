// "Follow my camera": a record that its owner alone writes and that goes when they do. Told as it is now, never a queue.
//   follow_camera PROJECT USER SERVER           "X Y Z" a line on stdin moves one's own
//   follow_camera PROJECT USER SERVER WHOM      shows theirs, until they leave
#include <future>
#include <iostream>

#include "client/board.h"
#include "joined.h"

using namespace callboard;

struct Camera {
  double x = 0, y = 0, z = 0;

  static constexpr std::string_view kClass = "camera";
  static void describe(auto& field) {
    field("x", &Camera::x);
    field("y", &Camera::y);
    field("z", &Camera::z);
  }
};

int main(int argc, char** argv) {
  std::promise<void> left;
  const auto client = joined(argc, argv);
  client::Board board(*client);
  if (argc > 4) {
    const auto following = board.on<Camera>(
        std::string("/cameras/") + argv[4],
        [](const client::Held<Camera>& camera) {
          std::printf("%g %g %g\n", camera->x, camera->y, camera->z);
        },
        [&](const client::RecordGone&) { left.set_value(); });
    if (!following.get()) give_up(*client, following.get().error());
    return left.get_future().wait(), std::printf("%s has left\n", argv[4]), 0;
  }
  const std::string own = std::string("/cameras/") + argv[2];
  for (Camera camera; std::cin >> camera.x >> camera.y >> camera.z;) {
    if (auto told = board.put(own, camera).get(); !told) give_up(*client, told.error());
  }
  return 0;
}
