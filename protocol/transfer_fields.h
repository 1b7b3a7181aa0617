#pragma once

#include "protocol/common_fields.h"

// The fields of what the server says of transfers; see common_fields.h.
namespace callboard::protocol {

template <class F>
void describe(F& f, Ref<F, TransferGranted> m) {
  f.required("re", m.re);
  f.required("transfer", m.transfer);
  f.required("ticket", m.ticket);
  f.required("user", m.user, kShownName);
  f.required("session", m.session);
  f.optional("key", m.key);
}
template <class F>
void describe(F& f, Ref<F, Give> m) {
  f.required("transfer", m.transfer);
  f.required("ticket", m.ticket);
  f.required("user", m.user, kShownName);
  f.required("item", m.item, kItem);
  f.required("list", m.list);
  f.optional("compress", m.compress);
  f.optional("key", m.key);
}
template <class F>
void describe(F& f, Ref<F, TransferOver> m) {
  f.required("transfer", m.transfer);
  f.required("outcome", m.outcome);
  f.optional("text", m.text, kReason);
  f.required("bytes", m.bytes);
}

}  // namespace callboard::protocol
