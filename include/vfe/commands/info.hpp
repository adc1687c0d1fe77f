#pragma once
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "vfe/core/table.hpp"
#include "vfe/core/types.hpp"
#include "vfe/store/stored_kind.hpp"
#include "vfe/verdict/verdict.hpp"

namespace vfe {

/// A column of a table.
struct ColumnInfo {
  std::string name;
  ColumnType type = ColumnType::number;
  std::vector<std::string> levels = {};  ///< of a factor, the reference first
  Index width = 1;                       ///< of a matrix
  Index missing = 0;                     ///< rows without a value, or without all of a matrix
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();  ///< of numbers; below `low` where there are none
};

/// A level of the groups that rows stand in.
struct GroupingInfo {
  std::string name;  ///< of the column
  Index groups = 0;  ///< runs of rows that differ in its value or a level further outside
};

struct DatasetInfo {
  Index rows = 0, blocks = 0, block_rows = 0;  ///< block_rows: of a full block
  bool single = false;
  std::vector<ColumnInfo> columns;
  std::vector<GroupingInfo> grouped_by = {};  ///< the outer first
  std::string content;                        ///< hash of the rows as they are
  bool checked = false;                       ///< against the hash that the file has
  std::string made_by, source;                ///< empty where the file does not say
  std::uint64_t shuffle_seed = 0;             ///< 0: not known
  std::vector<std::string> truth;             ///< names of the parameters that simulated it
};

/// What a configuration in a file says first.
struct FitInfo {
  std::string model, family, mode, data;  ///< data: file of the rows; may be empty
  std::string formula;                    ///< likewise
};

struct CheckpointInfo {
  std::uint64_t step = 0;
  std::string stage;  ///< empty where the fit had ended
  FitInfo fit;
  Index lambda = 0;  ///< numbers of q
  std::map<std::string, double> counters;
  std::string state_hash, model_hash, data_hash, made_by;
};

struct VariableInfo {
  std::string name;
  std::vector<std::pair<std::string, Index>> dimensions;
};
struct GroupInfo {
  std::string name;
  std::vector<VariableInfo> variables;
};

struct ResultInfo {
  Verdict verdict;
  std::optional<FitInfo> fit;            ///< predictions do not say
  std::vector<VariableInfo> parameters;  ///< of the model
  std::vector<GroupInfo> groups;
  std::map<std::string, std::string> hashes;  ///< of lambda, draws, data, model; those that it has
  std::string made_by, source;
};

/// What a file of vfe holds.
struct FileInfo {
  std::string file;
  StoredKind kind = StoredKind::dataset;
  std::variant<DatasetInfo, CheckpointInfo, ResultInfo> what;
};

/// `path` is a dataset, a checkpoint, a result or the folder of a run, for its result. All of the file is
/// read and checked as other commands check it: throws Fault::missing, Fault::io, Fault::data,
/// Fault::checkpoint.
FileInfo info(const std::filesystem::path& path);

}  // namespace vfe
