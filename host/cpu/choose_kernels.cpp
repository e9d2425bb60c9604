#include "host/cpu/host_loops.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

#if defined(TM_ALL_ISAS)
bool supports(Isa isa) {
  __builtin_cpu_init();
  if (isa == Isa::avx2) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
  if (isa == Isa::avx512) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma");
  }
  return isa == Isa::baseline;
}
#endif

}  // namespace

const cpu::Kernels& choose_kernels(Isa isa) {
#if defined(TM_ALL_ISAS)
  if (isa == Isa::automatic) {
    isa = supports(Isa::avx512) ? Isa::avx512 : supports(Isa::avx2) ? Isa::avx2 : Isa::baseline;
  }
  if (!supports(isa)) {
    throw BackendUnavailable(
        "this processor lacks the instruction set asked for (the program would crash). Use --isa auto.");
  }
  if (isa == Isa::avx512) { return cpu::avx512_kernels; }
  if (isa == Isa::avx2) { return cpu::avx2_kernels; }
#else
  if (isa != Isa::automatic && isa != Isa::baseline) {
    throw BackendUnavailable("this instruction set is not built in. Use --isa auto.");
  }
#endif
  return cpu::baseline_kernels;
}

}  // namespace tailmargin
