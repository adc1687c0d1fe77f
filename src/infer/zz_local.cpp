// Stand-ins until the stages land.
#include "vfe/core/error.hpp"
#include "vfe/infer/diagonal_fit.hpp"
#include "vfe/infer/linear_response.hpp"
namespace vfe {
__attribute__((weak)) std::unique_ptr<Stage> diagonal_fit(const Target&, const DiagonalFitOptions&) {
  throw Error(Fault::bug, "no diagonal_fit");
}
__attribute__((weak)) LinearResponse linear_response(const Target&, ConstVec, const std::vector<Index>&,
                                                     const LinearResponseOptions&) {
  throw Error(Fault::bug, "no linear response");
}
}  // namespace vfe
