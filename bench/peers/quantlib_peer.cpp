// The work of a case with QuantLib: blackFormula for every option on every path, P&L of an account by its positions,
// std::nth_element for its tail. One thread.
//
//   peer_quantlib CASE [REPEATS]
#include <cstdlib>
#include <exception>
#include <numeric>

#include <ql/option.hpp>
#include <ql/pricingengines/blackformula.hpp>
#include <ql/version.hpp>

#include "bench/peers/read_case.hpp"
#include "bench/peers/report.hpp"

namespace tailmargin::peers {
namespace {

/// P&L of one contract of an option on every path.
void revalue(const Case& in, const Option& option, const std::vector<double>& forwards, float* out) {
  const QuantLib::Option::Type type = option.sign > 0.0 ? QuantLib::Option::Call : QuantLib::Option::Put;
  const float* growth = in.growth.data() + option.growth_row * in.paths;
  const float* level = in.smiles.data() + std::size_t{option.smile} * 3 * in.paths;
  const float* phi = level + in.paths;
  const float* rho = phi + in.paths;
  for (std::size_t p = 0; p < in.paths; ++p) {
    const double forward = forwards[p];
    const double r = double(rho[p]);
    const double y = double(phi[p]) * std::log(option.strike / forward);
    const double shape = std::sqrt(1.0 + r * y + std::sqrt((y + r) * (y + r) + 1.0 - r * r));
    const double total_vol = std::max(double(level[p]) * (shape + option.residual), 1e-4);
    const double price = QuantLib::blackFormula(type, option.strike, forward, total_vol);
    const double value = price / (option.inverse ? forward : option.forward_now);
    out[p] = static_cast<float>(option.size_usd * double(growth[p]) * (value - option.value_now));
  }
}

/// The cube [column][path]; products come with the case.
void revalue_all(const Case& in, std::vector<float>& cube) {
  std::vector<double> forwards(in.paths);
  const Option* before = nullptr;
  for (const Option& option : in.options) {
    if (before == nullptr || before->return_row != option.return_row || before->forward_now != option.forward_now) {
      const float* log_return = in.log_return.data() + option.return_row * in.paths;
      for (std::size_t p = 0; p < in.paths; ++p) { forwards[p] = option.forward_now * std::exp(double(log_return[p])); }
    }
    before = &option;
    revalue(in, option, forwards, cube.data() + option.column * in.paths);
  }
}

void account_losses(const Case& in, std::size_t account, const std::vector<float>& cube, std::vector<float>& losses) {
  std::fill(losses.begin(), losses.end(), 0.0f);
  for (std::uint32_t i = in.offsets[account]; i < in.offsets[account + 1]; ++i) {
    const float* column = cube.data() + std::size_t{in.position_column[i]} * in.paths;
    const float quantity = in.quantity[i];
    for (std::size_t p = 0; p < losses.size(); ++p) { losses[p] -= quantity * column[p]; }
  }
}

/// Mean of the worst losses; reorders them.
double expected_shortfall(const Case& in, std::vector<float>& losses) {
  const auto end = losses.begin() + static_cast<std::ptrdiff_t>(in.tail);
  std::nth_element(losses.begin(), end, losses.end(), std::greater<>());
  return std::accumulate(losses.begin(), end, 0.0) / static_cast<double>(in.tail);
}

int run(const std::string& folder, int repeats) {
  const Case in{CaseFolder(folder)};
  const double paths = static_cast<double>(in.paths);
  Stage revaluation{"revalue", {}, paths * static_cast<double>(in.options.size()), "option values"};
  Stage pnl{"pnl", {}, paths * static_cast<double>(in.quantity.size()), "position-paths"};
  Stage tail{"tail", {}, paths * static_cast<double>(in.accounts), "losses"};
  std::vector<float> cube(in.columns * in.paths, 0.0f), losses(in.paths);
  for (std::size_t i = 0; i < in.product_column.size(); ++i) {
    std::copy_n(in.products.data() + i * in.paths, in.paths, cube.data() + in.product_column[i] * in.paths);
  }
  std::vector<double> es(in.accounts);
  for (int repeat = 0; repeat <= repeats; ++repeat) {
    const double revalue_seconds = timed([&] { revalue_all(in, cube); });
    double pnl_seconds = 0.0, tail_seconds = 0.0;
    for (std::size_t a = 0; a < in.accounts; ++a) {
      pnl_seconds += timed([&] { account_losses(in, a, cube, losses); });
      tail_seconds += timed([&] { es[a] = expected_shortfall(in, losses); });
    }
    if (repeat == 0) { continue; }  // warm-up
    revaluation.seconds.push_back(revalue_seconds);
    pnl.seconds.push_back(pnl_seconds);
    tail.seconds.push_back(tail_seconds);
  }
  const Check check = check_es(es, in.es);
  std::printf(
      "{\"peer\": \"quantlib\", \"versions\": {\"QuantLib\": %s, \"compiler\": %s}, \"device\": \"1 thread\",\n"
      " \"stages\": %s,\n \"check\": %s}\n",
      quoted(QL_VERSION).c_str(), quoted(__VERSION__).c_str(), stages_json({revaluation, pnl, tail}).c_str(),
      check.json.c_str());
  return check.passed() ? 0 : 1;
}

}  // namespace
}  // namespace tailmargin::peers

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: peer_quantlib CASE [REPEATS]\n");
    return 2;
  }
  try {
    return tailmargin::peers::run(argv[1], argc > 2 ? std::max(1, std::atoi(argv[2])) : 3);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "peer_quantlib: %s\n", error.what());
    return 2;
  }
}
