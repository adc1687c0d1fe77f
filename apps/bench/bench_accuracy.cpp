// Fits targets with exact answers, and says how far each fit was from its own.
//   traps           densities that mislead
//   high_dimension  52 to 2,000 dimensions, and two modes far apart in 2, 20 and 100
//   evidence        known log Z: fitted many times over, and its errors held against their standard errors
// A fit is right where every mean is within 0.1 sd of the exact one and every sd within 5 %. Passed: right
// and trusted; WRONG: trusted and not right; flagged: the others. Exit code 1 if any was WRONG. Run:
// build/release/bench/bench_accuracy [--only GROUP or NAME...] [--seeds 1] [--repetitions 100] [--out FILE]
//      [--family auto] [--draws 4000] [--runs DIR, where the run folders are kept]
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "accuracy_evidence.hpp"
#include "accuracy_high_dimension.hpp"
#include "vfe/comm/communicator.hpp"

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using vfe::Index;

struct Options {
  std::vector<std::string> only;
  int seeds = 1, repetitions = 100;
  fs::path out, runs;
  std::string family = "auto";
  Index draws = 4000;
  std::string command = "bench_accuracy";
};

enum class Group { traps, high_dimension, evidence };
const std::map<Group, std::string> group_names = {
    {Group::traps, "traps"}, {Group::high_dimension, "high_dimension"}, {Group::evidence, "evidence"}};

struct Entry {
  Group group;
  std::string name;
  std::function<vfe::ExactTarget()> make;
  std::string known = "";  ///< what an earlier study counted: gradients / in sequence
};

/// The counts are of a prototype in numpy, over other data of the same sizes; NUTS is CmdStan's, four chains
/// of 1,000 + 1,000 iterations.
std::vector<Entry> all_entries() {
  std::vector<Entry> list;
  for (const vfe::Trap& trap : vfe::traps()) list.push_back({Group::traps, trap.name, trap.make});
  const auto add_high = [&](const std::string& name, std::function<vfe::ExactTarget()> make,
                            const std::string& known) {
    list.push_back({Group::high_dimension, name, std::move(make), known});
  };
  const std::map<Index, std::string> hierarchical = {{50, "26 k / 324; NUTS 105 k"},
                                                     {200, "120 k / 1,753; NUTS 135 k"},
                                                     {1000, "not certified at 72 k; NUTS 181 k"}};
  for (const auto& [groups, known] : hierarchical) {
    const std::string name = fmt::format("hierN{}", groups);
    add_high(
        name, [groups = groups, name] { return vfe::HierarchicalLogistic(groups).target(name); }, known);
  }
  add_high(
      "gauss500", [] { return vfe::rotated_gaussian(500, 1e4, "gauss500"); }, "30 k / 402");
  add_high(
      "gauss2000", [] { return vfe::rotated_gaussian(2000, 1e4, "gauss2000"); }, "45 k / 574");
  add_high(
      "syn500", [] { return vfe::simulated_logistic(500, 5000); }, "89 k / 1,280");
  const auto halves = [](const std::string& name, double low) {
    return vfe::two_modes_eight_sd_apart(name, vfe::Vector::Constant(100, 0.1), low, 0.5);
  };
  add_high(
      "modes100", [=] { return halves("modes100", -4.0); }, "");
  add_high(
      "modes100_aside", [=] { return halves("modes100_aside", 0.0); }, "");
  for (const Index d : {2, 20, 100}) {
    for (const vfe::Trap& trap : vfe::far_modes(d)) add_high(trap.name, trap.make, "");
  }
  const auto add_evidence = [&](const std::string& name, std::function<vfe::ExactTarget()> make) {
    list.push_back({Group::evidence, name, std::move(make)});
  };
  add_evidence("ionosphere", [] {
    return vfe::table_logistic("ionosphere", vfe::ionosphere(), 1.0, vfe::ionosphere_log_evidence, 0.003);
  });
  add_evidence("german_credit", [] {
    return vfe::table_logistic("german_credit", vfe::german_credit(), 10.0, vfe::german_credit_log_evidence,
                               0.001);
  });
  for (const Index d : {2, 20, 200})
    add_evidence(fmt::format("linear{}", d), [d] { return vfe::conjugate_linear(d); });
  add_evidence("mixture3", vfe::overlapping_mixture);
  add_evidence("evidence_frequency", vfe::frequency);
  add_evidence("evidence_phase", vfe::phase);
  add_evidence("evidence_modes", [] { return vfe::two_far_modes("evidence_modes", 2, -4.0, 0.1); });
  return list;
}

std::string outcome(const vfe::Accuracy& found) {
  if (!vfe::trusted(found.grade)) return "flagged";
  if (!found.known) return "unknown";
  return found.right() ? "passed" : "WRONG";
}

std::string thousands(std::int64_t number) {
  std::string text = std::to_string(number);
  for (std::ptrdiff_t at = std::ssize(text) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

constexpr const char* row_format =
    "{:<20} {:>5} {:>4} {:<10} {:<8} {:>6} {:>9} {:>7} {:>7} {:>10} {:>9} {:>6} {:>10} {:>8} {:>8}  {}\n";

void print_header() {
  fmt::print(row_format, "target", "d", "seed", "verdict", "outcome", "right", "mean err", "sd low",
             "sd high", "log Z err", "its SE", "in SEs", "gradients", "in seq.", "seconds", "known");
}

/// Largest standard errors of means and sds that the fit itself gives, in sds; NaN where it gives none.
std::pair<double, double> standard_errors(const vfe::Diagnosis& diagnosis) {
  double mean = 0.0, sd = 0.0;
  for (const vfe::Coefficient& x : diagnosis.coefficients) {
    if (std::isnan(x.mean_error)) return {x.mean_error, x.mean_error};
    mean = std::max(mean, x.mean_error / x.sd);
    sd = std::max(sd, x.sd_error / x.sd);
  }
  return {mean, sd};
}

void print_row(const Entry& entry, Index d, int seed, const vfe::Accuracy& found) {
  const auto number = [](double x, const char* form) {
    return std::isnan(x) ? std::string("-") : fmt::format(fmt::runtime(form), x);
  };
  const bool compared = found.known && !found.failed && std::isfinite(found.mean_error);
  const double unknown = std::nan("");
  fmt::print(row_format, entry.name, d, seed, found.failed ? "failed" : vfe::to_string(found.grade),
             outcome(found), found.known ? (found.right() ? "yes" : "no") : "-",
             number(compared ? found.mean_error : unknown, "{:.3f}"),
             number(compared ? found.sd_low : unknown, "{:.3f}"),
             number(compared ? found.sd_high : unknown, "{:.3f}"), number(found.log_z_error, "{:+.4f}"),
             number(found.log_z_standard_error, "{:.4f}"),
             number(found.log_z_error / found.log_z_standard_error, "{:+.1f}"),
             thousands(found.diagnosis.gradients), thousands(found.diagnosis.gradients_sequential),
             number(found.diagnosis.seconds, "{:.1f}"), entry.known);
  if (!vfe::trusted(found.grade)) fmt::print("    {}\n", found.reason);
  std::fflush(stdout);
}

Json to_json(const Entry& entry, Index d, int seed, const vfe::Accuracy& found) {
  const auto number = [](double x) { return std::isfinite(x) ? Json(x) : Json(); };
  const auto [mean_error, sd_error] = standard_errors(found.diagnosis);
  Json row = {{"group", group_names.at(entry.group)}, {"name", entry.name}, {"d", d}, {"seed", seed}};
  row["verdict"] = found.failed ? "failed" : vfe::to_string(found.grade);
  row["reason"] = found.reason;
  row["right"] = found.known ? Json(found.right()) : Json();
  row["outcome"] = outcome(found);
  const bool compared = found.known && !found.failed;
  row["mean_error"] = compared ? number(found.mean_error) : Json();
  row["sd_low"] = compared ? number(found.sd_low) : Json();
  row["sd_high"] = compared ? number(found.sd_high) : Json();
  row["largest_mean_standard_error"] = number(mean_error);
  row["largest_sd_standard_error"] = number(sd_error);
  row["log_z_error"] = number(found.log_z_error);
  row["log_z_standard_error"] = number(found.log_z_standard_error);
  row["gradients"] = found.diagnosis.gradients;
  row["gradients_sequential"] = found.diagnosis.gradients_sequential;
  row["seconds"] = found.diagnosis.seconds;
  row["stages"] = Json::array();
  for (const vfe::StageCost& stage : found.diagnosis.stages) {
    row["stages"].push_back({{"stage", stage.stage},
                             {"seconds", stage.cost.seconds},
                             {"gradients", stage.cost.gradients},
                             {"calls", stage.cost.calls},
                             {"note", stage.note}});
  }
  row["known"] = entry.known;
  return row;
}

/// Two fits of a target without an exact answer: their largest differences, in joint standard errors.
Json agreement(const vfe::Diagnosis& first, const vfe::Diagnosis& second) {
  double mean = 0.0, sd = 0.0;
  for (std::size_t i = 0; i < first.coefficients.size(); ++i) {
    const vfe::Coefficient &a = first.coefficients[i], &b = second.coefficients[i];
    mean = std::max(mean, std::abs(a.mean - b.mean) / std::hypot(a.mean_error, b.mean_error));
    sd = std::max(sd, std::abs(a.sd - b.sd) / std::hypot(a.sd_error, b.sd_error));
  }
  const vfe::Verdict &a = first.verdict, &b = second.verdict;
  return {{"means", mean},
          {"sds", sd},
          {"log_z", std::abs(a.log_evidence - b.log_evidence) /
                        std::hypot(a.log_evidence_error, b.log_evidence_error)}};
}

/// How honest the standard errors of log Z are, over the fits that gave one.
Json log_z_summary(const std::string& name, const std::vector<vfe::Accuracy>& fits) {
  int within = 0, given = 0, accepted = 0, wrong = 0;
  double sum = 0.0, squares = 0.0, standard_errors = 0.0;
  for (const vfe::Accuracy& found : fits) {
    accepted += vfe::trusted(found.grade);
    wrong += found.wrong();
    const double ratio = found.log_z_error / found.log_z_standard_error;
    if (!std::isfinite(ratio)) continue;
    ++given;
    within += std::abs(ratio) <= 3.0;
    sum += found.log_z_error;
    squares += ratio * ratio;
    standard_errors += found.log_z_standard_error;
  }
  return {{"name", name},
          {"fits", fits.size()},
          {"trusted", accepted},
          {"wrong", wrong},
          {"within_3_standard_errors", within},
          {"mean_error", sum / given},
          {"mean_standard_error", standard_errors / given},
          {"rms_error_in_standard_errors", std::sqrt(squares / given)}};
}

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options) {
    runs_ = options.runs.empty() ? fs::temp_directory_path() / fmt::format("vfe_accuracy_{}", ::getpid())
                                 : options.runs;
    fs::create_directories(runs_);
  }
  ~Bench() {
    std::error_code ignored;
    if (options_.runs.empty()) fs::remove_all(runs_, ignored);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void run(const Entry& entry) {
    const vfe::ExactTarget target = entry.make();
    const bool no_answer = target.mean.size() == 0 && target.has_answer;
    const int fits =
        entry.group == Group::evidence ? options_.repetitions : std::max(options_.seeds, no_answer ? 2 : 1);
    std::vector<vfe::Accuracy> found;
    for (int seed = 1; seed <= fits; ++seed) {
      found.push_back(fit(entry, target, seed));
      write();
    }
    if (entry.group == Group::evidence) {
      summaries_.push_back(log_z_summary(entry.name, found));
      fmt::print("    log Z: {}\n", summaries_.back().dump());
    } else if (no_answer) {
      agreements_.push_back(agreement(found[0].diagnosis, found[1].diagnosis));
      agreements_.back()["name"] = entry.name;
      const auto [mean, sd] = standard_errors(found[0].diagnosis);
      fmt::print(
          "    largest standard errors: mean {:.4f}, sd {:.4f} sds; "
          "seeds 1 and 2 differ by at most, in joint standard errors: {}\n",
          mean, sd, agreements_.back().dump());
    }
    write();
  }

  int wrong() const { return counts_.at("WRONG"); }
  std::string summary() const {
    return fmt::format("passed: {}, flagged: {}, wrong and unflagged: {}, without an exact answer: {}",
                       counts_.at("passed"), counts_.at("flagged"), counts_.at("WRONG"),
                       counts_.at("unknown"));
  }

 private:
  vfe::Accuracy fit(const Entry& entry, const vfe::ExactTarget& target, int seed) {
    vfe::Config config;
    config.family.type = options_.family;
    config.fit.seed = static_cast<std::uint64_t>(seed);
    config.output.draws = options_.draws;
    config.output.directory = (runs_ / fmt::format("{}-{}", entry.name, seed)).string();
    vfe::Accuracy found;
    try {
      found = vfe::fit_exact_target(target, config);
    } catch (const vfe::Error& error) {  // one broken fit is no reason to lose the others
      if (error.fault() == vfe::Fault::stopped) throw;
      found.reason = error.what();
      found.failed = true;
    }
    if (options_.runs.empty()) fs::remove_all(config.output.directory);
    const Index d = target.model->parameters().size();
    print_row(entry, d, seed, found);
    ++counts_[outcome(found)];
    rows_.push_back(to_json(entry, d, seed, found));
    return found;
  }

  /// What there is so far.
  void write() const {
    if (options_.out.empty()) return;
    const fs::path temporary = options_.out.string() + ".tmp";
    std::ofstream(temporary) << Json{{"command", options_.command},
                                     {"version", VFE_VERSION},
                                     {"family", options_.family},
                                     {"rows", rows_},
                                     {"log_z", summaries_},
                                     {"agreement", agreements_},
                                     {"passed", counts_.at("passed")},
                                     {"flagged", counts_.at("flagged")},
                                     {"wrong_and_unflagged", counts_.at("WRONG")}}
                                    .dump(1)
                             << '\n';
    fs::rename(temporary, options_.out);
  }

  const Options& options_;
  fs::path runs_;
  Json rows_ = Json::array(), summaries_ = Json::array(), agreements_ = Json::array();
  std::map<std::string, int> counts_ = {{"passed", 0}, {"flagged", 0}, {"WRONG", 0}, {"unknown", 0}};
};

/// Throws std::invalid_argument with what is wrong.
Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) options.command += fmt::format(" {}", argv[i]);
  for (int i = 1; i < argc;) {
    const std::string option = argv[i++];
    const auto value = [&] {
      if (i == argc) throw std::invalid_argument(option + ": expected a value");
      return std::string(argv[i++]);
    };
    if (option == "--only") {
      while (i < argc && !std::string(argv[i]).starts_with("--")) options.only.emplace_back(argv[i++]);
    } else if (option == "--seeds") {
      options.seeds = std::stoi(value());
    } else if (option == "--repetitions") {
      options.repetitions = std::stoi(value());
    } else if (option == "--out") {
      options.out = value();
    } else if (option == "--family") {
      options.family = value();
    } else if (option == "--draws") {
      options.draws = std::stol(value());
    } else if (option == "--runs") {
      options.runs = value();
    } else {
      throw std::invalid_argument(option +
                                  ": expected --only, --seeds, --repetitions, --out, --family, --draws or "
                                  "--runs");
    }
  }
  return options;
}

/// Those asked for, by name or group.
std::vector<Entry> chosen(const Options& options) {
  const std::vector<Entry> all = all_entries();
  if (options.only.empty()) return all;
  std::vector<Entry> list;
  for (const std::string& name : options.only) {
    const std::size_t before = list.size();
    for (const Entry& entry : all)
      if (entry.name == name || group_names.at(entry.group) == name) list.push_back(entry);
    if (list.size() == before) throw std::invalid_argument(name + ": no such target or group");
  }
  return list;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse(argc, argv);
    const std::vector<Entry> entries = chosen(options);
    Bench bench(options);
    print_header();
    for (const Entry& entry : entries) bench.run(entry);
    fmt::print("{}\n", bench.summary());
    return bench.wrong() > 0 ? 1 : 0;
  } catch (const vfe::Error& error) {
    fmt::print(stderr, "bench_accuracy: {}\n", error.what());
    return static_cast<int>(error.fault());
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_accuracy: {}\n", error.what());
    return 64;
  }
}
