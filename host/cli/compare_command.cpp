#include <algorithm>
#include <chrono>
#include <cstdio>

#include "host/cli/commands.hpp"
#include "host/cli/compare_methods.hpp"
#include "host/cli/compare_report.hpp"
#include "host/cli/run_options.hpp"
#include "host/cli/similar_names.hpp"
#include "host/io/book_files.hpp"
#include "host/io/compare_files.hpp"
#include "host/io/pending_file.hpp"
#include "host/io/staged_folder.hpp"
#include "host/venues/compare.hpp"

namespace tailmargin {
namespace {

using Clock = std::chrono::steady_clock;

struct CompareOptions {
  std::string book, out, account, model;
  MethodOptions methods;
  bool json = false;
  RunOptions run;
};

double lap(Clock::time_point& last) {
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - last).count();
  last = now;
  return seconds;
}

/// Everything that is read, before anything is computed.
struct Inputs {
  ChosenMethods methods;
  ChosenModel model;
  Book book;
};

Inputs read_inputs(const CompareOptions& options, Diagnostics& diagnostics) {
  Inputs in;
  in.methods = choose_methods(options.methods, diagnostics);
  if (in.methods.monte_carlo || diagnostics.has_errors()) {
    in.model = choose_model(options.model, options.book, diagnostics);
  }
  in.book = read_book(options.book, BookParts::all, diagnostics);
  return in;
}

AccountId find_account(const Book& book, const std::string& name) {
  const auto found = std::lower_bound(book.accounts.begin(), book.accounts.end(), name);
  if (found != book.accounts.end() && *found == name) { return static_cast<AccountId>(found - book.accounts.begin()); }
  Diagnostics diagnostics;
  diagnostics.error("--account", 0, "account", name,
                    "the book has no such account." + did_you_mean(name, book.accounts));
  throw InputError(diagnostics);
}

/// The book with one account: its margin is the same, since no account depends on another.
Book book_of_account(const Book& book, AccountId account) {
  Book out = book;
  out.accounts = {book.accounts[account]};
  out.by_venue = {};
  std::erase_if(out.positions, [&](const Position& p) { return p.account != account; });
  std::erase_if(out.collateral, [&](const CollateralBalance& b) { return b.account != account; });
  for (Position& position : out.positions) { position.account = 0; }
  for (CollateralBalance& balance : out.collateral) { balance.account = 0; }
  return out;
}

/// Instruments that each account holds.
std::vector<std::uint32_t> count_positions(const Book& book) {
  std::vector<std::uint32_t> counts(book.accounts.size(), 0);
  for (std::size_t p = 0; p < book.positions.size(); ++p) {
    const Position& position = book.positions[p];
    const bool is_same = p > 0 && book.positions[p - 1].account == position.account &&
                         book.positions[p - 1].instrument == position.instrument;
    counts[position.account] += is_same ? 0u : 1u;
  }
  return counts;
}

std::vector<AccountMargin> simulate(const CompareOptions& options, const ChosenModel& model, const Book& book,
                                    Diagnostics& diagnostics, MonteCarloRun& run) {
  ProgressBar bar(parse_progress(options.run.progress));
  const RunConfig config = make_run_config(options.run, bar);
  Model margins_only = model.model;
  margins_only.crowding.reset();
  RunResult result = run_margin(book, margins_only, config);
  for (const Diagnostic& w : result.warnings) { diagnostics.warning(w.file, w.row, w.field, w.value, w.reason); }
  run = {model.model.name + (model.file.empty() ? " (built in)" : ""),
         result.backend,
         result.device,
         config.num_paths,
         result.num_steps,
         result.num_factors,
         config.seed,
         result.notes};
  return std::move(result.margins);
}

/// The venues' terms of an account.
std::vector<venues::ExplainedMargin> explain(const Inputs& in, AccountId account) {
  const venues::BookUnits units(in.book);
  std::vector<venues::ExplainedMargin> out;
  for (const venues::Method& method : in.methods.methods) {
    out.push_back(venues::explain_account(units, account, method));
  }
  return out;
}

void say(const CompareOptions& options, const AccountReport& report) {
  std::fputs((options.json ? account_json(report) : account_text(report)).c_str(), stdout);
}

/// The terms of one account, for which nobody else is margined.
void compare_account(const CompareOptions& options, const Inputs& in, Diagnostics& diagnostics) {
  const AccountId account = find_account(in.book, options.account);
  AccountReport report;
  report.account = options.account;
  if (in.methods.monte_carlo) {
    report.run.emplace();
    report.monte_carlo =
        simulate(options, in.model, book_of_account(in.book, account), diagnostics, *report.run).front();
  }
  report.methods = explain(in, account);
  print_diagnostics(diagnostics);
  say(options, report);
}

CompareReport compare_book(const CompareOptions& options, const Inputs& in, Diagnostics& diagnostics,
                           Clock::time_point& last) {
  CompareReport report;
  report.out = options.out;
  report.num_positions = in.book.positions.size();
  report.compared.accounts = in.book.accounts;
  report.compared.num_positions = count_positions(in.book);
  report.stages.push_back({"read", lap(last)});
  if (in.methods.monte_carlo) {
    report.run.emplace();
    report.compared.monte_carlo = simulate(options, in.model, in.book, diagnostics, *report.run);
    report.stages.push_back({monte_carlo_name, lap(last)});
  }
  const venues::BookUnits units(in.book);
  for (const venues::Method& method : in.methods.methods) {
    report.compared.methods.push_back(venues::margin_book(in.book, units, method, &install_stop_signal()));
    report.stages.push_back({method.name, lap(last)});
  }
  return report;
}

void write_files(const CompareReport& report, StagedFolder& staged) {
  write_compare_table(report.compared, staged.path());
  write_left_out(report.compared, staged.path());
  write_whole_file(staged.path() / "compare.json", compare_json(report));
  staged.commit({"errors.csv"});
}

/// What goes to standard output: the book, or one account of it.
void say(const CompareOptions& options, const Inputs& in, const CompareReport& report) {
  if (options.account.empty()) {
    std::fputs((options.json ? compare_json(report) : compare_text(report)).c_str(), stdout);
    return;
  }
  AccountReport terms;
  terms.account = options.account;
  const AccountId account = find_account(in.book, options.account);
  terms.run = report.run;
  if (report.run) { terms.monte_carlo = report.compared.monte_carlo[account]; }
  terms.methods = explain(in, account);
  say(options, terms);
}

/// Reads, computes, writes, says; bad input leaves errors.csv alone where there is a folder for it.
void compare_into(const CompareOptions& options, StagedFolder& staged) {
  const auto start = Clock::now();
  auto last = start;
  Diagnostics diagnostics;
  try {
    const Inputs in = read_inputs(options, diagnostics);
    if (diagnostics.has_errors()) { throw InputError(diagnostics); }
    if (!options.account.empty()) { find_account(in.book, options.account); }  // before the work
    CompareReport report = compare_book(options, in, diagnostics, last);
    write_files(report, staged);
    report.stages.push_back({"write", lap(last)});
    report.total_seconds = std::chrono::duration<double>(Clock::now() - start).count();
    print_diagnostics(diagnostics);
    say(options, in, report);
  } catch (const InputError& error) { reject_input(error.diagnostics(), staged); }
}

void compare(const CompareOptions& options) {
  if (options.out.empty() && options.account.empty()) {
    throw UsageError("give -o RUN, for the margins of all accounts, or --account ID, for the terms of one, or both");
  }
  if (!options.out.empty()) {
    StagedFolder staged(options.out);
    compare_into(options, staged);
    return;
  }
  Diagnostics diagnostics;
  const Inputs in = read_inputs(options, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  compare_account(options, in, diagnostics);
}

}  // namespace

void add_compare_command(CLI::App& app) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* command = app.add_subcommand("compare", "one book under the margin rules of several venues");
  command->add_option("BOOK", options->book, "folder with book.toml and its tables")->required();
  command->add_option("-o,--out,--output", options->out, "folder for compare.csv, compare_left_out.csv, compare.json");
  command->add_option("--account", options->account,
                      "print every term of this account's margins; without -o only it is margined");
  command
      ->add_option("--methods", options->methods.names,
                   "METHOD[,METHOD...]: monte-carlo and the names of presets; default: all there are")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option("--preset", options->methods.presets,
                   "preset file (docs/venues.md) of one more method, or in place of the built-in one of its name")
      ->allow_extra_args(false);
  command->add_option("--deribit-params", options->methods.deribit_params,
                      "document of public/pme/get_params, in place of the parameters of the preset deribit");
  command->add_option("--model", options->model, "of the Monte Carlo margin; default: BOOK/model.toml, else built in");
  command->add_flag("--json", options->json, "as JSON on stdout");
  add_run_options(*command, options->run);
  command->callback([options] { compare(*options); });
}

}  // namespace tailmargin
