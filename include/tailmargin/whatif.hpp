// What-if: the margin of one account after some trades, and the hedges that would cut it most. The scenarios of a book
// are simulated once and kept; an answer then takes milliseconds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tailmargin/book.hpp"
#include "tailmargin/diagnostics.hpp"
#include "tailmargin/engine.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// A trade at mark: it changes what is held, not what the account is worth.
struct Trade {
  InstrumentId instrument = 0;
  double quantity = 0.0;  ///< contracts; positive buys
};

/// The margin of one account before and after; both are rows of the margins files of their books. USD.
struct WhatIfMargins {
  AccountMargin before, after;    ///< with tail paths
  double es_change_usd = 0.0;     ///< after less before
  double es_change_se_usd = 0.0;  ///< its own standard error: both tails are on the same paths, so most noise cancels
  double tail_overlap = 0.0;      ///< weight of the paths in both tails, as a share of the tail before
};

/// The size of one instrument that lowers an account's ES most.
struct Hedge {
  InstrumentId instrument = 0;
  double quantity = 0.0;          ///< 0: no size of it lowers the ES
  bool at_limit = false;          ///< larger sizes would lower the ES further: none beyond this was tried
  double notional_usd = 0.0;      ///< of the quantity, at the index; >= 0
  WhatIfMargins margins;          ///< before and after this hedge
  double cut_usd = 0.0;           ///< of the initial margin
  double cut_per_contract = 0.0;  ///< USD
  double cut_per_notional = 0.0;  ///< USD of margin per USD of notional
};

/// All that will be asked: what does not move it is not simulated.
struct WhatIfScope {
  AccountId account = 0;
  std::vector<InstrumentId> instruments;  ///< of trades and hedges, beside those held
};

/// A book whose scenarios are prepared. Answers do not depend on each other; threads may ask at the same time.
class WhatIf {
 public:
  /// Prepares and simulates. Book and configuration as for run_margin; the book must outlive this, and so must what the
  /// configuration points to.
  /// @param scope  none: all accounts and instruments may be asked for. The answers are the same.
  /// @throws what run_margin throws
  WhatIf(const Book& book, const Model& model, const RunConfig& config, const std::optional<WhatIfScope>& scope = {});
  ~WhatIf();
  WhatIf(WhatIf&&) noexcept;

  /// @throws UsageError if there is no such account or instrument or it is not in the scope, or a quantity is no number
  /// or zero; InputError if the account would be too large
  WhatIfMargins evaluate(AccountId account, const std::vector<Trade>& trades) const;

  /// The best size of each instrument alone, on top of `trades`; the largest cut first. With closing times the
  /// best on the way from no hedge on, as far as the ES falls.
  std::vector<Hedge> find_hedges(AccountId account, const std::vector<Trade>& trades,
                                 const std::vector<InstrumentId>& instruments) const;

  std::string backend() const;
  std::string device() const;
  const std::vector<std::string>& notes() const;    ///< one line each
  const std::vector<StageTime>& stages() const;     ///< of preparing: prepare, simulate
  const std::vector<Diagnostic>& warnings() const;  ///< found while preparing
  std::uint64_t num_factors() const;
  std::uint64_t num_steps() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace tailmargin
