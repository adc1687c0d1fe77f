#include "run/fit_log.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>

#include "vfe/core/error.hpp"

namespace vfe {

FitLog::FitLog(const std::filesystem::path& path) {
  try {
    logger_ = std::make_unique<spdlog::logger>(
        "vfe", std::make_shared<spdlog::sinks::basic_file_sink_st>(path.string(), false));
  } catch (const spdlog::spdlog_ex& error) {
    throw Error(Fault::cannot_create, fmt::format("opening the log: {}", error.what()));
  }
  logger_->set_pattern("%Y-%m-%dT%H:%M:%S%z %l %v");
  logger_->flush_on(spdlog::level::info);
  logger_->set_error_handler([](const std::string&) {});
}

FitLog::~FitLog() = default;

void FitLog::info(const std::string& line) {
  logger_->info(line);
}
void FitLog::warn(const std::string& line) {
  logger_->warn(line);
}

}  // namespace vfe
