#include "stan/stan_tools.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "stan/child_process.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

/// The folders <prefix>* in a folder, newest version first.
std::vector<fs::path> versions(const fs::path& folder, const std::string& prefix) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().starts_with(prefix) && is_folder(entry.path())) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end(), [](const fs::path& a, const fs::path& b) {
    return ::strverscmp(a.filename().c_str(), b.filename().c_str()) > 0;
  });
  return found;
}

/// The files that every Stan program is linked with: the solvers of differential equations and the thread
/// pool.
std::vector<fs::path> linked_files(const fs::path& sundials, const fs::path& tbb) {
  std::vector<fs::path> files;
  for (const char* part : {"cvodes", "idas", "kinsol", "nvecserial"}) {
    files.push_back(sundials / fmt::format("libsundials_{}.a", part));
  }
  files.push_back(tbb / "libtbb.so.2");
  return files;
}

/// Stan's headers are there in an httpstan package.
bool is_httpstan(const fs::path& folder) {
  return is_file(folder / "stanc") && is_folder(folder / "include/stan");
}

StanTools httpstan_tools(const fs::path& package) {
  StanTools tools;
  tools.name = "httpstan in " + package.string();
  tools.stanc = package / "stanc";
  tools.includes = {package / "include"};
  tools.libraries = linked_files(package / "lib", package / "lib");
  return tools;
}

std::optional<fs::path> httpstan_package(const fs::path& folder) {
  if (is_httpstan(folder)) return folder;
  if (is_httpstan(folder / "httpstan")) return folder / "httpstan";
  for (const char* library : {"lib", "lib64"}) {
    for (const fs::path& python : versions(folder / library, "python3")) {
      if (is_httpstan(python / "site-packages/httpstan")) return python / "site-packages/httpstan";
    }
  }
  return std::nullopt;
}

/// CmdStan and BridgeStan have the repository of Stan in the same place, and in it that of its mathematics,
/// with the libraries that this is built on under their versions (Stan's make/libraries).
StanTools tree_tools(const fs::path& tree, const std::string& kind) {
  const fs::path math = tree / "stan/lib/stan_math";
  const auto newest = [&](const fs::path& folder, const std::string& prefix) {
    const std::vector<fs::path> found = versions(folder, prefix);
    return found.empty() ? folder / (prefix + "*") : found.front();
  };
  const fs::path sundials = newest(math / "lib", "sundials_");
  StanTools tools;
  tools.name = kind + " in " + tree.string();
  tools.stanc = tree / "bin/stanc";
  tools.includes = {tree / "stan/src",
                    newest(tree / "stan/lib", "rapidjson_"),
                    math,
                    newest(math / "lib", "eigen_"),
                    newest(math / "lib", "boost_"),
                    sundials / "include",
                    sundials / "src/sundials",
                    newest(math / "lib", "tbb_") / "include"};
  tools.libraries = linked_files(sundials / "lib", math / "lib/tbb");
  return tools;
}

void check_complete(const StanTools& tools) {
  const auto fail = [&](const fs::path& part) {
    throw Error(Fault::missing,
                fmt::format("looking for Stan: {} lacks {} (in a CmdStan tree `make build`, in a "
                            "BridgeStan tree the build of any model makes it)",
                            tools.name, part.string()));
  };
  if (!is_file(tools.stanc)) fail(tools.stanc);
  for (const fs::path& folder : tools.includes) {
    if (!is_folder(folder)) fail(folder);
  }
  for (const fs::path& file : tools.libraries) {
    if (!is_file(file)) fail(file);
  }
}

/// The folder of the httpstan that Python would import, were the current folder another; empty where there is
/// none.
fs::path package_of_python() {
  const ChildResult python =
      run_child({"python3", "-c",
                 // Code that lies in the current folder, whose ever it is, must not be run.
                 "import sys\n"
                 "sys.path[:] = [folder for folder in sys.path if folder not in ('', '.')]\n"
                 "import os\n"
                 "here = os.path.realpath(os.getcwd())\n"
                 "sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder) != here]\n"
                 "import importlib.util\n"
                 "found = importlib.util.find_spec('httpstan')\n"
                 "print(list(found.submodule_search_locations)[0] if found else '', end='')"});
  return python.code == 0 ? fs::path(python.out) : fs::path();
}

/// Of this user, as the system knows it.
fs::path home_folder() {
  const struct passwd* user = ::getpwuid(::getuid());
  return user == nullptr ? fs::path("/nonexistent") : fs::path(user->pw_dir);
}

}  // namespace

std::optional<StanTools> stan_tools_in(const fs::path& folder) {
  std::optional<StanTools> tools;
  const fs::path root = fs::absolute(folder);  // the library will name the folder of libtbb
  if (const std::optional<fs::path> package = httpstan_package(root)) {
    tools = httpstan_tools(*package);
  } else if (is_folder(root / "stan/src/stan")) {
    tools = tree_tools(root, is_file(root / "src/bridgestan.h") ? "BridgeStan" : "CmdStan");
  }
  if (tools) check_complete(*tools);
  return tools;
}

std::vector<StanTools> find_stan_tools(const fs::path& folder) {
  if (!folder.empty()) {
    if (std::optional<StanTools> tools = stan_tools_in(folder)) return {*tools};
    throw Error(
        Fault::missing,
        fmt::format(
            "looking for Stan: {} is no httpstan package, holds none, and is no CmdStan or BridgeStan "
            "tree",
            folder.string()));
  }
  std::vector<fs::path> places;
  if (const fs::path package = package_of_python(); !package.empty()) places.push_back(package);
  const fs::path home = home_folder();
  for (const fs::path& tree : versions(home / ".cmdstan", "cmdstan-")) places.push_back(tree);
  for (const fs::path& tree : versions(home / ".bridgestan", "bridgestan-")) places.push_back(tree);
  std::vector<StanTools> found;
  std::optional<Error> incomplete;
  for (const fs::path& place : places) {
    try {
      if (std::optional<StanTools> tools = stan_tools_in(place)) found.push_back(*tools);
    } catch (const Error& error) {
      if (!incomplete) incomplete = error;
    }
  }
  if (!found.empty()) return found;
  if (incomplete) throw *incomplete;
  throw Error(
      Fault::missing,
      "looking for Stan: found neither the Python package httpstan nor a CmdStan or BridgeStan tree "
      "in the home folder; `pip install httpstan` brings what is needed, --stan names another folder");
}

}  // namespace vfe
