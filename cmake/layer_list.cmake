# The layers, top to bottom: of the program alone, and of the library that C++ programs link. Below apps, each is a
# folder of src and one of include/vfe.
set(program_layers cli commands data stan toml)
set(library_layers run program verdict problem infer config statistics objective target model family store comm formula core)
