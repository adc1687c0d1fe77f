# Compiles nothing before the layers are in order.
file(GLOB layered_files CONFIGURE_DEPENDS src/*/*.cpp src/*/*.hpp include/vfe/*/*.hpp apps/*.cpp apps/*/*.cpp)
set(layers_script ${PROJECT_SOURCE_DIR}/tests/layers.cmake)
set(layers_list ${PROJECT_SOURCE_DIR}/cmake/layer_list.cmake)
add_custom_command(OUTPUT layers.stamp
  COMMAND ${CMAKE_COMMAND} -D ROOT=${PROJECT_SOURCE_DIR} -P ${layers_script}
  COMMAND ${CMAKE_COMMAND} -E touch layers.stamp
  DEPENDS ${layers_script} ${layers_list} ${layered_files}
  COMMENT "Checking the layers" VERBATIM)
add_custom_target(layers DEPENDS layers.stamp)
add_dependencies(vfe layers)
add_dependencies(vfe_commands layers)
