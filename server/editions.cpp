#include "server/editions.h"

#include <algorithm>
#include <utility>

#include "base/document/json_patch.h"
#include "base/ensure.h"
#include "base/limits.h"
#include "server/teller.h"

namespace callboard::server {
namespace {

// Two: a large document does not hold up the words about a small one.
constexpr std::size_t kThreads = 2;
// Different revisions that people have at one time: those who kept up, and a few slow ones.
constexpr std::size_t kEditionsMax = 16;
// Of those, what stays when there is a newer revision: for those who are on their way with a large document.
constexpr std::size_t kOldEditionsMax = 4;

bool is_large(const document::ValuePtr& value) {
  return value != nullptr && value->size_bytes() > kInlineDocumentBytes;
}

struct Source {
  protocol::DocumentState state;  // Of `now`, without text.
  std::uint64_t known = 0;
  document::ValuePtr old;  // Null: nothing is known.
  document::ValuePtr now;
  Document whole;  // The text of `now` when there is one.
};

// The patch, or the whole where that is smaller.
Edition made(const Source& source) {
  Edition edition{source.known, source.state, {}};
  protocol::DocumentState& state = edition.state;
  // What a patch says stands in an operation, in a list: deeper than where it belongs.
  const bool is_readable = source.now->depth() + 2 <= kJsonDepthMax;
  if (source.old != nullptr && is_readable) {
    std::string patch = document::diff(source.old, source.now);
    if (patch.size() < source.now->size_bytes()) {
      state.from = source.known;
      state.document = std::make_shared<const std::string>(std::move(patch));
    }
  }
  if (state.document == nullptr) {
    state.document = source.whole != nullptr
                         ? source.whole
                         : std::make_shared<const std::string>(document::print(*source.now));
  }
  edition.tell = protocol::encode_for_many(protocol::ServerMessage(state));
  return edition;
}

}  // namespace

Editions::Editions(net::Loop& loop, const Board& board, std::function<void()> on_ready)
    : board_(board), on_ready_(std::move(on_ready)), work_(loop, kThreads) {
  for (const Record record : {Record::story, Record::analytics}) on_applied(record, 0);
}

void Editions::on_applied(Record record, std::uint64_t said_bytes) {
  const MergedDocument& document = board_.document(record);
  Shelf& own = shelf(record);
  const std::uint64_t revision = document.head().revision;
  if (revision == 0 || (!own.kept.empty() && own.kept.back().revision == revision)) return;
  own.kept.push_back({revision, document.root(), said_bytes});
  own.kept_bytes += said_bytes;
  // The newest and the one before it in any case: most are told from that.
  while (own.kept.size() > kEditionsKept || (own.kept.size() > 2 && own.kept_bytes > kEditionsKeptBytes)) {
    own.kept_bytes -= own.kept.front().said_bytes;
    if (is_large(own.kept.front().root)) dispose(own.kept.front().root);
    own.kept.pop_front();
  }
  if (own.editions.size() > kOldEditionsMax) {
    own.editions.erase(own.editions.begin(),
                       own.editions.end() - static_cast<std::ptrdiff_t>(kOldEditionsMax));
  }
  own.whole = document.text();
}

document::ValuePtr Editions::root_at(Record record, std::uint64_t revision) const {
  const auto& kept = shelf(record).kept;
  const auto after =
      std::upper_bound(kept.begin(), kept.end(), revision,
                       [](std::uint64_t wanted, const Kept& each) { return wanted < each.revision; });
  return after == kept.begin() ? nullptr : (after - 1)->root;
}

const Edition* Editions::known_to(const Shelf& own, std::uint64_t known) const {
  const Edition* best = nullptr;
  for (const Edition& each : own.editions) {
    if (each.known == known && each.state.revision > known) best = &each;
  }
  return best;
}

const Edition* Editions::find(Record record, std::uint64_t known, std::uint64_t at_least) {
  Shelf& own = shelf(record);
  ENSURE(!own.kept.empty() && own.kept.back().revision >= at_least);
  const Kept& newest = own.kept.back();
  const Edition* before = known_to(own, known);
  if (before != nullptr && before->state.revision == newest.revision) return before;
  document::ValuePtr old = known == 0 ? nullptr : root_at(record, known);
  const bool is_work = is_large(old) || (is_large(newest.root) && (old != nullptr || own.whole == nullptr));
  if (!is_work) {
    return keep(record, made({document_state(board_, record), known, old, newest.root, own.whole}));
  }
  if (before != nullptr && before->state.revision >= at_least) return before;
  if (std::find(own.making.begin(), own.making.end(), known) == own.making.end()) {
    make(record, known, std::move(old));
  }
  return nullptr;
}

const Edition* Editions::keep(Record record, Edition edition) {
  Shelf& own = shelf(record);
  const bool is_whole = edition.state.from == 0 && edition.state.revision == own.kept.back().revision;
  if (is_whole) own.whole = edition.state.document;
  if (own.editions.size() >= kEditionsMax) own.editions.erase(own.editions.begin());
  own.editions.push_back(std::move(edition));
  return &own.editions.back();
}

void Editions::make(Record record, std::uint64_t known, document::ValuePtr old) {
  Shelf& own = shelf(record);
  own.making.push_back(known);
  Source source{document_state(board_, record), known, std::move(old), own.kept.back().root, own.whole};
  work_.submit([source = std::move(source)](const std::stop_token&) { return made(source); },
               [this, record, known](Edition edition) {
                 std::erase(shelf(record).making, known);
                 keep(record, std::move(edition));
                 on_ready_();
               });
}

void Editions::print(document::ValuePtr value, Texts done) {
  const auto text = [](const document::ValuePtr& of) {
    return std::make_shared<const std::string>(document::print(*of));
  };
  if (!is_large(value)) return done(text(value));
  work_.submit([value = std::move(value), text](const std::stop_token&) { return Document(text(value)); },
               [done = std::move(done)](Document printed) { done(std::move(printed)); });
}

void Editions::dispose(std::shared_ptr<const void> value) {
  work_.submit(net::WorkQueue::Job([value = std::move(value)](const std::stop_token&) mutable {
    value.reset();
    return net::WorkQueue::Delivery();
  }));
}

}  // namespace callboard::server
