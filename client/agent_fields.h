#pragma once

#include "client/agent_document_fields.h"
#include "client/agent_value_fields.h"

// What commands and agents say to each other, described like the values in it (agent_value_fields.h).
namespace callboard::client::agent {

// --- Messages -------------------------------------------------------------------------------------------------------
template <class A>
void describe(A& fields, Ref<A, Hello> hello) {
  fields(hello.protocol, hello.software, hello.process, hello.project, hello.user, hello.server,
         hello.discovery_port, hello.ask_addresses, hello.key);
}
template <class A>
void describe(A& fields, Ref<A, ReadDocument> ask) {
  fields(ask.query);
}
template <class A>
void describe(A& fields, Ref<A, ChangeDocument> ask) {
  fields(ask.change);
}
template <class A>
void describe(A& fields, Ref<A, ListHistory> ask) {
  fields(ask.query);
}
template <class A>
void describe(A& fields, Ref<A, ListConflicts> ask) {
  fields(ask.since);
}
template <class A>
void describe(A&, Ref<A, ListAssets>) {}
template <class A>
void describe(A&, Ref<A, ListUsers>) {}
template <class A>
void describe(A& fields, Ref<A, ListMessages> ask) {
  fields(ask.since);
}
template <class A>
void describe(A& fields, Ref<A, Say> ask) {
  fields(ask.text);
}
template <class A>
void describe(A& fields, Ref<A, GoTo> ask) {
  fields(ask.item);
}
template <class A>
void describe(A&, Ref<A, AskServer>) {}
template <class A>
void describe(A&, Ref<A, AskWorkstation>) {}
template <class A>
void describe(A& fields, Ref<A, Look> ask) {
  fields(ask.item, ask.from);
}
template <class A>
void describe(A& fields, Ref<A, Pull> ask) {
  fields(ask.request);
}
template <class A>
void describe(A& fields, Ref<A, MakeCall> ask) {
  fields(ask.name, ask.arguments, ask.deadline, ask.op);
}
template <class A>
void describe(A&, Ref<A, ListCalls>) {}

template <class A>
void describe(A& fields, Ref<A, ListAudit> ask) {
  fields(ask.since);
}

}  // namespace callboard::client::agent
