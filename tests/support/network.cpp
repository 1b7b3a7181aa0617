#include "tests/support/network.h"

#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <system_error>

#include "tests/support/process.h"

namespace callboard::support {
namespace {

using Words = std::vector<std::string>;

void must(const Words& words) {
  const auto finished = run({.words = words, .directory = {}, .environment = {}});
  if (finished.ending.exit_code == 0) return;
  std::string all;
  for (const auto& word : words) all += word + " ";
  throw std::runtime_error(all + "failed: " + finished.err);
}

// For taking things away: what is not there is fine.
void may(const Words& words) { run({.words = words, .directory = {}, .environment = {}}); }

std::optional<std::string> reason_against() {
  if (geteuid() != 0) return "network namespaces need root";
  try {
    Network trial(1);
    must(trial.on_machine(0, {"ip", "addr"}));
  } catch (const std::exception& problem) {
    return std::string("network namespaces cannot be made here: ") + problem.what();
  }
  return std::nullopt;
}

}  // namespace

const std::optional<std::string>& Network::why_not() {
  static const std::optional<std::string> reason = reason_against();
  return reason;
}

Network::Network(std::size_t machines) {
  static std::atomic<unsigned> made{0};
  prefix_ = "cbt" + std::to_string(getpid()) + "n" + std::to_string(made++);
  try {
    if (machines > 200) throw std::runtime_error("a network has at most 200 machines");
    must({"ip", "netns", "add", switch_name()});
    must({"ip", "-n", switch_name(), "link", "add", "bridge", "type", "bridge"});
    must({"ip", "-n", switch_name(), "link", "set", "bridge", "up"});
    for (std::size_t i = 0; i < machines; ++i) add_machine(i);
  } catch (...) {
    remove();
    throw;
  }
}

Network::~Network() { remove(); }

void Network::add_machine(std::size_t machine) {
  const auto name = machine_name(machine);
  const auto port = "port" + std::to_string(machine);
  must({"ip", "netns", "add", name});
  machines_ = machine + 1;
  must({"ip", "-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns",
        switch_name()});
  must({"ip", "-n", switch_name(), "link", "set", port, "master", "bridge"});
  must({"ip", "-n", switch_name(), "link", "set", port, "up"});
  must({"ip", "-n", name, "addr", "add", address(machine) + "/24", "brd", "10.77.0.255", "dev", "eth0"});
  must({"ip", "-n", name, "link", "set", "lo", "up"});
  must({"ip", "-n", name, "link", "set", "eth0", "up"});
}

std::vector<std::string> Network::on_machine(std::size_t machine, std::vector<std::string> words) const {
  Words all{"ip", "netns", "exec", machine_name(machine)};
  all.insert(all.end(), std::make_move_iterator(words.begin()), std::make_move_iterator(words.end()));
  return all;
}

std::string Network::address(std::size_t machine) const { return "10.77.0." + std::to_string(machine + 1); }

void Network::unplug(std::size_t machine) {
  must({"ip", "-n", switch_name(), "link", "set", "port" + std::to_string(machine), "down"});
}

void Network::plug_in(std::size_t machine) {
  must({"ip", "-n", switch_name(), "link", "set", "port" + std::to_string(machine), "up"});
}

std::string Network::machine_name(std::size_t machine) const {
  return prefix_ + "m" + std::to_string(machine);
}

std::string Network::switch_name() const { return prefix_ + "switch"; }

void Network::remove() {
  try {
    for (std::size_t i = 0; i < machines_; ++i) may({"ip", "netns", "del", machine_name(i)});
    may({"ip", "netns", "del", switch_name()});
  } catch (const std::exception&) {
    // `ip` itself is not there; then nothing was made either.
  }
}

}  // namespace callboard::support
