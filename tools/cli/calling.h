#pragma once

#include <string>
#include <vector>

#include "base/call/call_description.h"
#include "base/result.h"
#include "client/call_types.h"
#include "tools/cli/visit.h"

namespace callboard::cli {

// What can be called, as the server told it.
class CallCatalogue {
 public:
  static Result<CallCatalogue> fetch(Visit& visit);

  const std::vector<CallDescription>& descriptions() const { return descriptions_; }
  // "name", or "name@user" for that of one workstation. not_found names one that is spelt alike. Valid as long as this.
  Result<const CallDescription*> find(const std::string& name) const;
  // As JSON, made of the words of a command line.
  Result<std::string> arguments_of(const std::string& name, const std::vector<CallWord>& words) const;

 private:
  std::vector<CallDescription> descriptions_;
};

// All of them by category, or that one in detail.
Result<void> print_calls(Output& output, const CallCatalogue& catalogue, const std::string& name);

// Calls, shows how far it is and then the result: a text as it is, all else as JSON.
Result<void> make_call(Run& run, Visit& visit, const std::string& name, const std::string& arguments,
                       client::CallOptions options);

}  // namespace callboard::cli
