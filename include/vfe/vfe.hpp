#pragma once

// All that a program needs to fit a model of its own. vfe/model/differentiate.hpp and
// differentiate_local.hpp, which need Sacado, are apart.
#include "vfe/comm/communicator.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/model/function.hpp"
#include "vfe/model/integrated.hpp"
#include "vfe/model/local_function.hpp"
#include "vfe/model/model.hpp"
#include "vfe/run/fit.hpp"
