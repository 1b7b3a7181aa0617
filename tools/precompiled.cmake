# The library headers that most sources include, parsed once per set of flags instead of in every source: a quarter of the
# build. Sources include what they use all the same; .ci/run compiles every header alone, and clang compiles what is no test
# without this.
set(precompiled_headers
  <algorithm> <array> <atomic> <chrono> <cstdint> <deque> <functional> <map> <memory> <mutex> <optional> <set> <span>
  <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector> <fmt/format.h>)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Without it ccache could not preprocess a source. g++ 12 warns of what it makes of std::string; what is precompiled it does
  # not know to be the system's.
  set(precompiled_options -fpch-preprocess -Wno-array-bounds -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow)
else()
  # What clang makes remembers the folder it was made in and the time: the first makes it another one for ccache, which would
  # give it to another clone else; the second is left out.
  set(precompiled_options "SHELL:-Xclang -fno-pch-timestamp" -DCALLBOARD_PRECOMPILED_IN="${CMAKE_BINARY_DIR}")
endif()

# add_precompiled(NAME HEADER…)   What targets with the same flags may then use.
function(add_precompiled name)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "")
  add_library(${name} OBJECT ${source})
  target_link_libraries(${name} PRIVATE fmt::fmt proj_warnings) # -Wpedantic leaves out a macro.
  target_precompile_headers(${name} PRIVATE ${precompiled_headers} ${ARGN})
  target_compile_options(${name} PRIVATE ${precompiled_options})
endfunction()

# use_precompiled(NAME TARGET…)
function(use_precompiled name)
  if(name STREQUAL "precompiled" AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  foreach(target ${ARGN})
    target_precompile_headers(${target} REUSE_FROM ${name})
    target_compile_options(${target} PRIVATE ${precompiled_options})
    # The compiler takes it only where what it was made with is defined alike.
    target_compile_definitions(${target} PRIVATE $<TARGET_PROPERTY:fmt::fmt,INTERFACE_COMPILE_DEFINITIONS>)
  endforeach()
endfunction()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_precompiled(precompiled)
endif()
