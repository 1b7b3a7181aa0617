#pragma once

#include "protocol/common_fields.h"

// The fields of what is said of transfers and channels; see common_fields.h.
namespace callboard::protocol {

template <class F>
void describe(F& f, Ref<F, GetAsk> m) {
  f.required("id", m.id);
  f.optional("user", m.user, kShownNameOrNone);
  f.optional("newest", m.newest);
  f.required("item", m.item, kItem);
  f.optional("list", m.list);
  f.optional("compress", m.compress);
  f.expect(m.user.empty() == m.newest, "user: expected a name or newest, one of them");
}
template <class F>
void describe(F& f, Ref<F, CancelAsk> m) {
  f.required("id", m.id);
  f.required("transfer", m.transfer);
  f.optional("outcome", m.outcome);
  f.optional("text", m.text, kReason);
  f.expect(m.outcome != Outcome::done, "outcome: expected why it is cancelled, got done");
}
template <class F>
void describe(F& f, Ref<F, WorkingAsk> m) {
  f.required("id", m.id);
  f.required("transfers", m.transfers, kTransfersPerSession);
}
template <class F>
void describe(F& f, Ref<F, ChannelOffer> m) {
  f.required("name", m.name, kChannelName);
}
template <class F>
void describe(F& f, Ref<F, ChannelsAsk> m) {
  f.required("id", m.id);
  f.required("channels", m.channels, kChannelsOffered);
}
template <class F>
void describe(F& f, Ref<F, ChannelAsk> m) {
  f.required("id", m.id);
  f.optional("user", m.user, kShownNameOrNone);
  f.required("name", m.name, kChannelName);
}
template <class F>
void describe(F& f, Ref<F, TransferStatus> m) {
  f.required("transfer", m.transfer);
  f.optional("giver", m.giver, kShownNameOrNone);
  f.required("taker", m.taker, kShownName);
  f.required("item", m.item, kItem);
  f.required("bytes", m.bytes);
  f.required("started", m.started);
  f.optional("rate", m.rate);
  f.optional("channel", m.channel);
  f.expect(m.channel || !m.giver.empty(), "giver: expected a name");
}
template <class F>
void describe(F& f, Ref<F, TransferGranted> m) {
  f.required("re", m.re);
  f.required("transfer", m.transfer);
  f.required("ticket", m.ticket);
  f.required("user", m.user, kShownName);
  f.required("session", m.session);
  f.optional("key", m.key);
  f.optional("port", m.port);
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
  f.optional("port", m.port);
}
template <class F>
void describe(F& f, Ref<F, TransferOver> m) {
  f.required("transfer", m.transfer);
  f.required("outcome", m.outcome);
  f.optional("text", m.text, kReason);
  f.required("bytes", m.bytes);
}
template <class F>
void describe(F& f, Ref<F, ChannelGranted> m) {
  f.required("re", m.re);
  f.required("transfer", m.transfer);
  f.required("ticket", m.ticket);
  f.optional("user", m.user, kShownNameOrNone);
  f.optional("session", m.session);
  f.optional("key", m.key);
  f.optional("port", m.port);
  f.expect(m.user.empty() == !m.session, "user: expected with session, and not without");
}
template <class F>
void describe(F& f, Ref<F, ChannelTell> m) {
  f.required("transfer", m.transfer);
  f.required("ticket", m.ticket);
  f.required("by", m.by, kShownName);
  f.required("name", m.name, kChannelName);
  f.optional("key", m.key);
  f.optional("port", m.port);
}

}  // namespace callboard::protocol
