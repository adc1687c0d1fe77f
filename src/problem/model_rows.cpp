#include "problem/model_rows.hpp"

#include <cmath>
#include <utility>

#include "problem/recoded_rows.hpp"

namespace vfe {
namespace {

/// The coding of a model through the origin.
MeanAndSd about_origin(const MeanAndSd& moments) {
  return {0.0, std::hypot(moments.mean, moments.sd)};
}

Schema coded(const GlmOptions& options, const Schema& stored) {
  Schema schema = stored;
  for (std::size_t j = 0; j < schema.columns.size(); ++j) {
    Column& column = schema.columns[j];
    MeanAndSd coding{column.centre, column.scale};
    if (!stored.moments.empty()) coding = stored.moments[j];
    // An indicator is 0 or 1, and no intercept makes it anything else.
    if (!options.intercept) coding = column.level.empty() ? about_origin(coding) : MeanAndSd{};
    column.centre = coding.mean;
    column.scale = coding.sd;
  }
  if (is_real(options.likelihood)) {
    MeanAndSd coding =
        stored.response_moments.value_or(MeanAndSd{stored.response_centre, stored.response_scale});
    if (!options.intercept) coding = about_origin(coding);
    schema.response_centre = coding.mean;
    schema.response_scale = coding.sd;
  }
  schema.moments.clear();
  schema.response_moments.reset();
  return schema;
}

class ModelRows final : public RecodedRows {
 public:
  using RecodedRows::RecodedRows;

  Rows read(const BlockRange& blocks) const override {
    Rows rows = stored().read(blocks);
    std::visit([this](auto& x) { recode(x); }, rows.x);
    return rows;
  }

 private:
  template <class X>
  void recode(X& x) const {
    for (Index j = 0; j < x.cols(); ++j) {
      const Column& from = stored().schema().columns[static_cast<std::size_t>(j)];
      const Column& to = schema().columns[static_cast<std::size_t>(j)];
      if (from.centre == to.centre && from.scale == to.scale) continue;  // to the last bit
      for (Index i = 0; i < x.rows(); ++i) {
        const double value = from.centre + from.scale * static_cast<double>(x(i, j));
        x(i, j) = static_cast<typename X::Scalar>((value - to.centre) / to.scale);
      }
    }
  }
};

}  // namespace

std::shared_ptr<const RowSource> model_rows(const GlmOptions& options,
                                            std::shared_ptr<const RowSource> rows) {
  const Schema& stored = rows->schema();
  Schema schema = coded(options, stored);
  if (schema.columns == stored.columns && schema.response_centre == stored.response_centre &&
      schema.response_scale == stored.response_scale) {
    return rows;
  }
  return std::make_shared<ModelRows>(std::move(schema), std::move(rows));
}

}  // namespace vfe
