// A small SIMT machine on the host: runs kernels of kernel.hpp with one fiber per device thread, so that the code
// that runs on the GPU also runs under a debugger, a sanitizer and in tests without one. It finds errors of logic:
// wrong indices, barriers that not all threads reach, order that is taken for granted. It does not find races.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/cuda/kernel.hpp"

namespace tailmargin::simt {

/// Some threads of a block wait for others that have ended or wait elsewhere. A GPU would hang or go wrong.
class SimtDeadlock : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// The lanes of a warp met in different operations.
class SimtDivergence : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

class BlockRunner;

/// What kernel.hpp promises to a thread of a cooperative kernel.
class SimtContext {
 public:
  SimtContext(BlockRunner& runner, std::uint32_t thread) : runner_(&runner), thread_(thread) {}

  std::uint32_t thread() const { return thread_; }
  std::uint64_t block() const;
  std::uint32_t block_size() const;
  std::uint32_t lane() const { return thread_ % warp_size; }
  std::uint32_t warp() const { return thread_ / warp_size; }
  template <class T>
  T* shared() const {
    return reinterpret_cast<T*>(shared_bytes());
  }
  void sync();
  void sync_warp();
  std::uint32_t ballot(bool condition);
  std::uint32_t broadcast(std::uint32_t value, std::uint32_t lane);
  std::uint32_t warp_sum(std::uint32_t value);
  /// Copied no earlier than wait_copies(), so that a missing wait shows.
  void copy_async(void* to, const void* from) { copies_.push_back({to, from}); }
  void wait_copies();
  /// Fibers yield only at meetings, so a plain addition is atomic.
  std::uint32_t atomic_add(std::uint32_t* counter, std::uint32_t value) { return add(counter, value); }
  std::uint64_t atomic_add(std::uint64_t* counter, std::uint64_t value) { return add(counter, value); }

 private:
  template <class Word>
  static Word add(Word* counter, Word value) {
    const Word before = *counter;
    *counter += value;
    return before;
  }
  std::byte* shared_bytes() const;

  struct Copy {
    void* to;
    const void* from;
  };

  BlockRunner* runner_;
  std::uint32_t thread_;
  std::vector<Copy> copies_;
};

/// In which order blocks and threads take their turns. A correct kernel gives the same result in both.
enum class TurnOrder : std::uint8_t { forward, backward };

using ThreadBody = std::function<void(SimtContext&)>;

/// Runs every thread of every block, block by block.
/// @throws SimtDeadlock, SimtDivergence, and what the body throws; std::invalid_argument for an impossible grid
void run_blocks(const BlockGrid& grid, TurnOrder order, const ThreadBody& body);

}  // namespace tailmargin::simt
