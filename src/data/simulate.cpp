#include "vfe/data/simulate.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <optional>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/data/import.hpp"
#include "vfe/model/glm_layout.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {

namespace {

// Steps of the addresses with Purpose::simulate: columns and responses must not share random numbers.
constexpr std::uint32_t columns_step = 0, response_step = 1;

bool is_count(Likelihood likelihood) {
  return likelihood == Likelihood::poisson || likelihood == Likelihood::negative_binomial;
}

void validate(const SimulateOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(Fault::usage, "simulating: " + what); };
  if (options.rows < 1) refuse(fmt::format("{} rows, expected at least 1", options.rows));
  if (options.columns < 1) refuse(fmt::format("{} columns, expected at least 1", options.columns));
  if (options.likelihood == Likelihood::softmax && options.classes < 2)
    refuse(fmt::format("{} classes, expected at least 2", options.classes));
  if (options.block_rows < 0)
    refuse(fmt::format("{} rows per block, expected at least 1", options.block_rows));
  if (options.seed > max_seed) refuse(fmt::format("seed {}, expected at most {}", options.seed, max_seed));
  // Larger effects make counts that no double holds exactly.
  const double most = is_count(options.likelihood) ? 3.0 : 1e6;
  if (!(options.effect >= 0.0 && options.effect <= most))
    refuse(fmt::format("an effect of {}, expected from 0 to {} for {}", options.effect, most,
                       to_string(options.likelihood)));
}

Schema make_schema(const SimulateOptions& options) {
  Schema schema;
  for (Index j = 1; j <= options.columns; ++j) {
    Column column;
    column.name = column.source = fmt::format("x{}", j);
    schema.columns.push_back(column);
  }
  schema.response = std::string("y");
  if (options.likelihood == Likelihood::softmax) schema.response_classes = options.classes;
  schema.single = options.single;
  schema.source = fmt::format("simulated {}, seed {}", to_string(options.likelihood), options.seed);
  schema.blocks =
      Blocks::of_equal(options.rows, options.block_rows > 0
                                         ? options.block_rows
                                         : default_block_rows(options.columns, options.single, options.rows));
  return schema;
}

/// True values of the parameters, constrained, in the model's order.
Vector draw_truth(const SimulateOptions& options, const Parameters& parameters) {
  const Address at{.seed = options.seed, .purpose = Purpose::truth};
  Vector truth(parameters.num_constrained());
  for (std::size_t p = 0; p < parameters.list().size(); ++p) {
    const std::string& name = parameters.list()[p].name;
    const Index first = parameters.first_constrained(p);
    for (Index i = first; i < first + parameters.list()[p].num_constrained(); ++i) {
      const auto standard = [&] { return normal(at, static_cast<std::uint32_t>(i)); };
      if (name == "beta")
        truth[i] = options.effect / std::sqrt(static_cast<double>(options.columns)) * standard();
      else if (name == "intercept")
        truth[i] = (is_count(options.likelihood) ? 1.0 : 0.0) + 0.5 * standard();
      else if (name == "sigma")
        truth[i] = 1.0;
      else if (name == "nu")
        truth[i] = 5.0;
      else if (name == "overdispersion")
        truth[i] = 0.5;
      else
        throw Error(Fault::bug, fmt::format("simulating: no true value for parameter {}", name));
    }
  }
  return truth;
}

/// The blocks of a dataset, each a function of its number alone.
class BlockSimulator {
 public:
  BlockSimulator(const SimulateOptions& options, const GlmOptions& model, const Schema& schema,
                 ConstVec truth)
      : options_(options), model_(model), schema_(schema), truth_(truth) {}

  Rows block(Index b) const {
    const Index size = schema_.blocks.rows(b);
    Matrix x(options_.columns, size);  // its transpose: a row is a draw
    Address at{.seed = options_.seed,
               .purpose = Purpose::simulate,
               .step = columns_step,
               .block = static_cast<std::uint32_t>(b)};
    fill_normal(at, x);
    Rows rows;
    rows.first_row = schema_.blocks.first(b);
    rows.first_block = b;
    rows.blocks = Blocks::of_equal(size, size);
    // Rounded first: the response belongs to the columns as they are stored.
    if (options_.single)
      rows.x = Rows::RowMajor<float>(x.transpose().cast<float>());
    else
      rows.x = Rows::RowMajor<double>(x.transpose());
    rows.y = Vector::Zero(size);
    at.step = response_step;
    simulate_response(model_, schema_, rows, truth_, at);
    return rows;
  }

 private:
  const SimulateOptions& options_;
  const GlmOptions& model_;
  const Schema& schema_;
  const Vector truth_;
};

/// The values of a block as bytes: y, then x.
std::string pack(const Rows& rows) {
  return std::visit(
      [&](const auto& x) {
        const std::size_t y_bytes = sizeof(double) * static_cast<std::size_t>(rows.size());
        const std::size_t x_bytes = sizeof(x.data()[0]) * static_cast<std::size_t>(x.size());
        std::string bytes(y_bytes + x_bytes, '\0');
        std::memcpy(bytes.data(), rows.y.data(), y_bytes);
        std::memcpy(bytes.data() + y_bytes, x.data(), x_bytes);
        return bytes;
      },
      rows.x);
}

Rows unpack(const std::string& bytes, const Schema& schema) {
  const std::size_t value_bytes = schema.single ? sizeof(float) : sizeof(double);
  const std::size_t row_bytes = sizeof(double) + value_bytes * schema.columns.size();
  const auto size = static_cast<Index>(bytes.size() / row_bytes);
  Rows rows;
  if (!schema.single) rows.x = Rows::RowMajor<double>();
  rows.y.resize(size);
  const std::size_t y_bytes = sizeof(double) * static_cast<std::size_t>(size);
  std::memcpy(rows.y.data(), bytes.data(), y_bytes);
  std::visit(
      [&](auto& x) {
        x.resize(size, schema.num_columns());
        std::memcpy(x.data(), bytes.data() + y_bytes, bytes.size() - y_bytes);
      },
      rows.x);
  return rows;
}

}  // namespace

Schema simulate(const Communicator& comm, const SimulateOptions& options) {
  validate(options);
  GlmOptions model;
  model.likelihood = options.likelihood;
  Schema schema = make_schema(options);
  const Parameters parameters = glm_layout(model, schema).parameters;
  const Vector truth = draw_truth(options, parameters);
  const BlockSimulator simulator(options, model, schema, truth);

  std::optional<DatasetWriter> writer;
  comm.on_root("creating the dataset", [&] {
    writer.emplace(options.output, schema);
    writer->set_command("simulate");
    std::vector<std::string> names;
    for (Index i = 0; i < truth.size(); ++i) names.push_back(parameters.constrained_name(i));
    writer->set_truth(truth, names);
  });
  // In rounds of one block per rank, so that rank 0 never holds more than that; gathered in rank order is
  // gathered in block order.
  for (Index first = 0; first < schema.num_blocks(); first += comm.size()) {
    std::string piece;
    comm.collectively("simulating rows", [&] {
      const Index mine = first + comm.rank();
      if (mine < schema.num_blocks()) piece = pack(simulator.block(mine));
    });
    const std::vector<std::string> pieces = comm.gather(piece);
    comm.on_root("writing the dataset", [&] {
      for (const std::string& bytes : pieces)
        if (!bytes.empty()) writer->append(unpack(bytes, schema));
    });
  }
  std::string finished;
  comm.on_root("writing the dataset", [&] { finished = to_json(writer->finish()); });
  return schema_from_json(comm.broadcast(finished));
}

}  // namespace vfe
