#include "commands/prediction_rows.hpp"

#include <fmt/format.h>

#include <fstream>
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
                {options.format, options.fields, options.new_levels, piece_rows}) {}

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
  std::string source() const override { return reader_.name(); }

 private:
  TableReader reader_;
  Index next_piece_ = 0, next_row_ = 0, first_row_ = 0;
};

class RowsOfGrid final : public PredictionRows {
 public:
  explicit RowsOfGrid(ConditionalRows grid) : grid_(std::move(grid)) {}

  std::optional<Piece> piece(Index k) override {
    const Index first = k * piece_rows, count = std::min(piece_rows, grid_.rows.num_rows - first);
    if (count <= 0) return std::nullopt;
    return Piece{grid_.rows.some(first, count), {}};
  }
  std::string name_row(Index row) const override { return fmt::format("row {} of the grid", row); }
  std::string source() const override { return "a grid"; }
  std::vector<Index> shown() const override { return grid_.varied; }

 private:
  ConditionalRows grid_;
};

}  // namespace

std::unique_ptr<PredictionRows> prediction_rows(const PredictOptions& options, const SavedFit& saved,
                                                const FormulaTerms& formula) {
  const TableSchema& table = saved.table->table;
  const WantedColumns wanted{formula.needed_columns(table), formula.outcome_columns(table)};
  if (options.is_grid()) {
    return std::make_unique<RowsOfGrid>(
        conditional_rows(table, wanted.needed, saved.design->ranges, options.vary, options.at));
  }
  if (is_hdf5(options.data)) return std::make_unique<RowsOfDataset>(options, table, wanted);
  return std::make_unique<RowsOfCsv>(options, table, wanted);
}

}  // namespace vfe
