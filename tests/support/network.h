#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace callboard::support {

// Several machines on one switch: a network namespace each, joined by a bridge in one more, with real broadcast. Machine
// `i` has the address 10.77.0.(i + 1)/24. The destructor takes everything away again; names carry the test's process id,
// so that tests which run side by side do not meet.
class Network {
 public:
  // Why namespaces cannot be made here (not root, no `ip`, not allowed in this container), for skip_test(); nullopt when
  // they can. Tries it once and remembers.
  static const std::optional<std::string>& why_not();

  // Throws std::runtime_error when a command fails; look at why_not() first. At most 200 machines.
  explicit Network(std::size_t machines);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // The same command, run on that machine. The process id stays that of the program.
  std::vector<std::string> on_machine(std::size_t machine, std::vector<std::string> words) const;
  std::string address(std::size_t machine) const;
  // Pulls the machine's cable and plugs it in again.
  void unplug(std::size_t machine);
  void plug_in(std::size_t machine);

 private:
  std::string machine_name(std::size_t machine) const;
  std::string switch_name() const;
  void add_machine(std::size_t machine);
  void remove();

  std::string prefix_;
  std::size_t machines_ = 0;  // Made so far.
};

}  // namespace callboard::support
