#include "server/plugin_threads.h"

#include <catch2/catch.hpp>
#include <future>

#include "tests/unit/server/test_client.h"

namespace callboard::server::plugin_threads_test {
namespace {

TEST_CASE("what a thread brings back comes to the loop, and the thread is gone then") {
  net::Loop loop;
  PluginThreads threads(loop);
  bool is_back = false;
  std::thread::id where;
  REQUIRE(threads.start({"words.so", "call word.length"}, [&] {
    const auto id = std::this_thread::get_id();
    return [&, id] {
      where = id;
      is_back = true;
    };
  }));
  CHECK(loop.run_until([&] { return is_back; }, kPatience));
  CHECK(where != std::this_thread::get_id());
  CHECK(threads.running().empty());
}

TEST_CASE("a thread that goes on is named, holds nobody up, and is heard no more") {
  std::promise<void> end;
  std::promise<void> over;
  std::atomic<bool> is_told{false};
  net::Loop loop;
  {
    PluginThreads threads(loop);
    REQUIRE(threads.start({"words.so", "its end"},
                          [&is_told, ended = end.get_future().share(), post = threads.poster(), &over] {
                            ended.wait();
                            post([&is_told] { is_told = true; });
                            over.set_value();
                            return [&is_told] { is_told = true; };
                          }));
    CHECK_FALSE(threads.wait(1ms));
    REQUIRE(threads.running().size() == 1);
    CHECK(threads.running()[0].what == "its end");
  }
  end.set_value();
  over.get_future().wait();
  loop.run();
  CHECK_FALSE(is_told);
}

}  // namespace
}  // namespace callboard::server::plugin_threads_test
