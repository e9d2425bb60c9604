#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "host/backends/backend.hpp"
#include "host/cli/commands.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

std::string cpu_line() {
  try {
    return make_cpu_backend({})->device();
  } catch (const BackendUnavailable& error) { return std::string("not available: ") + error.what(); }
}

std::string cuda_line() {
  const std::string reason = cuda_unavailable_reason();
  return reason.empty() ? make_cuda_backend({})->device() : "not available: " + reason;
}

void info(bool json) {
  nlohmann::ordered_json all;
  all["version"] = TAILMARGIN_VERSION;
  all["compiler"] = __VERSION__;
  all["backends"]["cpu"] = cpu_line();
  all["backends"]["cuda"] = cuda_line();
  all["backends"]["reference"] = make_reference_backend()->device();
  if (json) {
    std::printf("%s\n", all.dump(2).c_str());
    return;
  }
  std::printf("tailmargin %s (compiler %s)\n", TAILMARGIN_VERSION, __VERSION__);
  for (const auto& [name, line] : all["backends"].items()) {
    std::printf("  %-10s %s\n", name.c_str(), line.get<std::string>().c_str());
  }
}

}  // namespace

void add_info_command(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("info", "versions, backends, devices");
  command->add_flag("--json", *json, "as JSON");
  command->callback([json] { info(*json); });
}

}  // namespace tailmargin
