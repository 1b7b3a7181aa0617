// A review in 60 lines: everybody votes on the shots under /reviews, and sees the votes of all as they come.
#include <cstdio>
#include <string>

#include "client/board.h"

using namespace callboard;

struct Review {
  std::string status;
  std::int64_t votes = 0;
  std::optional<std::string> note{};

  static constexpr std::string_view kClass = "review";
  static void describe(auto& field) {
    field("status", &Review::status);
    field("votes", &Review::votes);
    field("note", &Review::note);
  }
};

// Somebody else may vote at the same moment: then what is there now is what counts.
Result<std::uint64_t> vote(client::Board& board, const std::string& path) {
  for (;;) {
    const auto found = board.read<Review>(path).get();
    if (!found) return found.error();
    if (found->empty()) {
      const auto made = board.make(path, Review{.status = "open", .votes = 1}).get();
      if (made || made.error().outcome != Outcome::superseded) return made;
      continue;
    }
    const auto& review = found->front();
    const auto written = review.set_if_unchanged(&Review::votes, review->votes + 1).get();
    if (written || written.error().outcome != Outcome::superseded) return written;
  }
}

int main(int argc, char** argv) {
  if (argc != 5) return std::fprintf(stderr, "usage: PROJECT USER SERVER SHOT\n"), 2;
  client::Options options;
  options.project = argv[1];
  options.user = argv[2];
  options.server = argv[3];
  options.schema = client::schema_of<Review>();  // A server whose reviews are something else is not joined.
  options.rejoin = false;
  auto client = client::Client::start(options, nullptr);
  if (!client) return std::fprintf(stderr, "%s\n", client.error().text.c_str()), 1;
  if (auto self = (*client)->joined().get(); !self)
    return std::fprintf(stderr, "%s\n", self.error().text.c_str()), 1;

  client::Board board(**client);
  (void)board.on<Review>("/reviews/*", [](const client::Held<Review>& review) {
    std::printf("%s: %s, %lld votes\n", review.record().path.c_str(), review->status.c_str(),
                static_cast<long long>(review->votes));
  });
  const auto voted = vote(board, std::string("/reviews/") + argv[4]);
  if (!voted) return std::fprintf(stderr, "not voted: %s\n", voted.error().text.c_str()), 1;
  return 0;
}
