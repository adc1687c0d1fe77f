# Fails where clang-format would change a file. To repair: clang-format -i FILE
# Run: cmake -D CLANG_FORMAT=<program> -D ROOT=<source folder> -P tests/format.cmake
file(GLOB_RECURSE files ${ROOT}/src/*.[ch]pp ${ROOT}/include/*.[ch]pp ${ROOT}/apps/*.[ch]pp ${ROOT}/tests/*.[ch]pp)
execute_process(COMMAND ${CLANG_FORMAT} --dry-run --Werror --style=file ${files} RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "some files are not formatted")
endif()
