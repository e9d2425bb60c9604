// Readers of the parts of a model file, as docs/model_file.md lists the keys; each goes on after problems.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/io/toml_table.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// A model while it is read. Later parts look things up in earlier ones, so the readers are called in the order below.
struct ModelDraft {
  Model model;
  ProblemLog& problems;
  bool has_grid = false;  ///< horizon and step are good, so that other times can be held to them
};

inline constexpr NumberRange hours_range{0.0, 1e6, true, false, "above 0 and at most 1000000"};

/// Whether a time is whole steps, up to rounding.
bool is_whole_steps(double hours, const Model& model);

// model_time.cpp
void read_horizon(const TomlValue* value, ModelDraft& draft);
void read_closing(const TomlValue* value, ModelDraft& draft);
void read_chain(const TomlValue* value, ModelDraft& draft);  ///< after the regimes

// model_tables.cpp
void read_groups(const TomlValue* value, ModelDraft& draft);
void read_correlation(const TomlValue* value, ModelDraft& draft);
void read_mixing(const TomlValue* value, ModelDraft& draft);  ///< after the regimes
void read_surface(const TomlValue* value, ModelDraft& draft);
void read_settlement(const TomlValue* value, ModelDraft& draft);
void read_funding(const TomlValue* value, ModelDraft& draft);
void read_margin(const TomlValue* value, ModelDraft& draft);

// model_regimes.cpp
void read_regimes(const TomlValue* list, ModelDraft& draft);

// model_jumps.cpp
void read_reversions(const TomlValue* list, ModelDraft& draft);
void read_jumps(const TomlValue* list, ModelDraft& draft);  ///< after the regimes

// model_terms.cpp
void read_terms(const TomlValue* value, ModelDraft& draft);  ///< after the regimes

// model_collateral.cpp
void read_haircuts(const TomlValue* list, ModelDraft& draft);  ///< after the groups
void read_depegs(const TomlValue* list, ModelDraft& draft);    ///< likewise

// model_crowding.cpp
void read_crowding(const TomlValue* value, ModelDraft& draft);  ///< after the regimes

// model_names.cpp
void check_names(const ModelDraft& draft);  ///< after all of them

}  // namespace tailmargin
