#include <algorithm>
#include <thread>

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "host/cpu/host_loops.hpp"

namespace tailmargin {

void for_each_index(int threads, std::uint64_t count, const std::function<void(std::uint64_t)>& work) {
  const int used = threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const tbb::global_control control(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(used));
  tbb::task_arena arena(used);
  arena.execute([&] {
    tbb::parallel_for(tbb::blocked_range<std::uint64_t>(0, count, 1),
                      [&](const tbb::blocked_range<std::uint64_t>& range) {
                        for (std::uint64_t i = range.begin(); i != range.end(); ++i) { work(i); }
                      });
  });
}

}  // namespace tailmargin
