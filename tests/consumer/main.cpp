// A line through points with noise, fitted with the installed library and held against least squares.
#include <cmath>
#include <cstdio>
#include <vector>
#include <vfe/vfe.hpp>

int main(int argc, char** argv) {
  return vfe::run(argc, argv, [](const vfe::Communicator& comm) {
    const std::vector<double> x{0, 1, 2, 3, 4, 5, 6, 7}, y{1.1, 2.9, 5.2, 7.1, 8.8, 11.2, 12.9, 15.0};
    const auto model = vfe::make_model(
        {{"line", {{"term", 2, {"intercept", "slope"}}}}, {"sigma", {}, vfe::Transform::positive}},
        [&](vfe::ConstVec at, vfe::Vec grad) {
          // A wide prior of sigma, a flat one of the line.
          double value = -0.5 * std::pow(std::log(at[2]), 2);
          if (grad.size() > 0) grad[2] -= std::log(at[2]) / at[2];
          for (std::size_t i = 0; i < x.size(); ++i) {
            const double z = (y[i] - at[0] - at[1] * x[i]) / at[2];
            value -= 0.5 * z * z + std::log(at[2]);
            if (grad.size() == 0) continue;
            grad[0] += z / at[2];
            grad[1] += z * x[i] / at[2];
            grad[2] += (z * z - 1.0) / at[2];
          }
          return value;
        });

    const vfe::Fit found = vfe::fit(comm, *model, {.seed = 1});
    for (std::size_t k = 0; k < found.names.size(); ++k) {
      const vfe::Index i = static_cast<vfe::Index>(k);
      std::printf("%-16s %8.4f +- %.4f, sd %.4f\n", found.names[k].c_str(), found.moments.mean[i],
                  found.moments.mean_error[i], found.moments.sd[i]);
    }
    std::printf("%s: %s\n", vfe::to_string(found.verdict.grade).c_str(), found.verdict.reason.c_str());
    const bool right = std::abs(found.moments.mean[0] - 1.0667) < 0.005 &&
                       std::abs(found.moments.mean[1] - 1.9881) < 0.002 && found.draws.cols() == 4000;
    return vfe::trusted(found.verdict.grade) && right ? 0 : 1;
  });
}
