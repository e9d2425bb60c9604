// The segmented sort of CUB. Keys are integers and all different, so any correct sort gives the same result.
#include <cub/device/device_segmented_sort.cuh>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/cuda_device.hpp"
#include "kernels/executors/tail_key.hpp"

namespace tailmargin {

template <class Key>
Key* CudaDevice::sort_segments(Key* keys, Key* alternate, std::uint64_t num_keys, std::uint64_t num_segments,
                               const std::int64_t* begins, const std::int64_t* ends, Stream stream) {
  if (num_segments == 0) { return keys; }
  cub::DoubleBuffer<Key> buffer(keys, alternate);
  const auto sort = [&](void* scratch, std::size_t& scratch_bytes) {
    return cub::DeviceSegmentedSort::SortKeys(scratch, scratch_bytes, buffer, static_cast<std::int64_t>(num_keys),
                                              static_cast<std::int64_t>(num_segments), begins, ends, stream);
  };
  std::size_t bytes = 0;
  TM_CUDA_CHECK(sort(nullptr, bytes));
  bytes = bytes == 0 ? 1 : bytes;  // no scratch would be another question for the size, and sort nothing
  if (bytes > sort_scratch_.size()) {
    sort_scratch_ = {};  // frees the old scratch first
    sort_scratch_ = DeviceBuffer<std::byte, CudaDevice>(*this, bytes);
  }
  TM_CUDA_CHECK(sort(sort_scratch_.data(), bytes));
  return buffer.Current();
}

template TailKey<float>* CudaDevice::sort_segments(TailKey<float>*, TailKey<float>*, std::uint64_t, std::uint64_t,
                                                   const std::int64_t*, const std::int64_t*, Stream);
template TailKey<double>* CudaDevice::sort_segments(TailKey<double>*, TailKey<double>*, std::uint64_t, std::uint64_t,
                                                    const std::int64_t*, const std::int64_t*, Stream);

}  // namespace tailmargin
