#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vfe/core/table_source.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// Which data of a Stan program stand for rows.
struct StanShard {
  std::string size;               ///< the variable that counts the rows
  std::vector<std::string> rows;  ///< variables whose first axis runs over the rows
  bool operator==(const StanShard&) const = default;
};

/// The data of a Stan program, as Stan's JSON, to be had for any rows. Cheap to copy.
class StanData {
 public:
  /// Rows from the JSON itself. They are put into the order of a fixed permutation, as import does it, so
  /// that a run of rows is a fair sample. `name` stands for the text in errors. Throws Fault::config where
  /// `shard` names no variable or one twice; Fault::data where the text is no JSON object, a variable of
  /// `shard` is missing, the size is no whole number, or a variable has another number of rows than the size
  /// says (named, both numbers); where `size` is missing, the rows say it.
  StanData(const std::string& json, const std::string& name, const StanShard& shard);
  /// Rows from a shard of a dataset's table, in its order, all of them read and kept; the JSON (may be "")
  /// has the other variables, and the number of rows of the whole dataset or none. A name is that of a
  /// column: a number or an integer is itself, written without a point where it is whole, so that it may be
  /// an int of the program; a level is its place, from 1; a cell of a matrix column is an array. "x", where
  /// no column has that name, is the matrix of the columns of numbers and integers that shard.rows does not
  /// name, in their order. Throws Fault::config where a name is none of these, with those there are;
  /// Fault::data as above, and for a missing value in what is named, with its row and column.
  StanData(const std::string& json, const std::string& name, const StanShard& shard, const TableSource& rows);
  ~StanData();
  StanData(const StanData&);
  StanData(StanData&&) noexcept;

  Index rows() const;
  const std::string& name() const;
  const StanShard& shard() const;
  /// The data of rows [first, last); of none where they are equal.
  std::string part(Index first, Index last) const;
  /// The data of some rows in that order; the variables that `others` names are taken from its rows instead,
  /// as many, to see what depends on them.
  std::string part(const std::vector<Index>& rows,
                   const std::map<std::string, std::vector<Index>>& others) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace vfe
