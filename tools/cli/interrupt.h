#pragma once

#include <functional>
#include <memory>

namespace callboard::cli {

// Ctrl-C (SIGINT), SIGTERM and a closed terminal (SIGHUP), as events on a thread of their own: the first one asks whoever
// listens to end cleanly, a second one ends the program at once with 130. A program that runs for long may take SIGHUP for
// "read your settings again" (on_hangup). Signals that the program was started to ignore
// (nohup) stay ignored. Create the one Interrupt first thing in main(), before any other thread: it blocks the signals
// for all threads that follow, so nothing else may handle them.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool is_requested() const { return signal_number() != 0; }
  // The first signal that came, 0 for none.
  int signal_number() const;
  // Who sent it starts this program anew, or wants it to start itself anew in its place: the signal's value (sigqueue()).
  bool is_for_restart() const;
  bool is_for_restart_in_place() const;
  // Nobody's who sends none.
  static constexpr int kForRestart = 0x72657374;
  static constexpr int kForRestartInPlace = 0x72657370;

  // While it exists, `clean_up` is called once when the first signal comes, on a thread of its own; or at once, on the
  // caller's thread, if it came before. The destructor waits for a call under way, so it must not run inside one.
  class Listener {
   public:
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

   private:
    friend class Interrupt;
    struct Registration;
    explicit Listener(std::unique_ptr<Registration> registration);
    std::unique_ptr<Registration> registration_;
  };
  [[nodiscard]] Listener listen(std::function<void()> clean_up);

  // While it exists, SIGHUP calls `again`, each time, and asks nobody to end; unless it comes because the terminal is gone
  // that the program was started in. Called on the same thread as `clean_up`, never after that.
  [[nodiscard]] Listener on_hangup(std::function<void()> again);

  // While it exists, the first SIGINT calls `cancel`, of the newest one, and asks nobody to end: it breaks off what is under way
  // and no more. A second one counts as the first does otherwise. Called like `clean_up`.
  [[nodiscard]] Listener on_break(std::function<void()> cancel);

  // Waits until the first signal.
  void wait() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace callboard::cli
