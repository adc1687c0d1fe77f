#pragma once
#include <filesystem>
#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace vfe {

/// log.txt: what happened when, appended to by every run in the folder. Best effort: a full disk loses lines,
/// not the fit.
class FitLog {
 public:
  explicit FitLog(const std::filesystem::path& path);  ///< throws Fault::cannot_create
  ~FitLog();
  void info(const std::string& line);
  void warn(const std::string& line);

 private:
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace vfe
