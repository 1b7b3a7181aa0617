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
  f.required("re", m.re);
  f.required_attachment(m.value);
}
template <class F>
void describe(F& f, Ref<F, CallList> m) {
  f.required("re", m.re);
  f.required_attachment(m.descriptions);
}
template <class F>
void describe(F& f, Ref<F, CallProgress> m) {
  f.required("call", m.call);
  f.required_attachment(m.value);
}

}  // namespace callboard::protocol
