#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <set>

#include "tests/unit/server/studio.h"

namespace callboard::crowd_test {
using namespace callboard::server;

namespace {

// Clients who come, say whatever they like, and go at any moment, without ever waiting for an answer.
class Crowd {
 public:
  Crowd(Studio& studio, unsigned seed) : studio_(studio), random_(seed) {}

  void act() {
    if (clients_.size() < 12 || random_() % 12 == 0)
      return come(random_() % 4 == 0, random_() % 8 == 0 ? "Another Film" : "Moria's Race");
    auto& client = clients_[random_() % clients_.size()];
    switch (random_() % 10) {
      case 0:
        client.reset();
        std::erase(clients_, nullptr);
        return;
      case 1:
        return client->say_bytes(Bytes(random_() % 30, static_cast<std::byte>(random_() % 256)));
      case 2:
        return client->say(protocol::Ticket{UniqueId{random_(), random_()}});
      default:
        client->say(protocol::TurnRequest{});
        for (auto i = random_() % 6; i > 0; --i) client->say(some_ask());
        return client->say(protocol::Yours{});
    }
  }

  // The whole join at once: answers are known beforehand.
  void come(bool visits, const std::string& project) {
    auto client = studio_.connect();
    client->say(protocol::Username{"crowd", Timestamp{5}, visits, true, "", ""});
    client->say(protocol::Project{project});
    if (!visits) {
      protocol::DocumentClaim analytics;
      analytics.record = protocol::DocumentRecord::analytics;
      protocol::AssetsClaim assets;
      assets.items["/rnd/1"] = Timestamp{static_cast<std::int64_t>(random_() % 99)};
      for (const protocol::ClientMessage& claim :
           {protocol::ClientMessage(protocol::DocumentClaim{}), protocol::ClientMessage(assets),
            protocol::ClientMessage(analytics)}) {
        client->say(claim);
        client->say(protocol::JoinOk{});
      }
    }
    client->say(protocol::Yours{});
    clients_.push_back(std::move(client));
  }

  // One that is let in before anything else happens.
  void join() {
    auto client = studio_.connect();
    REQUIRE(client->join("guest"));
    clients_.push_back(std::move(client));
  }

 private:
  protocol::ClientMessage some_ask() {
    const std::uint32_t id = ++last_ask_;
    switch (random_() % 9) {
      case 0:
        return protocol::UsersAsk{id};
      case 1:
        return protocol::AtAsk{id, "/rnd/" + std::to_string(random_() % 5)};
      case 2:
        return protocol::CameraAsk{id, static_cast<std::int64_t>(random_() % 9), 1};
      case 3:
        return protocol::MessageAsk{id, "hello", UniqueId{9, random_() % 50 + 1}};
      case 4:
        return protocol::GetAsk{id, "crowd", false, "/rnd", false};
      case 5:
        return protocol::GetAsk{id, "", true, "/rnd/1", false};
      case 6:
        return protocol::CancelAsk{id, random_() % 5};
      case 7: {
        protocol::AssetsChange change;
        change.id = id;
        change.items["/rnd/" + std::to_string(random_() % 5)] =
            Timestamp{static_cast<std::int64_t>(random_() % 99)};
        return change;
      }
      default: {
        protocol::DocumentWrite write;
        write.id = id;
        write.op = UniqueId{8, random_() % 50 + 1};
        write.document = std::make_shared<const std::string>(random_() % 4 == 0 ? "{broken" : "[1,2]");
        return write;
      }
    }
  }

  Studio& studio_;
  std::mt19937_64 random_;
  std::uint32_t last_ask_ = 0;
  std::vector<std::unique_ptr<TestClient>> clients_;
};

}  // namespace

TEST_CASE("a crowd that does anything at any moment costs a member nothing, and every leaving is told once") {
  const auto seed = GENERATE(range(1U, 6U));
  INFO("seed " << seed);
  Studio studio;
  auto member = studio.join("member");
  {
    Crowd crowd(studio, seed);
    for (int i = 0; i < 400; ++i) {
      crowd.act();
      // Some of those who come are let in meanwhile, and some for sure.
      if (i % 3 == 0) studio.loop.run_until([] { return false; }, 1ms);
      if (i % 30 != 0) continue;
      crowd.join();
      static_cast<void>(member->told<protocol::Users>());
    }
  }
  REQUIRE(member->comes_to_see(1));
  CHECK(member->ask_for<protocol::Assets>(protocol::AssetsRead{}).items.empty());
  CHECK(member->ask_for<protocol::Status>(protocol::StatusAsk{}).transfers.empty());
  std::map<SessionId, int> here;
  for (const auto& tell : member->told<protocol::Users>()) {
    for (const auto& user : tell.users) here[user.session] = 1;
    for (const auto& left : tell.left) {
      INFO("session " << to_text(left.session));
      CHECK(--here[left.session] == 0);
    }
  }
  CHECK(here.size() > 10);
  for (const auto& [session, count] : here) CHECK(count == (session == member->session ? 1 : 0));
}

}  // namespace callboard::crowd_test
