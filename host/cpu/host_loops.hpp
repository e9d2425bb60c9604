// What passes on the host share with the cpu backend: the loops of an instruction set, and threads.
#pragma once

#include <cstdint>
#include <functional>

#include "host/backends/backend.hpp"
#include "host/cpu/cpu_kernels.hpp"

namespace tailmargin {

/// The loops of an instruction set; automatic: the widest this processor has.
/// Throws BackendUnavailable if the processor lacks the one asked for.
const cpu::Kernels& choose_kernels(Isa isa);

/// Calls work(i) once for every i below count, in any order, on so many threads (0: all). Without the cpu backend: on
/// one.
void for_each_index(int threads, std::uint64_t count, const std::function<void(std::uint64_t)>& work);

}  // namespace tailmargin
