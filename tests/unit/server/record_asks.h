#pragma once

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

#include "base/document/parse.h"
#include "tests/unit/server/test_client.h"

// What tests ask a server about records, and what they hear.
namespace callboard::server {

using protocol::Ok;
using protocol::RecordAsk;
using Action = RecordAction;

inline RecordAsk change(Action action, const std::string& path, const std::string& fields = "{}",
                        const std::string& record_class = "") {
  RecordAsk ask;
  ask.op = make_unique_id(system_random());
  ask.path = path;
  ask.action = action;
  ask.record_class = record_class;
  if (action != Action::give && action != Action::remove)
    ask.fields = std::make_shared<const std::string>(fields);
  return ask;
}

inline RecordAsk make(const std::string& path, const std::string& record_class,
                      const std::string& fields = "{}") {
  return change(Action::make, path, fields, record_class);
}

inline std::string refusal(TestClient& client, const RecordAsk& ask) {
  const auto error = client.ask_for<protocol::ErrorAnswer>(ask);
  return std::string(to_text(error.outcome)) + ": " + error.text;
}

inline std::uint64_t done(TestClient& client, const RecordAsk& ask) {
  return *client.ask_for<Ok>(ask).number;
}

inline void enter(TestClient& client, const std::string& zone) {
  client.ask_for<Ok>(protocol::EnterAsk{0, zone});
}

// What is told of records until now, each tell as its zone, flags and paths.
inline std::vector<std::string> tells(TestClient& client) {
  std::vector<std::string> words;
  for (const auto& tell : client.told<protocol::Records>()) {
    std::string word = tell.zone + (tell.full ? " full:" : ":");
    const auto list = *document::parse(*tell.records);
    for (const auto& each : *list->array()) {
      word += each->member("left") != nullptr ? " --" : each->member("gone") != nullptr ? " -" : " ";
      word += *each->member("path")->string();
    }
    words.push_back(word);
  }
  std::erase_if(client.heard,
                [](const auto& each) { return std::holds_alternative<protocol::Records>(each); });
  return words;
}

using Words = std::vector<std::string>;

inline std::string fields_of(TestClient& client, const std::string& path) {
  const auto records = client.ask_for<protocol::Records>(protocol::RecordsRead{0, path, ""});
  const auto list = *document::parse(*records.records);
  return list->array()->empty() ? "none" : document::print(*list->array()->at(0)->member("fields"));
}

}  // namespace callboard::server
