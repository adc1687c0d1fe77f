#include "model/shared_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <system_error>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

// The linker's last complaint, without the file that our own line names already.
std::string complaint(const std::string& path) {
  const char* text = ::dlerror();
  std::string found = text == nullptr ? "no reason given" : text;
  if (found.starts_with(path + ": ")) found.erase(0, path.size() + 2);
  return found;
}

}  // namespace

SharedLibrary::SharedLibrary(const std::filesystem::path& file) : file_(file.string()) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    throw Error(Fault::missing, fmt::format("loading library {}: there is no such file", file_));
  }
  // A path without a slash would be searched for among the system's libraries.
  const std::string path = std::filesystem::absolute(file).string();
  handle_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) {
    throw Error(Fault::data, fmt::format("loading library {}: {}", file_, complaint(path)));
  }
}

SharedLibrary::~SharedLibrary() {
  ::dlclose(handle_);
}

bool SharedLibrary::has(const char* symbol) const {
  return ::dlsym(handle_, symbol) != nullptr;
}

void* SharedLibrary::address(const char* symbol) const {
  void* found = ::dlsym(handle_, symbol);
  if (found == nullptr) {
    throw Error(Fault::data, fmt::format("loading library {}: it lacks the function {}", file_, symbol));
  }
  return found;
}

}  // namespace vfe
