#pragma once
#include <filesystem>
#include <string>

namespace vfe {

/// A shared library loaded into this process, its symbols kept to itself.
class SharedLibrary {
 public:
  /// Throws Fault::missing where there is no such file; Fault::data where the linker refuses it.
  explicit SharedLibrary(const std::filesystem::path& file);
  ~SharedLibrary();
  SharedLibrary(const SharedLibrary&) = delete;
  SharedLibrary& operator=(const SharedLibrary&) = delete;

  const std::string& file() const { return file_; }  ///< as it was given
  /// Sets a pointer to a function; throws Fault::data naming the symbol where the library has none.
  template <class Function>
  void find(const char* symbol, Function*& function) const {
    function = reinterpret_cast<Function*>(address(symbol));
  }
  bool has(const char* symbol) const;

 private:
  void* address(const char* symbol) const;

  std::string file_;
  void* handle_ = nullptr;
};

}  // namespace vfe
