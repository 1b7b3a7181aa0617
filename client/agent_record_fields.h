#pragma once

#include "client/agent_value_fields.h"

// Those of agent_value_fields.h that are about records.
namespace callboard::client::agent {

template <>
struct LastOf<RecordAction> : std::integral_constant<RecordAction, RecordAction::remove> {};

template <class A>
void describe(A& fields, Ref<A, Record> record) {
  fields(record.path, record.record_class, record.owner, record.owner_name, record.by, record.revision,
         record.timestamp, record.fields);
}
template <class A>
void describe(A& fields, Ref<A, RecordChange> change) {
  fields(change.action, change.path, change.record_class, change.fields, change.to, change.base);
}

}  // namespace callboard::client::agent
