# Shows that names.cmake lets a good tree pass and finds two types of one name.
# Run: cmake -D SCRATCH=<folder to write in> -P tests/names_test.cmake
cmake_minimum_required(VERSION 3.25)

function(expect name second expected)
  set(root ${SCRATCH}/${name})
  file(REMOVE_RECURSE ${root})
  file(WRITE ${root}/include/vfe/a/a.hpp "namespace vfe {\nclass A;\nstruct A {\n};\n}  // namespace vfe\n")
  file(WRITE ${root}/src/b/b.cpp "${second}\n")
  execute_process(COMMAND ${CMAKE_COMMAND} -D ROOT=${root} -P ${CMAKE_CURRENT_LIST_DIR}/names.cmake
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(expected STREQUAL "" AND NOT result EQUAL 0)
    message(SEND_ERROR "${name}: refused a good tree: ${output}")
  elseif(NOT expected STREQUAL "" AND (result EQUAL 0 OR NOT output MATCHES "${expected}"))
    message(SEND_ERROR "${name}: found '${output}', expected '${expected}'")
  endif()
endfunction()

set(found "A is defined in")
expect(other "namespace vfe {\nstruct B {\n};\n}  // namespace vfe" "")
expect(unnamed "namespace vfe {\nnamespace {\nstruct A {\n};\n}  // namespace\n}  // namespace vfe" "")
expect(elsewhere "namespace vfe::other {\nstruct A {\n};\n}  // namespace vfe::other" "")
expect(nested "namespace vfe {\nstruct A::Impl {\n};\n}  // namespace vfe" "")
expect(twice "namespace vfe {\nclass A final : public B {\n};\n}  // namespace vfe" "${found}")
expect(enum "namespace vfe {\nenum class A {\n};\n}  // namespace vfe" "${found}")
expect(after_unnamed "namespace vfe {\nnamespace {\n}  // namespace\nstruct A {\n};\n}  // namespace vfe" "${found}")
