# Shows that layers.cmake lets a good tree pass and refuses, naming the file, each kind of bad one.
# Run: cmake -D SCRATCH=<folder to write in> -P tests/layers_test.cmake
cmake_minimum_required(VERSION 3.25)

# One tree of one file; `expected` is the refusal, or empty where the tree is good.
function(expect name path text expected)
  set(root ${SCRATCH}/${name})
  file(REMOVE_RECURSE ${root})
  file(WRITE ${root}/${path} "${text}\n")
  execute_process(COMMAND ${CMAKE_COMMAND} -D ROOT=${root} -P ${CMAKE_CURRENT_LIST_DIR}/layers.cmake
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  if(expected STREQUAL "" AND NOT result EQUAL 0)
    message(SEND_ERROR "${name}: refused a good tree: ${output}")
  elseif(NOT expected STREQUAL "" AND result EQUAL 0)
    message(SEND_ERROR "${name}: let a bad tree pass")
  elseif(NOT expected STREQUAL "" AND NOT output MATCHES "${path}: ${expected}")
    message(SEND_ERROR "${name}: refused with '${output}', expected '${path}: ${expected}'")
  endif()
endfunction()

expect(good src/target/t.cpp "#include \"vfe/target/t.hpp\"\n#include <vector>\n#include \"vfe/model/m.hpp\"" "")
expect(good_comm src/comm/c.cpp "#include <mpi.h>" "")
expect(good_store src/store/s.cpp "#include <hdf5.h>\n#include \"store/hdf5.hpp\"" "")
expect(good_apps apps/bench/b.cpp "#include \"vfe/run/commands.hpp\"" "")
expect(above src/core/c.cpp "#include \"vfe/model/model.hpp\"" "layer core includes")
expect(above_header include/vfe/family/f.hpp "#  include <vfe/run/fit.hpp>" "layer family includes")
expect(above_private src/store/s.cpp "#include \"target/partials.hpp\"" "layer store includes")
expect(files_in_model src/model/m.cpp "#include \"vfe/store/dataset.hpp\"" "layer model includes")
expect(mpi src/target/t.cpp "#include <mpi.h>" "includes mpi.h")
expect(mpi_in_header include/vfe/comm/c.hpp "#include <mpi.h>" "includes mpi.h")
expect(hdf5 src/run/r.cpp "#include \"hdf5.h\"" "includes hdf5.h")
expect(hdf5_high_level apps/bench/b.cpp "#include <hdf5_hl.h>" "includes hdf5_hl.h")
expect(unknown_layer src/utils/u.cpp "" "in no layer")
