// The names of underlyings a model speaks of, and those that are probably not what was meant.
#pragma once

#include <string>
#include <vector>

#include "tailmargin/book.hpp"
#include "tailmargin/diagnostics.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// A place in a model that says which underlyings it means.
struct NameReference {
  std::string match;  ///< name, "@group" or "*"
  std::string path;   ///< "regime[1].vols[2].match", as messages name it
};

/// The matches of all rules, in the order of the model.
std::vector<NameReference> rule_references(const Model& model);

/// The members of all groups, in the order of the model: names.
std::vector<NameReference> group_members(const Model& model);

/// Warns of names that the book lacks but has in other capitals: their rules match nothing there.
void check_names(const Book& book, const Model& model, Diagnostics& diagnostics);

/// Warns of rows for collateral that mean the numeraire, and of lists without a row that matches an underlying:
/// their figures would be 0 as if there were nothing to fear.
void check_collateral_names(const Book& book, const Model& model, Diagnostics& diagnostics);

}  // namespace tailmargin
