// The main of every test program. With --mpi all ranks run the tests and return one code.
#include <gtest/gtest.h>
#include <mpi.h>

#include <cstring>

int main(int argc, char** argv) {
  bool mpi = false;
  for (int i = 1; i < argc; ++i) mpi = mpi || std::strcmp(argv[i], "--mpi") == 0;
  if (mpi) MPI_Init(&argc, &argv);
  testing::InitGoogleTest(&argc, argv);
  int code = RUN_ALL_TESTS();
  if (mpi) {
    MPI_Allreduce(MPI_IN_PLACE, &code, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    MPI_Finalize();
  }
  return code;
}
