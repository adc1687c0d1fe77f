# Finds Sacado's reverse mode (Debian: libtrilinos-sacado-dev), which is headers alone, and those of Kokkos that it
# includes (libtrilinos-kokkos-dev). Defines Sacado::Sacado.
find_path(SACADO_INCLUDE_DIR Sacado_trad.hpp PATH_SUFFIXES trilinos)
find_path(KOKKOS_INCLUDE_DIR Kokkos_Macros.hpp HINTS ${SACADO_INCLUDE_DIR} PATH_SUFFIXES trilinos)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Sacado REQUIRED_VARS SACADO_INCLUDE_DIR KOKKOS_INCLUDE_DIR)
if(Sacado_FOUND AND NOT TARGET Sacado::Sacado)
  add_library(Sacado::Sacado INTERFACE IMPORTED)
  set_target_properties(Sacado::Sacado PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${SACADO_INCLUDE_DIR};${KOKKOS_INCLUDE_DIR}")
endif()
mark_as_advanced(SACADO_INCLUDE_DIR KOKKOS_INCLUDE_DIR)
