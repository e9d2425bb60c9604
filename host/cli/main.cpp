// The tailmargin command. Exit codes: 0 done, 1 internal error, 2 wrong usage, 3 bad input, 4 backend unavailable,
// 5 interrupted. Diagnostics on stderr, data in files or on stdout.
#include <cstdio>
#include <exception>
#include <string>

#include "host/cli/commands.hpp"
#include "host/cli/import_command.hpp"
#include "host/cli/model_command.hpp"
#include "host/cli/run_options.hpp"
#include "host/cli/synth_command.hpp"

namespace {

std::string join_arguments(int argc, char** argv) {
  std::string line = "tailmargin";
  for (int i = 1; i < argc; ++i) { line += std::string(" ") + argv[i]; }
  return line;
}

bool knows_command(const CLI::App& app, const std::string& name) {
  const auto is_named = [&](const CLI::App* command) { return command->get_name() == name; };
  return !app.get_subcommands(is_named).empty();
}

int run(int argc, char** argv) {
  CLI::App app{"Monte Carlo margin for crypto derivatives: margins a whole exchange in one command."};
  app.name("tailmargin");
  app.set_version_flag("--version", TAILMARGIN_VERSION);
  app.require_subcommand(1);
  app.footer("Start with: tailmargin synth -o book --accounts 10000 && tailmargin margin book -o run");
  tailmargin::add_margin_command(app, join_arguments(argc, argv));
  tailmargin::add_whatif_command(app);
  tailmargin::add_explain_command(app);
  tailmargin::add_compare_command(app);
  tailmargin::add_import_command(app);
  tailmargin::add_synth_command(app);
  tailmargin::add_model_command(app);
  tailmargin::add_bench_command(app);
  tailmargin::add_info_command(app);
  if (argc > 1 && argv[1][0] != '-' && !knows_command(app, argv[1])) {
    std::fprintf(
        stderr,
        "unknown command '%s'. Commands: margin, whatif, explain, compare, import, synth, model, bench, info. See "
        "tailmargin --help.\n",
        argv[1]);
    return 2;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) { return app.exit(error) == 0 ? 0 : 2; }
  if (std::fflush(stdout) != 0) {
    std::fprintf(stderr, "cannot write to standard output; the files are written\n");
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const tailmargin::InputError& error) {
    tailmargin::print_diagnostics(error.diagnostics());
    std::fprintf(stderr, "%s; nothing was computed\n", error.what());
    return 3;
  } catch (const tailmargin::UsageError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  } catch (const tailmargin::BackendUnavailable& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 4;
  } catch (const tailmargin::Interrupted& error) {
    std::fprintf(stderr, "%s; nothing was written\n", error.what());
    return 5;
  } catch (const tailmargin::FileError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "internal error: %s\n", error.what());
    return 1;
  }
}
