# What `cmake --install` lays down: the library with its headers, the package that find_package(vfe) reads, the
# program, and the files a cluster needs.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/vfe)

install(TARGETS vfe EXPORT vfeTargets FILE_SET HEADERS)
install(TARGETS vfe_program)

# The manual page and what bash completes, as the program itself says them.
set(said ${PROJECT_BINARY_DIR}/said)
file(MAKE_DIRECTORY ${said})
add_custom_command(TARGET vfe_program POST_BUILD
  COMMAND vfe_program man > ${said}/vfe.1 COMMAND vfe_program completion bash > ${said}/vfe VERBATIM)
install(FILES ${said}/vfe.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${said}/vfe DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES include/vfe_model.h include/vfe_model.f90 DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT vfeTargets NAMESPACE vfe:: DESTINATION ${package_dir})
configure_package_config_file(cmake/vfeConfig.cmake.in vfeConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(vfeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/vfeConfig.cmake ${PROJECT_BINARY_DIR}/vfeConfigVersion.cmake
  cmake/FindSacado.cmake DESTINATION ${package_dir})
install(DIRECTORY cluster/ DESTINATION ${CMAKE_INSTALL_DATADIR}/vfe)
install(FILES ${PROJECT_BINARY_DIR}/installed_text/stan_bridge.cpp DESTINATION ${CMAKE_INSTALL_DATADIR}/vfe)
install(FILES LICENSE README.md CHANGELOG.md CITATION.cff DESTINATION ${CMAKE_INSTALL_DOCDIR})
