#include "commands/prediction_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/data/conditional_rows.hpp"
#include "vfe/data/table_match.hpp"
#include "vfe/data/table_reader.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {
namespace {

bool is_hdf5(const std::filesystem::path& path) {
  const std::string signature = "\x89HDF\r\n\x1a\n";
  std::string begin(signature.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  return begin == signature;
}

class RowsOfDataset final : public PredictionRows {
 public:
  RowsOfDataset(const PredictOptions& options, const TableSchema& table, const WantedColumns& wanted)
      : file_(options.data),
        match_(file_.schema().table, table, wanted, options.new_levels, options.data.string()) {}

  std::optional<Piece> piece(Index k) override {
    const Index first = k * piece_rows, last = std::min(first + piece_rows, file_.schema().num_rows());
    if (first >= last) return std::nullopt;
    Piece piece{match_(rows(first, last)), file_.lines(first, last)};
    piece.rows.first_row = first;
    return piece;
  }
  std::string name_row(Index row) const override { return file_.name_row(row); }
  bool has(const std::string& column) const override { return match_.has(column); }
  const std::string& level(Index column, std::int32_t code) const override {
    return match_.level(column, code);
  }
  std::string source() const override { return file_.schema().source; }

 private:
  TableRows rows(Index first, Index last) {
    const Blocks& blocks = file_.schema().blocks;
    const BlockRange range{blocks.block_of(first), blocks.block_of(last - 1) + 1};
    if (range.first != read_.first || range.last != read_.last) blocks_ = file_.read(range);
    read_ = range;
    return blocks_.some(first - blocks.first(range.first), last - first);
  }

  Dataset file_;
  TableMatch match_;
  BlockRange read_;
  TableRows blocks_;  ///< those of read_
};

class RowsOfCsv final : public PredictionRows {
 public:
  RowsOfCsv(const PredictOptions& options, const TableSchema& table, const WantedColumns& wanted)
      : reader_(options.data, table, {wanted.needed.begin(), wanted.needed.end()},
                {wanted.optional.begin(), wanted.optional.end()},
                {options.format, options.fields, options.new_levels, piece_rows, wanted.groups}) {}

  std::optional<Piece> piece(Index k) override {
    for (;;) {
      TableRows rows = reader_.next();
      if (rows.num_rows == 0) return std::nullopt;
      rows.first_row = first_row_ = next_row_;
      next_row_ += rows.num_rows;
      if (next_piece_++ == k) return Piece{std::move(rows), reader_.lines()};
    }
  }
  std::string name_row(Index row) const override {
    return fmt::format("line {}", reader_.lines()[static_cast<std::size_t>(row - first_row_)]);
  }
  bool has(const std::string& column) const override { return reader_.has(column); }
  const std::string& level(Index column, std::int32_t code) const override {
    return reader_.level(column, code);
  }
  std::string source() const override { return reader_.name(); }

 private:
  TableReader reader_;
  Index next_piece_ = 0, next_row_ = 0, first_row_ = 0;
};

class RowsOfGrid final : public PredictionRows {
 public:
  RowsOfGrid(ConditionalRows grid, const TableSchema& table) : grid_(std::move(grid)), table_(table) {}

  std::optional<Piece> piece(Index k) override {
    const Index first = k * piece_rows, count = std::min(piece_rows, grid_.rows.num_rows - first);
    if (count <= 0) return std::nullopt;
    return Piece{grid_.rows.some(first, count), {}};
  }
  std::string name_row(Index row) const override { return fmt::format("row {} of the grid", row); }
  bool has(const std::string& column) const override { return grid_.given.contains(column); }
  const std::string& level(Index column, std::int32_t code) const override {
    return table_[column].levels[static_cast<std::size_t>(code)];
  }
  std::string source() const override { return "a grid"; }
  std::vector<Index> shown() const override { return grid_.varied; }

 private:
  ConditionalRows grid_;
  const TableSchema& table_;
};

/// Columns that name groups, and are nothing else to the formula.
std::set<std::string> names_of_groups(const PredictOptions& options, const TableSchema& table,
                                      const FormulaTerms& formula) {
  std::set<std::string> names;
  if (options.groups == GroupsOfRows::exclude) return names;
  const std::set<std::string> needed = formula.needed_columns(table);
  std::ranges::set_difference(formula.group_columns(table), needed, std::inserter(names, names.end()));
  return names;
}

void require_groups(const PredictOptions& options, const PredictionRows& rows,
                    const std::set<std::string>& names) {
  for (const std::string& name : names) {
    if (rows.has(name)) continue;
    throw Error(Fault::data,
                fmt::format("{}: no column \"{}\", which names groups, expected it, or --groups exclude (no "
                            "effects of groups) or new (those of a new group)",
                            options.data.string(), name));
  }
}

}  // namespace

std::unique_ptr<PredictionRows> prediction_rows(const PredictOptions& options, const SavedFit& saved,
                                                const FormulaTerms& formula) {
  const TableSchema& table = saved.table->table;
  WantedColumns wanted{formula.needed_columns(table), {}, names_of_groups(options, table, formula)};
  if (options.is_grid()) {
    return std::make_unique<RowsOfGrid>(
        conditional_rows(table, wanted, saved.design->ranges, options.vary, options.at), table);
  }
  wanted.optional = formula.outcome_columns(table);
  wanted.optional.insert(wanted.groups.begin(), wanted.groups.end());
  std::unique_ptr<PredictionRows> rows;
  if (is_hdf5(options.data)) {
    rows = std::make_unique<RowsOfDataset>(options, table, wanted);
  } else {
    rows = std::make_unique<RowsOfCsv>(options, table, wanted);
  }
  if (options.groups == GroupsOfRows::include) require_groups(options, *rows, wanted.groups);
  return rows;
}

}  // namespace vfe
