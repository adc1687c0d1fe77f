#include "vfe/infer/audit.hpp"

#include "vfe/infer/left.hpp"

namespace vfe {
namespace {

ChainsOptions chain_options(const AuditOptions& options) {
  ChainsOptions result;
  result.name = options.name;
  result.batch = options.batch;
  result.superchains = options.chains;
  result.chains_per_superchain = 1;
  result.warm_up_blocks = 1;
  result.warm_up_iterations = options.warm_up_iterations;
  result.first_check = result.max_iterations = options.iterations;
  result.seed = options.seed;
  return result;
}

class Audit final : public Stage {
 public:
  Audit(const Target& target, const AuditOptions& options)
      : options_(options), chains_(chains(target, chain_options(options))) {}

  std::string name() const override { return chains_->name(); }
  void start(State& state) const override { chains_->start(state); }

  Step advance(State& state) const override {
    Step record = chains_->advance(state);
    if (!record.done) return record;
    const std::string objection =
        options_.rule ? options_.rule(weighted_pool(state), chain_draws(state, name())) : "";
    state.put(left::audited, objection.empty() ? AuditOutcome::passed : AuditOutcome::failed);
    record.note = objection.empty() ? "short chains agree" : objection;
    drop_chains(state, name());
    return record;
  }

 private:
  AuditOptions options_;
  std::unique_ptr<Stage> chains_;
};

}  // namespace

std::unique_ptr<Stage> audit(const Target& target, const AuditOptions& options) {
  return std::make_unique<Audit>(target, options);
}

}  // namespace vfe
