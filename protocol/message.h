#pragma once

// Every message of docs/protocol.md, sections 2 and 3. Limits of the fields are checked by codec.h when a message
// arrives, and by check() before one is sent that holds what a person typed.
#include "protocol/client_message.h"
#include "protocol/server_message.h"
