#include "fuzz/targets.hpp"

#include <algorithm>

#include "fuzz/hdf5_edits.hpp"
#include "run/small_fit.hpp"
#include "store/table_example.hpp"
#include "vfe/commands/diagnose.hpp"
#include "vfe/commands/diagnosis_text.hpp"
#include "vfe/commands/draws.hpp"
#include "vfe/commands/predict.hpp"
#include "vfe/data/import.hpp"
#include "vfe/data/simulate.hpp"
#include "vfe/data/table_reader.hpp"
#include "vfe/model/stan_data.hpp"
#include "vfe/store/checkpoint.hpp"
#include "vfe/store/dataset.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

namespace fs = std::filesystem;

/// What must hold of what is read, and does not.
void expect(bool holds, const std::string& what) {
  if (!holds) throw std::logic_error(what);
}

/// A table, imported and read back.
class CsvTarget : public Target {
 public:
  explicit CsvTarget(const fs::path& folder) : folder_(folder) {
    std::string plain = "x,colour,y\n", semicolons = "\xef\xbb\xbfx;y;\"a \"\"name\"\"\"\r\n";
    for (int row = 0; row < 12; ++row) {
      const std::string x = std::to_string(row * row % 7), y = std::to_string(0.5 * row);
      plain += x + (row % 3 == 0 ? ",red," : ",blue,") + y + "\n";
      semicolons += x + ";" + y + ";\"two\nlines\"\r\n";
    }
    seeds_ = {plain,
              semicolons,
              "x\ty\n1\t2\n3\t4\n5\tNA\n",
              "x,y\n1,ja\n2,nein\n3,j\xe4\n4,nein\n",
              "id,date,y\nA1,2024-01-02,1e-3\nA2,2024-01-03,-7\nA3,2024-01-04,2.5e10\n",
              "y\n1\n2\n3\n",
              ",x,y\n0,1,2\n1,3,4\n",
              "\"x\" \"colour\" \"y\"\n\"a\" 1 red 2\n\"b\" 3 blue 4\n",
              "x,y\n1.0,$100\n2.0,\"1,234\"\n3.0,12.5%\n"};
  }
  void attempt(Mutator& mutator) override {
    put(folder_ / "table.csv",
        mutator.mutated(
            seeds_, {",",   ";",       "\t", "\"", "\"\"",         "\n",       "\r\n", "\r",
                     "NA",  "inf",     "y",  "x",  "\xef\xbb\xbf", "\xc3\xa9", "\xff", std::string(1, '\0'),
                     "1,5", "1.234,5", "|",  " ",  "2024-02-29"}));
    ImportOptions options{.input = folder_ / "table.csv", .output = folder_ / "data.h5"};
    options.quiet = true;
    options.missing = mutator.one_in(2) ? Missing::error : mutator.one_in(2) ? Missing::drop : Missing::keep;
    options.single = mutator.one_in(2);
    if (mutator.one_in(3)) options.format.encoding = Encoding::latin1;
    if (mutator.one_in(4)) options.format.delimiter = ' ';
    if (mutator.one_in(3)) options.fields.decimal = ',';
    if (mutator.one_in(3)) options.fields.thousands = mutator.one_in(2) ? '.' : ' ';
    if (mutator.one_in(4)) options.fields.missing = {"1", "inf"};
    if (mutator.one_in(4)) options.reference = {{"colour", "red"}};
    if (mutator.one_in(3)) options.memory = 1;  // through a temporary file
    if (mutator.one_in(4)) options.factor = {"x"};
    if (mutator.one_in(4)) options.drop = {"colour"};
    if (mutator.one_in(4)) {
      options.holdout = 0.3;
      options.holdout_output = folder_ / "holdout.h5";
    }
    const ImportReport report = import_csv(options);
    const Dataset file(options.output);
    const TableRows rows = file.read({0, file.schema().num_blocks()});
    expect(content_hash(rows, file.schema().blocks) == file.schema().content,
           "the dataset has not the hash that it says");
    read_again(options, report);
  }

 private:
  /// The file once more, as rows of the table that it made: where none were left out, all of them.
  static void read_again(const ImportOptions& options, const ImportReport& report) {
    std::vector<std::string> names;
    for (const TableColumn& column : report.schema.table.columns) names.push_back(column.name);
    Index rows = 0;
    try {
      TableReader reader(options.input, report.schema.table, names, {},
                         {.format = options.format, .fields = options.fields});
      for (Index more = 1; more > 0; rows += more) more = reader.next().num_rows;
    } catch (const Error& error) {
      if (options.missing == Missing::keep) throw std::logic_error(error.what());
      return;  // a level of rows left out
    }
    expect(rows == report.rows_read, "rows are lost at the second reading");
  }

  fs::path folder_;
  std::vector<std::string> seeds_;
};

/// What is read and written comes back.
void expect_to_come_back(const Config& config) {
  const std::string text = to_toml(config);
  expect(to_toml(parse_config(text, "written.toml")) == text, "the configuration does not come back");
}

const std::vector<std::string> toml_words = {"[",
                                             "]",
                                             "[[",
                                             "{",
                                             "}",
                                             "=",
                                             "\"",
                                             "'''",
                                             "\"\"\"",
                                             "\n",
                                             "#",
                                             ".",
                                             "\\u0000",
                                             "\\",
                                             "true",
                                             "null",
                                             "1979-05-27T07:32:00Z",
                                             "model",
                                             "fit.rate",
                                             "family.component",
                                             "[data]\n",
                                             "\xff",
                                             "-",
                                             "_"};

std::vector<std::string> configurations() {
  std::vector<std::string> list = {
      "[data]\nfile = \"data.h5\"\n[model]\ntype = \"logistic\"\nformula = \"y ~ x1 * log(x2)\"\nprior_scale "
      "= { default = 1.5, x1 = 2.5 }\n",
      "[model]\ntype = \"stan\"\nlibrary = \"a.so\"\ndata = \"a.json\"\nshard = { size = \"N\", rows = "
      "[\"x\", \"y\"] }\n[data]\nblocks = 7\n",
      "[data]\nfile = \"data.h5\"\n[model]\ntype = \"plugin\"\nformula = \"y\"\nlibrary = \"a.so\"\noptions "
      "= '{\"a\": 1}'\n"};
  for (const char* model : {"linear", "student_t", "logistic", "poisson", "negative_binomial", "softmax"}) {
    for (const char* family : {"auto", "mixture", "low_rank"}) {
      list.push_back(
          to_toml(parse_config("[data]\nfile = \"data.h5\"\n[model]\ntype = \"" + std::string(model) +
                                   "\"\nformula = \"y\"\n[family]\ntype = \"" + family + "\"\n",
                               "fit.toml")));
    }
  }
  return list;
}

class TomlTarget : public Target {
 public:
  explicit TomlTarget(const fs::path&) : seeds_(configurations()) {}
  void attempt(Mutator& mutator) override {
    expect_to_come_back(parse_config(mutator.mutated(seeds_, toml_words), "fit.toml"));
  }

 private:
  std::vector<std::string> seeds_;
};

class SetTarget : public Target {
 public:
  explicit SetTarget(const fs::path&) : bases_(configurations()) {
    for (const std::string& base : bases_) {
      for (const auto& [key, value] : written_values(base)) seeds_.push_back(key + "=" + value);
    }
  }
  void attempt(Mutator& mutator) override {
    std::vector<std::string> overrides;
    for (std::uint64_t count = 1 + mutator.below(3); count > 0; --count) {
      std::string one = mutator.one_of(seeds_);
      if (const std::size_t value = one.find('='); mutator.one_in(3)) {
        one = one.substr(0, value + 1) + mutator.odd_number();
      } else if (!mutator.one_in(3)) {
        one = mutator.mutated({one}, toml_words);
      }
      overrides.push_back(one);
    }
    expect_to_come_back(parse_config(mutator.one_of(bases_), "fit.toml", overrides));
  }

 private:
  std::vector<std::string> bases_, seeds_;
};

/// The data of a Stan program, as a whole and in parts.
class JsonTarget : public Target {
 public:
  explicit JsonTarget(const fs::path&) {}
  void attempt(Mutator& mutator) override {
    static const std::vector<std::string> seeds = {
        R"({"N":5,"x":[[1,2],[3,4],[5,6],[7,8],[9,10]],"y":[1,0,1,0,1],"prior":[0.1,1e-300]})",
        R"({"N": 3, "x": [1.5, -2, "NaN"], "y": [0, 1, 2], "name": "a\u00e9\ud83d\ude00"})",
        R"({"x":[],"y":[],"N":0})", R"({"y":[1e308,-1e308,"Infinity"],"x":[true,null,{"1":[2,3]}]})"};
    const std::string text = mutator.mutated(
        seeds, {"{", "}", "[", "]", ":", ",", "\"", "\\u", "\\ud800", "null", "true", "\"N\"",
                "\"x\":", "\xff", std::string(300, '['), std::string(300, '{'), "\"NaN\"", "-"});
    const StanShard shard = mutator.one_in(4) ? StanShard{} : StanShard{"N", {"x", "y"}};
    const StanData data(text, "data.json", shard);
    const Index rows = data.rows();
    data.part(0, rows);
    if (shard.size.empty()) return;
    data.part(0, 0);
    data.part(rows / 2, rows);
  }
};

/// Files of HDF5: damaged byte by byte, or changed by another program.
class FileTarget : public Target {
 public:
  FileTarget(fs::path file, bool sealed) : file_(std::move(file)), sealed_(sealed) {}
  void attempt(Mutator& mutator) override {
    const bool edited = mutator.one_in(2);
    put(file_, edited ? mutator.one_of(seeds_) : mutator.mutated(seeds_, {"GCOL", "OHDR", "TREE", "FRHP"}));
    if (edited) edit_hdf5(file_, mutator);
    if (sealed_ && (edited || mutator.one_in(2))) seal(file_);
    read(mutator);
  }

 protected:
  virtual void read(Mutator& mutator) = 0;
  void add_seed(const fs::path& file) { seeds_.push_back(contents(file)); }
  const fs::path file_;

 private:
  bool sealed_;
  std::vector<std::string> seeds_;
};

class DatasetTarget : public FileTarget {
 public:
  explicit DatasetTarget(const fs::path& folder) : FileTarget(folder / "data.h5", false) {
    for (const Likelihood likelihood : {Likelihood::linear, Likelihood::softmax}) {
      simulate(Communicator::self(),
               {.output = file_, .likelihood = likelihood, .rows = 100, .columns = 3, .block_rows = 32});
      add_seed(file_);
    }
    test::write_example(file_, 50, true);
    add_seed(file_);
    write_foreign_dataset(file_, 60, 3);
    add_seed(file_);
  }

 private:
  void read(Mutator&) override {
    const Dataset file(file_);
    const DatasetSchema& schema = file.schema();
    dataset_schema_from_json(to_json(schema));
    file.name_row(0);
    file.lines(0, schema.num_rows());
    if (schema.num_blocks() <= 4096) content_hash(file.read({0, schema.num_blocks()}), schema.blocks);
  }
};

/// What commands do with a result: all but what takes a model.
class ResultTarget : public FileTarget {
 public:
  explicit ResultTarget(const fs::path& folder) : FileTarget(folder / "result.h5", true), folder_(folder) {
    const TemporaryFolder made;
    for (const std::string likelihood : {"linear", "softmax"}) {
      const Likelihood kind = likelihood == "linear" ? Likelihood::linear : Likelihood::softmax;
      simulate(Communicator::self(),
               {.output = made / "data.h5", .likelihood = kind, .rows = 60, .columns = 2, .block_rows = 32});
      for (const std::string family : {"auto", "full_rank", "flow"}) {
        fs::remove_all(made / "run");
        run_fit(small_config(made, {"model.type=" + likelihood, "family.type=" + family, "output.draws=100",
                                    "output.log_prior=true", "output.log_likelihood=true"}));
        fs::copy_file(made / "run" / "result.h5", file_, fs::copy_options::overwrite_existing);
        add_seed(file_);
      }
    }
    fs::copy_file(made / "data.h5", folder_ / "new.h5");
  }

 private:
  void read(Mutator& mutator) override {
    read_result(file_);
    const Diagnosis diagnosis = diagnose(file_);
    to_text(diagnosis);
    to_json(diagnosis);
    switch (mutator.below(3)) {
      case 0:
        write_draws({.run = file_, .output = folder_ / "draws.h5", .count = 20});
        break;
      case 1:
        predict(Communicator::self(), {.run = file_, .data = folder_ / "new.h5", .output = folder_ / "p.h5"});
        break;
      default:
        break;
    }
  }

  fs::path folder_;
};

class CheckpointTarget : public FileTarget {
 public:
  explicit CheckpointTarget(const fs::path& folder)
      : FileTarget(folder / "checkpoint.5.h5", true), folder_(folder) {
    const TemporaryFolder made;
    write_dataset(made / "data.h5", small_rows(200, 3));
    run_fit(small_config(made, {"output.checkpoint_every=1", "output.draws=100"}));
    std::vector<std::string> warnings;
    Checkpoint checkpoint = *read_checkpoint(made / "run", warnings);
    checkpoint.state.step = 5;
    write_checkpoint(folder_, checkpoint);
    add_seed(file_);
  }

 private:
  void read(Mutator&) override {
    std::vector<std::string> warnings;
    const auto checkpoint = read_checkpoint(folder_, warnings);
    if (checkpoint)
      expect(pack(unpack_checkpoint(pack(*checkpoint))) == pack(*checkpoint), "does not come back");
  }

  fs::path folder_;
};

template <class T>
std::unique_ptr<Target> make(const fs::path& folder) {
  return std::make_unique<T>(folder);
}

}  // namespace

const std::map<std::string, std::function<std::unique_ptr<Target>(const fs::path&)>>& targets() {
  static const std::map<std::string, std::function<std::unique_ptr<Target>(const fs::path&)>> all = {
      {"checkpoint", make<CheckpointTarget>},
      {"csv", make<CsvTarget>},
      {"dataset", make<DatasetTarget>},
      {"json", make<JsonTarget>},
      {"result", make<ResultTarget>},
      {"set", make<SetTarget>},
      {"toml", make<TomlTarget>}};
  return all;
}

}  // namespace vfe
