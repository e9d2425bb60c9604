#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "host/cli/commands.hpp"
#include "host/cli/find_name.hpp"
#include "host/cli/run_options.hpp"
#include "host/cli/whatif_report.hpp"
#include "host/io/book_files.hpp"
#include "tailmargin/whatif.hpp"

namespace tailmargin {
namespace {

using Clock = std::chrono::steady_clock;

struct WhatIfOptions {
  std::string book, account, model;
  std::vector<std::string> trades, hedges;
  bool json = false;
  RunOptions run;
};

/// A trade as typed.
struct TypedTrade {
  std::string instrument;
  double quantity = 0.0;
};

double lap(Clock::time_point& last) {
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - last).count();
  last = now;
  return seconds;
}

/// INSTRUMENT:QTY; the last colon counts, a name may have others. @throws UsageError
TypedTrade parse_trade(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) {
    throw UsageError("--trade " + text + " is not INSTRUMENT:QTY, such as BTC-PERP:-2.5 (positive buys)");
  }
  std::string number = text.substr(colon + 1);
  if (!number.empty() && number.front() == '+') { number.erase(0, 1); }
  TypedTrade trade = {text.substr(0, colon), 0.0};
  const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), trade.quantity);
  if (code != std::errc() || end != number.data() + number.size() || !std::isfinite(trade.quantity)) {
    throw UsageError("--trade " + text + ": '" + text.substr(colon + 1) + "' is not a number of contracts");
  }
  if (trade.quantity == 0.0) { throw UsageError("--trade " + text + " trades nothing (quantity zero). Leave it out."); }
  return trade;
}

struct Question {
  AccountId account = 0;
  std::vector<Trade> trades;
  std::vector<InstrumentId> hedges;
};

Question find_names(const WhatIfOptions& options, const std::vector<TypedTrade>& trades, const Book& book,
                    Diagnostics& diagnostics) {
  const auto instrument = [&](const std::string& name, const char* option) {
    return static_cast<InstrumentId>(find_name(
        book.instruments, name, [](const Instrument& i) { return i.name; }, option, "instrument", diagnostics));
  };
  Question question;
  question.account = find_name(
      book.accounts, options.account, [](const std::string& name) { return name; }, "--account", "account",
      diagnostics);
  for (const TypedTrade& trade : trades) {
    question.trades.push_back({instrument(trade.instrument, "--trade"), trade.quantity});
  }
  for (const std::string& name : options.hedges) {
    const InstrumentId hedge = instrument(name, "--hedge");
    if (std::find(question.hedges.begin(), question.hedges.end(), hedge) == question.hedges.end()) {
      question.hedges.push_back(hedge);
    }
  }
  return question;
}

WhatIfScope scope_of(const Question& question) {
  WhatIfScope scope = {question.account, question.hedges};
  for (const Trade& trade : question.trades) { scope.instruments.push_back(trade.instrument); }
  return scope;
}

WhatIfReport answer(const WhatIf& whatif, const Book& book, const Question& question, const RunConfig& config) {
  WhatIfReport report;
  report.account = book.accounts[question.account];
  report.backend = whatif.backend();
  report.device = whatif.device();
  report.num_paths = config.num_paths;
  report.num_steps = whatif.num_steps();
  report.num_factors = whatif.num_factors();
  report.seed = config.seed;
  report.trades = question.trades;
  auto last = Clock::now();
  report.margins = whatif.evaluate(question.account, question.trades);
  report.answer_seconds = lap(last);
  report.hedges_asked = !question.hedges.empty();
  if (report.hedges_asked) {
    report.hedges = whatif.find_hedges(question.account, question.trades, question.hedges);
    report.hedge_seconds = lap(last);
  }
  report.notes = whatif.notes();
  report.stages = whatif.stages();
  return report;
}

void whatif(const WhatIfOptions& options) {
  const auto start = Clock::now();
  auto last = start;
  if (options.trades.empty() && options.hedges.empty()) {
    throw UsageError("nothing is asked: name a trade (--trade INSTRUMENT:QTY) or a hedge (--hedge INSTRUMENT)");
  }
  std::vector<TypedTrade> trades;
  for (const std::string& text : options.trades) { trades.push_back(parse_trade(text)); }
  Diagnostics diagnostics;
  const ChosenModel chosen = choose_model(options.model, options.book, diagnostics);
  const Book book = read_book(options.book, BookParts::all, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  const Question question = find_names(options, trades, book, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  const double read_seconds = lap(last);

  ProgressBar bar(parse_progress(options.run.progress));
  const RunConfig config = make_run_config(options.run, bar);
  const WhatIf prepared(book, chosen.model, config, scope_of(question));
  for (const Diagnostic& w : prepared.warnings()) { diagnostics.warning(w.file, w.row, w.field, w.value, w.reason); }
  WhatIfReport report = answer(prepared, book, question, config);
  report.model = chosen.model.name + (chosen.file.empty() ? " (built in)" : "");
  report.stages.insert(report.stages.begin(), {"read", read_seconds});
  report.total_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  print_diagnostics(diagnostics);
  std::fputs((options.json ? whatif_json(book, report) : whatif_text(book, report)).c_str(), stdout);
}

}  // namespace

void add_whatif_command(CLI::App& app) {
  auto options = std::make_shared<WhatIfOptions>();
  CLI::App* command =
      app.add_subcommand("whatif", "margin of one account before and after trades, and its best hedges");
  command->add_option("BOOK", options->book, "folder with book.toml and its tables")->required();
  command->add_option("--account", options->account, "whose margin")->required();
  command
      ->add_option(
          "--trade", options->trades,
          "INSTRUMENT:QTY, contracts, positive buys; at mark, so equity stays; repeat it for more, those of one "
          "instrument add up")
      ->allow_extra_args(false);
  command
      ->add_option("--hedge", options->hedges,
                   "INSTRUMENT[,INSTRUMENT...]: after the trades, the size of each that cuts the margin most")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--model", options->model, "model file; default: BOOK/model.toml, else the built-in one");
  command->add_flag("--json", options->json, "as JSON on stdout");
  add_run_options(*command, options->run);
  command->callback([options] { whatif(*options); });
}

}  // namespace tailmargin
