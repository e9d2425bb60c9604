#include "kernels/cuda/simt/simt_block.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <numeric>
#include <utility>

#include <boost/context/fiber.hpp>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace tailmargin::simt {
namespace {

namespace context = boost::context;

constexpr std::size_t stack_bytes = 128 * 1024;
constexpr std::uint32_t max_block_size = 1024;

/// Unwinds a fiber whose block is given up. Not an error by itself.
struct FiberCancelled {};

/// Hands a fiber a stack that its owner keeps for the next block.
struct BorrowedStack {
  std::byte* memory;
  context::stack_context allocate() const {
    context::stack_context stack;
    stack.size = stack_bytes;
    stack.sp = memory + stack_bytes;  // stacks grow downwards
    return stack;
  }
  void deallocate(context::stack_context&) const noexcept {}
};

/// Tells the address sanitizer that the stack changes; nothing without it. One per side of a switch.
class StackSwitch {
 public:
#if defined(__SANITIZE_ADDRESS__)
  void leave(const void* other_stack, std::size_t size) { __sanitizer_start_switch_fiber(&own_, other_stack, size); }
  void leave_for_good(const void* other_stack, std::size_t size) {
    __sanitizer_start_switch_fiber(nullptr, other_stack, size);
  }
  void enter(const void** from_stack, std::size_t* size) { __sanitizer_finish_switch_fiber(own_, from_stack, size); }

 private:
  void* own_ = nullptr;
#else
  void leave(const void*, std::size_t) {}
  void leave_for_good(const void*, std::size_t) {}
  void enter(const void**, std::size_t*) {}
#endif
};

/// A place where a number of threads meet. The generation counts the meetings held, so that a thread that is woken
/// late cannot mistake the next meeting for its own.
struct Meeting {
  std::uint32_t expected = 0;
  std::uint32_t arrived = 0;
  std::uint64_t generation = 0;
};

enum class WarpOperation : std::uint8_t { none, ballot, broadcast, sum, sync };

/// Lanes exchange one word each. Two sets in turn: a lane may come to the next meeting before another has read
/// from this one, but not to the one after it.
struct WarpMeeting : Meeting {
  WarpOperation operation = WarpOperation::none;
  std::array<std::array<std::uint32_t, warp_size>, 2> words{};
};

}  // namespace

/// One block at a time: fibers, meetings, shared memory.
class BlockRunner {
 public:
  BlockRunner(const BlockGrid& grid, TurnOrder order, const ThreadBody& body)
      : grid_(grid), order_(order), body_(body), threads_(grid.threads), warps_(grid.threads / warp_size) {
    for (Thread& thread : threads_) { thread.stack = std::make_unique_for_overwrite<std::byte[]>(stack_bytes); }
  }

  void run(std::uint64_t block) {
    block_ = block;
    // Exactly as large as asked for, and no zeros, so that the sanitizer and tests see what goes wrong.
    shared_ = std::make_unique_for_overwrite<std::byte[]>(grid_.shared_bytes);
    std::fill_n(shared_.get(), grid_.shared_bytes, std::byte{0xff});
    barrier_ = Meeting{grid_.threads, 0, 0};
    for (WarpMeeting& warp : warps_) {
      warp = WarpMeeting{};
      warp.expected = warp_size;
    }
    cancelled_ = false;
    failure_ = nullptr;
    for (std::uint32_t t = 0; t < grid_.threads; ++t) { start(t); }
    take_turns();
    if (failure_ != nullptr) { std::rethrow_exception(failure_); }
  }

  std::uint64_t block() const { return block_; }
  const BlockGrid& grid() const { return grid_; }
  std::byte* shared() const { return shared_.get(); }

  void sync(std::uint32_t thread) { meet(thread, barrier_); }

  /// Gives every lane the words of all lanes.
  const std::array<std::uint32_t, warp_size>& exchange(std::uint32_t thread, WarpOperation operation,
                                                       std::uint32_t word) {
    WarpMeeting& warp = warps_[thread / warp_size];
    if (warp.arrived == 0) { warp.operation = operation; }
    if (warp.operation != operation) {
      throw SimtDivergence("lanes of one warp met in different operations. Keep the warp together.");
    }
    auto& words = warp.words[warp.generation % 2];
    words[thread % warp_size] = word;
    meet(thread, warp);
    return words;
  }

 private:
  struct Thread {
    context::fiber fiber;  ///< where to go on; empty when the thread has ended
    context::fiber* caller = nullptr;
    std::unique_ptr<std::byte[]> stack;
    const Meeting* waits_for = nullptr;
    std::uint64_t generation = 0;
    StackSwitch stack_switch;

    bool ended() const { return !fiber; }
    bool waits() const { return waits_for != nullptr && waits_for->generation == generation; }
  };

  void start(std::uint32_t t) {
    Thread& thread = threads_[t];
    thread.waits_for = nullptr;
    thread.fiber = context::fiber(std::allocator_arg, BorrowedStack{thread.stack.get()},
                                  [this, t](context::fiber&& caller) { return live(t, std::move(caller)); });
  }

  /// The life of a fiber.
  context::fiber live(std::uint32_t t, context::fiber&& caller) {
    Thread& thread = threads_[t];
    thread.stack_switch = StackSwitch{};
    thread.stack_switch.enter(&scheduler_stack_, &scheduler_stack_bytes_);
    thread.caller = &caller;
    try {
      SimtContext simt(*this, t);
      body_(simt);
    } catch (const FiberCancelled&) {
    } catch (...) {
      if (failure_ == nullptr) { failure_ = std::current_exception(); }
      cancelled_ = true;
    }
    thread.stack_switch.leave_for_good(scheduler_stack_, scheduler_stack_bytes_);
    return std::move(caller);
  }

  /// Back to the scheduler until it is this thread's turn again.
  void yield(Thread& thread) {
    thread.stack_switch.leave(scheduler_stack_, scheduler_stack_bytes_);
    *thread.caller = std::move(*thread.caller).resume();
    thread.stack_switch.enter(&scheduler_stack_, &scheduler_stack_bytes_);
    if (cancelled_) { throw FiberCancelled{}; }
  }

  void meet(std::uint32_t t, Meeting& meeting) {
    Thread& thread = threads_[t];
    thread.waits_for = &meeting;
    thread.generation = meeting.generation;
    if (++meeting.arrived == meeting.expected) {
      meeting.arrived = 0;
      ++meeting.generation;
    }
    while (thread.waits()) { yield(thread); }
  }

  void resume(Thread& thread) {
    StackSwitch own;
    own.leave(thread.stack.get(), stack_bytes);
    thread.fiber = std::move(thread.fiber).resume();
    own.enter(nullptr, nullptr);
  }

  void take_turns() {
    for (std::uint32_t alive = grid_.threads; alive != 0;) {
      bool progress = false;
      for (std::uint32_t turn = 0; turn < grid_.threads; ++turn) {
        Thread& thread = threads_[order_ == TurnOrder::forward ? turn : grid_.threads - 1 - turn];
        if (thread.ended() || (thread.waits() && !cancelled_)) { continue; }
        resume(thread);
        progress = true;
        alive -= thread.ended() ? 1u : 0u;
      }
      if (!progress) { give_up(alive); }
    }
  }

  /// All threads left wait: remember the error and let them unwind.
  void give_up(std::uint32_t alive) {
    failure_ = std::make_exception_ptr(SimtDeadlock(
        "block " + std::to_string(block_) + " hangs: " + std::to_string(alive) + " of " +
        std::to_string(grid_.threads) + " threads wait for the others (" + std::to_string(barrier_.arrived) +
        " of them at the block's barrier). All threads must reach every meeting."));
    cancelled_ = true;
  }

  BlockGrid grid_;
  TurnOrder order_;
  const ThreadBody& body_;
  std::vector<Thread> threads_;
  std::vector<WarpMeeting> warps_;
  Meeting barrier_;
  std::unique_ptr<std::byte[]> shared_;
  std::uint64_t block_ = 0;
  bool cancelled_ = false;
  std::exception_ptr failure_;
  const void* scheduler_stack_ = nullptr;
  std::size_t scheduler_stack_bytes_ = 0;
};

std::uint64_t SimtContext::block() const { return runner_->block(); }
std::uint32_t SimtContext::block_size() const { return runner_->grid().threads; }
std::byte* SimtContext::shared_bytes() const { return runner_->shared(); }
void SimtContext::sync() { runner_->sync(thread_); }

std::uint32_t SimtContext::ballot(bool condition) {
  const auto& votes = runner_->exchange(thread_, WarpOperation::ballot, condition ? 1u : 0u);
  std::uint32_t mask = 0;
  for (std::uint32_t lane = 0; lane < warp_size; ++lane) { mask |= votes[lane] << lane; }
  return mask;
}

std::uint32_t SimtContext::broadcast(std::uint32_t value, std::uint32_t lane) {
  return runner_->exchange(thread_, WarpOperation::broadcast, value)[lane % warp_size];
}

std::uint32_t SimtContext::warp_sum(std::uint32_t value) {
  const auto& values = runner_->exchange(thread_, WarpOperation::sum, value);
  return std::accumulate(values.begin(), values.end(), 0u);
}

void SimtContext::sync_warp() { runner_->exchange(thread_, WarpOperation::sync, 0); }

void SimtContext::wait_copies() {
  for (const Copy& copy : copies_) { std::memcpy(copy.to, copy.from, quad_bytes); }
  copies_.clear();
}

void run_blocks(const BlockGrid& grid, TurnOrder order, const ThreadBody& body) {
  if (grid.threads == 0 || grid.threads % warp_size != 0 || grid.threads > max_block_size) {
    throw std::invalid_argument("a block of " + std::to_string(grid.threads) +
                                " threads (blocks have 32 to 1024 threads, whole warps). Choose another block size.");
  }
  BlockRunner runner(grid, order, body);
  for (std::uint64_t turn = 0; turn < grid.blocks; ++turn) {
    runner.run(order == TurnOrder::forward ? turn : grid.blocks - 1 - turn);
  }
}

}  // namespace tailmargin::simt
