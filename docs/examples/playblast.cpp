// A playblast, frame by frame, from one workstation to another: no faster than it is looked at.
//   playblast PROJECT USER SERVER                       shows the next one that somebody sends
//   playblast PROJECT USER SERVER VIEWER FRAMES SIZE    sends so many frames of so many bytes
#include <future>
#include <span>
#include <vector>

#include "joined.h"

using namespace callboard;

// A thread of the channel's own: it may wait.
void show(client::Client& client, const std::shared_ptr<client::Channel>& channel, std::promise<int>& shown) {
  int frames = 0;
  for (;; ++frames) {
    const auto frame = channel->receive();
    if (!frame) give_up(client, frame.error());  // Broken off; the text says by whom.
    if (!*frame) break;                          // That was all.
    std::printf("frame %d from %s: %zu bytes\n", frames, channel->peer().c_str(), (*frame)->size());
  }
  if (auto closed = channel->close(); !closed) give_up(client, closed.error());
  shown.set_value(frames);
}

int main(int argc, char** argv) {
  const auto client = joined(argc, argv);
  if (argc < 7) {
    std::promise<int> shown;
    const auto offered = client->offer_channel(
        {.name = "playblast",
         .take = [&](const std::shared_ptr<client::Channel>& channel) { show(*client, channel, shown); }});
    if (!offered.get()) give_up(*client, offered.get().error());
    std::printf("waiting\n");
    return std::printf("%d frames\n", shown.get_future().get()), 0;
  }
  const auto channel = client->open_channel(argv[4], "playblast").get();
  if (!channel) give_up(*client, channel.error());
  std::vector<float> pixels(std::stoul(argv[6]) / sizeof(float));
  for (int frame = 0; frame < std::stoi(argv[5]); ++frame) {
    pixels.front() = static_cast<float>(frame);
    if (auto sent = (*channel)->send(std::as_bytes(std::span(pixels))); !sent) give_up(*client, sent.error());
  }
  if (auto closed = (*channel)->close(); !closed)
    give_up(*client, closed.error());  // Every frame was read there.
  return std::printf("sent to %s\n", (*channel)->peer().c_str()), 0;
}
