#include "host/bench/ceilings.hpp"

#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>

#include "bench/gpu/device_ceilings.hpp"
#include "host/bench/cpu_ceiling_loops.hpp"
#include "host/cpu/host_loops.hpp"

namespace tailmargin::bench {
namespace {

constexpr double seconds_per_measurement = 0.03;
constexpr int measurements = 5;

using Clock = std::chrono::steady_clock;

/// Work per second of all threads together while all of them work: the best of some measurements, because whatever
/// disturbs one makes it slower. `work` does a little and says how much it was.
double measure_rate(int threads, const std::function<std::uint64_t(int thread)>& work) {
  double best = 0.0;
  for (int m = 0; m < measurements; ++m) {
    std::vector<double> rates(static_cast<std::size_t>(threads), 0.0);
    std::barrier start(threads);
    std::vector<std::jthread> team;
    for (int t = 0; t < threads; ++t) {
      team.emplace_back([&, t] {
        start.arrive_and_wait();
        const auto begin = Clock::now();
        std::uint64_t done = 0;
        double seconds = 0.0;
        while (seconds < seconds_per_measurement) {
          done += work(t);
          seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        }
        rates[static_cast<std::size_t>(t)] = static_cast<double>(done) / seconds;
      });
    }
    team.clear();  // joins
    double sum = 0.0;
    for (const double rate : rates) { sum += rate; }
    best = std::max(best, sum);
  }
  return best;
}

const CeilingLoops& loops_of(const std::string& isa) {
#if defined(TM_ALL_ISAS)
  if (isa == avx512_ceilings.name) { return avx512_ceilings; }
  if (isa == avx2_ceilings.name) { return avx2_ceilings; }
#endif
  (void)isa;
  return baseline_ceilings;
}

struct FreeDeleter {
  void operator()(float* memory) const { std::free(memory); }
};

/// Floats per second that all threads read, each from memory of its own that fills half of a cache.
double measure_reads(const CeilingLoops& loops, int threads, long cache_bytes, std::size_t fallback_bytes) {
  const std::size_t bytes = (cache_bytes > 0 ? static_cast<std::size_t>(cache_bytes) : fallback_bytes) / 2;
  const std::uint64_t floats = std::max<std::uint64_t>(bytes / sizeof(float) / read_multiple, 1) * read_multiple;
  std::vector<std::unique_ptr<float, FreeDeleter>> memory;
  for (int t = 0; t < threads; ++t) {
    memory.emplace_back(static_cast<float*>(std::aligned_alloc(64, floats * sizeof(float))));
    if (memory.back() == nullptr) { throw std::bad_alloc(); }
    std::fill_n(memory.back().get(), floats, static_cast<float>(t));
  }
  const std::uint64_t passes = std::max<std::uint64_t>(1, 1'000'000 / floats);
  return measure_rate(threads, [&](int t) {
    float sink = 0.0f;
    return loops.read(memory[static_cast<std::size_t>(t)].get(), floats, passes, &sink);
  });
}

Ceilings measure_cpu(const RunConfig& config) {
  const std::string isa = config.isa == "auto" ? choose_kernels(Isa::automatic).name : config.isa;
  const CeilingLoops& loops = loops_of(isa);
  const int threads =
      config.threads > 0 ? config.threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const double multiply_adds = measure_rate(threads, [&loops](int) {
    float sink = 0.0f;
    return loops.multiply_add(10'000, &sink);
  });
  const double first = measure_reads(loops, threads, sysconf(_SC_LEVEL1_DCACHE_SIZE), std::size_t{32} << 10);
  const double second = measure_reads(loops, threads, sysconf(_SC_LEVEL2_CACHE_SIZE), std::size_t{1} << 20);
  return {
      multiply_adds,
      second,
      first,
      {{"multiply_adds_per_second", multiply_adds}, {"l1_floats_per_second", first}, {"l2_floats_per_second", second}}};
}

Ceilings measure_cuda() {
  const DeviceCeilings device = measure_cuda_ceilings();
  constexpr double word_bytes = 4.0;
  return {device.multiply_adds,
          device.shared_bytes / word_bytes,
          device.copied_bytes / word_bytes,
          {{"multiply_adds_per_second", device.multiply_adds},
           {"special_functions_per_second", device.special_functions},
           {"shared_words_per_second", device.shared_bytes / word_bytes},
           {"copied_words_per_second", device.copied_bytes / word_bytes}}};
}

}  // namespace

Ceilings measure_ceilings(const std::string& backend, const RunConfig& config) {
  if (backend == "cuda") { return measure_cuda(); }
  return backend == "cpu" ? measure_cpu(config) : Ceilings{};
}

}  // namespace tailmargin::bench
