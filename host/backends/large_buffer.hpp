// Memory for what is read at random: aligned to cache lines, on large pages where it fills them and the system grants
// them, so that the columns of a tile do not outrun the table of recent pages.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace tailmargin {

/// Uninitialised array of plain values.
template <class T>
class LargeBuffer {
 public:
  LargeBuffer() = default;
  explicit LargeBuffer(std::size_t size) : size_(size) {
    // A page is cleared as a whole when it is first touched: a large one for little costs more than it saves.
    const bool large = size * sizeof(T) >= large_page / 2;
    const std::size_t unit = large ? large_page : cache_line;
    const std::size_t bytes = (size * sizeof(T) + unit - 1) / unit * unit;
    if (bytes == 0) { return; }
    memory_.reset(static_cast<T*>(std::aligned_alloc(unit, bytes)));
    if (!memory_) { throw std::bad_alloc(); }
#if defined(MADV_HUGEPAGE)
    if (large) { madvise(memory_.get(), bytes, MADV_HUGEPAGE); }  // a wish; without it all is right, only slower
#endif
  }

  T* data() { return memory_.get(); }
  const T* data() const { return memory_.get(); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  static constexpr std::size_t large_page = std::size_t{2} << 20, cache_line = 64;

  struct Free {
    void operator()(T* memory) const { std::free(memory); }
  };
  std::unique_ptr<T, Free> memory_;
  std::size_t size_ = 0;
};

}  // namespace tailmargin
