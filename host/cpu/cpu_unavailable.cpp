#include "host/cpu/host_loops.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions&) {
  throw BackendUnavailable("the cpu backend was not built (TAILMARGIN_CPU=OFF). Configure with -DTAILMARGIN_CPU=ON.");
}

void for_each_index(int, std::uint64_t count, const std::function<void(std::uint64_t)>& work) {
  for (std::uint64_t i = 0; i < count; ++i) { work(i); }
}

}  // namespace tailmargin
