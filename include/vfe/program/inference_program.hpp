#pragma once
#include <memory>
#include <vector>

#include "vfe/config/config.hpp"
#include "vfe/family/family.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/problem/problem.hpp"

namespace vfe {

/// The q that a configuration asks for.
std::unique_ptr<const Family> make_family(const Config& config, Index d);

/// Adds the choice of the number of nodes, where effects of groups are integrated and it is to be chosen.
void add_quadrature(const Config& config, const Problem& problem, std::vector<Place>& places);

/// The stages that it asks for. Problem and family must outlive them.
Program inference_program(const Config& config, const Problem& problem, const Family& family);

}  // namespace vfe
