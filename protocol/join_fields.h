#pragma once

#include "protocol/common_fields.h"

// The fields of what the client says in the join; see common_fields.h.
namespace callboard::protocol {

template <class F>
void describe(F& f, Ref<F, Username> m) {
  f.required("name", m.name, kUserName);
  f.required("clock", m.clock);
  f.optional("visit", m.visit);
  f.optional("shares", m.shares);
  f.optional("patches", m.patches);
  f.optional("host", m.host, kLabel);
  f.optional("software", m.software, kLabel);
  f.optional("workstation", m.workstation);
  f.optional("resumable", m.resumable);
  f.optional("resume", m.resume);
  f.optional("secret", m.secret);
  f.optional("heard", m.heard);
  f.expect(m.resume.has_value() == m.secret.has_value(), "secret: expected with resume, and only with it");
}
template <class F>
void describe(F& f, Ref<F, Project> m) {
  f.required("project", m.project, kProjectName);
}
template <class F>
void describe(F& f, Ref<F, DocumentClaim> m) {
  f.required("timestamp", m.timestamp);
  f.optional("base", m.base);
  f.optional("op", m.op);
  f.optional_attachment(m.document);
  f.expect(m.document == nullptr || m.op.has_value(), "op: expected with a document, got nothing");
}
template <class F>
void describe(F& f, Ref<F, AssetsClaim> m) {
  f.required("items", m.items, kItem, kItemsMax);
}
template <class F>
void describe(F&, Ref<F, JoinOk>) {}

}  // namespace callboard::protocol
