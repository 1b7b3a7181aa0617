#include "server/drafts.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/document/edits.h"
#include "base/document/guide.h"
#include "base/document/json_patch.h"
#include "base/document/parse.h"
#include "base/document/pointer.h"
#include "base/limits.h"
#include "base/text.h"

namespace callboard::server {
namespace {

using document::ValuePtr;

Result<ValuePtr> parsed(const Operation& operation) {
  auto value = document::parse(*operation.value, kDocumentValuesMax);
  if (!value) return Error{Outcome::usage, value.error().text};
  return value;
}

// The document as its author wants it.
Result<ValuePtr> wanted(const Draft& draft, const DraftSources& sources) {
  switch (draft.how) {
    case Draft::How::whole:
      return parsed(draft.operation);
    case Draft::How::at: {
      const auto at = document::parse_pointer(draft.at);
      if (!at) return at.error();
      const auto value = parsed(draft.operation);
      if (!value) return value;
      return document::put(sources.base, *at, *value);
    }
    case Draft::How::patch:
      return document::apply_patch(sources.base, *draft.operation.value);
    case Draft::How::restore:
      return sources.restored;
    case Draft::How::settle:
    case Draft::How::nothing:
      break;
  }
  return sources.base;
}

Operation with_edits(Operation operation, document::Edits edits) {
  operation.form = Form::edits;
  operation.value = std::make_shared<const std::string>(document::print(edits));
  operation.edits = std::make_shared<const document::Edits>(std::move(edits));
  return operation;
}

Error too_deep() {
  return Error{Outcome::usage, "the document would be nested deeper than " + std::to_string(kJsonDepthMax)};
}

Error too_many_values() {
  return Error{Outcome::usage,
               "the document would have more than " + std::to_string(kDocumentValuesMax) + " values"};
}

// Of what was lost, that which is seen once all is done: what held the place of another is gone for good.
document::Edits with_places(document::Edits edits, document::Growth growth) {
  growth.apply(edits);
  document::Guide standing(growth.root());
  std::erase_if(edits, [&](const document::Edit& each) {
    return !document::equal(standing.find(each.path), each.value);
  });
  return edits;
}

// An element that is put there may have another key than its place has, or none: nothing is found there then.
bool has_place(const document::Edit& edit, document::Growth growth) { return growth.apply(edit); }

Error without_places(std::uint64_t conflict) {
  return Error{Outcome::superseded, "conflict " + std::to_string(conflict) +
                                        ": nothing can be put there any more, what held it is gone for good; "
                                        "what was lost is in the history still, and what stands can be kept"};
}

Result<Operation> settled(Draft draft, const DraftSources& sources) {
  document::Edits edits = std::move(draft.lost);
  const bool is_given = draft.operation.value != nullptr;
  if (is_given) {
    auto value = parsed(draft.operation);
    if (!value) return value.error();
    edits = {{document::Edit::Kind::set, std::move(draft.place), std::move(*value), std::move(draft.after)}};
  }
  for (const document::Edit& each : edits) {
    const auto steps = static_cast<int>(each.path.size());
    if (each.value != nullptr && each.value->depth() + steps > kJsonDepthMax) return too_deep();
  }
  if (!is_given) edits = with_places(std::move(edits), sources.growth);
  const bool has_any = is_given ? has_place(edits.front(), sources.growth) : !edits.empty();
  if (!has_any) return without_places(draft.operation.settles);
  return with_edits(std::move(draft.operation), std::move(edits));
}

// Whether what is put there is a member of an object that nothing but objects lead to.
bool is_among_objects(const ValuePtr& root, const document::Tokens& at) {
  ValuePtr here = root;
  for (const std::string& key : at) {
    if (here == nullptr || here->object() == nullptr) return false;
    here = here->member(key);
  }
  return !at.empty();
}

// A value put among objects leads to its edits by itself: what costs as much as the document is left out. nullopt: that has
// to be looked at whole.
std::optional<Result<Operation>> put_directly(Draft& draft, const ValuePtr& base) {
  if (draft.how != Draft::How::at) return std::nullopt;
  const auto at = document::parse_pointer(draft.at);
  if (!at || !is_among_objects(base, *at)) return std::nullopt;
  const auto value = parsed(draft.operation);
  if (!value) return Result<Operation>(value.error());
  if ((*value)->depth() + static_cast<int>(at->size()) > kJsonDepthMax) return Result<Operation>(too_deep());
  // At most: a new key is up to six times as long in JSON, with quotes, a colon and a comma.
  if (base->size_bytes() + (*value)->size_bytes() + 6 * draft.at.size() + 4 > kDocumentMax ||
      base->values() + (*value)->values() > kDocumentValuesMax)
    return std::nullopt;
  auto edits = document::edits_at(base, *at, *value);
  if (!edits) return std::nullopt;
  return Result<Operation>(with_edits(std::move(draft.operation), std::move(*edits)));
}

// What every reader can hold, and one frame, too.
Result<void> check(const ValuePtr& value) {
  if (value == nullptr) return {};
  if (value->depth() > kJsonDepthMax) return too_deep();
  if (value->values() > kDocumentValuesMax) return too_many_values();
  if (value->size_bytes() <= kDocumentMax) return {};
  return Error{Outcome::usage, "the document would be larger than " + human_bytes(kDocumentMax)};
}

bool is_container(const ValuePtr& value) {
  return value != nullptr && (value->array() != nullptr || value->object() != nullptr);
}

// Whether what stands at the places of these edits, and what encloses each, is in both the same.
bool are_apart(const document::Edits& edits, const DraftSources& sources) {
  document::Guide base(sources.base);
  document::Guide seen(sources.seen);
  return std::ranges::all_of(edits, [&](const document::Edit& edit) {
    if (edit.kind == document::Edit::Kind::place) return true;
    if (!document::equal(base.find(edit.path), seen.find(edit.path))) return false;
    document::Path around = edit.path;
    if (around.empty()) return true;
    around.pop_back();
    return is_container(base.find(around)) == is_container(seen.find(around));
  });
}

Result<Operation> edited(Draft draft, const DraftSources& sources) {
  if (draft.how == Draft::How::settle) return settled(std::move(draft), sources);
  if (auto direct = put_directly(draft, sources.base)) return std::move(*direct);
  auto value = wanted(draft, sources);
  if (!value) return value.error();
  if (auto sound = check(*value); !sound) return sound.error();
  const bool is_by_itself = draft.how == Draft::How::whole && draft.operation.base == 0;
  if (!is_by_itself) {
    const bool changes = *value != nullptr;
    return with_edits(std::move(draft.operation),
                      changes ? document::edits_between(sources.base, *value) : document::Edits());
  }
  Operation operation = std::move(draft.operation);
  document::Edits whole;
  whole.push_back({document::Edit::Kind::set, {}, document::share(sources.head, *value), {}});
  operation.edits = std::make_shared<const document::Edits>(std::move(whole));
  return operation;
}

// All at once: the document may be large.
ValuePtr with_own(const DraftSources& sources) {
  document::Edits edits;
  if (sources.base != nullptr) edits.push_back({document::Edit::Kind::set, {}, sources.base, {}});
  for (const auto& each : sources.own) edits.insert(edits.end(), each->begin(), each->end());
  document::Growth growth;
  growth.apply(edits);
  return growth.root();
}

}  // namespace

Result<Operation> finished(Draft draft, DraftSources sources) {
  if (!sources.own.empty()) sources.base = with_own(sources);
  auto operation = edited(std::move(draft), sources);
  const bool is_asked = operation && sources.seen_revision != 0;
  if (is_asked && are_apart(*operation->edits, sources)) operation->base = sources.seen_revision;
  return operation;
}

}  // namespace callboard::server
