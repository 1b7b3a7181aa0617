#pragma once

#include "protocol/common_fields.h"

// The fields of what both sides say of records and zones; see common_fields.h.
namespace callboard::protocol {

template <class F>
void describe(F& f, Ref<F, RecordAsk> m) {
  f.required("id", m.id);
  f.required("op", m.op);
  f.required("path", m.path, kItem);
  f.required("do", m.action);
  f.optional("class", m.record_class, kLabel);
  f.optional("to", m.to);
  f.optional("base", m.base);
  f.optional_attachment(m.fields);
  const bool has_fields = m.action != RecordAction::give && m.action != RecordAction::remove;
  f.expect(!has_fields || m.fields != nullptr, "attachment: missing");
  f.expect(has_fields || m.fields == nullptr, "attachment: expected none");
  f.expect(m.to.has_value() == (m.action == RecordAction::give), "to: expected with give, and only with it");
}
// An ask about a zone.
template <class F, class Ask>
void describe_zone(F& f, Ask& m) {
  f.required("id", m.id);
  f.required("zone", m.zone, kItem);
}
template <class F>
void describe(F& f, Ref<F, RecordsRead> m) {
  describe_zone(f, m);
  f.optional("after", m.after, kItemOrNowhere);
}
template <class F>
void describe(F& f, Ref<F, EnterAsk> m) {
  describe_zone(f, m);
}
template <class F>
void describe(F& f, Ref<F, ExitAsk> m) {
  describe_zone(f, m);
}
template <class F>
void describe(F& f, Ref<F, SchemaAsk> m) {
  describe_attached(f, "id", m.id, m.schema);
}
template <class F>
void describe(F& f, Ref<F, Records> m) {
  f.optional("re", m.re);
  f.required("zone", m.zone, kItem);
  f.required("full", m.full);
  f.optional("more", m.more);
  f.optional("why", m.why, kReason);
  f.required_attachment(m.records);
}

}  // namespace callboard::protocol
