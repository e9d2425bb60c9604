// Correlated shocks of a step. Two structures, one for the whole model:
//
//   product     correlation = that of the kinds times that of the underlyings. One group of draws per kind, correlated
//   over
//               underlyings by a full matrix or by common + block + own; then kinds are mixed within each underlying.
//   exceptions  a full matrix over all factors, wherever a regime has exceptions to the product.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>

#include "host/prepare/correlation_matrix.hpp"
#include "host/prepare/matching.hpp"
#include "host/prepare/regime_correlations.hpp"
#include "host/prepare/scenario_laws.hpp"

namespace tailmargin {
namespace {

/// Index of (row, column <= row) in a packed lower triangle.
std::size_t packed_lower(std::size_t row, std::size_t column) { return row * (row + 1) / 2 + column; }

/// Builds a sparse table row by row; entries that are zero in every regime are left out.
class SparseBuilder {
 public:
  SparseBuilder(SparseTable& table, std::size_t num_regimes) : table_(table), num_regimes_(num_regimes) {}

  void add(std::uint32_t input, std::size_t regime, double coefficient) {
    if (coefficient == 0.0) { return; }
    row_.try_emplace(input, num_regimes_, 0.0).first->second[regime] += coefficient;
  }

  void end_row() {
    for (const auto& [input, coefficients] : row_) {
      table_.inputs.push_back(input);
      table_.coefficients.insert(table_.coefficients.end(), coefficients.begin(), coefficients.end());
    }
    table_.offsets.push_back(static_cast<std::uint32_t>(table_.inputs.size()));
    row_.clear();
  }

 private:
  SparseTable& table_;
  std::size_t num_regimes_;
  std::map<std::uint32_t, std::vector<double>> row_;
};

class CorrelationBuilder {
 public:
  CorrelationBuilder(const Book& book, const Model& model, ScenarioPlan& plan, Diagnostics& diagnostics)
      : book_(book), model_(model), plan_(plan), diagnostics_(diagnostics) {
    for (const Regime& regime : model.regimes) { regimes_.emplace_back(regime, model, book); }
  }

  void build() {
    const bool exceptions = std::any_of(model_.regimes.begin(), model_.regimes.end(),
                                        [](const Regime& regime) { return !regime.correlations.empty(); });
    exceptions ? build_full() : build_product();
  }

 private:
  std::size_t num_regimes() const { return regimes_.size(); }

  std::string factor_name(std::size_t f) const {
    return book_.underlyings[plan_.factors[f].underlying].name + "." + to_string(plan_.factors[f].kind);
  }

  std::string field_of(std::size_t regime, const char* table) const {
    return "regime." + model_.regimes[regime].name + "." + table;
  }
  std::uint64_t line_of(std::size_t regime, const char* table) const {
    return model_line(model_, item_of("regime", regime) + "." + table);
  }

  /// Makes a correlation matrix positive definite or says why not. `name` of a row is for messages.
  template <class Name>
  void make_definite(SquareMatrix& matrix, std::size_t regime, const char* table, Name name) {
    const std::string field = field_of(regime, table);
    if (model_.repair == Repair::nearest) {
      if (!has_eigenvalues_above(matrix, model_.min_eigenvalue)) { repair(matrix, regime, table, name); }
      return;
    }
    const std::size_t bad = cholesky(lower_triangle(matrix), matrix.size).first_bad;
    if (bad == matrix.size) { return; }
    diagnostics_.error(model_source(model_), line_of(regime, table), field, name(bad),
                       "the correlations are not positive definite (no joint law has them; the first that cannot be "
                       "met together with those before it is named). Bring its correlations nearer to zero or to each "
                       "other, or set correlation.repair = \"nearest\".");
  }

  /// Whether a matrix less `least` times the identity is still positive definite.
  static bool has_eigenvalues_above(const SquareMatrix& matrix, double least) {
    SquareMatrix shifted = matrix;
    for (std::size_t i = 0; i < matrix.size; ++i) { shifted(i, i) -= least; }
    return cholesky(lower_triangle(shifted), matrix.size).first_bad == matrix.size;
  }

  template <class Name>
  void repair(SquareMatrix& matrix, std::size_t regime, const char* table, Name name) {
    const NearestCorrelation nearest = nearest_correlation(matrix, model_.min_eigenvalue);
    std::size_t row = 0, column = 0;
    double largest = -1.0;
    for (std::size_t i = 0; i < matrix.size; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const double change = std::fabs(nearest.matrix(i, j) - matrix(i, j));
        if (change > largest) { largest = change, row = i, column = j; }
      }
    }
    plan_.repairs.push_back({static_cast<std::uint32_t>(regime), table, nearest.distance, name(row), name(column),
                             matrix(row, column), nearest.matrix(row, column)});
    diagnostics_.warning(model_source(model_), line_of(regime, table), field_of(regime, table), name(row),
                         "the correlations have an eigenvalue below " + std::to_string(model_.min_eigenvalue) +
                             " and were moved to the nearest ones that have none: by " +
                             std::to_string(nearest.distance) + " in all (Frobenius), most for " + name(row) +
                             " with " + name(column) + ", from " + std::to_string(matrix(row, column)) + " to " +
                             std::to_string(nearest.matrix(row, column)) + ".");
    matrix = nearest.matrix;
  }

  void build_full() {
    const std::size_t size = plan_.factors.size();
    std::vector<std::vector<double>> factors(num_regimes());
    for (std::size_t k = 0; k < num_regimes(); ++k) {
      SquareMatrix matrix(size);
      for (std::size_t f = 0; f < size; ++f) {
        for (std::size_t g = 0; g < size; ++g) {
          matrix(f, g) = f == g ? 1.0 : regimes_[k].factors(plan_.factors[f], plan_.factors[g]);
        }
      }
      make_definite(matrix, k, "correlations", [&](std::size_t f) { return factor_name(f); });
      factors[k] = cholesky(lower_triangle(matrix), size).packed;
    }
    if (diagnostics_.has_errors()) { return; }
    SparseBuilder shared(plan_.shared, num_regimes()), shocks(plan_.shocks, num_regimes());
    for (std::size_t f = 0; f < size; ++f) {
      for (std::size_t k = 0; k < num_regimes(); ++k) {
        for (std::size_t j = 0; j <= f; ++j) { shared.add(std::uint32_t(j), k, factors[k][packed_lower(f, j)]); }
        shocks.add(std::uint32_t(f), k, plan_.step_sd[f * num_regimes() + k]);
      }
      shared.end_row();
      shocks.end_row();
    }
    plan_.num_draws = static_cast<std::uint32_t>(size);
  }

  void build_product() {
    if (!factorise_kinds() || !make_underlyings()) { return; }
    for (const FactorKind kind : kinds_) { add_group(kind); }
    SparseBuilder shocks(plan_.shocks, num_regimes());
    for (std::size_t f = 0; f < plan_.factors.size(); ++f) {
      for (std::size_t k = 0; k < num_regimes(); ++k) {
        for (std::size_t group = 0; group < kinds_.size(); ++group) {
          const double mix = kind_mix(k, plan_.factors[f].kind, group);
          if (mix == 0.0) { continue; }
          shocks.add(group_rows_[group][plan_.factors[f].underlying], k, plan_.step_sd[f * num_regimes() + k] * mix);
        }
      }
      shocks.end_row();
    }
  }

  /// The kinds there are, those that most underlyings have first: then few underlyings need draws of a kind that they
  /// lack but another of their kinds is mixed from.
  void order_kinds() {
    std::array<std::size_t, num_factor_kinds> count{};
    for (const Factor& factor : plan_.factors) { ++count[std::size_t(factor.kind)]; }
    for (std::size_t kind = 0; kind < num_factor_kinds; ++kind) {
      if (count[kind] != 0) { kinds_.push_back(static_cast<FactorKind>(kind)); }
    }
    std::stable_sort(kinds_.begin(), kinds_.end(),
                     [&](FactorKind a, FactorKind b) { return count[std::size_t(a)] > count[std::size_t(b)]; });
  }

  /// Cholesky factor of the correlations of the kinds there are, for every regime.
  bool factorise_kinds() {
    order_kinds();
    kind_factors_.resize(num_regimes());
    for (std::size_t k = 0; k < num_regimes(); ++k) {
      SquareMatrix matrix(kinds_.size());
      for (std::size_t a = 0; a < kinds_.size(); ++a) {
        for (std::size_t b = 0; b < kinds_.size(); ++b) { matrix(a, b) = regimes_[k].kinds(kinds_[a], kinds_[b]); }
      }
      const auto name = [&](std::size_t a) { return std::string(to_string(kinds_[a])); };
      make_definite(matrix, k, "kind_correlations", name);
      kind_factors_[k] = cholesky(lower_triangle(matrix), kinds_.size()).packed;
    }
    return !diagnostics_.has_errors();
  }

  /// What the group of draws number `group` contributes to a kind.
  double kind_mix(std::size_t regime, FactorKind kind, std::size_t group) const {
    const auto row = static_cast<std::size_t>(std::find(kinds_.begin(), kinds_.end(), kind) - kinds_.begin());
    return group > row ? 0.0 : kind_factors_[regime][packed_lower(row, group)];
  }

  /// Full matrices over the underlyings, for the regimes that have them.
  bool make_underlyings() {
    const std::size_t size = book_.underlyings.size();
    for (std::size_t k = 0; k < num_regimes(); ++k) {
      matrices_.emplace_back(regimes_[k].by_factors() ? 0 : size);
      if (regimes_[k].by_factors()) { continue; }
      for (UnderlyingId u = 0; u < size; ++u) {
        for (UnderlyingId v = 0; v < size; ++v) { matrices_[k](u, v) = regimes_[k].underlyings(u, v); }
      }
      make_definite(matrices_[k], k, "underlying_correlations",
                    [&](std::size_t u) { return book_.underlyings[u].name; });
    }
    for (const Regime& regime : model_.regimes) {
      for (const UnderlyingFactors& row : regime.underlying_factors) {
        if (!row.block.empty()) { blocks_.try_emplace(row.block, 0); }
      }
    }
    std::uint32_t number = 0;
    for (auto& [name, index] : blocks_) { index = number++; }
    return !diagnostics_.has_errors();
  }

  /// Underlyings that need the draws of a group: those with a factor it contributes to in some regime.
  std::vector<UnderlyingId> members(std::size_t group) const {
    std::vector<UnderlyingId> found;
    for (const Factor& factor : plan_.factors) {
      if (!found.empty() && found.back() == factor.underlying) { continue; }
      for (std::size_t k = 0; k < num_regimes(); ++k) {
        if (kind_mix(k, factor.kind, group) != 0.0) {
          found.push_back(factor.underlying);
          break;
        }
      }
    }
    return found;
  }

  /// Draws of one kind: [common][blocks][own of each member], and a row of correlated normals for each member.
  void add_group(FactorKind kind) {
    const auto group = static_cast<std::size_t>(std::find(kinds_.begin(), kinds_.end(), kind) - kinds_.begin());
    const std::vector<UnderlyingId> in_group = members(group);
    const bool any_factors = std::any_of(regimes_.begin(), regimes_.end(),
                                         [](const RegimeCorrelations& regime) { return regime.by_factors(); });
    const std::uint32_t common = plan_.num_draws, first_block = common + (any_factors ? 1 : 0),
                        first_own = first_block + static_cast<std::uint32_t>(blocks_.size());
    plan_.num_draws = first_own + static_cast<std::uint32_t>(in_group.size());

    std::vector<std::vector<double>> factors(num_regimes());
    for (std::size_t k = 0; k < num_regimes(); ++k) {
      if (regimes_[k].by_factors()) { continue; }
      factors[k] = cholesky(lower_triangle(part_of(matrices_[k], in_group)), in_group.size()).packed;
    }
    std::vector<std::uint32_t> rows(book_.underlyings.size(), 0);
    SparseBuilder shared(plan_.shared, num_regimes());
    for (std::size_t i = 0; i < in_group.size(); ++i) {
      rows[in_group[i]] = static_cast<std::uint32_t>(plan_.shared.offsets.size() - 1);
      for (std::size_t k = 0; k < num_regimes(); ++k) {
        if (!regimes_[k].by_factors()) {
          for (std::size_t j = 0; j <= i; ++j) {
            shared.add(first_own + std::uint32_t(j), k, factors[k][packed_lower(i, j)]);
          }
          continue;
        }
        const Loadings& loadings = regimes_[k].loadings(in_group[i]);
        shared.add(common, k, loadings.common);
        if (!loadings.block.empty()) {
          shared.add(first_block + blocks_.at(loadings.block), k, loadings.block_loading);
        }
        shared.add(first_own + std::uint32_t(i), k, loadings.own);
      }
      shared.end_row();
    }
    group_rows_.push_back(std::move(rows));
  }

  static SquareMatrix part_of(const SquareMatrix& matrix, const std::vector<UnderlyingId>& members) {
    SquareMatrix part(members.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
      for (std::size_t j = 0; j < members.size(); ++j) { part(i, j) = matrix(members[i], members[j]); }
    }
    return part;
  }

  const Book& book_;
  const Model& model_;
  ScenarioPlan& plan_;
  Diagnostics& diagnostics_;
  std::vector<RegimeCorrelations> regimes_;
  std::vector<FactorKind> kinds_;                       // that some factor has
  std::vector<std::vector<double>> kind_factors_;       // [regime] packed lower over kinds_
  std::vector<SquareMatrix> matrices_;                  // [regime] over underlyings; empty with common + block + own
  std::map<std::string, std::uint32_t> blocks_;         // number of each block
  std::vector<std::vector<std::uint32_t>> group_rows_;  // [group][underlying] its row of plan_.shared
};

}  // namespace

void prepare_correlations(const Book& book, const Model& model, ScenarioPlan& plan, Diagnostics& diagnostics) {
  CorrelationBuilder(book, model, plan, diagnostics).build();
}

}  // namespace tailmargin
