#include <algorithm>
#include <deque>
#include <utility>

#include "base/ensure.h"
#include "net/relay.h"
#include "net/tcp_connection.h"
#include "net/tcp_listener.h"
#include "net/timer.h"
#include "net/udp_socket.h"
#include "tests/sim/turns.h"
#include "tests/sim/world.h"

// The network: net's connections and listeners over a World. See loop.cpp.
namespace callboard::net {

using sim::Machine;
using sim::World;

// --- Connections ----------------------------------------------------------------------------------------------------

namespace {

// One side of a connection, as its kernel has it.
struct End {
  virtual ~End() = default;
  virtual void on_arrived(Bytes bytes) = 0;
  virtual void on_peer_ended(bool is_reset) = 0;
  virtual void on_room() = 0;
};

// Side 0 connected, side 1 was connected to.
struct Cable final : sim::Breakable, std::enable_shared_from_this<Cable> {
  struct Piece {
    enum class Kind { bytes, end, reset } kind = Kind::bytes;
    Bytes bytes;
  };
  // One direction.
  struct Way {
    std::deque<Piece> pieces;
    Instant last_arrival{};
    std::uint64_t held_bytes = 0;  // Sent and not read.
    bool is_lost = false;          // Nothing that is sent from now on arrives.
  };

  World& world = World::get();
  std::uint64_t id = ++world.last_connection;
  Machine* machines[2] = {};
  std::weak_ptr<End> ends[2];
  bool is_closed[2] = {};  // Its program has closed it.
  Way ways[2];             // From that side to the other.

  Instant arrival() {
    return world.reachable(*machines[0], *machines[1]) +
           world.between(world.weather.delay_min, world.weather.delay_max);
  }
  void send(int side, Piece piece) {
    Way& way = ways[side];
    way.held_bytes += piece.bytes.size();
    if (way.is_lost) return refuse(side);
    way.pieces.push_back(std::move(piece));
    way.last_arrival = std::max(way.last_arrival, arrival());
    arrive_at(side, way.last_arrival);
  }
  void arrive_at(int side, Instant when) {
    world.at(when, [weak = weak_from_this(), side] {
      if (const auto cable = weak.lock()) cable->arrive(side);
    });
  }
  void arrive(int side) {
    Way& way = ways[side];
    if (way.pieces.empty()) return;
    if (world.reachable(*machines[0], *machines[1]) > world.now()) return arrive_at(side, arrival());
    const Piece piece = std::move(way.pieces.front());
    way.pieces.pop_front();
    const auto peer = ends[1 - side].lock();
    if (!peer || is_closed[1 - side]) {
      if (piece.kind == Piece::Kind::bytes) refuse(side);
      return;
    }
    if (piece.kind == Piece::Kind::bytes) return peer->on_arrived(piece.bytes);
    peer->on_peer_ended(piece.kind == Piece::Kind::reset);
  }
  // Nobody is there for what this side says; it is told so.
  void refuse(int side) {
    world.at(arrival(), [weak = weak_from_this(), side] {
      const auto cable = weak.lock();
      const auto end = cable ? cable->ends[side].lock() : nullptr;
      if (end) end->on_peer_ended(true);
    });
  }
  void close(int side, bool is_reset) {
    if (std::exchange(is_closed[side], true)) return;
    if (machines[side]->is_dead) {
      ways[side].is_lost = true;
    } else if (!ways[side].is_lost) {
      send(side, {is_reset ? Piece::Kind::reset : Piece::Kind::end, {}});
    }
  }
  void on_read(int side, std::size_t size_bytes) {
    ways[1 - side].held_bytes -= size_bytes;
    world.at(arrival(), [weak = weak_from_this(), side] {
      const auto cable = weak.lock();
      const auto end = cable ? cable->ends[1 - side].lock() : nullptr;
      if (end) end->on_room();
    });
  }
  void break_off(Heard heard) override {
    for (const int side : {0, 1}) {
      Way& way = ways[side];
      if (way.is_lost) continue;
      cut(way.pieces);
      const Heard sides[] = {Heard::by_server, Heard::by_client};
      if (heard == Heard::by_both || heard == sides[side]) send(side, {Piece::Kind::reset, {}});
      way.is_lost = true;
    }
  }
  // At any byte.
  void cut(std::deque<Piece>& pieces) {
    if (pieces.empty()) return;
    pieces.resize(world.below(pieces.size() + 1));
    if (!pieces.empty() && !pieces.back().bytes.empty())
      pieces.back().bytes.resize(1 + world.below(pieces.back().bytes.size()));
  }
};

}  // namespace

struct TcpConnection::Impl final : End, std::enable_shared_from_this<TcpConnection::Impl> {
  enum class Step { connecting, accepted, open, flushing, awaiting_peer_end, ended };

  explicit Impl(Loop& on) : loop(on), turns(on.native()->shared_from_this()) {}

  Loop& loop;
  std::shared_ptr<uv_loop_s> turns;
  Handlers handlers;
  Step step = Step::accepted;
  bool is_silent = false;
  bool is_paused = false;
  bool is_flush_due = false;
  bool is_read_due = false;
  std::shared_ptr<Cable> cable;
  int side = 0;
  Endpoint peer;
  Endpoint local;
  std::unique_ptr<Timer> limit;
  std::optional<Duration> flush_asked;
  std::deque<SharedBytes> queue;
  std::uint64_t queued_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_bytes = 0;
  Bytes arrived;
  bool has_peer_ended = false;
  bool is_reset = false;

  // Runs a method in a turn of the loop, unless the connection is gone by then.
  void later(void (Impl::*method)()) {
    turns->post([weak = weak_from_this(), method] {
      if (const auto impl = weak.lock()) (impl.get()->*method)();
    });
  }
  bool is_reading() const {
    return step == Step::flushing || step == Step::awaiting_peer_end || (step == Step::open && !is_paused);
  }
  bool is_server() const { return side == 1; }

  // --- The kernel's side ---
  void on_arrived(Bytes bytes) override {
    arrived.insert(arrived.end(), bytes.begin(), bytes.end());
    schedule_read();
  }
  void on_peer_ended(bool reset) override {
    has_peer_ended = true;
    is_reset |= reset;
    schedule_read();
  }
  void on_room() override { later(&Impl::flush); }

  // --- Reading ---
  void schedule_read() {
    if (!is_reading() || (arrived.empty() && !has_peer_ended) || std::exchange(is_read_due, true)) return;
    later(&Impl::read);
  }
  void read() {
    is_read_due = false;
    if (!is_reading()) return;
    if (is_reset)
      return end({Outcome::interrupted, "read from " + to_text(peer) + ": connection reset by peer"});
    if (const Bytes bytes = std::exchange(arrived, {}); !bytes.empty()) {
      cable->on_read(side, bytes.size());
      received_bytes += bytes.size();
      note(bytes);
      if (step == Step::open && handlers.on_bytes) handlers.on_bytes(bytes);
      if (step == Step::ended) return;
    }
    if (has_peer_ended && is_reading()) end({Outcome::done, "closed by the peer"});
  }
  void note(ByteView bytes) {
    World& world = turns->world;
    world.note(cable->id * 2 + static_cast<std::uint64_t>(side));
    // Of long texts the beginning will do.
    world.note(std::hash<std::string_view>{}(as_text(bytes).substr(0, 256)));
    world.note(bytes.size());
    world.note(static_cast<std::uint64_t>(world.now().time_since_epoch().count()));
    if (is_server() && world.wiretap) world.wiretap->on_client_said(cable->id, bytes);
  }

  // --- Writing ---
  void enqueue(SharedBytes bytes) {
    const bool is_taking = step == Step::connecting || step == Step::accepted || step == Step::open;
    if (!is_taking || flush_asked || bytes.view.empty()) return;
    if (is_server() && turns->world.wiretap) turns->world.wiretap->on_server_said(cable->id, bytes.view);
    queued_bytes += bytes.view.size();
    queue.push_back(std::move(bytes));
    if (is_server() && turns->world.wiretap) turns->world.wiretap->on_server_keeps(cable->id, queued_bytes);
    if (!cable || std::exchange(is_flush_due, true)) return;
    loop.at_end_of_turn([weak = weak_from_this()] {
      if (const auto impl = weak.lock()) impl->flush();
    });
  }
  void flush() {
    is_flush_due = false;
    if (!cable || step == Step::ended || step == Step::awaiting_peer_end || queue.empty()) return;
    if (is_reset) return end({Outcome::interrupted, "write to " + to_text(peer) + ": broken pipe"});
    const Bytes taken = take(turns->world.weather.window_bytes);
    send_in_pieces(taken);
    if (queue.empty()) return later(&Impl::on_written);
    if (step == Step::open && handlers.on_held_up) handlers.on_held_up();
  }
  Bytes take(std::uint64_t window_bytes) {
    Bytes taken;
    const std::uint64_t held_bytes = cable->ways[side].held_bytes;
    while (!queue.empty() && held_bytes + taken.size() < window_bytes) {
      SharedBytes& front = queue.front();
      const auto size = std::min<std::uint64_t>(front.view.size(), window_bytes - held_bytes - taken.size());
      taken.insert(taken.end(), front.view.begin(), front.view.begin() + static_cast<std::ptrdiff_t>(size));
      front.view = front.view.subspan(size);
      if (front.view.empty()) queue.pop_front();
    }
    queued_bytes -= taken.size();
    sent_bytes += taken.size();
    return taken;
  }
  void send_in_pieces(ByteView bytes) {
    World& world = turns->world;
    for (auto pieces = 1 + world.below(world.weather.pieces_max); !bytes.empty(); --pieces) {
      const auto size = pieces <= 1 ? bytes.size() : 1 + world.below(bytes.size());
      cable->send(side, {Cable::Piece::Kind::bytes,
                         Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))});
      bytes = bytes.subspan(size);
    }
  }
  void on_written() {
    if (!queue.empty()) return;
    if (step == Step::flushing) return end_writing();
    if (step == Step::open && handlers.on_drained) handlers.on_drained();
  }

  // --- Ending ---
  void begin_flushing(Duration within) {
    step = Step::flushing;
    limit = std::make_unique<Timer>(loop, [this] { on_limit(); });
    limit->set_after(within);
    schedule_read();
    if (queue.empty()) return end_writing();
    flush();
  }
  void end_writing() {
    step = Step::awaiting_peer_end;
    if (!cable->ways[side].is_lost) cable->send(side, {Cable::Piece::Kind::end, {}});
  }
  void on_limit() {
    const auto kept = shared_from_this();
    if (step == Step::connecting) return end({Outcome::timed_out, "no answer in time"});
    end(step == Step::flushing ? Error{Outcome::interrupted, "write: the peer does not read"}
                               : Error{Outcome::done, "closed"});
  }
  void shut() {
    step = Step::ended;
    limit.reset();
    if (cable) cable->close(side, !arrived.empty());
    queue.clear();
    queued_bytes = 0;
  }
  void end(Error why) {
    if (step == Step::ended) return;
    shut();
    loop.at_end_of_turn([weak = weak_from_this(), why = std::move(why)] {
      if (const auto impl = weak.lock()) impl->tell_end(why);
    });
  }
  void tell_end(const Error& why) {
    if (std::exchange(is_silent, true)) return;
    const Handlers last = std::exchange(handlers, {});
    if (last.on_ended) last.on_ended(why);
  }

  // --- Connecting ---
  void knock(Duration pause) {
    World& world = turns->world;
    const auto address = world.addresses.find(peer);
    ENSURE(address != world.addresses.end());
    Machine& other = *address->second;
    if (world.reachable(turns->machine, other) > world.now()) {
      return world.after(pause, [weak = weak_from_this(), pause] {
        const auto impl = weak.lock();
        if (impl && impl->step == Step::connecting) impl->knock(pause * 2);
      });
    }
    const Duration way = world.between(world.weather.delay_min, world.weather.delay_max);
    world.after(way, [weak = weak_from_this()] {
      const auto impl = weak.lock();
      if (impl && impl->step == Step::connecting) impl->arrive_at_door();
    });
  }
  void arrive_at_door() {
    World& world = turns->world;
    const auto listener = world.listeners.find(peer);
    if (listener == world.listeners.end()) return later(&Impl::on_refused);
    cable = std::make_shared<Cable>();
    cable->machines[0] = &turns->machine;
    cable->machines[1] = world.addresses.at(peer);
    cable->ends[0] = shared_from_this();
    world.connections.push_back(cable);
    listener->second(cable);
    world.at(cable->arrival(), [weak = weak_from_this()] {
      if (const auto impl = weak.lock()) impl->later(&Impl::on_connected);
    });
  }
  void on_refused() { end({Outcome::not_found, "connect to " + to_text(peer) + ": connection refused"}); }
  void on_connected() {
    if (step != Step::connecting) return;
    step = Step::open;
    limit.reset();
    local = {turns->machine.name, static_cast<std::uint16_t>(cable->id)};
    if (handlers.on_connected && !flush_asked) handlers.on_connected();
    if (is_silent || step != Step::open) return;
    if (flush_asked) begin_flushing(*flush_asked);
    flush();
    schedule_read();
  }
};

TcpConnection::TcpConnection(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
TcpConnection::~TcpConnection() {
  impl_->is_silent = true;
  if (impl_->step != Impl::Step::ended) impl_->shut();
}

std::unique_ptr<TcpConnection> TcpConnection::connect(Loop& loop, Endpoint to, Duration limit,
                                                      Handlers handlers) {
  auto impl = std::make_shared<Impl>(loop);
  impl->step = Impl::Step::connecting;
  impl->handlers = std::move(handlers);
  impl->peer = std::move(to);
  impl->limit = std::make_unique<Timer>(loop, [raw = impl.get()] { raw->on_limit(); });
  impl->limit->set_after(limit);
  impl->knock(1s);
  return std::unique_ptr<TcpConnection>(new TcpConnection(std::move(impl)));
}

void TcpConnection::start(Handlers handlers) {
  ENSURE(impl_->step != Impl::Step::connecting && !impl_->handlers.on_ended);
  impl_->handlers = std::move(handlers);
  if (impl_->step == Impl::Step::accepted) impl_->step = Impl::Step::open;
  impl_->schedule_read();
}

void TcpConnection::write(SharedBytes bytes) { impl_->enqueue(std::move(bytes)); }
void TcpConnection::write_at_once(SharedBytes bytes) { impl_->enqueue(std::move(bytes)); }
std::uint64_t TcpConnection::unsent_bytes() const { return impl_->queued_bytes; }
std::uint64_t TcpConnection::sent_bytes() const { return impl_->sent_bytes; }
std::uint64_t TcpConnection::received_bytes() const { return impl_->received_bytes; }
void TcpConnection::pause_reading() { impl_->is_paused = true; }
void TcpConnection::resume_reading() {
  impl_->is_paused = false;
  impl_->schedule_read();
}
void TcpConnection::close() { impl_->end({Outcome::cancelled, "closed here"}); }
void TcpConnection::close_after_flush(Duration limit) {
  if (impl_->step == Impl::Step::connecting) impl_->flush_asked = limit;
  if (impl_->step == Impl::Step::accepted || impl_->step == Impl::Step::open) impl_->begin_flushing(limit);
}
bool TcpConnection::is_closing() const {
  return impl_->flush_asked || impl_->step == Impl::Step::flushing ||
         impl_->step == Impl::Step::awaiting_peer_end || impl_->step == Impl::Step::ended;
}
void TcpConnection::secure(std::unique_ptr<TlsEngine>, ByteView) {
  ENSURE(false && "no simulated server has keys");
}
bool TcpConnection::is_secured() const { return false; }
std::string TcpConnection::key_identity() const { return ""; }
Result<ReleasedSocket> TcpConnection::release_socket() {
  return Error{Outcome::failed, "release a connection: a simulated one has no descriptor"};
}
Endpoint TcpConnection::peer() const { return impl_->peer; }
Endpoint TcpConnection::local() const { return impl_->local; }

// --- TcpListener ----------------------------------------------------------------------------------------------------

struct TcpListener::Impl : std::enable_shared_from_this<TcpListener::Impl> {
  Impl(Loop& on, Endpoint place, Handlers given)
      : loop(on), turns(on.native()->shared_from_this()), at(std::move(place)), handlers(std::move(given)) {}

  Loop& loop;
  std::shared_ptr<uv_loop_s> turns;
  Endpoint at;
  Handlers handlers;

  void on_knock(const std::shared_ptr<Cable>& cable) {
    auto connection = std::make_shared<TcpConnection::Impl>(loop);
    connection->cable = cable;
    connection->side = 1;
    connection->peer = {cable->machines[0]->name, static_cast<std::uint16_t>(cable->id)};
    connection->local = at;
    cable->ends[1] = connection;
    turns->post([weak = weak_from_this(), connection] {
      const auto self = weak.lock();
      std::unique_ptr<TcpConnection> accepted(new TcpConnection(connection));
      if (self) self->handlers.on_connection(std::move(accepted));
    });
  }
};

Result<std::unique_ptr<TcpListener>> TcpListener::listen(Loop& loop, const Endpoint& at, Handlers handlers,
                                                         int) {
  auto impl = std::make_shared<Impl>(loop, at, std::move(handlers));
  World::get().listeners[at] = [weak = std::weak_ptr(impl)](const std::shared_ptr<void>& cable) {
    if (const auto self = weak.lock()) self->on_knock(std::static_pointer_cast<Cable>(cable));
  };
  return std::unique_ptr<TcpListener>(new TcpListener(std::move(impl)));
}
TcpListener::TcpListener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
TcpListener::~TcpListener() { impl_->turns->world.listeners.erase(impl_->at); }
Endpoint TcpListener::local() const { return impl_->at; }
Result<std::unique_ptr<TcpListener>> TcpListener::adopt(Loop&, Fd, Handlers) {
  return Error{Outcome::failed, "no socket is handed on here"};
}
Fd TcpListener::release() { return {}; }

// --- What no simulated program uses ---------------------------------------------------------------------------------

struct UdpSocket::Impl {};
UdpSocket::UdpSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
UdpSocket::~UdpSocket() = default;
Result<std::unique_ptr<UdpSocket>> UdpSocket::open(Loop&, const Options&, Handlers) {
  return Error{Outcome::failed, "nothing is broadcast here"};
}
Result<void> UdpSocket::send(const Endpoint&, ByteView) {
  return Error{Outcome::failed, "nothing is broadcast here"};
}
Endpoint UdpSocket::local() const { return {}; }

struct Relay::Impl {};
Relay::Relay(Loop&, Options, std::function<void(const RelayEnd& end)>) {}
Relay::~Relay() = default;
void Relay::add(RelayPair) { ENSURE(false && "no transfer is simulated"); }
void Relay::cancel(std::uint64_t, Error) {}
void Relay::set_limits(const RelayLimits&) {}
std::optional<RelayProgress> Relay::progress(std::uint64_t) const { return std::nullopt; }
std::size_t Relay::size() const { return 0; }

}  // namespace callboard::net
