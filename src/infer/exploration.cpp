#include "vfe/infer/exploration.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "infer/base.hpp"
#include "infer/census.hpp"
#include "infer/curvature.hpp"
#include "infer/pool.hpp"
#include "infer/searches.hpp"
#include "vfe/core/counted.hpp"
#include "vfe/infer/importance.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/polish.hpp"
#include "vfe/infer/regimes.hpp"
#include "vfe/infer/symmetry.hpp"
#include "vfe/infer/tempering.hpp"

namespace vfe {
namespace {

constexpr std::array<double, 3> inflations{3.0, 6.0, 12.0};
constexpr double degrees_of_freedom = 5.0;
constexpr Index generic_points = 3;
constexpr double near = 0.5;            // sds of the base within which an end is at a mode known before
constexpr double difference = 1e-2;     // of the Hessian, in sds of the base
constexpr double most_decrement = 1.0;  // [nats] of a mode whose Laplace share means something
constexpr Index least_more = 24, most_more = 64;  // searches of a further round
constexpr Index most_weighed_modes = 64;
constexpr Index gradients_for_hessians = 8000;
constexpr double hopeless = 0.5;     // share of searches with a mode of their own
constexpr double few_searches = 90;  // before which that says little

Proposal wide_proposal(const Affine& base) {
  Proposal wide;
  for (const double inflation : inflations) {
    wide.add(1.0, Student{base, degrees_of_freedom}.inflated(inflation));
  }
  return wide;
}

/// The points with the highest log ratio of f to the proposal, highest first.
std::vector<Index> highest(ConstVec log_ratio, Index count) {
  std::vector<Index> order;
  for (Index s = 0; s < log_ratio.size(); ++s) {
    if (std::isfinite(log_ratio[s])) order.push_back(s);
  }
  std::ranges::stable_sort(order, [&](Index a, Index b) { return log_ratio[a] > log_ratio[b]; });
  order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
  return order;
}

/// Where the stage, and further looks after it, stand.
struct ExplorationProgress {
  double f_of_base = 0.0;  ///< -log f
  Index rounds = 0;
  double gradients = 0.0;
  Index looked_at = 1;  ///< modes at the last look for symmetries

  static void each(auto& self, const auto& visit) {
    visit(self.f_of_base), visit(self.rounds), visit(self.gradients), visit(self.looked_at);
  }
};

const Slot<ExplorationProgress> progress_slot{"exploration_progress"};
const Slot<Matrix> searches_slot{"exploration"};    // packed, in columns, while they are under way
const Slot<Index> known_slot{"exploration_known"};  // modes kept when a further look began

class Exploration final : public Stage {
 public:
  Exploration(const Target& target, const ExplorationOptions& options, bool further)
      : target_(target),
        options_(options),
        further_(further),
        search_{options.batch, options.history, options.max_iterations, options.tolerance} {
    if (options_.draws == 0) options_.draws = size() <= regimes::scattered ? 512 : 64;
    if (options_.far_starts == 0 && size() > regimes::scattered) options_.far_starts = 32;
  }

  std::string name() const override { return further_ ? options_.name : "exploration"; }

  void start(State& state) const override {
    if (further_) {
      state.put(known_slot, state.get(left::found_modes).num_components());
      return;
    }
    state.drop(searches_slot, left::symmetries, left::searched, census_slot);
  }

  Step advance(State& state) const override {
    Step record;
    record.rows = target_.num_rows(options_.batch);
    if (!state.get(left::base).definite) {
      record.note = "no proper mode to start from";
      state.drop(left::search_ends);
      record.done = true;
      return record;
    }
    const bool begun = state.has(searches_slot);
    const Matrix begin_at = begun || !further_ ? Matrix() : suspects(state);
    if (further_ && !begun && begin_at.cols() == 0) {
      state.put(left::found_by(options_.name), 0);
      state.drop(known_slot);
      record.note = "nothing to look at";
      record.done = true;
      return record;
    }
    // In the base's coordinates a search is short however ill-scaled the density is.
    SearchOptions search = search_;
    search.map = state.get(left::base).map;
    Searches searches(target_, search, begun ? state.get(searches_slot) : Matrix());
    const Searches::Outcome outcome =
        begun ? searches.advance() : searches.advance(further_ ? begin_at : first_starts(state, record));
    record.draws += outcome.draws;
    record.non_finite += outcome.non_finite;
    ExplorationProgress progress = state.get(progress_slot);
    progress.gradients += static_cast<double>(outcome.draws);
    state.put(progress_slot, progress);
    record.free_energy = progress.f_of_base;
    if (searches.running()) {
      state.put(searches_slot, searches.packed());
      return record;
    }
    enter_ends(state, searches, *search.map, record);
    const Matrix more = further_starts(state);
    if (more.cols() == 0) {
      finish(state, record);
      record.done = true;
      return record;
    }
    Searches next(target_, search);
    const Searches::Outcome begin = next.advance(more);
    record.draws += begin.draws;
    record.non_finite += begin.non_finite;
    progress = state.get(progress_slot);
    ++progress.rounds;
    progress.gradients += static_cast<double>(begin.draws);
    state.put(progress_slot, progress);
    const SearchReport report = report_of(state);
    record.note = fmt::format("{} searches ended in {} modes, {} of them met once; {} more", report.searches,
                              report.modes, report.singles, more.cols());
    state.put(searches_slot, next.packed());
    return record;
  }

 private:
  Index size() const { return target_.size(); }

  Census census(const State& state) const {
    return {target_, options_.batch, state.get(left::base).map, state.get_or(left::symmetries, {})};
  }

  /// [collective] Where there are several modes, and more than at the last look: some may be images of
  /// others.
  void look_for_symmetries(State& state, Record& record) const {
    ExplorationProgress progress = state.get(progress_slot);
    const MetModes met = state.get(census_slot);
    if (met.size() < 2 || met.size() < 2 * progress.looked_at) return;
    progress.looked_at = met.size();
    state.put(progress_slot, progress);
    // Generic points, near different modes.
    const Affine base = state.get(left::base).map;
    const std::vector<Index> order = lowest_first(met.f);
    Matrix points(size(), generic_points);
    fill_normal({.seed = options_.seed, .purpose = Purpose::symmetry}, points);
    points = base.stretch(points);
    for (Index k = 0; k < generic_points; ++k) {
      points.col(k) += met.points.col(order[static_cast<std::size_t>(k) % order.size()]);
    }
    const std::uint64_t before = target_.calls().values;
    const Symmetries found = find_symmetries(target_, options_.batch, met.points, met.f, points);
    if (found.size() > 1) {
      state.put(left::symmetries, found);
      census(state).fold(state);
    }
    record.draws += static_cast<Index>(target_.calls().values - before);
  }

  /// Where the density stands out from three wide t's. Enters what polish and the first searches found.
  Matrix first_starts(State& state, Record& record) const {
    const Affine base = state.get(left::base).map;
    const Proposal wide = wide_proposal(base), before = state.get(left::found_modes);
    const Index known = before.num_components(), count = options_.draws * wide.num_components();
    Matrix theta(size(), known + count), no_gradient(size(), 0);
    for (Index k = 0; k < known; ++k) theta.col(k) = std::get<Student>(before.component(k)).base.shift;
    theta.rightCols(count) = wide.draw({.seed = options_.seed, .purpose = Purpose::scatter}, count);
    Vector value(known + count);
    target_.log_joint(options_.batch, theta, value, no_gradient);
    record.draws = value.size();
    record.non_finite = value.size() - value.array().isFinite().count();
    state.put(progress_slot, {.f_of_base = -value[0]});
    record.draws += census(state).enter({theta.leftCols(known), -value.head(known), Vector::Zero(known), true,
                                         std::vector<bool>(static_cast<std::size_t>(known), true)},
                                        state);
    const Matrix ends = state.get(left::search_ends);
    const auto ended = ends.row(size() + 1);
    record.draws += census(state).enter({ends.topRows(size()),
                                         ends.row(size()).transpose(),
                                         Vector::Ones(ends.cols()),
                                         false,
                                         {ended.begin(), ended.end()}},
                                        state);
    state.drop(left::search_ends);
    look_for_symmetries(state, record);

    const Matrix drawn = theta.rightCols(count);
    const Vector found = value.tail(count);
    // Half by the ratio to what was drawn from; half by that to the base's normal, among draws that could
    // matter: a small mode apart is less dense than many draws near the base, but more than the base lets
    // expect.
    const Vector log_ratio = found - wide.stratified(count).log_density(drawn);
    Vector excess = found - Student{base}.log_density(drawn);
    for (Index s = 0; s < count; ++s) {
      if (!(found(s) >= value[0] - regimes::reach(size()))) excess(s) = -INFINITY;
    }
    std::vector<Index> chosen = highest(log_ratio, options_.starts / 2);
    for (const Index s : highest(excess, options_.starts - options_.starts / 2)) chosen.push_back(s);
    const Matrix high = drawn(Eigen::all, chosen);
    const Index half = options_.far_starts / 2;
    if (half == 0) return high;
    Matrix starts(size(), high.cols() + 2 * half);
    starts.leftCols(high.cols()) = high;
    for (Index k = 0; k < 2; ++k) {
      starts.middleCols(high.cols() + k * half, half) =
          Student{base, degrees_of_freedom}
              .inflated(inflations[static_cast<std::size_t>(k)])
              .draw({.seed = options_.seed,
                     .purpose = Purpose::far_search,
                     .draw = static_cast<std::uint32_t>(k * half)},
                    half);
    }
    return starts;
  }

  /// What later stages saw that the modes found may not explain.
  Matrix suspects(const State& state) const {
    Matrix starts(size(), 0);
    if (state.has(pool::theta)) {
      const WeightedPool pool = weighted_pool(state);
      for (const Index s : highest(pool.log_weight, 2 * options_.starts))
        append_columns(starts, pool.theta.col(s));
    } else if (const auto report = tempering_report(state)) {
      starts = report->strangers;
    }
    return starts;
  }

  void enter_ends(State& state, const Searches& searches, const Affine& base, Record& record) const {
    const Index n = searches.size();
    Census::Ends ends{Matrix(size(), n), Vector(n), Vector::Ones(n), false, {}};
    for (Index k = 0; k < n; ++k) {
      const Lbfgs search = searches.at(k);
      ends.points.col(k) = base.apply(search.x());
      ends.f(k) = search.f();
      ends.ended.push_back(searches.ended(k));
    }
    record.draws += census(state).enter(std::move(ends), state);
    look_for_symmetries(state, record);
  }

  SearchReport report_of(const State& state) const {
    const Vector counts = state.get(census_slot).searches;
    SearchReport report;
    report.searches = static_cast<Index>(counts.sum());
    report.modes = (counts.array() > 0.0).count();
    report.singles = (counts.array() == 1.0).count();
    return report;
  }

  /// Starts of another round of searches; none where they have ended, or cannot.
  Matrix further_starts(const State& state) const {
    const SearchReport report = report_of(state);
    const ExplorationProgress progress = state.get(progress_slot);
    const auto searches = static_cast<double>(report.searches);
    const bool in_vain = searches > few_searches && static_cast<double>(report.singles) > hopeless * searches;
    const bool in_sight = report.chance() <= 2.0 * SearchReport::most_chance;
    if (report.ended() || in_vain || report.searches >= options_.max_searches ||
        progress.gradients > static_cast<double>(options_.max_gradients) * (in_sight ? 2.0 : 1.0)) {
      return Matrix(size(), 0);
    }
    const Index count = std::clamp(report.searches / 2, least_more, most_more);
    Matrix starts(size(), count);
    for (Index k = 0; k < count; ++k) {
      const Address at{.seed = options_.seed,
                       .purpose = Purpose::further_search,
                       .step = static_cast<std::uint32_t>(progress.rounds),
                       .draw = static_cast<std::uint32_t>(k)};
      starts.col(k) = target_.draw_start(at, k % 2 == 0 ? Reach::near : Reach::far);
    }
    return starts;
  }

  /// The Laplace approximation at the end of a search; nothing where that is no proper mode.
  std::optional<Laplace> laplace(const State& state, const Affine& base, ConstVec theta, double f,
                                 Record& record) const {
    if (size() > regimes::dense) {  // as if it were as wide as the base
      const double lower = f - state.get(progress_slot).f_of_base;
      return Laplace{{theta, base.scale}, state.get(left::base).log_evidence - lower, true};
    }
    Matrix axes = base.stretch(Matrix::Identity(size(), size()));
    const Curvature found = curvature(target_, options_.batch, theta, axes, difference);
    record.draws += 2 * size();
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(found.hessian);
    if (found.non_finite > 0 || !(eigen.eigenvalues().minCoeff() > 0.0)) return std::nullopt;
    axes = (axes * eigen.eigenvectors() * eigen.eigenvalues().cwiseSqrt().cwiseInverse().asDiagonal()).eval();
    Laplace mode = laplace_at(theta, f, axes, base.diagonal());
    mode.definite = true;
    return mode;
  }

  void finish(State& state, Record& record) const {
    const Affine base = state.get(left::base).map;
    SearchReport report = report_of(state);
    MetModes met = state.get(census_slot);
    const Vector& f = met.f;
    std::vector<Index> wanted;
    for (const Index k : lowest_first(f)) {
      if (met.weighed(k) == 0.0 && f(k) <= f.minCoeff() + regimes::reach(size())) wanted.push_back(k);
    }
    const Index most = std::clamp<Index>(gradients_for_hessians / (2 * size()), 3, most_weighed_modes);
    report.unweighed = std::max<Index>(0, std::ssize(wanted) - most);
    wanted.resize(std::min(wanted.size(), static_cast<std::size_t>(most)));
    std::vector<Laplace> found{{base, state.get(left::base).log_evidence, true}};
    for (const Index k : wanted) {
      if (const std::optional<Laplace> mode = laplace(state, base, met.points.col(k), f(k), record))
        found.push_back(*mode);
    }
    put(state, found);
    met.weighed.setOnes();
    state.put(census_slot, met);
    state.drop(searches_slot);
    if (further_) {
      const Index kept = state.get(left::found_modes).num_components();
      state.put(left::found_by(options_.name), kept - state.get(known_slot));
      state.drop(known_slot);
    }
    const Symmetries group = state.get_or(left::symmetries, {});
    if (group.size() > 1) {
      const Affine after = state.get(left::base).map;
      report.copies = std::ssize(group.distinct_images(after.shift, after, near));
    }
    state.put(left::searched, report);
    const Proposal after = state.get(left::found_modes);
    record.note = fmt::format("{}; {} kept, the base's share {:.2f}", report.describe(),
                              counted(after.num_components(), "mode"), after.weight(0));
  }

  /// Keeps one copy of each mode: the heaviest, whose copies together have the most mass, becomes the base.
  /// `found` begins with the base.
  void put(State& state, std::vector<Laplace> found) const {
    if (found.size() == 1 && state.get_or(left::symmetries, {}).size() == 1) return;
    const Proposal before = state.get(left::found_modes);
    const double unit = found.front().log_evidence - std::log(before.weight(0));
    for (Index k = 1; k < before.num_components(); ++k) {
      found.push_back({std::get<Student>(before.component(k)).base, unit + std::log(before.weight(k)), true});
    }
    const Symmetries group = state.get_or(left::symmetries, {});
    if (group.size() > 1) {
      const Affine metric = found.front().map;
      std::vector<Laplace> kept;
      for (Laplace& mode : found) {
        const auto copies = static_cast<double>(group.distinct_images(mode.map.shift, metric, near).size());
        mode.log_evidence += std::log(copies);
        mode.map = group.apply(group.nearest_image(mode.map.shift, metric.shift, metric), mode.map);
        const bool is_new = std::ranges::none_of(kept, [&](const Laplace& other) {
          return nearest(metric, mode.map.shift, other.map.shift) < near;
        });
        if (is_new) kept.push_back(mode);
      }
      found = std::move(kept);
    }
    const auto heaviest = std::ranges::max_element(found, {}, &Laplace::log_evidence);
    if (heaviest != found.begin() || group.size() > 1 || found.size() > 1) set_base(state, *heaviest);
    for (const Laplace& mode : found) {
      if (&mode != &*heaviest) add_found_mode(state, mode);
    }
  }

  const Target& target_;
  ExplorationOptions options_;
  bool further_;
  SearchOptions search_;
};

}  // namespace

double SearchReport::chance() const {
  const auto once = static_cast<double>(singles);
  return (once + std::sqrt(once) + 1.0) / static_cast<double>(searches);
}

bool SearchReport::ended() const {
  return modes <= 1 || chance() <= most_chance;
}

std::string SearchReport::describe() const {
  return fmt::format("{} searches ended in {}{}", searches,
                     modes == 1 ? "one mode" : fmt::format("{} modes", modes),
                     copies > 1 ? fmt::format(" and its {} symmetric copies", copies - 1) : "");
}

Objection SearchReport::objection() const {
  if (!ended()) {
    return {fmt::format("{} searches ended in {} different modes, {} of them met once: the next search ends "
                        "in a new one with a chance of about {:.2g} (limit {})",
                        searches, modes, singles, chance(), most_chance),
            fmt::format("the posterior has many modes, {} were found and more are likely", modes)};
  }
  if (unweighed > 0) {
    return {fmt::format("{} searches ended in {} different modes, too many to weigh: {} were left out",
                        searches, modes, unweighed),
            fmt::format("the posterior has too many modes, {}, to weigh them all", modes)};
  }
  return {};
}

std::unique_ptr<Stage> exploration(const Target& target, const ExplorationOptions& options) {
  return std::make_unique<Exploration>(target, options, false);
}

std::unique_ptr<Stage> further_look(const Target& target, const ExplorationOptions& options) {
  return std::make_unique<Exploration>(target, options, true);
}

}  // namespace vfe
