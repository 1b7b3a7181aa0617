// Every field of every message: required or not, its type, its limits, by name.
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "protocol/codec.h"

namespace callboard::fields_test {
using namespace callboard::protocol;
using Json = nlohmann::json;

namespace {

std::string client_error(const std::string& json) {
  const auto message = decode_client(1, as_bytes(json));
  return message ? "" : message.error().text;
}
std::string server_error(const std::string& json) {
  const auto message = decode_server(1, as_bytes(json));
  return message ? "" : message.error().text;
}
using ErrorOf = std::string (*)(const std::string&);

struct Example {
  std::string json;
  std::vector<std::string> required;
  std::vector<std::string> optional = {};
};

const std::string kId16 = "\"066a9a8b3c400001\"";
const std::string kId32 = "\"5d41402abc4b2a76b9719d911017c592\"";

// Keys that decide which message a verb is (id, revision, full, re of transfer) are tried below, by hand.
const std::vector<Example> kClient{
    {R"({"verb":"username","name":"rigging","clock":1,"visit":true,"shares":true,"host":"a","software":"b","workstation":)" +
         kId32 + "}",
     {"name", "clock"},
     {"visit", "shares", "host", "software", "workstation"}},
    {R"({"verb":"project","project":"P"})", {"project"}},
    {R"({"verb":"story","timestamp":1,"base":1})", {"timestamp"}, {"base"}},
    {R"({"verb":"assets","items":{"/a":1}})", {"items"}},
    {R"({"verb":"assets","id":1,"items":{"/a":1,"/b":null}})", {}, {"items"}},
    {R"({"verb":"at","id":1,"item":"/a"})", {"id", "item"}},
    {R"({"verb":"camera","id":1,"x":-1,"y":2})", {"id", "x", "y"}},
    {R"({"verb":"users","id":1})", {"id"}},
    {R"({"verb":"message","id":1,"text":"t","op":)" + kId32 + "}", {"id", "text", "op"}},
    {R"({"verb":"messages","id":1,"since":1})", {"id"}, {"since"}},
    {R"({"verb":"get","id":1,"newest":true,"item":"/a","list":true,"compress":"auto"})",
     {"id", "item", "newest"},
     {"list", "compress"}},
    {R"({"verb":"get","id":1,"user":"lighting","item":"/a"})", {"id", "item", "user"}},
    {R"({"verb":"cancel","id":1,"transfer":1})", {"id", "transfer"}},
    {R"({"verb":"working","id":1,"transfers":[7]})", {"id", "transfers"}},
    {R"({"verb":"status","id":1})", {"id"}},
    {R"({"verb":"audit","id":1,"since":1})", {"id"}, {"since"}},
    {R"({"verb":"bye","outcome":"done","reason":"r"})", {"outcome"}, {"reason"}},
    {R"({"verb":"ticket","ticket":)" + kId32 + "}", {"ticket"}},
};

const std::vector<Example> kServer{
    {R"({"verb":"username?","proto":1,"software":"s","server":)" + kId32 + "}",
     {"proto", "software", "server"}},
    {R"({"verb":"welcome","name":"n","clock":1,"frame_max":1,"heartbeat_ms":1,"silence_ms":1,"session":)" +
         kId16 + "}",
     {"session", "name", "clock", "frame_max", "heartbeat_ms", "silence_ms"}},
    {R"({"verb":"wrong_project","project":"P"})", {"project"}},
    {R"({"verb":"story","re":1,"timestamp":1,"revision":1,"by":"n","won":true,"session":)" + kId16 + "}",
     {"timestamp", "won"},
     {"re", "by", "session"}},
    {R"({"verb":"assets","re":1,"full":true,"items":{"/a":{"user":"n","timestamp":1,"session":)" + kId16 +
         "}}}",
     {"full", "items"},
     {"re"}},
    {R"({"verb":"users","re":1,"full":true,"users":[],"left":[]})", {"full", "users"}, {"re", "left"}},
    {R"({"verb":"messages","re":1,"messages":[],"last":1})", {"messages", "last"}, {"re"}},
    {R"({"verb":"ok","re":1,"number":1})", {"re"}, {"number"}},
    {R"({"verb":"error","re":1,"outcome":"failed","text":"t"})", {"re", "outcome", "text"}},
    {R"({"verb":"transfer","re":1,"transfer":1,"user":"n","session":)" + kId16 + ",\"ticket\":" + kId32 + "}",
     {"transfer", "ticket", "user", "session"}},
    {R"({"verb":"transfer","transfer":1,"outcome":"done","text":"t","bytes":1})",
     {"transfer", "outcome", "bytes"},
     {"text"}},
    {R"({"verb":"give","transfer":1,"user":"n","item":"/a","list":true,"compress":"auto","ticket":)" + kId32 +
         "}",
     {"transfer", "ticket", "user", "item", "list"},
     {"compress"}},
    {R"({"verb":"at","user":"n","item":"/a","since":1,"session":)" + kId16 + "}",
     {"session", "user", "item", "since"}},
    {R"({"verb":"status","re":1,"project":"P","software":"s","started":1,"clock":1,"sessions":1,"visits":1,"revision":1,)"
     R"("connections":1,"transfers":[],"memory":1,"server":)" +
         kId32 + "}",
     {"re", "project", "software", "started", "clock", "sessions", "visits", "revision", "connections",
      "transfers", "memory", "server"}},
    {R"({"verb":"audit","re":1,"entries":[],"last":1})", {"re", "entries", "last"}},
    {R"({"verb":"bye","outcome":"done","reason":"r"})", {"outcome"}, {"reason"}},
};

// Values of every JSON type, and numbers that no integer field takes.
const std::vector<Json> kOthers{nullptr, true, 3.9, -1.5, "nonsense", Json::array(), Json::object(), 1e30};

bool is_same_type(const Json& a, const Json& b) {
  return a.type_name() == std::string(b.type_name()) && !b.is_number_float();
}

void check_examples(const std::vector<Example>& examples, ErrorOf error_of) {
  for (const Example& example : examples) {
    INFO(example.json);
    REQUIRE(error_of(example.json).empty());
    Json with_more = Json::parse(example.json);
    with_more["a key from the future"] = {1, 2};
    CHECK(error_of(with_more.dump()).empty());
    for (const std::string& key : example.required) {
      Json without = Json::parse(example.json);
      without.erase(key);
      INFO(key);
      CHECK_FALSE(error_of(without.dump()).empty());
    }
    for (const std::string& key : example.optional) {
      Json without = Json::parse(example.json);
      without.erase(key);
      INFO(key);
      CHECK(error_of(without.dump()).empty());
    }
  }
}

void check_types(const std::vector<Example>& examples, ErrorOf error_of) {
  for (const Example& example : examples) {
    const Json sound = Json::parse(example.json);
    for (const auto& [key, value] : sound.items()) {
      for (const Json& other : kOthers) {
        if (is_same_type(value, other)) continue;
        Json wrong = sound;
        wrong[key] = other;
        INFO(wrong.dump());
        const std::string error = error_of(wrong.dump());
        CHECK(error.find(key + ": ") != std::string::npos);
      }
    }
  }
}

std::string username(const std::string& name) {
  return Json{{"verb", "username"}, {"clock", 1}, {"name", name}}.dump();
}
std::string at(const std::string& item) { return Json{{"verb", "at"}, {"id", 1}, {"item", item}}.dump(); }
std::string say(const std::string& text) {
  return Json{{"verb", "message"}, {"id", 1}, {"text", text}, {"op", Json::parse(kId32)}}.dump();
}

std::string repeated(const std::string& text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("required fields are required, optional ones are not, unknown ones are ignored") {
  check_examples(kClient, client_error);
  check_examples(kServer, server_error);
}

TEST_CASE("a value of another type is an error that names the field") {
  check_types(kClient, client_error);
  check_types(kServer, server_error);
}

TEST_CASE("an error says which verb, which field, what was expected and what came") {
  CHECK(client_error(username("")) == "username: name: expected 1-64 characters, got 0");
  CHECK(client_error(R"({"verb":"username","name":"a"})") == "username: clock: missing");
  CHECK(client_error(R"({"verb":"users","id":-1})") ==
        "users: id: expected an integer of 0-4294967295, got -1");
  CHECK(client_error(R"({"verb":"users","id":3.9})") ==
        "users: id: expected an integer of 0-4294967295, got 3.9");
  CHECK(client_error(R"({"verb":"users","id":4294967296})") ==
        "users: id: expected an integer of 0-4294967295, got 4294967296");
  CHECK(client_error(R"({"verb":"users","id":"7"})") ==
        "users: id: expected an integer of 0-4294967295, got string");
  CHECK(client_error(R"({"verb":"assets","items":{"/a\n":-1}})") ==
        R"(assets: items: "/a\n": expected an integer of 0-253402300799999, got -1)");
  CHECK(server_error(R"({"verb":"users","full":true,"users":[{"session":"0"}]})") ==
        R"(users: users: entry 0: session: expected 16 hex digits, got "0")");
}

TEST_CASE("a user name has 1 to 64 characters of any script") {
  for (const char* letter : {"a", "ü", "語", "🎬"}) {
    INFO(letter);
    CHECK(client_error(username(letter)).empty());
    CHECK(client_error(username(repeated(letter, 64))).empty());
    CHECK(client_error(username(repeated(letter, 65))) == "username: name: expected 1-64 characters, got 65");
  }
  for (const char* name : {" a", "a ", "a\nb", "a\tb", "\x7f", "\xc2\x85", "\xe2\x80\xa8"}) {
    INFO(name);
    CHECK_FALSE(client_error(username(name)).empty());
  }
}

TEST_CASE("an item is a path of at most 4096 bytes") {
  CHECK(client_error(at("")).empty());
  CHECK(client_error(at("/")).empty());
  CHECK(client_error(at("/" + std::string(4094, 'a'))).empty());
  CHECK(client_error(at("/" + std::string(4095, 'a'))).empty());
  CHECK(client_error(at("/" + std::string(4096, 'a'))) == "at: item: expected 0-4096 bytes, got 4097");
  CHECK(client_error(at("dev")) == R"(at: item: expected a path that starts with "/", got "dev")");
  CHECK_FALSE(client_error(at(std::string("/a\0b", 4))).empty());
  CHECK(client_error(at("/two\nlines")).empty());
  CHECK(client_error(at("/dev/../chr")) ==
        R"(at: item: expected no "." or ".." in the path, got "/dev/../chr")");
  CHECK_FALSE(client_error(at("/./dev")).empty());
  CHECK_FALSE(client_error(at("/dev/..")).empty());
  CHECK(client_error(at("/dev/...")).empty());
  CHECK(client_error(at("/.config/a..b")).empty());
}

TEST_CASE("a message has 1 to 8192 bytes") {
  CHECK(client_error(say("")) == "message: text: expected 1-8192 bytes, got 0");
  CHECK(client_error(say(std::string(8191, 'a'))).empty());
  CHECK(client_error(say(std::string(8192, '\n'))).empty());
  CHECK(client_error(say(std::string(8193, 'a'))) == "message: text: expected 1-8192 bytes, got 8193");
}

TEST_CASE("integers may be as large as their type and no larger") {
  CHECK(client_error(R"({"verb":"messages","id":4294967295,"since":18446744073709551615})").empty());
  CHECK_FALSE(client_error(R"({"verb":"messages","id":1,"since":18446744073709551616})").empty());
  CHECK(client_error(R"({"verb":"camera","id":1,"x":-9223372036854775808,"y":9223372036854775807})").empty());
  CHECK_FALSE(client_error(R"({"verb":"camera","id":1,"x":-9223372036854775809,"y":0})").empty());
  CHECK_FALSE(client_error(R"({"verb":"camera","id":1,"x":0,"y":9223372036854775808})").empty());
  CHECK(client_error(R"({"verb":"story","timestamp":253402300799999})").empty());
  CHECK_FALSE(client_error(R"({"verb":"story","timestamp":253402300800000})").empty());
  CHECK_FALSE(client_error(R"({"verb":"story","timestamp":-1})").empty());
  CHECK_FALSE(client_error(R"({"verb":"story","timestamp":1.0})").empty());
}

TEST_CASE("a workstation may announce 20000 items and no more") {
  Json items = Json::object();
  for (int i = 0; i < 20'000; ++i) items["/rnd/" + std::to_string(i)] = i;
  CHECK(client_error(Json{{"verb", "assets"}, {"items", items}}.dump()).empty());
  items["/one more"] = 1;
  CHECK(client_error(Json{{"verb", "assets"}, {"items", items}}.dump()) ==
        "assets: items: expected at most 20000 entries, got 20001");
}

TEST_CASE("who comes back says as whom and proves it, or neither") {
  const std::string start = R"({"verb":"username","name":"rigging","clock":1,"resumable":true)";
  CHECK(client_error(start + "}").empty());
  CHECK(client_error(start + R"(,"heard":42,"resume":)" + kId16 + R"(,"secret":)" + kId32 + "}").empty());
  CHECK(client_error(start + R"(,"resume":)" + kId16 + "}") ==
        "username: secret: expected with resume, and only with it");
  CHECK_FALSE(client_error(start + R"(,"secret":)" + kId32 + "}").empty());
  CHECK_FALSE(client_error(start + R"(,"resume":"7","secret":)" + kId32 + "}").empty());
  CHECK_FALSE(client_error(start + R"(,"resume":)" + kId16 + R"(,"secret":"guess"})").empty());
  CHECK_FALSE(
      client_error(start + R"(,"heard":-1,"resume":)" + kId16 + R"(,"secret":)" + kId32 + "}").empty());
}

TEST_CASE("a frame with far too many values is refused before it is built") {
  const std::string json = R"({"verb":"ok","x":[)" + repeated("1,", 100'000) + "1]}";
  CHECK(client_error(json) == "frame: expected JSON, got too many values");
}

TEST_CASE("a compression that is not known is none") {
  const auto asked = [](const std::string& text) {
    const auto message = decode_client(
        1, as_bytes(R"({"verb":"get","id":1,"item":"/a","newest":true,"compress":")" + text + "\"}"));
    return std::get<GetAsk>(message.value()).compress;
  };
  CHECK(asked("auto") == Compression::automatic);
  CHECK(asked("always") == Compression::always);
  CHECK(asked("brotli") == Compression::never);
}

TEST_CASE("what a get asks for is a user or the newest, not both and not neither") {
  CHECK_FALSE(client_error(R"({"verb":"get","id":1,"item":"/a"})").empty());
  CHECK_FALSE(client_error(R"({"verb":"get","id":1,"item":"/a","user":"u","newest":true})").empty());
}

TEST_CASE("a user is read whole, and a camera is two integers") {
  const auto users = [](const std::string& camera) {
    return R"j({"verb":"users","full":true,"users":[{"session":"066a9a8b3c400001","name":"rigging (2)","shares":false,)j"
           R"j("joined":5,"at":"","since":6,"camera":)j" +
           camera + "}]}";
  };
  const std::string json = users("[-1,2]");
  const auto message = decode_server(1, as_bytes(json));
  REQUIRE(message);
  const User& user = std::get<Users>(*message).users.at(0);
  CHECK(user.name == "rigging (2)");
  CHECK(user.session == SessionId{0x066a9a8b3c400001});
  CHECK(user.joined == Timestamp{5});
  CHECK(user.since == Timestamp{6});
  CHECK(user.camera.x == -1);
  CHECK(user.camera.y == 2);
  for (const char* camera : {"[1]", "[1,2,3]", "[1,2.5]", "[1,\"2\"]", "{}", "null"}) {
    INFO(camera);
    CHECK(server_error(users(camera)).find("users: users: entry 0: camera: ") == 0);
  }
}

}  // namespace callboard::fields_test
