# bpf_skeleton(NAME sources...): compiles each .bpf.c for the BPF target, links them into one object and generates
# NAME.skel.h. Target NAME_skeleton carries the include directory.

find_program(BPF_CLANG NAMES clang-19 clang REQUIRED)
find_program(BPFTOOL bpftool PATHS /usr/sbin /sbin REQUIRED)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(BPF_ARCH x86)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(BPF_ARCH arm64)
else()
  message(FATAL_ERROR "No BPF target architecture is known for ${CMAKE_SYSTEM_PROCESSOR}")
endif()

function(bpf_skeleton name)
  set(headers ${CMAKE_CURRENT_SOURCE_DIR}/events.h ${CMAKE_CURRENT_SOURCE_DIR}/kernel.h)
  file(GLOB own_headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.bpf.h)
  set(objects)
  foreach(source ${ARGN})
    get_filename_component(stem ${source} NAME_WE)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${stem}.bpf.o)
    # -mcpu=v3: atomic exchange. No vmlinux.h: bpf/kernel.h is the hand-kept list of what we read.
    add_custom_command(OUTPUT ${object}
      COMMAND ${BPF_CLANG} --target=bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter
              -D__TARGET_ARCH_${BPF_ARCH} -I${CMAKE_SOURCE_DIR} -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
      DEPENDS ${source} ${headers} ${own_headers} VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(linked ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/include/${name}.skel.h)
  add_custom_command(OUTPUT ${skeleton}
    COMMAND ${BPFTOOL} gen object ${linked} ${objects}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/include
    COMMAND sh -c "\"${BPFTOOL}\" gen skeleton \"${linked}\" name ${name} > \"${skeleton}\""
    DEPENDS ${objects} VERBATIM)
  add_custom_target(${name}_generate DEPENDS ${skeleton})
  add_library(${name}_skeleton INTERFACE)
  add_dependencies(${name}_skeleton ${name}_generate)
  target_include_directories(${name}_skeleton SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/include)
endfunction()
