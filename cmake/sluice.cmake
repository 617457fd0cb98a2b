# `ninja programs` builds what sluice_app declares, `ninja tests` all unit tests,
# `ninja threaded_tests` those that start threads, `ninja root_tests` those that drive the
# kernel, `ninja fuzzers` all fuzzers.
add_custom_target(programs)
add_custom_target(tests)
add_custom_target(threaded_tests)
add_custom_target(root_tests)
add_custom_target(fuzzers)

# Tests are compiled without optimization, since most of their time went into optimizing
# assertions that run once, and with what they all include compiled beforehand. The
# rest is compiled without: GCC 12 warns wrongly about what comes from such a header.
set(SLUICE_TEST_OPTIONS -O0)
file(WRITE ${CMAKE_BINARY_DIR}/sluice_test_headers.cc "")
add_library(sluice_test_headers OBJECT ${CMAKE_BINARY_DIR}/sluice_test_headers.cc)
set_target_properties(sluice_test_headers PROPERTIES POSITION_INDEPENDENT_CODE OFF)
target_compile_options(sluice_test_headers PRIVATE ${SLUICE_WARNINGS} -fPIE ${SLUICE_TEST_OPTIONS})
target_link_libraries(sluice_test_headers PRIVATE absl::statusor absl::time GTest::gmock)
target_precompile_headers(sluice_test_headers PRIVATE
  <gmock/gmock.h> <gtest/gtest.h> <absl/status/statusor.h> <absl/time/time.h> <algorithm>
  <functional> <map> <memory> <optional> <string> <vector>)

# sluice_batches(OUT NAME SOURCE…): sets OUT to files to compile in place of NAME's sources, each
# of which includes up to eight of them: parsing the same headers for every file took most of the
# time. What two files of a folder both define must have two names, then. CMake's own unity
# builds name their sources by absolute paths, so that ccache knows none of another checkout's.
# A source with an absolute path is compiled alone.
function(sluice_batches out name)
  set(files)
  set(batch)
  foreach(source ${ARGN})
    if(IS_ABSOLUTE ${source})
      list(APPEND files ${source})
    else()
      list(APPEND batch ${source})
    endif()
  endforeach()
  file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  set(number 0)
  while(batch)
    list(SUBLIST batch 0 8 some)
    list(REMOVE_ITEM batch ${some})
    list(TRANSFORM some REPLACE "(.+)" "#include \"${folder}/\\1\"\n")
    list(JOIN some "" text)
    set(file ${CMAKE_CURRENT_BINARY_DIR}/batches/${name}_${number}.cc)
    file(CONFIGURE OUTPUT ${file} CONTENT "${text}" @ONLY)
    list(APPEND files ${file})
    math(EXPR number "${number} + 1")
  endwhile()
  set(${out} ${files} PARENT_SCOPE)
endfunction()

# sluice_library(NAME SOURCES … DEPS …): a folder's static library, warnings as errors.
function(sluice_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  sluice_batches(sources ${name} ${ARG_SOURCES})
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${SLUICE_WARNINGS})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
endfunction()

# sluice_test(NAME SOURCES … DEPS … [ROOT] [THREADS]): a GoogleTest binary run by ctest.
# ROOT marks tests that need root and a kernel with BPF (label "root"), THREADS those
# that start threads of ours and so are worth ThreadSanitizer's time (label "threads").
function(sluice_test name)
  cmake_parse_arguments(ARG "ROOT;THREADS" "" "SOURCES;DEPS" ${ARGN})
  sluice_batches(sources ${name} ${ARG_SOURCES})
  add_executable(${name} ${sources})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${SLUICE_WARNINGS} ${SLUICE_TEST_OPTIONS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  target_precompile_headers(${name} REUSE_FROM sluice_test_headers)
  add_dependencies(tests ${name})
  add_test(NAME ${name} COMMAND ${name})
  set(labels unit)
  if(ARG_ROOT)
    set(labels root)
    add_dependencies(root_tests ${name})
  endif()
  if(ARG_THREADS)
    list(APPEND labels threads)
    add_dependencies(threaded_tests ${name})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${labels}")
endfunction()

# sluice_app(NAME SOURCES … DEPS …): an installed program.
function(sluice_app name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  sluice_batches(sources ${name} ${ARG_SOURCES})
  add_executable(${name} ${sources})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${SLUICE_WARNINGS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  add_dependencies(programs ${name})
  install(TARGETS ${name} RUNTIME DESTINATION sbin)
endfunction()

# sluice_fuzzer(NAME SOURCES … DEPS …): a libFuzzer binary; NAME ends in _fuzz and
# its seeds lie in tests/fuzz/corpus/NAME/.
function(sluice_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  sluice_batches(sources ${name} ${ARG_SOURCES})
  add_executable(${name} ${sources})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${SLUICE_WARNINGS} -fsanitize=fuzzer)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  add_dependencies(fuzzers ${name})
endfunction()
