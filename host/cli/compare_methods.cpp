#include "host/cli/compare_methods.hpp"

#include <algorithm>

#include "host/importers/deribit_margin.hpp"
#include "host/io/method_file.hpp"

namespace tailmargin {
namespace {

using venues::Method;

constexpr const char* deribit_name = "deribit";

void add_or_replace(Method method, std::vector<Method>& methods) {
  const auto same =
      std::find_if(methods.begin(), methods.end(), [&](const Method& m) { return m.name == method.name; });
  same == methods.end() ? methods.push_back(std::move(method)) : static_cast<void>(*same = std::move(method));
}

std::vector<Method> known_methods(const MethodOptions& options, Diagnostics& diagnostics) {
  std::vector<Method> methods;
  for (const PresetText& preset : default_presets()) {
    add_or_replace(parse_method(preset.text, preset.file, diagnostics), methods);
  }
  for (const std::string& file : options.presets) { add_or_replace(read_method(file, diagnostics), methods); }
  if (options.deribit_params.empty()) { return methods; }
  for (Method& method : methods) {
    if (method.name == deribit_name) { method = read_deribit_margin(options.deribit_params, method, diagnostics); }
  }
  return methods;
}

std::string list_of(const std::vector<Method>& methods) {
  std::string names = monte_carlo_name;
  for (const Method& method : methods) { names += ", " + method.name; }
  return names;
}

std::vector<std::string> names_asked(const MethodOptions& options, const std::vector<Method>& known) {
  if (options.names.empty()) {
    std::vector<std::string> all = {monte_carlo_name};
    for (const Method& method : known) { all.push_back(method.name); }
    return all;
  }
  std::vector<std::string> names;
  for (const std::string& name : options.names) {
    if (std::find(names.begin(), names.end(), name) == names.end()) { names.push_back(name); }
  }
  return names;
}

}  // namespace

ChosenMethods choose_methods(const MethodOptions& options, Diagnostics& diagnostics) {
  const std::vector<Method> known = known_methods(options, diagnostics);
  if (diagnostics.has_errors()) { return {}; }
  ChosenMethods chosen;
  for (const std::string& name : names_asked(options, known)) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const Method& m) { return m.name == name; });
    if (name == monte_carlo_name) {
      chosen.monte_carlo = true;
    } else if (found != known.end()) {
      chosen.methods.push_back(*found);
    } else {
      throw UsageError("--methods " + name + " is no method. There are " + list_of(known) + ".");
    }
  }
  const auto is_deribit = [](const Method& m) { return m.name == deribit_name; };
  if (!options.deribit_params.empty() && std::none_of(chosen.methods.begin(), chosen.methods.end(), is_deribit)) {
    throw UsageError("--deribit-params is for the method deribit, which --methods leaves out. Drop one of both.");
  }
  return chosen;
}

}  // namespace tailmargin
