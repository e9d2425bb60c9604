#include "host/backends/backend.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions&) {
  throw BackendUnavailable("the cpu backend was not built (TAILMARGIN_CPU=OFF). Configure with -DTAILMARGIN_CPU=ON.");
}

}  // namespace tailmargin
