# Runs at install: copies `headers` of the folder `from` to the folder `to`, with includes that work in an installed
# tree: "agent/base/fd.hpp" becomes "knell/base/fd.hpp".

foreach(header IN LISTS headers)
  file(READ "${from}/${header}" text)
  string(REGEX REPLACE "#include \"agent/" "#include \"knell/" text "${text}")
  # What has not changed keeps its time, so that a second install makes nobody compile again.
  set(old "")
  if(EXISTS "${to}/${header}")
    file(READ "${to}/${header}" old)
  endif()
  if(NOT text STREQUAL old)
    file(WRITE "${to}/${header}" "${text}")
  endif()
endforeach()
