#include "host/cli/model_command.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/cli/horizon_statistics.hpp"
#include "host/cli/model_text.hpp"
#include "host/cli/run_options.hpp"
#include "host/cli/text_columns.hpp"
#include "host/cli/whole_number.hpp"
#include "host/engine/price_paths.hpp"
#include "host/io/book_files.hpp"
#include "host/io/model_file.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

struct ModelOptions {
  std::filesystem::path file, book;
  bool json = false;
  std::uint64_t num_paths = 100'000, seed = 1;
};

/// Paths behind the figures of factors that are no prices: a deviation needs no more.
constexpr std::uint64_t max_factor_paths = 100'000;

/// A name for what no rule names.
std::string simulated_name(const UnderlyingClass& alike) { return alike.is_rest ? any_other : alike.names.front(); }

/// Simulated horizon prices of one underlying of each class.
std::vector<HorizonSample> horizon_samples(const ModelView& view, const ModelOptions& options,
                                           Diagnostics& diagnostics) {
  std::map<std::string, std::string> labels;  // simulated name, in rising order -> label
  for (const UnderlyingClass& alike : view.classes) { labels[simulated_name(alike)] = label_of(alike); }
  std::vector<std::string> names;
  for (const auto& [name, label] : labels) { names.push_back(name); }
  const auto num_steps = static_cast<std::uint32_t>(std::llround(view.model->horizon_hours / view.model->step_hours));
  const PricePaths paths =
      simulate_prices(*view.model, names, {num_steps}, options.num_paths, options.seed, diagnostics);
  std::vector<HorizonSample> samples;
  for (const UnderlyingClass& alike : view.classes) {
    if (diagnostics.has_errors()) { break; }
    const auto at = std::lower_bound(names.begin(), names.end(), simulated_name(alike)) - names.begin();
    const std::vector<float>& log_change = paths.log_change.front()[static_cast<std::size_t>(at)];
    samples.push_back(
        {label_of(alike), {log_change.begin(), log_change.end()}, {paths.weights.begin(), paths.weights.end()}});
  }
  return samples;
}

/// Changes of one underlying of each class by all that is no price, as far as it moves.
std::vector<FactorStatistics> factor_statistics(const ModelView& view, const ModelOptions& options,
                                                Diagnostics& diagnostics) {
  std::vector<std::string> names;
  for (const UnderlyingClass& alike : view.classes) { names.push_back(simulated_name(alike)); }
  const Book book = book_of_everything(names);
  const FactorPaths paths =
      simulate_factors(book, *view.model, std::min(options.num_paths, max_factor_paths), options.seed, diagnostics);
  std::vector<FactorStatistics> statistics;
  for (const UnderlyingClass& alike : view.classes) {
    for (std::size_t f = 0; f < paths.factors.size(); ++f) {
      const Factor& factor = paths.factors[f];
      if (factor.kind == FactorKind::price || book.underlyings[factor.underlying].name != simulated_name(alike)) {
        continue;
      }
      const HorizonSample sample{label_of(alike),
                                 {paths.change[f].begin(), paths.change[f].end()},
                                 {paths.weights.begin(), paths.weights.end()}};
      statistics.push_back({label_of(alike), to_string(factor.kind), moments_of(sample)});
    }
  }
  return statistics;
}

std::string as_text(const ModelView& view, const std::vector<HorizonSample>& samples,
                    const std::vector<FactorStatistics>& factors, const ModelOptions& options) {
  std::string text =
      model_text(view) + "\n" +
      wrapped("",
              "At the horizon, " + std::to_string(options.num_paths) +
                  " paths: deviation, skew and excess kurtosis of the log change; losses as shares of the "
                  "price now. Below each its standard error.",
              0) +
      horizon_text(samples, view.model->confidence);
  if (factors.empty()) { return text; }
  return text + "\n" +
         wrapped("",
                 "Other factors at the horizon, " + std::to_string(std::min(options.num_paths, max_factor_paths)) +
                     " paths: deviation of the change, in logs; of carry and carry_slope in percent a year.",
                 0) +
         factors_text(factors);
}

void show(const ModelOptions& options) {
  Diagnostics diagnostics;
  const Model model = read_model(options.file, diagnostics);
  const bool has_book = !options.book.empty();
  const Book book = has_book ? read_book(options.book, BookParts::market_only, diagnostics) : Book{};
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  const ModelView view =
      has_book ? view_model(model, book, diagnostics) : view_model(model, named_underlyings(model), true, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  Diagnostics twice;  // what the view says too
  const std::vector<HorizonSample> samples = horizon_samples(view, options, twice);
  const std::vector<FactorStatistics> factors = factor_statistics(view, options, twice);
  if (twice.has_errors()) { throw InputError(twice); }
  if (!diagnostics.items().empty()) { print_diagnostics(diagnostics); }
  if (options.json) {
    nlohmann::ordered_json json = model_json(view);
    json["horizon_prices"] = horizon_json(samples, model.confidence);
    json["horizon_factors"] = factors_json(factors);
    std::fputs((json.dump(2) + "\n").c_str(), stdout);
  } else {
    std::fputs(as_text(view, samples, factors, options).c_str(), stdout);
  }
}

}  // namespace

void add_model_command(CLI::App& app) {
  const auto options = std::make_shared<ModelOptions>();
  CLI::App* command = app.add_subcommand("model", "look at a model file");
  command->require_subcommand(1);
  CLI::App* show_command = command->add_subcommand(
      "show", "regimes, volatilities, correlations, jumps, prices and other factors at the horizon");
  show_command->add_option("FILE", options->file, "model file")->required();
  show_command->add_option("--book", options->book, "book whose underlyings to show; default: those the model names");
  show_command->add_option("--paths", options->num_paths, "simulated paths")
      ->capture_default_str()
      ->check(whole_number(2, 10'000'000));
  show_command->add_option("--seed", options->seed, "seed of the random numbers")
      ->capture_default_str()
      ->check(whole_number(0, any_number));
  show_command->add_flag("--json", options->json, "as JSON, with every parameter");
  show_command->callback([options] { show(*options); });
}

}  // namespace tailmargin
