#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/text.h"
#include "tools/cli/channel_pipe.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

// Pipes between two programs on two machines, as they are between two on one.
namespace callboard::cli {
namespace {

struct ChannelWords {
  std::vector<std::string> who_and_what;  // USER NAME; only NAME with --listen.
  std::string to_server;
  std::string listen;
  std::string from;
  std::optional<std::string> input;
  std::optional<std::string> output;
};

// What is read and written: files, or the streams.
struct Ends {
  Fd input_file;
  Fd output_file;

  int input() const { return input_file ? input_file.get() : STDIN_FILENO; }
  int output() const { return output_file ? output_file.get() : STDOUT_FILENO; }
};

Result<Fd> open_end(std::string_view option, const std::optional<std::string>& path, int flags) {
  if (!path) return Fd();
  const int fd = ::open(path->c_str(), flags | O_CLOEXEC, 0666);
  if (fd < 0) return os_error(fmt::format("{} {}", option, callboard::quoted(*path)), errno);
  return Fd(fd);
}

// To be made, if it is not there: what its folder lacks is why it cannot be.
Result<void> check_output(const std::string& path) {
  const std::string doing = "--output " + callboard::quoted(path);
  if (::access(path.c_str(), W_OK) == 0) return {};
  if (errno != ENOENT) return os_error(doing, errno);
  const std::string folder = std::filesystem::path(path).parent_path();
  if (::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) == 0) return {};
  return os_error(doing + ": folder " + callboard::quoted(folder.empty() ? "." : folder), errno);
}

// Before anybody is asked for: else who comes finds out. Looked at alone, since opening a named pipe waits for its other end.
Result<void> check_ends(const ChannelWords& words) {
  std::error_code unused;
  for (const auto& [option, path] :
       {std::pair("--input ", words.input), std::pair("--output ", words.output)}) {
    if (path && path->empty())
      return Error{Outcome::usage, option + callboard::quoted(*path) + ": expected a file"};
    if (path && std::filesystem::is_directory(*path, unused))
      return os_error(option + callboard::quoted(*path), EISDIR);
  }
  if (words.input && ::access(words.input->c_str(), R_OK) != 0)
    return os_error("--input " + callboard::quoted(*words.input), errno);
  return words.output ? check_output(*words.output) : Result<void>();
}

Result<Ends> open_ends(const ChannelWords& words) {
  auto input = open_end("--input", words.input, O_RDONLY);
  if (!input) return input.error();
  auto output = open_end("--output", words.output, O_WRONLY | O_CREAT | O_TRUNC);
  if (!output) return output.error();
  return Ends{std::move(*input), std::move(*output)};
}

class Warner final : public client::Listener {
 public:
  explicit Warner(Output& output) : output_(output) {}
  void on_warning(std::string_view text) override { output_.warning(std::string(text)); }

 private:
  Output& output_;
};

// A visit of its own, also where a join runs: the channel's connection is between this program and the server.
Result<std::unique_ptr<client::Client>> enter(Run& run, Warner& warner, bool stays) {
  auto options = client_options(run);
  if (!options) return options.error();
  options->visit = true;
  options->stays = stays;
  auto client = client::Client::start(std::move(*options), &warner);
  if (!client) return client.error();
  if (auto joined = (*client)->joined().get(); !joined) return joined.error();
  return client;
}

Result<void> carry(Run& run, client::Channel& channel, const ChannelWords& words) {
  auto ends = open_ends(words);
  if (!ends) return ends.error();
  const bool is_to_server = channel.peer().empty();
  run.output.message(fmt::format("channel {} with {} is open", callboard::quoted(channel.name()),
                                 is_to_server ? "the server" : callboard::quoted(channel.peer())));
  JsonObject opened{{"event", "open"}, {"channel", channel.name()}};
  if (!is_to_server) opened.add("peer", channel.peer());
  run.output.object(opened);
  ChannelPipe input(channel, ends->input());
  auto carried = carry_out(channel, ends->output());
  // A file that cannot be written, say: the other side need not wait.
  if (!carried) channel.cancel();
  const auto sent = input.stop();
  // Leaving may overtake the end on its other connection.
  if (carried) static_cast<void>(channel.await_word());
  run.output.object({{"event", "closed"},
                     {"sent_bytes", channel.sent_bytes()},
                     {"received_bytes", channel.received_bytes()}});
  const bool is_input_at_fault = !sent && sent.error().outcome != Outcome::cancelled;
  return is_input_at_fault ? sent : carried;
}

Result<void> open_channel(Run& run, client::Client& client, const ChannelWords& words) {
  const bool is_to_server = !words.to_server.empty();
  const auto channel = (is_to_server ? client.open_channel("", words.to_server)
                                     : client.open_channel(words.who_and_what[0], words.who_and_what[1]))
                           .get();
  if (!channel) return channel.error();
  return carry(run, **channel, words);
}

// The first who comes is served, others are told that somebody was.
Result<void> listen(Run& run, client::Client& client, const ChannelWords& words) {
  client::Answer<bool> over;
  const auto is_taken = std::make_shared<std::atomic<bool>>(false);
  client::ChannelOffer offer;
  offer.name = words.listen;
  offer.may = [&words, is_taken](const client::ChannelRequest& request) -> Result<void> {
    if (!words.from.empty() && request.user != words.from)
      return Error{Outcome::refused, "does not take it from you"};
    if (*is_taken) {
      return Error{Outcome::refused,
                   fmt::format("has somebody on channel {} already", callboard::quoted(words.listen))};
    }
    return {};
  };
  offer.take = [&run, &words, is_taken, over](const std::shared_ptr<client::Channel>& channel) {
    if (is_taken->exchange(true)) return channel->cancel();
    const auto carried = carry(run, *channel, words);
    over.set(carried ? Result<bool>(true) : carried.error());
  };
  if (auto offered = client.offer_channel(std::move(offer)).get(); !offered) return offered.error();
  run.output.message(fmt::format("waiting for channel {}", callboard::quoted(words.listen)));
  run.output.object({{"event", "waiting"}, {"channel", words.listen}});
  client.left().then([over](const Result<bool>& left) {
    over.set(left ? Error{Outcome::cancelled, ""} : left.error());
  });
  const auto ended = over.get();
  if (!ended) return ended.error();
  return {};
}

Result<void> channel(Run& run, const ChannelWords& words) {
  const bool listens = !words.listen.empty();
  const bool is_to_server = !words.to_server.empty();
  if (words.who_and_what.size() != (listens || is_to_server ? 0 : 2) || (listens && is_to_server)) {
    return Error{
        Outcome::usage,
        "expected USER NAME, to open a channel, --to-server NAME, to open one to the server, or --listen "
        "NAME, to wait for one"};
  }
  if (!listens && !words.from.empty()) return Error{Outcome::usage, "--from USER: expected with --listen"};
  if (run.output.is_json() && !words.output) {
    return Error{Outcome::usage, "--json: expected --output FILE for what comes on the channel"};
  }
  if (auto sound = check_ends(words); !sound) return sound;
  Warner warner(run.output);
  auto client = enter(run, warner, listens);
  if (!client) return client.error();
  const Interrupt::Listener listening = run.interrupt.listen([&] { (*client)->leave(); });
  auto ended = listens ? listen(run, **client, words) : open_channel(run, **client, words);
  if (ended) return ended;
  if (run.interrupt.is_requested()) return Error{Outcome::cancelled, ""};
  // A connection that was closed in order is still no end of the channel's.
  const Outcome outcome = ended.error().outcome;
  return Error{outcome == Outcome::done ? Outcome::interrupted : outcome, ended.error().text};
}

}  // namespace

void add_channel(Program& program) {
  auto words = std::make_shared<ChannelWords>();
  program
      .add_verb(
          {.name = "channel",
           .summary =
               "a pipe to another machine: what you type or feed in comes out there, and the other way",
           .example =
               "callboard channel --listen playblast > sc01.mp4   # as lighting\n"
               "  callboard channel lighting playblast < sc01.mp4\n"
               "  callboard channel --to-server words < script.txt   # a plugin of the server's takes it"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .texts(words->who_and_what, "USER NAME", "who waits for it, and what it is called there")
      .text(words->to_server, "--to-server NAME", "open a channel to the server, of which a plugin takes it")
      .text(words->listen, "--listen NAME", "wait until somebody opens the channel of this name to you")
      .text(words->from, "--from USER", "with --listen: nobody else")
      .text(words->input, "--input FILE", "send this instead of what comes on stdin")
      .text(words->output, "--output FILE", "write what comes here instead of on stdout")
      .runs([words](Run& run) { return channel(run, *words); });
}

}  // namespace callboard::cli
