#include "server/board/record_change.h"

#include <utility>

#include "base/document/members.h"
#include "base/document/parse.h"

namespace callboard::server {
namespace {

document::ValuePtr text_of(std::string_view text) { return document::make_value(std::string(text)); }

document::ValuePtr value_of_answer(const RecordAnswer& answer) {
  document::Object object{{"op", text_of(to_text(answer.op))}, {"call", text_of(answer.call)}};
  if (answer.asked) object.push_back({"asked", text_of(to_text(answer.asked))});
  if (answer.result != nullptr) object.push_back({"result", answer.result});
  return document::make_value(std::move(object));
}

RecordAnswerPtr answer_in(const document::Value& change) {
  const auto object = change.member("answer");
  if (object == nullptr) return nullptr;
  const auto op = unique_id_from(document::text_in(*object, "op"));
  if (!op) return nullptr;
  const auto asked = unique_id_from(document::text_in(*object, "asked"));
  return std::make_shared<const RecordAnswer>(RecordAnswer{
      *op, document::text_in(*object, "call"), asked.value_or(UniqueId{}), object->member("result")});
}

}  // namespace

// {"do", "class"?, "owner"?: session, "user"?, "owners"?: true, "fields"?, "answer"?: {"op", "call", "asked"?, "result"?}}
std::string print(const RecordChange& change) {
  document::Object object{{"do", text_of(to_text(change.action))}};
  if (!change.record_class.empty()) object.push_back({"class", text_of(change.record_class)});
  if (change.owner.session) object.push_back({"owner", text_of(to_text(change.owner.session))});
  if (!change.owner.user.empty()) object.push_back({"user", text_of(change.owner.user)});
  if (change.is_owners) object.push_back({"owners", document::make_value(true)});
  if (change.fields != nullptr) object.push_back({"fields", change.fields});
  if (change.answer != nullptr) object.push_back({"answer", value_of_answer(*change.answer)});
  return document::print(*document::make_value(std::move(object)));
}

Result<RecordChange> parse_record_change(std::string_view text) {
  // The fields of a record may be nested as deep as a document.
  const auto root = document::parse_deeper(text, 1);
  if (!root) return root.error();
  RecordChange change;
  const auto action = record_action_from(document::text_in(**root, "do"));
  if (!action) return Error{Outcome::failed, "a change of a record that does nothing known"};
  change.action = *action;
  change.record_class = document::text_in(**root, "class");
  const std::string owner = document::text_in(**root, "owner");
  if (const auto session = session_id_from(owner)) change.owner.session = *session;
  change.owner.user = document::text_in(**root, "user");
  change.is_owners = (*root)->member("owners") != nullptr;
  change.fields = (*root)->member("fields");
  change.answer = answer_in(**root);
  const bool needs_fields = change.action != RecordAction::give && change.action != RecordAction::remove;
  if (needs_fields && (change.fields == nullptr || change.fields->object() == nullptr)) {
    return Error{Outcome::failed, "a change of a record without its fields"};
  }
  return change;
}

}  // namespace callboard::server
