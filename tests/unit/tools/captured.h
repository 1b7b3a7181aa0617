#pragma once

#include <stdio.h>
#include <stdlib.h>

#include <string>

#include "tools/cli/output.h"

namespace callboard::cli {

// Two files in memory instead of stdout and stderr.
struct Captured {
  char* out_text = nullptr;
  char* err_text = nullptr;
  std::size_t out_size = 0;
  std::size_t err_size = 0;
  Output::Streams streams{.out = open_memstream(&out_text, &out_size),
                          .err = open_memstream(&err_text, &err_size)};

  Captured() = default;
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;
  ~Captured() {
    fclose(streams.out);
    fclose(streams.err);
    free(out_text);
    free(err_text);
  }
  std::string out() const { return {out_text, out_size}; }
  std::string err() const { return {err_text, err_size}; }
};

}  // namespace callboard::cli
