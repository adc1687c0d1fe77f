# Puts the wrapper of Stan's model class into the library, as text: it is compiled with a user's program, not with vfe.
set(stan_bridge_text "")
foreach(part bridge bridge_r)
  set(stan_bridge ${PROJECT_SOURCE_DIR}/apps/stan/${part}.cpp)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${stan_bridge})
  file(READ ${stan_bridge} text)
  string(APPEND stan_bridge_text "${text}")
endforeach()
configure_file(cmake/stan_bridge.cpp.in stan_bridge.cpp @ONLY)
target_sources(vfe_commands PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/stan_bridge.cpp)
# The same, for those who compile by hand.
file(CONFIGURE OUTPUT installed_text/stan_bridge.cpp CONTENT "@stan_bridge_text@" @ONLY)
