#include "host/cli/model_command.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "host/cli/horizon_statistics.hpp"
#include "host/cli/model_text.hpp"
#include "host/cli/run_options.hpp"
#include "host/cli/whole_number.hpp"
#include "host/engine/price_paths.hpp"
#include "host/io/book_files.hpp"
#include "host/io/model_file.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

struct ModelOptions {
  std::filesystem::path file, book;
  bool json = false;
  std::uint64_t num_paths = 100'000, seed = 1;
};

std::vector<std::string> underlyings_of(const Book& book) {
  std::vector<std::string> names;
  for (const Underlying& underlying : book.underlyings) { names.push_back(underlying.name); }
  return names;
}

/// A name for what no rule names.
const std::string& simulated_name(const UnderlyingClass& alike) {
  static const std::string rest = "(any other)";
  return alike.is_rest ? rest : alike.names.front();
}

/// Prepares the model as a run would, with every kind of factor: what a run refuses is refused here.
void check_with_everything(const ModelView& view, Diagnostics& diagnostics) {
  std::set<std::string> names;
  for (const UnderlyingClass& alike : view.classes) { names.insert(simulated_name(alike)); }
  Book book;
  for (const std::string& name : names) {
    Instrument option, perpetual;
    option.kind = InstrumentKind::option;
    perpetual.kind = InstrumentKind::perpetual;
    option.underlying = perpetual.underlying = static_cast<UnderlyingId>(book.underlyings.size());
    book.underlyings.push_back({name, 1.0, {}, {}});
    book.instruments.insert(book.instruments.end(), {option, perpetual});
  }
  prepare_scenarios(book, *view.model, diagnostics);
}

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

void show(const ModelOptions& options) {
  Diagnostics diagnostics;
  const Model model = read_model(options.file, diagnostics);
  const bool has_book = !options.book.empty();
  const Book book = has_book ? read_book(options.book, BookParts::market_only, diagnostics) : Book{};
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  const std::vector<std::string> underlyings = has_book ? underlyings_of(book) : named_underlyings(model);
  Diagnostics twice;  // what the view and the sample say too
  const ModelView view = view_model(model, underlyings, !has_book, twice);
  if (twice.has_errors()) { throw InputError(twice); }
  check_with_everything(view, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  const std::vector<HorizonSample> samples = horizon_samples(view, options, twice);
  if (!diagnostics.items().empty()) { print_diagnostics(diagnostics); }
  std::string text;
  if (options.json) {
    nlohmann::ordered_json json = model_json(view);
    json["horizon_prices"] = horizon_json(samples, model.confidence);
    text = json.dump(2) + "\n";
  } else {
    text = model_text(view) + "\nPrices at the horizon, " + std::to_string(options.num_paths) +
           " paths: sd, skew and excess kurtosis of the log change; losses as shares of the price now\n" +
           horizon_text(samples, model.confidence);
  }
  std::fputs(text.c_str(), stdout);
}

}  // namespace

void add_model_command(CLI::App& app) {
  const auto options = std::make_shared<ModelOptions>();
  CLI::App* command = app.add_subcommand("model", "look at a model file");
  command->require_subcommand(1);
  CLI::App* show_command =
      command->add_subcommand("show", "regimes, volatilities, correlations, jumps, prices at the horizon");
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
