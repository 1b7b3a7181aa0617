#pragma once

#include "protocol/common_fields.h"

// The fields of what is said of calls; see common_fields.h.
namespace callboard::protocol {

template <class F>
void describe(F& f, Ref<F, CallAsk> m) {
  f.required("id", m.id);
  f.required("name", m.name, kCallName);
  f.optional("op", m.op);
  f.optional("deadline_ms", m.deadline);
  f.optional_attachment(m.arguments);
}
template <class F>
void describe(F& f, Ref<F, CallCancelAsk> m) {
  f.required("id", m.id);
  f.optional("call", m.call);
  f.optional("op", m.op);
  f.expect(m.call.has_value() != m.op.has_value(), "call, op: expected exactly one of them");
}
template <class F>
void describe(F& f, Ref<F, CallsAsk> m) {
  f.required("id", m.id);
}
template <class F>
void describe(F& f, Ref<F, CallResult> m) {
  describe_attached(f, "re", m.re, m.value);
}
template <class F>
void describe(F& f, Ref<F, CallList> m) {
  describe_attached(f, "re", m.re, m.descriptions);
}
template <class F>
void describe(F& f, Ref<F, CallProgress> m) {
  describe_attached(f, "call", m.call, m.value);
}
template <class F>
void describe(F& f, Ref<F, OfferAsk> m) {
  describe_attached(f, "id", m.id, m.descriptions);
}
template <class F>
void describe(F& f, Ref<F, CalledAsk> m) {
  f.required("id", m.id);
  f.required("call", m.call);
  f.required("outcome", m.outcome);
  f.optional("text", m.text, kReason);
  f.optional_attachment(m.value);
}
template <class F>
void describe(F& f, Ref<F, CallProgressed> m) {
  describe_attached(f, "call", m.call, m.value);
}
template <class F>
void describe(F& f, Ref<F, CallTell> m) {
  f.required("call", m.call);
  f.required("name", m.name, kCallName);
  f.required("by", m.by, kShownName);
  f.optional("session", m.session);
  f.required("deadline_ms", m.deadline);
  f.required_attachment(m.arguments);
}
template <class F>
void describe(F& f, Ref<F, CallCancelTell> m) {
  f.required("call", m.call);
}

}  // namespace callboard::protocol
