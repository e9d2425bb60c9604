// What the margin command says when it is done.
#pragma once

#include <string>

#include "tailmargin/book.hpp"
#include "tailmargin/engine.hpp"

namespace tailmargin {

std::string margin_summary(const Book& book, const RunResult& result, const Model& model, const std::string& model_name,
                           const RunConfig& config, const std::string& out, double total_seconds);

std::string margin_summary_json(const Book& book, const RunResult& result, const std::string& model_name,
                                const RunConfig& config, double total_seconds);

}  // namespace tailmargin
