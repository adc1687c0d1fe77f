// vfe stan build with the httpstan that a fixture installs: what it refuses, where it finds its tools.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/program.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path environment = VFE_BINARY_DIR "/stan";
const std::string sound = "parameters { real mu; }\nmodel { mu ~ normal(0, 1); }\n";

/// The httpstan in the environment.
fs::path package() {
  for (const auto& entry : fs::directory_iterator(environment / "lib")) {
    if (fs::exists(entry.path() / "site-packages/httpstan/stanc"))
      return entry.path() / "site-packages/httpstan";
  }
  return {};
}

std::size_t count_of(const std::string& text, const std::string& piece) {
  std::size_t count = 0;
  for (std::size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++count;
  return count;
}

std::vector<std::string> files(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("job")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// A program in a folder that stands in for the compiler: it has the real one find all headers that the
/// command line leads to, and writes their list in place of the library.
void put_compiler(const fs::path& folder) {
  fs::create_directory(folder);
  put(folder / "g++",
      "#!/bin/bash\nwords=()\nwhile (($#)); do\n  case $1 in\n    -o) output=$2; shift ;;\n    "
      "-shared|*.a|*.so.2) ;;\n"
      "    *) words+=(\"$1\") ;;\n  esac\n  shift\ndone\nexec /usr/bin/g++ -M \"${words[@]}\" > "
      "\"$output\"\n");
  fs::permissions(folder / "g++", fs::perms::owner_all);
}

class StanBuild : public testing::Test {
 protected:
  /// With the environment's httpstan, unless `more` says otherwise.
  Finished build(const std::string& more) {
    return Job(folder.path(), "exec " VFE_PROGRAM " stan build model.stan -o model.so --overwrite " + more)
        .wait();
  }
  TemporaryFolder folder;
  std::string stan = "--stan " + environment.string();
};

TEST_F(StanBuild, SyntaxErrorIsStancsMessageOnce) {
  put(folder / "model.stan", "parameters {\n  real mu\n}\n");
  const Finished found = build(stan);
  EXPECT_EQ(found.code, 65);
  EXPECT_EQ(count_of(found.err, "\";\" expected after variable declaration"), 1u) << found.err;
  EXPECT_EQ(count_of(found.err, "Syntax error in 'model.stan', line 3"), 1u) << found.err;
  EXPECT_EQ(found.messages().size(), 1u);
  EXPECT_THAT(files(folder.path()), testing::ElementsAre("model.stan"));
}

TEST_F(StanBuild, WhatNeedsANewerStanIsSaid) {
  put(folder / "model.stan", contents(VFE_SOURCE_DIR "/tests/stan_programs/sum_to_zero.stan"));
  const Finished found = build(stan);
  EXPECT_EQ(found.code, 65);
  EXPECT_THAT(found.err, AllOf(HasSubstr("sum_to_zero_vector needs Stan 2.36, and this stanc is 2.35.0"),
                               HasSubstr("httpstan 4.17")));
}

TEST_F(StanBuild, AFailureLeavesTheLibraryThatWasThere) {
  put(folder / "model.stan", "model { nonsense }\n");
  put(folder / "model.so", "old");
  EXPECT_EQ(build(stan).code, 65);
  EXPECT_EQ(contents(folder / "model.so"), "old");
}

TEST_F(StanBuild, CompilersErrorIsShown) {
  put(folder / "model.stan", sound);
  const Finished found = build(stan + " --cxxflags '-O1 --no-such-flag'");
  EXPECT_EQ(found.code, 73);
  EXPECT_THAT(found.err, AllOf(HasSubstr("compiling model.stan"), HasSubstr("--no-such-flag")));
  EXPECT_THAT(files(folder.path()), testing::ElementsAre("model.stan"));
}

TEST_F(StanBuild, MissingCompilerIsNamed) {
  put(folder / "model.stan", sound);
  const Finished found =
      Job(folder.path(), "PATH=/nonexistent exec " VFE_PROGRAM " stan build model.stan -o model.so " + stan)
          .wait();
  EXPECT_EQ(found.code, 66);
  EXPECT_THAT(found.err, HasSubstr("no C++ compiler"));
  EXPECT_THAT(files(folder.path()), testing::ElementsAre("model.stan"));
}

TEST_F(StanBuild, SaysWhichToolsItUses) {
  put(folder / "model.stan", "model { nonsense }\n");
  const std::string name = "httpstan in " + package().string();
  const fs::path site = package().parent_path();
  EXPECT_THAT(build(stan).err, HasSubstr(name));
  EXPECT_THAT(build("--stan " + site.string()).err, HasSubstr(name));
  EXPECT_THAT(build("--stan " + package().string()).err, HasSubstr(name));
  // Without --stan, the one that python3 would import.
  const Finished found =
      Job(folder.path(), "PATH=" + (environment / "bin").string() +
                             ":$PATH exec " VFE_PROGRAM " stan build model.stan -o model.so")
          .wait();
  EXPECT_EQ(found.code, 65);
  EXPECT_THAT(found.err, HasSubstr(name));
}

TEST_F(StanBuild, FindsTheHeadersOfATree) {
  // The layout of a CmdStan tree, and of a BridgeStan tree, laid out with what httpstan has.
  const fs::path tree = folder / "tree", math = tree / "stan/lib/stan_math", from = package() / "include";
  for (const char* made :
       {"bin", "src", "stan/src/stan", "stan/lib/rapidjson_1.1.0", "stan/lib/stan_math/stan",
        "stan/lib/stan_math/lib/eigen_3.4.0", "stan/lib/stan_math/lib/sundials_6.1.1/include",
        "stan/lib/stan_math/lib/sundials_6.1.1/src/sundials", "stan/lib/stan_math/lib/sundials_6.1.1/lib",
        "stan/lib/stan_math/lib/boost_1.9.0", "stan/lib/stan_math/lib/boost_1.84.0",
        "stan/lib/stan_math/lib/tbb_2020.3/include"}) {
    fs::create_directories(tree / made);
  }
  fs::create_symlink(package() / "stanc", tree / "bin/stanc");
  for (const auto& entry : fs::directory_iterator(from / "stan")) {
    const fs::path name = entry.path().filename();
    const bool is_math = name.string().starts_with("math");
    fs::create_symlink(entry.path(), (is_math ? math / "stan" : tree / "stan/src/stan") / name);
  }
  fs::create_symlink(from / "rapidjson", tree / "stan/lib/rapidjson_1.1.0/rapidjson");
  fs::create_symlink(from / "boost", math / "lib/boost_1.84.0/boost");
  fs::create_symlink(from / "tbb", math / "lib/tbb_2020.3/include/tbb");
  for (const char* name : {"Eigen", "unsupported"}) {
    fs::create_symlink(from / name, math / "lib/eigen_3.4.0" / name);
  }
  for (const auto& entry : fs::directory_iterator(from)) {
    const std::string name = entry.path().filename();
    if (name != "stan" && name != "rapidjson" && name != "boost" && name != "tbb" && name != "Eigen" &&
        name != "unsupported") {
      fs::create_symlink(entry.path(), math / "lib/sundials_6.1.1/include" / name);
    }
  }
  put(folder / "model.stan", sound);
  put_compiler(folder / "compiler");
  const auto run = [&] {
    return Job(folder.path(), "PATH=" + (folder / "compiler").string() +
                                  ":$PATH exec " VFE_PROGRAM
                                  " stan build model.stan -o model.so --overwrite --stan tree")
        .wait();
  };
  // Freshly unpacked: the libraries are not there yet.
  Finished found = run();
  EXPECT_EQ(found.code, 66);
  EXPECT_THAT(found.err, AllOf(HasSubstr("CmdStan in"), HasSubstr("lacks"), HasSubstr("libsundials")));

  for (const auto& entry : fs::directory_iterator(package() / "lib")) {
    const fs::path name = entry.path().filename();
    if (name.extension() == ".a") fs::create_symlink(entry.path(), math / "lib/sundials_6.1.1/lib" / name);
  }
  fs::create_directory_symlink(package() / "lib", math / "lib/tbb");
  found = run();
  EXPECT_EQ(found.code, 0) << found.err;
  EXPECT_THAT(found.err, HasSubstr("CmdStan in " + tree.string()));
  const std::string headers = contents(folder / "model.so");
  for (const char* header : {"stan_math/stan/math/rev.hpp", "stan/src/stan/model/model_base.hpp",
                             "eigen_3.4.0/Eigen/Dense", "boost_1.84.0/boost/", "tbb_2020.3/include/tbb/",
                             "sundials_6.1.1/include/cvodes/", "rapidjson_1.1.0/rapidjson/"}) {
    EXPECT_THAT(headers, HasSubstr(header));
  }
  put(tree / "src/bridgestan.h", "");
  EXPECT_THAT(run().err, HasSubstr("BridgeStan in " + tree.string()));
}

TEST_F(StanBuild, IncludesStandBesideTheProgram) {
  put(folder / "prior.stan", "mu ~ normal(0, 1);\n");
  put(folder / "model.stan", "parameters { real mu; }\nmodel {\n#include prior.stan\n}\n");
  put_compiler(folder / "compiler");
  const Finished found = Job(folder.path(), "PATH=" + (folder / "compiler").string() +
                                                ":$PATH exec " VFE_PROGRAM " stan build model.stan " + stan)
                             .wait();
  EXPECT_EQ(found.code, 0) << found.err;
  EXPECT_THAT(files(folder.path()), testing::ElementsAre("compiler", "model.so", "model.stan", "prior.stan"));
}

TEST_F(StanBuild, ASignalEndsTheCompilerAndLeavesNothing) {
  put(folder / "model.stan", sound);
  fs::create_directory(folder / "compiler");
  put(folder / "compiler/g++", "#!/bin/bash\ntouch started\nsleep 600\n");
  fs::permissions(folder / "compiler/g++", fs::perms::owner_all);
  Job job(folder.path(), "PATH=" + (folder / "compiler").string() +
                             ":$PATH exec " VFE_PROGRAM " stan build model.stan -o model.so " + stan);
  ASSERT_TRUE(wait_until([&] { return fs::exists(folder / "started"); }));
  ::kill(job.pid(), SIGTERM);
  const Finished found = job.wait();
  EXPECT_EQ(found.code, 75);
  EXPECT_THAT(found.err, HasSubstr("ended by signal 15"));
  EXPECT_THAT(files(folder.path()), testing::ElementsAre("compiler", "model.stan", "started"));
}

}  // namespace
}  // namespace vfe
