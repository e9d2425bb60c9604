#include "host/reference/reference_prices.hpp"

#include <algorithm>
#include <cmath>

namespace tailmargin {
namespace {

double read(const Reading& reading, const std::vector<double>& x) {
  return reading.weight == 0.0 ? 0.0 : reading.weight * x[reading.row];
}

double normal_cdf_erfc(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// Undiscounted Black-76 in price units.
double black76(double sign, double forward, double strike, double total_vol) {
  if (total_vol <= 0.0) { return std::max(sign * (forward - strike), 0.0); }
  const double d1 = std::log(forward / strike) / total_vol + 0.5 * total_vol;
  const double d2 = d1 - total_vol;
  return sign * (forward * normal_cdf_erfc(sign * d1) - strike * normal_cdf_erfc(sign * d2));
}

/// ln of vol at k over vol at -k.
double log_vol_ratio(const ReferenceSmile& smile, double k) {
  return 0.5 * std::log(smile.variance(k) / smile.variance(-k));
}

/// The rho within its bounds whose log vol ratio at +-k is nearest to `wanted`; the ratio rises with rho.
double rho_of_log_vol_ratio(double phi, double k, double wanted) {
  double low = -0.95, high = 0.95;
  for (int i = 0; i < 60; ++i) {
    const double middle = 0.5 * (low + high);
    (log_vol_ratio({1.0, phi, middle}, k) < wanted ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

/// A smile moved by its factors, with the time it has left.
ReferenceSmile moved(const SmileFit& fit, const SmileTerms& terms, const std::vector<double>& x) {
  const double quarter_delta = 0.6744897501960817;
  ReferenceSmile smile{2.0 * fit.smile.level * fit.smile.level, fit.smile.phi, fit.smile.rho};
  const double k = quarter_delta * std::sqrt(smile.theta);
  const double skew_now = log_vol_ratio(smile, k);
  const double level = std::clamp(read(terms.vol, x) + read(terms.term, x), -5.0, 5.0);
  const double bend = std::clamp(read(terms.butterfly, x), -3.0, 3.0);
  const double skew = std::clamp(skew_now + read(terms.skew, x), -4.0, 4.0);
  const double multiplier = std::exp(level) * std::sqrt(terms.years_left / fit.years);
  smile.theta *= multiplier * multiplier;
  smile.phi *= std::exp(bend) / multiplier;
  smile.rho = rho_of_log_vol_ratio(smile.phi, k * multiplier, skew);
  return smile;
}

/// Whether wings (theta phi (1 +- rho), right and left) keep the conditions against butterflies and against crossing
/// the smile before.
bool allowed(double theta, double right, double left, double theta0, double right0, double left0) {
  const double slope = 0.5 * (right + left), wing = std::max(right, left);
  return wing <= 3.99 && slope * wing <= 4.0 * theta && theta0 * (right + left) <= theta * (right + left0) &&
         theta0 * (right + left) <= theta * (right0 + left);
}

/// Held above the smile of the expiry before it, and free of butterflies: variance and wings are lifted to those
/// before, then the wings go as far from those before to their own as is allowed.
ReferenceSmile held(const ReferenceSmile& smile, const ReferenceSmile& before) {
  const double theta = std::max(smile.theta, before.theta);
  const double right0 = before.theta * before.phi * (1.0 + before.rho),
               left0 = before.theta * before.phi * (1.0 - before.rho);
  const double right1 = std::max(smile.theta * smile.phi * (1.0 + smile.rho), right0),
               left1 = std::max(smile.theta * smile.phi * (1.0 - smile.rho), left0);
  double share = 1.0;
  if (!allowed(theta, right1, left1, before.theta, right0, left0)) {
    double low = 0.0;
    for (int i = 0; i < 60; ++i) {
      const double middle = 0.5 * (low + share);
      const double right = right0 + middle * (right1 - right0), left = left0 + middle * (left1 - left0);
      (allowed(theta, right, left, before.theta, right0, left0) ? low : share) = middle;
    }
  }
  const double right = right0 + share * (right1 - right0), left = left0 + share * (left1 - left0);
  return {theta, 0.5 * (right + left) / theta, (right - left) / (right + left)};
}

/// Value of one option in coin (inverse) or settlement currency (linear).
double option_price(const InstrumentTerms& t, double forward, double total_vol) {
  const double value = black76(t.sign, forward, t.strike, total_vol);
  return t.payoff == Payoff::inverse ? value / forward : value;
}

/// Total vol at a forward: the smile at its moneyness and the option's own distance from it, which scales with the
/// smile.
double total_vol(const InstrumentTerms& t, const ReferenceSmile& smile, double log_return) {
  const double k = std::log(t.strike / t.price_now) - t.follow * log_return;
  return std::max(std::sqrt(smile.variance(k)) + t.residual * std::sqrt(0.5 * smile.theta), 1e-4);
}

/// What a contract held long has paid for funding, in USD.
double funding_paid(const InstrumentTerms& t, const std::vector<double>& x) {
  double paid = 0.0;
  for (const FundingTerms& payment : t.funding) {
    const double rate = std::clamp(payment.rate + read(payment.premium, x), -payment.largest, payment.largest);
    const double index = t.index_now_usd * std::exp(read(payment.price, x));
    const double notional = t.payoff == Payoff::inverse ? t.contract_size : t.contract_size * index;
    paid += payment.payments * rate * notional;
  }
  return paid;
}

/// P&L of one contract in USD, by definition: the change in settlement currency times that currency's price then, less
/// funding.
double contract_pnl(const InstrumentTerms& t, double value_now, const std::vector<ReferenceSmile>& smiles,
                    const std::vector<double>& x) {
  const double index = t.index_now_usd * std::exp(read(t.index, x));
  const double settlement = t.settlement_now_usd * std::exp(read(t.settlement, x));
  const double log_return = read(t.spot, x) + read(t.spot_before, x) + read(t.basis, x) + read(t.basis_slope, x) +
                            read(t.dislocation, x) + t.basis_roll - read(t.quote, x) - read(t.quote_before, x);
  const double forward = t.price_now * std::exp(log_return);
  const double currency = t.payoff == Payoff::inverse ? index : settlement;
  if (t.kind == InstrumentKind::option) {
    const double after = option_price(t, forward, t.settled ? 0.0 : total_vol(t, smiles[t.smile], log_return));
    return t.contract_size * (after - value_now) * currency;
  }
  const double change = t.payoff == Payoff::inverse ? 1.0 / t.price_now - 1.0 / forward : forward - t.price_now;
  return t.contract_size * change * currency - funding_paid(t, x);
}

}  // namespace

double ReferenceSmile::variance(double k) const {
  const double y = phi * k;
  return 0.5 * theta * (1.0 + rho * y + std::sqrt((y + rho) * (y + rho) + 1.0 - rho * rho));
}

ReferencePrices::ReferencePrices(const ColumnPlan& columns) : columns_(columns) {
  std::vector<ReferenceSmile> now;  // [fit] unmoved, with all the time they have
  for (std::uint32_t f = 0; f < columns.fits.size(); ++f) {
    const SmileFit& fit = columns.fits[f];
    const bool first =
        f == 0 || columns.fits[f - 1].underlying != fit.underlying || columns.fits[f - 1].settlement != fit.settlement;
    SmileTerms still;
    still.years_left = fit.years;
    now.push_back(held(moved(fit, still, {}), first ? ReferenceSmile{} : now.back()));
  }
  for (const InstrumentTerms& t : columns.terms) {
    const bool option = t.kind == InstrumentKind::option;
    value_now_.push_back(option ? option_price(t, t.price_now, total_vol(t, now[t.fit], 0.0)) : 0.0);
  }
}

std::vector<ReferenceSmile> ReferencePrices::smiles(const std::vector<double>& observations) const {
  std::vector<ReferenceSmile> smiles;
  for (const SmileTerms& terms : columns_.smiles) {
    const ReferenceSmile before = terms.first ? ReferenceSmile{} : smiles.back();
    smiles.push_back(held(moved(columns_.fits[terms.fit], terms, observations), before));
  }
  return smiles;
}

std::vector<double> ReferencePrices::pnl(const std::vector<double>& observations) const {
  const std::vector<ReferenceSmile> path_smiles = smiles(observations);
  std::vector<double> pnl;
  for (std::size_t c = 0; c < columns_.terms.size(); ++c) {
    pnl.push_back(contract_pnl(columns_.terms[c], value_now_[c], path_smiles, observations));
  }
  return pnl;
}

}  // namespace tailmargin
