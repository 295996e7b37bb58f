# How knell's own targets are made: one static library per folder, strict warnings, private links.

add_library(knell_options INTERFACE)
target_include_directories(knell_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(knell_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  $<$<BOOL:${KNELL_WERROR}>:-Werror>)
if(KNELL_SANITIZE)
  target_compile_options(knell_options INTERFACE
    -fsanitize=${KNELL_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(knell_options INTERFACE -fsanitize=${KNELL_SANITIZE})
endif()
if(KNELL_FUZZ)
  # Our code tells libFuzzer which of its branches an input takes; the main() comes with the fuzzers (tests/fuzz).
  target_compile_options(knell_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# knell_library(NAME SOURCES... [PUBLIC targets] [PRIVATE targets]): target knell_NAME, alias knell::NAME.
# PUBLIC: libraries whose headers ours include. PRIVATE: everything else, so that includes cannot leak upwards.
# knell_options ends with this build: an installed library asks its users for no warnings, sanitizers or paths of ours.
function(knell_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  if(arg_SOURCES)
    add_library(knell_${name} STATIC ${arg_SOURCES})
    target_link_libraries(knell_${name} PUBLIC $<BUILD_INTERFACE:knell_options> ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
    if(KNELL_SANITIZE)
      # Whole builds only, which take half the time this way. The dev build sees to each file alone.
      set_target_properties(knell_${name} PROPERTIES UNITY_BUILD ON)
    endif()
  else()
    add_library(knell_${name} INTERFACE)
    target_link_libraries(knell_${name} INTERFACE $<BUILD_INTERFACE:knell_options> ${arg_PUBLIC})
  endif()
  add_library(knell::${name} ALIAS knell_${name})
endfunction()

# knell_gtest(NAME LABEL SOURCES... LINK targets [SERIAL] [TIMEOUT s]): one test program, one ctest entry per case. A
# case that cannot run here says why with GTEST_SKIP; scripts/test.sh decides whether that is acceptable.
# tests_LABEL builds all programs of a label.
include(GoogleTest)
function(knell_gtest name label)
  cmake_parse_arguments(arg "SERIAL" "TIMEOUT" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE knell_gtest_options ${arg_LINK} GTest::gtest_main)
  target_precompile_headers(${name} REUSE_FROM knell_gtest_headers)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT TARGET tests_${label})
    add_custom_target(tests_${label})
  endif()
  add_dependencies(tests_${label} ${name})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  set(properties LABELS ${label} TIMEOUT ${arg_TIMEOUT})
  if(arg_SERIAL)
    list(APPEND properties RUN_SERIAL ON)
  endif()
  # Values as gtest prints them are addresses of this run, and no names.
  gtest_discover_tests(${name} TEST_PREFIX ${label}. NO_PRETTY_VALUES DISCOVERY_MODE PRE_TEST PROPERTIES ${properties})
endfunction()

# knell_scripts(TESTS... LABEL label TIMEOUT s [ENVIRONMENT name=value...]): of tests that are scripts and drive the built
# programs: where those are, and that status 77 is a skip.
function(knell_scripts)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "TESTS;ENVIRONMENT" ${ARGN})
  set(programs "KNELL_BIN=$<TARGET_FILE:knell>;KNELL_PIDCTL=$<TARGET_FILE:pidctl>;KNELL_DIE=$<TARGET_FILE:die>;KNELL_SLEEPERS=$<TARGET_FILE:sleepers>")
  set_tests_properties(${arg_TESTS} PROPERTIES
    LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77
    ENVIRONMENT "${arg_ENVIRONMENT};KNELL_SOURCE=${CMAKE_SOURCE_DIR};${programs}")
endfunction()
