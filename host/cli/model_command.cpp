#include "host/cli/model_command.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "host/cli/model_text.hpp"
#include "host/cli/run_options.hpp"
#include "host/io/book_files.hpp"
#include "host/io/model_file.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

struct ModelOptions {
  std::filesystem::path file, book;
  bool json = false;
};

std::vector<std::string> underlyings_of(const Book& book) {
  std::vector<std::string> names;
  for (const Underlying& underlying : book.underlyings) { names.push_back(underlying.name); }
  return names;
}

void show(const ModelOptions& options) {
  Diagnostics diagnostics;
  const Model model = read_model(options.file, diagnostics);
  const bool has_book = !options.book.empty();
  const Book book = has_book ? read_book(options.book, BookParts::market_only, diagnostics) : Book{};
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  const std::vector<std::string> underlyings = has_book ? underlyings_of(book) : named_underlyings(model);
  const ModelView view = view_model(model, underlyings, !has_book, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  if (!diagnostics.items().empty()) { print_diagnostics(diagnostics); }
  const std::string text = options.json ? model_json(view).dump(2) + "\n" : model_text(view);
  std::fputs(text.c_str(), stdout);
}

}  // namespace

void add_model_command(CLI::App& app) {
  const auto options = std::make_shared<ModelOptions>();
  CLI::App* command = app.add_subcommand("model", "look at a model file");
  command->require_subcommand(1);
  CLI::App* show_command = command->add_subcommand("show", "regimes, volatilities, correlations, jumps");
  show_command->add_option("FILE", options->file, "model file")->required();
  show_command->add_option("--book", options->book, "book whose underlyings to show; default: those the model names");
  show_command->add_flag("--json", options->json, "as JSON, with every parameter");
  show_command->callback([options] { show(*options); });
}

}  // namespace tailmargin
