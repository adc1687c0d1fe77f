// What needs no Stan: what is refused before any work, and when a library is out of date. The rest is in
// tests/stan_programs.
#include "vfe/stan/stan_build.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "cli/program.hpp"
#include "stan/child_process.hpp"
#include "stan/stan_tools.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

class StanBuildTest : public testing::Test {
 protected:
  StanBuildTest() {
    options.source = folder / "model.stan";
    options.output = folder / "model.so";
    options.stan = folder.path();
    put(options.source, "parameters { real mu; }\nmodel { mu ~ normal(0, 1); }\n");
  }
  /// What build_stan() says; checks that it left nothing.
  std::string refused(Fault fault) {
    std::string message = "nothing thrown";
    try {
      build_stan(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), fault) << error.what();
      message = error.what();
    }
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      const std::string name = entry.path().filename();
      EXPECT_FALSE(name.starts_with("model.so")) << name;
    }
    return message;
  }
  TemporaryFolder folder;
  StanBuildOptions options;
};

TEST_F(StanBuildTest, MissingSourceIsNamed) {
  options.source = folder / "other.stan";
  EXPECT_THAT(refused(Fault::missing), HasSubstr("other.stan"));
}

TEST_F(StanBuildTest, FolderOfOutputMustExist) {
  options.output = folder / "nowhere/model.so";
  EXPECT_THAT(refused(Fault::cannot_create), AllOf(HasSubstr("nowhere/model.so"), HasSubstr("No such file")));
}

TEST_F(StanBuildTest, FolderWithoutStanIsNamed) {
  EXPECT_THAT(refused(Fault::missing), AllOf(HasSubstr(folder.path().string()), HasSubstr("no httpstan")));
}

TEST_F(StanBuildTest, WhatAnHttpstanLacksIsNamed) {
  fs::create_directories(folder / "httpstan/include/stan");
  put(folder / "httpstan/stanc", "");
  EXPECT_THAT(refused(Fault::missing), AllOf(HasSubstr("httpstan in"), HasSubstr("libsundials_cvodes.a")));
}

TEST_F(StanBuildTest, StancThatCannotRunIsNamed) {
  fs::create_directories(folder / "httpstan/include/stan");
  fs::create_directories(folder / "httpstan/lib");
  put(folder / "httpstan/stanc", "");  // not executable
  for (const char* name : {"libsundials_cvodes.a", "libsundials_idas.a", "libsundials_kinsol.a",
                           "libsundials_nvecserial.a", "libtbb.so.2"}) {
    put(folder / "httpstan/lib" / name, "");
  }
  EXPECT_THAT(refused(Fault::missing), HasSubstr("cannot run"));
}

TEST_F(StanBuildTest, LibraryIsCurrentUnlessTheSourceOrWhatItIncludesIsNewer) {
  const auto now = fs::file_time_type::clock::now();
  const auto age = [&](const fs::path& file, int hours) {
    fs::last_write_time(file, now - std::chrono::hours(hours));
  };
  EXPECT_FALSE(stan_library_is_current(options.source, options.output));
  put(options.output, "");
  age(options.source, 3);
  age(options.output, 2);
  EXPECT_TRUE(stan_library_is_current(options.source, options.output));
  age(options.source, 1);
  EXPECT_FALSE(stan_library_is_current(options.source, options.output));

  put(options.source, "model {\n  #include \"part.stan\"\n  #include absent.stan\n}\n");
  put(folder / "part.stan", "#include <deep.stan> // again\n#include part.stan\n");
  put(folder / "deep.stan", "");
  for (const fs::path& file : {options.source, folder / "part.stan", folder / "deep.stan"}) age(file, 3);
  EXPECT_TRUE(stan_library_is_current(options.source, options.output));
  age(folder / "deep.stan", 1);
  EXPECT_FALSE(stan_library_is_current(options.source, options.output));
  fs::remove(options.source);
  EXPECT_THROW(stan_library_is_current(options.source, options.output), Error);
}

TEST(ChildProcess, TellsHowTheProgramEnded) {
  const ChildResult printed =
      run_child({"bash", "-c", "echo \"$1\"; echo bad >&2; cat; exit 3", "bash", "a 'b' $c"});
  EXPECT_TRUE(printed.started);
  EXPECT_EQ(printed.code, 3);
  EXPECT_EQ(printed.out, "a 'b' $c\n");
  EXPECT_EQ(printed.err, "bad\n");
  EXPECT_EQ(run_child({"bash", "-c", "kill -9 $$"}).signal, 9);
  EXPECT_FALSE(run_child({"/nonexistent/program"}).started);
}

}  // namespace
}  // namespace vfe
