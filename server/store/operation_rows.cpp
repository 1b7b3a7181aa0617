#include "server/store/operation_rows.h"

#include <memory>
#include <string>
#include <utility>

namespace callboard::server {

Bytes bytes_of(UniqueId id) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u64(id.high);
  writer.u64(id.low);
  return bytes;
}

Result<Committed> operation_of(const Statement& row) {
  Committed committed;
  committed.sequence = row.u64(0);
  Operation& operation = committed.operation;
  ByteReader id(row.blob(1));
  operation.id.high = id.u64();
  operation.id.low = id.u64();
  operation.session = SessionId{row.u64(2)};
  operation.user = row.text(3);
  operation.timestamp = Timestamp{row.i64(4)};
  const std::uint64_t record = row.u64(5);
  const std::uint64_t form = row.u64(9);
  if (!id.finished() || record < 1 || record > 5 || form > 1) {
    return Error{Outcome::failed, "operation " + std::to_string(committed.sequence) + ": damaged"};
  }
  operation.record = static_cast<Record>(record);
  operation.form = static_cast<Form>(form);
  operation.base = row.u64(6);
  operation.value = std::make_shared<const std::string>(row.text(7));
  operation.counter = static_cast<std::uint32_t>(row.u64(8));
  operation.settles = row.u64(10);
  operation.path = row.text(11);
  return committed;
}

Result<void> for_each_operation(Statement& statement, const std::function<Result<void>(Committed)>& visit) {
  for (;;) {
    const auto row = statement.step();
    if (!row) return row.error();
    if (!*row) return {};
    auto committed = operation_of(statement);
    if (!committed) return committed.error();
    if (auto visited = visit(std::move(*committed)); !visited) return visited;
  }
}

}  // namespace callboard::server
