# The Debian package `knell`: `cpack -G DEB` in a build directory that has knell and pidctl (scripts/package.sh).
# Component `agent` is of use to any installation; component `debian` has paths that are Debian's.

include(GNUInstallDirs)

# Without it cpack builds every test and benchmark first.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME knell)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "tells why every process on a node died, and who killed it")
set(CPACK_PACKAGE_DESCRIPTION "An agent that observes every process exit by eBPF programs, with the signal
that caused it and its sender, and by pidfds how fast the death is noticed and
collected. A Prometheus exporter counts it all, by container or systemd unit.
Commands show deaths as they happen, without the agent too; pidctl names,
inspects, signals and waits for processes by pidfd.")
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL agent debian)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
# Files outside of /usr: what they are installed below is this, and then DESTDIR.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_OUTPUT_FILE_PREFIX packages)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The knell authors <maintainers@knell.example>")
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# For the user that the unit runs as.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(debian ${CMAKE_SOURCE_DIR}/deploy/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian}/conffiles ${debian}/postinst ${debian}/prerm ${debian}/postrm)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})

execute_process(COMMAND git log -1 --format=%cD WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                OUTPUT_VARIABLE KNELL_COMMIT_DATE OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT KNELL_COMMIT_DATE)
  set(KNELL_COMMIT_DATE "Thu, 01 Jan 1970 00:00:00 +0000")
endif()
configure_file(${debian}/changelog.in ${CMAKE_BINARY_DIR}/package/changelog.Debian @ONLY)

# knell_compressed(FILE NAME DESTINATION COMPONENT): installs FILE as NAME.gz, the same bytes in every build.
set(compressed_files)
function(knell_compressed file name destination component)
  set(output ${CMAKE_BINARY_DIR}/package/${name}.gz)
  add_custom_command(OUTPUT ${output} COMMAND sh -c "gzip -9n < \"${file}\" > \"${output}\"" DEPENDS ${file} VERBATIM)
  set(compressed_files ${compressed_files} ${output} PARENT_SCOPE)
  if(component STREQUAL debian)
    set(excluded EXCLUDE_FROM_ALL)
  endif()
  install(FILES ${output} DESTINATION ${destination} COMPONENT ${component} ${excluded})
endfunction()

foreach(page knell.1 pidctl.1 knell.yaml.5)
  string(REGEX MATCH "[0-9]$" chapter ${page})
  knell_compressed(${CMAKE_SOURCE_DIR}/docs/man/${page} ${page} ${CMAKE_INSTALL_MANDIR}/man${chapter} agent)
endforeach()
set(documents ${CMAKE_INSTALL_DATADIR}/doc/knell)
knell_compressed(${CMAKE_SOURCE_DIR}/CHANGELOG.md changelog ${documents} debian)
knell_compressed(${CMAKE_BINARY_DIR}/package/changelog.Debian changelog.Debian ${documents} debian)
add_custom_target(package_files ALL DEPENDS ${compressed_files})

set(completions ${CMAKE_SOURCE_DIR}/deploy/completions)
foreach(program knell pidctl)
  install(FILES ${completions}/${program}.bash RENAME ${program} COMPONENT agent
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${completions}/${program}.zsh RENAME _${program} COMPONENT agent
          DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
  install(FILES ${completions}/${program}.fish COMPONENT agent
          DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endforeach()

install(FILES ${debian}/copyright DESTINATION ${documents} COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${debian}/lintian-overrides RENAME knell DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides COMPONENT debian
        EXCLUDE_FROM_ALL)
install(FILES ${debian}/knell.yaml DESTINATION /etc/knell COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${debian}/sysusers.conf RENAME knell.conf DESTINATION lib/sysusers.d COMPONENT debian
        EXCLUDE_FROM_ALL)
install(FILES ${CMAKE_SOURCE_DIR}/deploy/systemd/knell.service DESTINATION /lib/systemd/system COMPONENT debian EXCLUDE_FROM_ALL)

include(CPack)
