# The library headers that most sources include, parsed once per set of flags instead of in every source: a quarter of the
# build. Sources include what they use all the same; .ci/run compiles every header alone, and its fuzz targets without this.
# clang's form remembers the folder it was made in, so with ccache one clone would get another's: g++ only.
set(precompiled_headers
  <algorithm> <array> <atomic> <chrono> <cstdint> <deque> <functional> <map> <memory> <mutex> <optional> <set> <span>
  <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector> <fmt/format.h>)

# add_precompiled(NAME HEADER…)   What targets with the same flags may then use.
function(add_precompiled name)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "")
  add_library(${name} OBJECT ${source})
  target_link_libraries(${name} PRIVATE fmt::fmt proj_warnings) # -Wpedantic leaves out a macro.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_precompile_headers(${name} PRIVATE ${precompiled_headers} ${ARGN})
    # Without it ccache could not preprocess a source.
    target_compile_options(${name} PRIVATE -fpch-preprocess)
  endif()
endfunction()

# use_precompiled(NAME TARGET…)
function(use_precompiled name)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  foreach(target ${ARGN})
    target_precompile_headers(${target} REUSE_FROM ${name})
    # g++ 12 warns of what it makes of std::string; what is precompiled it does not know to be the system's.
    target_compile_options(${target} PRIVATE -fpch-preprocess -Wno-array-bounds -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow)
    # g++ takes it only where what it was made with is defined alike.
    target_compile_definitions(${target} PRIVATE $<TARGET_PROPERTY:fmt::fmt,INTERFACE_COMPILE_DEFINITIONS>)
  endforeach()
endfunction()

add_precompiled(precompiled)
