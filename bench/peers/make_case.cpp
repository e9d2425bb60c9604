// Writes a case for the peers, what they must start from and the answer they must get, and measures Tailmargin at it.
//
//   peer_case CASE --model FILE [--accounts N] [--positions N] [--instruments N] [--paths N] [--repeats N]
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "bench/peers/case_book.hpp"
#include "bench/peers/report.hpp"
#include "host/backends/backend.hpp"
#include "host/backends/run_tables.hpp"
#include "host/cpu/host_loops.hpp"
#include "host/estimators/host_scenarios.hpp"
#include "host/io/model_file.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tailmargin/diagnostics.hpp"
#include "tailmargin/engine.hpp"

namespace tailmargin::peers {
namespace {

static_assert(std::endian::native == std::endian::little, "peers read arrays as this machine writes them");

class CaseWriter {
 public:
  explicit CaseWriter(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
  }

  void size(const std::string& name, double value) { sizes_ += name + " " + number(value) + "\n"; }

  template <class T>
  void array(const std::string& name, const std::vector<T>& values) const {
    write(name, reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }

  /// The sizes come last: a folder with case.txt is whole.
  void finish() const { write("case.txt", sizes_.data(), sizes_.size()); }

 private:
  void write(const std::string& name, const char* bytes, std::size_t count) const {
    std::ofstream file(folder_ / name, std::ios::binary);
    file.write(bytes, static_cast<std::streamsize>(count));
    file.close();
    if (!file) { throw FileError("cannot write " + (folder_ / name).string()); }
  }

  std::filesystem::path folder_;
  std::string sizes_;
};

std::vector<double> probabilities(const std::vector<std::uint32_t>& bounds, std::size_t regimes) {
  std::vector<double> out;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const double upper = i % regimes + 1 == regimes ? 1.0 : bounds[i] / 2147483648.0;
    out.push_back(upper - (i % regimes == 0 ? 0.0 : bounds[i - 1] / 2147483648.0));
  }
  return out;
}

/// The chain and the step of each regime. Peers simulate plain regimes only.
void write_scenarios(const PreparedRun& run, CaseWriter& out) {
  const ScenarioPlan& plan = run.scenarios;
  const bool reverts = std::any_of(plan.keep.begin(), plan.keep.end(), [](double keep) { return keep != 1.0; });
  if (plan.num_classes != 0 || !plan.processes.empty() || reverts || run.columns.num_slices != 1 ||
      run.columns.num_closing_times() != 1) {
    throw UsageError(
        "peers simulate plain regimes: take a model without Student tails, jumps, reversion, worst loss or closing "
        "times");
  }
  const std::size_t regimes = plan.num_regimes, factors = plan.factors.size(), draws = plan.num_draws;
  const SparseTable loadings = step_loadings(plan);
  std::vector<float> dense(regimes * factors * draws, 0.0f), drift(regimes * factors);
  for (std::size_t r = 0; r < regimes; ++r) {
    for (std::size_t f = 0; f < factors; ++f) {
      drift[r * factors + f] = static_cast<float>(plan.drift[f * regimes + r] + plan.scale_drift[f * regimes + r]);
      for (std::uint32_t e = loadings.offsets[f]; e < loadings.offsets[f + 1]; ++e) {
        dense[(r * factors + f) * draws + loadings.inputs[e]] =
            static_cast<float>(loadings.coefficients[e * regimes + r]);
      }
    }
  }
  out.size("steps", plan.num_steps);
  out.size("regimes", plan.num_regimes);
  out.size("factors", static_cast<double>(factors));
  out.size("draws", static_cast<double>(draws));
  out.array("start.f64", probabilities(plan.start_bounds, regimes));
  out.array("transition.f64", probabilities(plan.transition_bounds, regimes));
  out.array("loading.f32", dense);
  out.array("drift.f32", drift);
}

/// Numbers rows in the order in which they are first asked for.
class RowNumbers {
 public:
  std::uint32_t of(std::uint32_t row) {
    const auto [found, added] = numbers_.try_emplace(row, static_cast<std::uint32_t>(rows.size()));
    if (added) { rows.push_back(row); }
    return found->second;
  }

  std::vector<std::uint32_t> rows;

 private:
  std::map<std::uint32_t, std::uint32_t> numbers_;
};

/// Market rows, and the columns of what is no option, on all paths: what peers start revaluation from.
struct MarketPaths {
  RowNumbers returns, growths, smiles;
  std::vector<std::uint32_t> products;                      ///< columns
  std::vector<float> log_return, growth, smile, product;    ///< [row][path]; smiles have three rows each
  std::vector<std::uint32_t> horizon_rows, horizon_factor;  ///< observations at the end of the path
  std::vector<float> horizon;                               ///< [row][path]
};

/// The constants of every option, in plain terms.
void write_options(const ColumnPlan& plan, MarketPaths& rows, CaseWriter& out) {
  std::vector<std::uint32_t> column, return_row, growth_row, smile, inverse;
  std::vector<double> sign, strike, forward, size, value, residual;
  for (const OptionColumn<double>& option : plan.exact.options) {
    const InstrumentTerms& terms = plan.terms[option.out];
    if (option.settled != 0 || option.follow != 1.0) {
      throw UsageError("peers price options that live at the horizon, with smiles that stay with moneyness");
    }
    column.push_back(option.out);
    return_row.push_back(rows.returns.of(option.return_row));
    growth_row.push_back(rows.growths.of(option.growth_row));
    smile.push_back(rows.smiles.of(option.smile_row));
    inverse.push_back(terms.payoff == Payoff::inverse ? 1 : 0);
    sign.push_back(option.sign);
    strike.push_back(terms.strike);
    forward.push_back(terms.price_now);
    size.push_back(option.scale);
    value.push_back(option.base_value);
    residual.push_back(option.residual);
  }
  out.size("options", static_cast<double>(column.size()));
  out.array("option_column.u32", column);
  out.array("option_return.u32", return_row);
  out.array("option_growth.u32", growth_row);
  out.array("option_smile.u32", smile);
  out.array("option_inverse.u32", inverse);
  out.array("option_sign.f64", sign);
  out.array("option_strike.f64", strike);
  out.array("option_forward_now.f64", forward);
  out.array("option_size_usd.f64", size);
  out.array("option_value_now.f64", value);
  out.array("option_residual.f64", residual);
}

void copy_rows(const std::vector<float>& from, const std::vector<std::uint32_t>& rows, std::uint32_t rows_each,
               const cpu::Tile& tile, std::uint64_t paths, std::vector<float>& to) {
  to.resize(rows.size() * rows_each * paths);
  for (std::size_t i = 0; i < rows.size() * rows_each; ++i) {
    const std::size_t row = rows[i / rows_each] + i % rows_each;
    std::copy_n(from.data() + row * tile.width, tile.valid, to.data() + i * paths + tile.first_path);
  }
}

/// The scenarios of the run through the engine's own loops, tile by tile.
void fill_market_paths(const PreparedRun& run, MarketPaths& out) {
  const ColumnTables<float>& all = run.columns.single;
  const auto count = [](const auto& items) { return static_cast<std::uint32_t>(items.size()); };
  std::vector<std::uint32_t> rows(all.market_rows.size());
  std::iota(rows.begin(), rows.end(), 0u);
  const cpu::MarketTables<float> tables = {
      all.market_rows.data(), all.smiles.data(), all.surfaces.data(), all.payments.data(), all.products.data(),
      all.options.data(),     rows.data(),       count(rows),         count(rows),         count(all.surfaces),
      count(all.products),    count(all.options)};
  const cpu::Kernels& kernels = choose_kernels(Isa::automatic);
  const HostScenarios scenarios(run, run.accounts, {&kernels, 1});
  const std::uint32_t width = 4 * cpu::lanes;
  std::vector<float> obs, market(all.num_rows() * width), cube(std::size_t{run.columns.num_columns} * width);
  for (std::uint64_t path = 0; path < run.num_paths; path += width) {
    const cpu::Tile tile = {path, width,
                            static_cast<std::uint32_t>(std::min<std::uint64_t>(width, run.num_paths - path))};
    scenarios.simulate(tile, obs);
    kernels.revalue_single(tables, tile, obs.data(), market.data(), cube.data());
    copy_rows(market, out.returns.rows, 1, tile, run.num_paths, out.log_return);
    copy_rows(market, out.growths.rows, 1, tile, run.num_paths, out.growth);
    copy_rows(market, out.smiles.rows, rows_per_smile, tile, run.num_paths, out.smile);
    copy_rows(cube, out.products, 1, tile, run.num_paths, out.product);
    copy_rows(obs, out.horizon_rows, 1, tile, run.num_paths, out.horizon);
  }
}

void write_market(const PreparedRun& run, CaseWriter& out) {
  MarketPaths paths;
  write_options(run.columns, paths, out);
  for (const ProductColumn<float>& product : run.columns.single.products) { paths.products.push_back(product.out); }
  for (std::uint32_t row = 0; row < run.scenarios.observations.size(); ++row) {
    const Observation& observation = run.scenarios.observations[row];
    if (observation.step != run.scenarios.num_steps) { continue; }
    paths.horizon_rows.push_back(row);
    paths.horizon_factor.push_back(observation.factor);
  }
  fill_market_paths(run, paths);
  out.size("returns", static_cast<double>(paths.returns.rows.size()));
  out.size("growths", static_cast<double>(paths.growths.rows.size()));
  out.size("smiles", static_cast<double>(paths.smiles.rows.size()));
  out.size("products", static_cast<double>(paths.products.size()));
  out.size("horizon_factors", static_cast<double>(paths.horizon_factor.size()));
  out.array("log_return.f32", paths.log_return);
  out.array("growth.f32", paths.growth);
  out.array("smiles.f32", paths.smile);
  out.array("product_column.u32", paths.products);
  out.array("products.f32", paths.product);
  out.array("horizon_factor.u32", paths.horizon_factor);
  out.array("horizon.f32", paths.horizon);
}

void write_accounts(const PreparedRun& run, CaseWriter& out) {
  const AccountPlan& accounts = run.accounts;
  std::vector<std::uint32_t> offsets(accounts.offsets.begin(), accounts.offsets.end()), columns;
  for (const PositionColumn& position : accounts.columns) { columns.push_back(position.column()); }
  out.size("accounts", static_cast<double>(accounts.offsets.size() - 1));
  out.size("positions", static_cast<double>(columns.size()));
  out.size("columns", run.columns.num_columns);
  out.array("offsets.u32", offsets);
  out.array("position_column.u32", columns);
  out.array("quantity.f32", std::vector<float>(accounts.quantities.begin(), accounts.quantities.end()));
}

/// How many of the worst losses make the expected shortfall; peers average whole paths.
double count_tail(const PreparedRun& run) {
  const double tail = make_tail_rule(run).tail_weight;
  if (!run.path_weights.empty() || tail != std::floor(tail)) {
    throw UsageError("the tail must be a whole number of paths of equal weight");
  }
  return tail;
}

/// Stages of whole runs, as the command reports them.
std::vector<Stage> measure(const Book& book, const Model& model, const RunConfig& config, const PreparedRun& run,
                           int repeats, RunResult& result) {
  const double paths = static_cast<double>(config.num_paths);
  const double factor_steps = static_cast<double>(run.scenarios.factors.size()) * run.scenarios.num_steps;
  std::vector<Stage> stages = {{"simulate", {}, paths * factor_steps, "factor-steps"},
                               {"revalue", {}, paths * double(run.columns.single.options.size()), "option values"},
                               {"pnl", {}, paths * double(run.accounts.columns.size()), "position-paths"},
                               {"tail", {}, paths * double(book.accounts.size()), "losses"},
                               {"exact", {}, 0.0, ""}};
  for (int repeat = 0; repeat <= repeats; ++repeat) {
    result = run_margin(book, model, config);
    if (repeat == 0) { continue; }  // warm-up
    for (Stage& stage : stages) {
      double seconds = 0.0;
      for (const StageTime& time : result.stages) { seconds += time.stage == stage.name ? time.seconds : 0.0; }
      stage.seconds.push_back(seconds);
    }
  }
  return stages;
}

struct Options {
  CaseSize size;
  std::string folder, model;
  int repeats = 5;
};

Options parse(int argc, char** argv) {
  Options out;
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() % 2 == 0) { throw UsageError("usage: peer_case CASE --model FILE [--accounts N] ..."); }
  out.folder = words[0];
  const auto whole = [](const std::string& text) {
    const unsigned long long value = std::strtoull(text.c_str(), nullptr, 10);
    if (value == 0 || value > 0xffffffffull) { throw UsageError("'" + text + "' is no number from 1 on"); }
    return value;
  };
  for (std::size_t i = 1; i < words.size(); i += 2) {
    const std::string &name = words[i], &value = words[i + 1];
    if (name == "--model") {
      out.model = value;
    } else if (name == "--accounts") {
      out.size.accounts = whole(value);
    } else if (name == "--positions") {
      out.size.positions = static_cast<std::uint32_t>(whole(value));
    } else if (name == "--instruments") {
      out.size.instruments = static_cast<std::uint32_t>(whole(value));
    } else if (name == "--paths") {
      out.size.paths = whole(value);
    } else if (name == "--repeats") {
      out.repeats = static_cast<int>(whole(value));
    } else {
      throw UsageError("unknown option " + name);
    }
  }
  return out;
}

int run(const Options& options) {
  Diagnostics diagnostics;
  const Model model = read_model(options.model, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  const Book book = make_case_book(options.size, time_grid(model).horizon_seconds);
  RunConfig config;
  config.sampler = Sampler::plain;  // what the peers are given is prepared that way
  config.num_paths = options.size.paths;
  config.seed = options.size.seed;
  config.backend = BackendChoice::cpu;
  const PreparedRun prepared = prepare_run(book, model, config.num_paths, config.seed);

  CaseWriter out(options.folder);
  out.size("paths", static_cast<double>(config.num_paths));
  write_scenarios(prepared, out);
  out.size("tail_paths", count_tail(prepared));
  write_market(prepared, out);
  write_accounts(prepared, out);

  RunResult result;
  std::string json;
  const auto add = [&](const std::string& name) {
    const std::vector<Stage> stages = measure(book, model, config, prepared, options.repeats, result);
    json +=
        (json.empty() ? "" : ",\n ") + quoted(name) + ": {\"device\": " + quoted(result.backend + ", " + result.device);
    json += ", \"accounts_in_double\": " + number(static_cast<double>(result.num_exact_accounts));
    json += ", \"stages\": " + stages_json(stages) + "}";
  };
  config.threads = 1;
  add("one_thread");
  config.threads = 0;
  add("all_threads");
  if (cuda_unavailable_reason().empty()) {
    config.backend = BackendChoice::cuda;
    add("cuda");
  }
  std::vector<double> es;
  for (const AccountMargin& margin : result.margins) { es.push_back(margin.es_usd); }
  out.array("es.f64", es);
  out.finish();
  std::printf("{%s}\n", json.c_str());
  return 0;
}

}  // namespace
}  // namespace tailmargin::peers

int main(int argc, char** argv) {
  try {
    return tailmargin::peers::run(tailmargin::peers::parse(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "peer_case: %s\n", error.what());
    return 2;
  }
}
