// Accounts as compressed rows over columns, and what can be said of them without scenarios.
#include <algorithm>
#include <cmath>
#include <optional>

#include "host/prepare/closing.hpp"
#include "host/prepare/prepare_run.hpp"

namespace tailmargin {
namespace {

struct Exposure {
  std::uint32_t column = 0;
  double quantity = 0.0;
};

/// In the settlement currency.
double position_value(const Instrument& instrument, double mark, const Position& position) {
  const double contracts = position.quantity * instrument.contract_size;
  if (!position.entry_price) {
    const bool paid_up_front = instrument.kind == InstrumentKind::spot || instrument.kind == InstrumentKind::option;
    return paid_up_front ? contracts * mark : 0.0;
  }
  const bool inverse_price = instrument.payoff == Payoff::inverse && instrument.kind != InstrumentKind::option;
  return inverse_price ? contracts * (1.0 / *position.entry_price - 1.0 / mark)
                       : contracts * (mark - *position.entry_price);
}

double unit_notional_usd(const Book& book, const Instrument& instrument) {
  const bool usd_contract = instrument.payoff == Payoff::inverse && instrument.kind != InstrumentKind::option;
  return usd_contract ? instrument.contract_size
                      : instrument.contract_size * book.underlyings[instrument.underlying].index_price_usd;
}

}  // namespace

double mark_price(const Book& book, const ColumnPlan& columns, InstrumentId i) {
  return book.quotes[i].mark_price.value_or(columns.model_value[i]);
}

double position_value(const Book& book, const ColumnPlan& columns, const Position& position) {
  return position_value(book.instruments[position.instrument], mark_price(book, columns, position.instrument),
                        position);
}

double notional_usd(const Book& book, InstrumentId instrument) {
  return unit_notional_usd(book, book.instruments[instrument]);
}

double unit_delta(const InstrumentTerms& terms) {
  if (terms.kind != InstrumentKind::option) { return 1.0; }
  const double k = math::log(terms.strike / terms.price_now);
  const double v = math::larger(terms.total_vol_now, 1e-4);
  const double d1 = 0.5 * v - k / v;
  return terms.sign * math::normal_cdf(terms.sign * d1);
}

namespace {

/// Adds up exposures of one account; equal columns are summed in the order given.
class AccountBuilder {
 public:
  AccountBuilder(const Book& market, std::span<const std::string> accounts, const ColumnPlan& columns,
                 Diagnostics& diagnostics)
      : book_(market), accounts_(accounts), columns_(columns), diagnostics_(diagnostics) {
    for (InstrumentId i = 0; i < market.instruments.size(); ++i) {
      deltas_.push_back(unit_delta(columns.terms[columns.instrument_column[i]]));
    }
  }

  void start(AccountId account) {
    account_ = account;
    exposures_.clear();
    equity_ = gross_ = delta_ = 0.0;
    positions_ = 0;
  }

  /// @param closed_with  contracts that close as one with it; none: the account's rows of the instrument
  void add_position(const Position& position, std::optional<double> closed_with) {
    if (lot_.instrument != position.instrument) { close_lot(); }
    const double notional = position.quantity * notional_usd(book_, position.instrument);
    const double value = position_value(book_, columns_, position);
    check_quantity(position.quantity);
    lot_.instrument = position.instrument;
    lot_.rows.push_back({position.quantity, add_value(book_.instruments[position.instrument].settlement, value)});
    lot_.closed_with = closed_with;
    gross_ += std::fabs(notional);
    delta_ += notional * deltas_[position.instrument];
    ++positions_;
  }

  /// A balance is held as it is: a debt is a short position in its asset and is never scaled down.
  void add_balance(UnderlyingId asset, double amount) {
    if (amount == 0.0) { return; }
    if (asset == no_underlying) {
      equity_ += amount;
      return;
    }
    check_quantity(amount);
    equity_ += amount * book_.underlyings[asset].index_price_usd;
    exposures_.push_back({columns_.asset_column[asset], amount});
  }

  void finish(AccountPlan& plan) {
    close_lot();
    std::stable_sort(exposures_.begin(), exposures_.end(),
                     [](const Exposure& a, const Exposure& b) { return a.column < b.column; });
    double rounding = 0.0;
    const std::uint64_t first = plan.columns.size();
    for (std::size_t e = 0; e < exposures_.size(); ++e) {
      const Exposure& exposure = exposures_[e];
      rounding += std::fabs(exposure.quantity) * columns_.column_scale_usd[exposure.column];
      if (plan.columns.size() > first && plan.columns.back().packed == exposure.column) {
        plan.quantities.back() += exposure.quantity;
      } else {
        plan.columns.push_back({exposure.column});
        plan.quantities.push_back(exposure.quantity);
      }
    }
    if (!(rounding <= max_account_size_usd)) {
      diagnostics_.error(
          "positions", 0, "account", accounts_[account_],
          "the account's contracts and balances are worth more than 1e15 USD (its margin would overflow). "
          "Correct a quantity, a contract size or a price.");
    }
    mark_underlyings(plan, first);
    plan.offsets.push_back(plan.columns.size());
    plan.equity_usd.push_back(equity_);
    plan.gross_notional_usd.push_back(gross_);
    plan.net_delta_usd.push_back(delta_);
    plan.rounding_scale_usd.push_back(rounding);
    plan.num_positions.push_back(positions_);
  }

 private:
  /// A row of the positions file, and what it is worth, in coins that move.
  struct LotRow {
    double quantity = 0.0, coins = 0.0;
  };

  /// The rows of one instrument, which close as one.
  struct Lot {
    InstrumentId instrument = 0;
    std::vector<LotRow> rows;
    std::optional<double> closed_with;
  };

  /// What a position is worth counts as a balance. Its market value may be next to nothing, as that of an option far
  /// out of the money is: then it is nothing, where a balance that somebody entered would be a mistake.
  /// @return what moves of it, in the asset
  double add_value(UnderlyingId asset, double value) {
    if (asset == no_underlying) {
      equity_ += value;
      return 0.0;
    }
    if (std::fabs(value) < min_quantity) { return 0.0; }
    equity_ += value * book_.underlyings[asset].index_price_usd;
    return value;
  }

  /// Turns the rows of an instrument into exposures: each row closes as the whole does, and what it is worth is a
  /// balance until then.
  void close_lot() {
    if (lot_.rows.empty()) { return; }
    double whole = 0.0;
    for (const LotRow& row : lot_.rows) { whole += row.quantity; }
    whole = lot_.closed_with.value_or(whole);
    for_each_closing_part(columns_, lot_.instrument, whole, [&](std::uint32_t time, double part) {
      const auto share_of = [&](double amount) { return part == whole ? amount : part * (amount / whole); };
      for (const LotRow& row : lot_.rows) {
        exposures_.push_back({columns_.instrument_column[lot_.instrument] + time, share_of(row.quantity)});
        const double coins = share_of(row.coins);
        if (std::fabs(coins) < min_quantity) { continue; }
        exposures_.push_back({columns_.asset_column[book_.instruments[lot_.instrument].settlement] + time, coins});
      }
    });
    lot_.rows.clear();
  }

  void check_quantity(double quantity) {
    if (quantity == 0.0 || std::fabs(quantity) >= min_quantity) { return; }
    diagnostics_.error(
        "positions", 0, "account", accounts_[account_],
        "a quantity or balance of this account is below 1e-30 (it would be lost in rounding). Leave it out.");
  }

  void mark_underlyings(AccountPlan& plan, std::uint64_t first) const {
    for (std::uint64_t p = first; p < plan.columns.size(); ++p) {
      const bool last = p + 1 == plan.columns.size() || columns_.column_underlying[plan.columns[p + 1].column()] !=
                                                            columns_.column_underlying[plan.columns[p].column()];
      if (last) { plan.columns[p].packed |= PositionColumn::last_flag; }
    }
  }

  const Book& book_;  // the market of it
  std::span<const std::string> accounts_;
  const ColumnPlan& columns_;
  Diagnostics& diagnostics_;
  std::vector<double> deltas_;
  AccountId account_ = 0;
  std::vector<Exposure> exposures_;
  Lot lot_;
  double equity_ = 0.0, gross_ = 0.0, delta_ = 0.0;
  std::uint32_t positions_ = 0;
};

}  // namespace

AccountPlan prepare_accounts(const Book& book, const ColumnPlan& columns, Diagnostics& diagnostics) {
  return prepare_accounts(book, {book.accounts, book.positions, book.collateral}, columns, diagnostics);
}

AccountPlan prepare_accounts(const Book& market, const HoldingsView& held, const ColumnPlan& columns,
                             Diagnostics& diagnostics) {
  AccountPlan plan;
  plan.offsets.push_back(0);
  AccountBuilder builder(market, held.accounts, columns, diagnostics);
  std::size_t position = 0, balance = 0;
  for (AccountId account = 0; account < held.accounts.size(); ++account) {
    builder.start(account);
    for (; balance < held.collateral.size() && held.collateral[balance].account == account; ++balance) {
      builder.add_balance(held.collateral[balance].asset, held.collateral[balance].amount);
    }
    for (; position < held.positions.size() && held.positions[position].account == account; ++position) {
      builder.add_position(held.positions[position],
                           held.closed_with.empty() ? std::nullopt : std::optional<double>(held.closed_with[position]));
    }
    builder.finish(plan);
  }
  return plan;
}

AccountPlan select_accounts(const AccountPlan& plan, const std::vector<std::uint64_t>& selected) {
  AccountPlan out;
  out.offsets.push_back(0);
  for (const std::uint64_t account : selected) {
    const auto first = static_cast<std::ptrdiff_t>(plan.offsets[account]),
               last = static_cast<std::ptrdiff_t>(plan.offsets[account + 1]);
    out.columns.insert(out.columns.end(), plan.columns.begin() + first, plan.columns.begin() + last);
    out.quantities.insert(out.quantities.end(), plan.quantities.begin() + first, plan.quantities.begin() + last);
    out.offsets.push_back(out.columns.size());
    out.equity_usd.push_back(plan.equity_usd[account]);
    out.gross_notional_usd.push_back(plan.gross_notional_usd[account]);
    out.net_delta_usd.push_back(plan.net_delta_usd[account]);
    out.rounding_scale_usd.push_back(plan.rounding_scale_usd[account]);
    out.num_positions.push_back(plan.num_positions[account]);
  }
  return out;
}

}  // namespace tailmargin
