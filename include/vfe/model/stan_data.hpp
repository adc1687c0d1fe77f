#pragma once
#include <string>
#include <vector>

#include "vfe/core/rows.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// Which data of a Stan program stand for rows.
struct StanShard {
  std::string size;               ///< the variable that counts the rows
  std::vector<std::string> rows;  ///< variables whose first axis runs over the rows
  bool operator==(const StanShard&) const = default;
};

/// The data of a Stan program, as Stan's JSON, to be had for any run of rows.
class StanData {
 public:
  /// Rows from the JSON itself. They are put into the order of a fixed permutation, as import does it, so that a
  /// run of rows is a fair sample. `name` stands for the text in errors. Throws Fault::data where the text is no
  /// JSON object, a variable of `shard` is missing, the size is no whole number, or a variable has another
  /// number of rows than the size says (named, both numbers); where `size` is missing, the rows say it.
  StanData(const std::string& json, const std::string& name, const StanShard& shard);
  /// Rows from a dataset, in its order; the JSON (may be "") has the other variables. A name is looked for
  /// among the columns, then: "x" is the matrix of all columns, "y" and the response's own name are the
  /// response, "offset" and "weight" what the dataset has under these roles. Values are on the user's scale
  /// (stored * scale + centre); where all of a variable are whole numbers, they are written as such. Throws
  /// Fault::config where a name is none of these, with the nearest; Fault::data as above.
  StanData(const std::string& json, const std::string& name, const StanShard& shard, const Schema& schema,
           Rows rows);

  Index rows() const;
  const std::string& name() const { return name_; }
  const StanShard& shard() const { return shard_; }
  /// The data of rows [first, last); of none where they are equal.
  std::string part(Index first, Index last) const;
  /// The same with the rows of one variable in reverse order: for tests of whether rows are exchangeable.
  std::string part_reversed(Index first, Index last, const std::string& variable, Index from, Index to) const;

 private:
  std::string name_;
  StanShard shard_;
};

}  // namespace vfe
