# The CMake package knell-pidfd: the pidfd library for other supervisors, installed by
# `cmake --install <build> --component pidfd`. docs/pidfd.md says how it is used.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(KNELL_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/knell-pidfd)

# knell_package(NAME HEADERS...): target knell_NAME becomes knell::NAME of the package, and these headers of the current
# folder, which are its public ones, become knell/NAME/*.hpp.
function(knell_package name)
  cmake_parse_arguments(arg "" "" "HEADERS" ${ARGN})
  # Position independent: a supervisor may be, or load, a shared object.
  set_target_properties(knell_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_compile_features(knell_${name} PUBLIC cxx_std_23)
  install(TARGETS knell_${name} EXPORT knell-pidfd-targets COMPONENT pidfd
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
          INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

  # Headers include each other from the project's root, which an installed tree does not have: what is installed is a
  # copy that install_headers.cmake makes first.
  set(copies ${CMAKE_CURRENT_BINARY_DIR}/installed)
  install(CODE "set(headers \"${arg_HEADERS}\")
                set(from \"${CMAKE_CURRENT_SOURCE_DIR}\")
                set(to \"${copies}\")" COMPONENT pidfd)
  install(SCRIPT ${CMAKE_SOURCE_DIR}/cmake/install_headers.cmake COMPONENT pidfd)
  list(TRANSFORM arg_HEADERS PREPEND ${copies}/)
  install(FILES ${arg_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/knell/${name} COMPONENT pidfd)
endfunction()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/knell-pidfd-config.cmake.in
  ${CMAKE_BINARY_DIR}/package/knell-pidfd-config.cmake INSTALL_DESTINATION ${KNELL_PACKAGE_DIR})
# Before 1.0 a minor release may change the interface.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/knell-pidfd-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/package/knell-pidfd-config.cmake
              ${CMAKE_BINARY_DIR}/package/knell-pidfd-config-version.cmake
        DESTINATION ${KNELL_PACKAGE_DIR} COMPONENT pidfd)
install(EXPORT knell-pidfd-targets NAMESPACE knell:: DESTINATION ${KNELL_PACKAGE_DIR} COMPONENT pidfd)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/docs/pidfd.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT pidfd)
