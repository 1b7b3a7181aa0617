#include "tests/sim/tally.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/document/build.h"
#include "base/document/parse.h"
#include "base/ensure.h"

namespace callboard::sim {
namespace {

using document::make_array;
using document::make_number;
using document::make_object;
using document::make_text;
using document::ValuePtr;

constexpr const char* kReady =
    R"({"calls":[{"name":"tally.add","summary":"says a token","category":"tally","state":"/tallies/main",)"
    R"("args":[{"name":"token"}],"result":"int"}],"states":{"/tallies/main":{"said":[],"rests":0}}})";

class Tally final : public Program {
 public:
  explicit Tally(const TallyFaults& faults) : faults_(faults) {}

  std::optional<std::vector<std::string>> on_line(const std::string& line) override {
    if (World::get().chance(faults_.crash_percent)) return std::nullopt;
    const auto said = document::parse(line);
    ENSURE(said);
    const std::string what = *(*said)->member("do")->string();
    if (what == "init") return std::vector<std::string>{kReady};
    if (what == "call") return std::vector<std::string>{answer_to(**said)};
    if (what == "exit") return std::vector<std::string>{left(**said)};
    return std::vector<std::string>{};
  }

 private:
  std::string answer_to(const document::Value& call) const {
    document::Object answer{{"call", call.member("call")}};
    if (World::get().chance(faults_.refusal_percent)) {
      answer.push_back({"error", make_text("not today")});
      return document::print(*document::make_value(std::move(answer)));
    }
    const ValuePtr state = call.member("state");
    document::Array tokens = *state->member("said")->array();
    tokens.push_back(call.member("arguments")->member("token"));
    answer.push_back({"result", make_number(tokens.size())});
    const ValuePtr all = make_array(std::move(tokens));
    answer.push_back({"state", make_object({{"said", all}, {"rests", state->member("rests")}})});
    return document::print(*document::make_value(std::move(answer)));
  }

  // One more rest, and whatever was said.
  static std::string left(const document::Value& exit) {
    const ValuePtr state = exit.member("states") ? exit.member("states")->member(kTallyState) : nullptr;
    if (state == nullptr) return R"({"states":{}})";
    const auto& rests = std::get<document::Number>(state->member("rests")->content());
    const ValuePtr left =
        make_object({{"said", state->member("said")}, {"rests", make_number(std::stoull(rests.text) + 1)}});
    return document::print(*make_object({{"states", make_object({{kTallyState, left}})}}));
  }

  const TallyFaults& faults_;
};

}  // namespace

std::unique_ptr<Program> make_tally(const TallyFaults& faults) { return std::make_unique<Tally>(faults); }

}  // namespace callboard::sim
