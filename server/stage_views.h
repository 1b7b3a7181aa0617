#pragma once

#include "server/stage.h"

namespace callboard::server {

// What those who work for a stage see of it, each as its own header wants it. The stage outlives them.
struct Stage::Views {
  static People::Outside of_people(Stage& stage);
  static Records::Handlers of_records(Stage& stage);
  static TransferDesk::Outside of_transfers(Stage& stage);
  static DocumentDesk::Outside of_documents(Stage& stage);
  static RecordDesk::Outside of_record_desk(Stage& stage);
  static PingDesk::Outside of_pings(Stage& stage);
  static AskDesk::Outside of_asks(Stage& stage);
};

}  // namespace callboard::server
