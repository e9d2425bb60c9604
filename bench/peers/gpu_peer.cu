// The work of a case with the CUDA libraries a user would reach for: normals from cuRAND's host API, P&L by cuSPARSE
// SpMM, tails by CUB's segmented sort. Only what no library has is a kernel here: steps of the factors, revaluation
// and the mean of a sorted tail.
//
//   peer_gpu CASE [REPEATS [ACCOUNTS_AT_A_TIME]]
#include <cstdlib>
#include <exception>

#include <cuda_runtime.h>
#include <curand.h>
#include <cusparse.h>
#include <cub/device/device_segmented_sort.cuh>

#include "bench/peers/read_case.hpp"
#include "bench/peers/report.hpp"

namespace tailmargin::peers {
namespace {

void require(bool good, const std::string& what) {
  if (!good) { throw std::runtime_error(what); }
}
void check(cudaError_t error) { require(error == cudaSuccess, cudaGetErrorString(error)); }
void check(curandStatus_t status) { require(status == CURAND_STATUS_SUCCESS, "cuRAND: " + std::to_string(status)); }
void check(cusparseStatus_t status) { require(status == CUSPARSE_STATUS_SUCCESS, cusparseGetErrorString(status)); }

template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count) { check(cudaMalloc(&data_, std::max<std::size_t>(count, 1) * sizeof(T))); }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    check(cudaMemcpy(data_, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  }
  DeviceArray(DeviceArray&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
  DeviceArray(const DeviceArray&) = delete;  // one owner
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray() { cudaFree(data_); }
  T* get() const { return data_; }
  std::vector<T> to_host(std::size_t count) const {
    std::vector<T> out(count);
    check(cudaMemcpy(out.data(), data_, count * sizeof(T), cudaMemcpyDeviceToHost));
    return out;
  }

 private:
  T* data_ = nullptr;
};

/// Seconds on the device of what is launched in `work`.
class DeviceTimer {
 public:
  DeviceTimer() {
    check(cudaEventCreate(&start_));
    check(cudaEventCreate(&stop_));
  }
  DeviceTimer(const DeviceTimer&) = delete;  // owns its events
  DeviceTimer& operator=(const DeviceTimer&) = delete;
  ~DeviceTimer() {
    cudaEventDestroy(start_);
    cudaEventDestroy(stop_);
  }
  template <class Work>
  double seconds(Work&& work) {
    check(cudaEventRecord(start_));
    work();
    check(cudaGetLastError());
    check(cudaEventRecord(stop_));
    check(cudaEventSynchronize(stop_));
    float milliseconds = 0.0f;
    check(cudaEventElapsedTime(&milliseconds, start_, stop_));
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  cudaEvent_t start_{}, stop_{};
};

constexpr unsigned threads = 256;

unsigned blocks_of(std::size_t count) { return static_cast<unsigned>((count + threads - 1) / threads); }

__device__ unsigned path_of_thread() { return blockIdx.x * blockDim.x + threadIdx.x; }

/// @param bounds   [regime from][regime] cumulative probabilities; the first step has one row of them
/// @param uniform  [path] of this step
__global__ void advance_regimes(const float* bounds, bool first, unsigned regimes, const float* uniform, unsigned paths,
                                unsigned* regime) {
  const unsigned p = path_of_thread();
  if (p >= paths) { return; }
  const float* row = bounds + (first ? 0 : regime[p] * regimes);
  unsigned next = 0;
  while (next + 1 < regimes && uniform[p] > row[next]) { ++next; }
  regime[p] = next;
}

struct StepTables {
  const float* loading;  ///< [regime][factor][draw]
  const float* drift;    ///< [regime][factor]
  unsigned factors, draws;
};

/// One factor (blockIdx.y) of one path: x += drift + loading times normals, those of the path's regime.
__global__ void step_factor(StepTables tables, const unsigned* regime, const float* normal, unsigned paths, float* x) {
  const unsigned p = path_of_thread(), f = blockIdx.y;
  if (p >= paths) { return; }
  const unsigned row = regime[p] * tables.factors + f;
  const float* loading = tables.loading + std::size_t{row} * tables.draws;
  float sum = tables.drift[row];
  for (unsigned j = 0; j < tables.draws; ++j) { sum += loading[j] * normal[std::size_t{j} * paths + p]; }
  x[std::size_t{f} * paths + p] += sum;
}

struct MarketRows {
  const float *log_return, *growth, *smiles;
};

/// One option (blockIdx.y) on one path.
__global__ void revalue_option(const Option* options, MarketRows rows, unsigned paths, float* cube) {
  const unsigned p = path_of_thread();
  if (p >= paths) { return; }
  const Option option = options[blockIdx.y];
  const float grown = expf(rows.log_return[std::size_t{option.return_row} * paths + p]);
  const float* smile = rows.smiles + std::size_t{option.smile} * 3 * paths + p;
  const float level = smile[0], phi = smile[paths], rho = smile[2 * std::size_t{paths}];
  const float sign = static_cast<float>(option.sign);
  const float moneyness = static_cast<float>(option.strike / option.forward_now) / grown;
  const float k = logf(moneyness), y = phi * k;
  const float shape = sqrtf(1.0f + rho * y + sqrtf((y + rho) * (y + rho) + 1.0f - rho * rho));
  const float total_vol = fmaxf(level * (shape + static_cast<float>(option.residual)), 1e-4f);
  const float d1 = 0.5f * total_vol - k / total_vol;
  const float value = sign * (normcdff(sign * d1) - moneyness * normcdff(sign * (d1 - total_vol)));
  const float size = static_cast<float>(option.size_usd) * rows.growth[std::size_t{option.growth_row} * paths + p];
  cube[std::size_t{option.column} * paths + p] =
      size * (value * (option.inverse ? 1.0f : grown) - static_cast<float>(option.value_now));
}

/// Mean of the first `tail` losses of each sorted row, one block a row.
__global__ void mean_of_tail(const float* sorted, unsigned paths, unsigned tail, double* es) {
  __shared__ double sums[threads];
  double sum = 0.0;
  for (unsigned i = threadIdx.x; i < tail; i += threads) {
    sum += static_cast<double>(sorted[std::size_t{blockIdx.x} * paths + i]);
  }
  sums[threadIdx.x] = sum;
  for (unsigned half = threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) { sums[threadIdx.x] += sums[threadIdx.x + half]; }
  }
  if (threadIdx.x == 0) { es[blockIdx.x] = sums[0] / tail; }
}

/// Paths of plain regimes: x[factor][path] at the horizon.
class Simulation {
 public:
  explicit Simulation(const CaseFolder& in)
      : paths_(in.size("paths")),
        steps_(in.size("steps")),
        regimes_(in.size("regimes")),
        factors_(in.size("factors")),
        draws_(in.size("draws")),
        start_(cumulated(in.array<double>("start.f64", regimes_), regimes_)),
        transition_(cumulated(in.array<double>("transition.f64", regimes_ * regimes_), regimes_)),
        loading_(in.array<float>("loading.f32", regimes_ * factors_ * draws_)),
        drift_(in.array<float>("drift.f32", regimes_ * factors_)),
        normals_(draws_ * paths_ + 1),
        uniforms_(paths_),
        x_(factors_ * paths_),
        regime_(paths_) {
    check(curandCreateGenerator(&generator_, CURAND_RNG_PSEUDO_PHILOX4_32_10));
    check(curandSetPseudoRandomGeneratorSeed(generator_, 1));
  }
  Simulation(const Simulation&) = delete;  // owns its generator
  Simulation& operator=(const Simulation&) = delete;
  ~Simulation() { curandDestroyGenerator(generator_); }

  double work() const { return static_cast<double>(paths_ * steps_ * factors_); }

  void run() {
    check(cudaMemsetAsync(x_.get(), 0, factors_ * paths_ * sizeof(float)));
    const auto paths = static_cast<unsigned>(paths_), factors = static_cast<unsigned>(factors_);
    const StepTables tables = {loading_.get(), drift_.get(), factors, static_cast<unsigned>(draws_)};
    for (std::size_t step = 0; step < steps_; ++step) {
      check(curandGenerateUniform(generator_, uniforms_.get(), paths_));
      // An even number: cuRAND makes normals in pairs.
      check(curandGenerateNormal(generator_, normals_.get(), (draws_ * paths_ + 1) / 2 * 2, 0.0f, 1.0f));
      advance_regimes<<<blocks_of(paths_), threads>>>((step == 0 ? start_ : transition_).get(), step == 0,
                                                      static_cast<unsigned>(regimes_), uniforms_.get(), paths,
                                                      regime_.get());
      step_factor<<<dim3(blocks_of(paths_), factors), threads>>>(tables, regime_.get(), normals_.get(), paths,
                                                                 x_.get());
    }
  }

  /// Largest difference of a factor's standard deviation at the horizon from Tailmargin's, relative.
  double difference(const CaseFolder& in) const {
    const std::size_t rows = in.size("horizon_factors");
    const std::vector<std::uint32_t> factor = in.array<std::uint32_t>("horizon_factor.u32", rows);
    const std::vector<float> ours = in.array<float>("horizon.f32", rows * paths_);
    const std::vector<float> theirs = x_.to_host(factors_ * paths_);
    double largest = 0.0;
    for (std::size_t i = 0; i < rows; ++i) {
      const double a = deviation(ours.data() + i * paths_), b = deviation(theirs.data() + factor[i] * paths_);
      largest = std::max(largest, std::fabs(b / a - 1.0));
    }
    return largest;
  }

 private:
  static std::vector<float> cumulated(const std::vector<double>& probabilities, std::size_t regimes) {
    std::vector<float> out;
    double sum = 0.0;
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
      sum = (i % regimes == 0 ? 0.0 : sum) + probabilities[i];
      out.push_back(static_cast<float>(sum));
    }
    return out;
  }

  double deviation(const float* row) const {
    double sum = 0.0, squares = 0.0;
    for (std::size_t p = 0; p < paths_; ++p) {
      sum += double(row[p]);
      squares += double(row[p]) * double(row[p]);
    }
    const double mean = sum / static_cast<double>(paths_);
    return std::sqrt(squares / static_cast<double>(paths_) - mean * mean);
  }

  std::size_t paths_, steps_, regimes_, factors_, draws_;
  DeviceArray<float> start_, transition_, loading_, drift_, normals_, uniforms_, x_;
  DeviceArray<unsigned> regime_;
  curandGenerator_t generator_{};
};

/// Losses of a chunk of accounts by cuSPARSE, sorted by CUB. Accounts times paths is stored, so accounts go through in
/// chunks that fit the device.
class Tails {
 public:
  Tails(const Case& in, const float* cube, std::size_t accounts_at_a_time)
      : in_(in),
        chunk_(std::min(in.accounts, accounts_at_a_time)),
        columns_(std::vector<int>(in.position_column.begin(), in.position_column.end())),
        quantity_(in.quantity),
        losses_(chunk_ * in.paths),
        sorted_(chunk_ * in.paths),
        segments_(segment_offsets()),
        es_(in.accounts) {
    check(cusparseCreate(&sparse_));
    const auto paths = static_cast<std::int64_t>(in.paths), columns = static_cast<std::int64_t>(in.columns);
    check(cusparseCreateDnMat(&cube_, columns, paths, paths, const_cast<float*>(cube), CUDA_R_32F, CUSPARSE_ORDER_ROW));
    for (std::size_t first = 0; first < in.accounts; first += chunk_) { add_chunk(first); }
    check(cub::DeviceSegmentedSort::SortKeysDescending(
        nullptr, sort_bytes_, losses_.get(), sorted_.get(), static_cast<std::int64_t>(chunk_ * in.paths),
        static_cast<std::int64_t>(chunk_), segments_.get(), segments_.get() + 1));
    sort_space_.emplace_back(sort_bytes_);
  }
  Tails(const Tails&) = delete;  // owns its descriptors
  Tails& operator=(const Tails&) = delete;
  ~Tails() {
    for (Chunk& chunk : chunks_) {
      cusparseDestroySpMat(chunk.positions);
      cusparseDestroyDnMat(chunk.losses);
    }
    cusparseDestroyDnMat(cube_);
    cusparseDestroy(sparse_);
  }

  std::size_t num_chunks() const { return chunks_.size(); }

  void multiply(std::size_t chunk) {
    check(cusparseSpMM(sparse_, CUSPARSE_OPERATION_NON_TRANSPOSE, CUSPARSE_OPERATION_NON_TRANSPOSE, &minus_one,
                       chunks_[chunk].positions, cube_, &zero, chunks_[chunk].losses, CUDA_R_32F, algorithm,
                       chunks_[chunk].space.get()));
  }

  void sort(std::size_t chunk) {
    const Chunk& c = chunks_[chunk];
    check(cub::DeviceSegmentedSort::SortKeysDescending(
        sort_space_[0].get(), sort_bytes_, losses_.get(), sorted_.get(), static_cast<std::int64_t>(c.count * in_.paths),
        static_cast<std::int64_t>(c.count), segments_.get(), segments_.get() + 1));
    mean_of_tail<<<static_cast<unsigned>(c.count), threads>>>(sorted_.get(), static_cast<unsigned>(in_.paths),
                                                              static_cast<unsigned>(in_.tail), es_.get() + c.first);
  }

  std::vector<double> es() const { return es_.to_host(in_.accounts); }

 private:
  struct Chunk {
    std::size_t first, count;
    DeviceArray<int> offsets;
    DeviceArray<char> space;
    cusparseSpMatDescr_t positions;
    cusparseDnMatDescr_t losses;
  };

  static constexpr cusparseSpMMAlg_t algorithm = CUSPARSE_SPMM_CSR_ALG2;  // the one for row-major dense matrices
  static constexpr float minus_one = -1.0f, zero = 0.0f;

  std::vector<std::int64_t> segment_offsets() const {
    std::vector<std::int64_t> out;
    for (std::size_t a = 0; a <= chunk_; ++a) { out.push_back(static_cast<std::int64_t>(a * in_.paths)); }
    return out;
  }

  void add_chunk(std::size_t first) {
    const std::size_t count = std::min(chunk_, in_.accounts - first);
    const std::uint32_t start = in_.offsets[first];
    std::vector<int> offsets;
    for (std::size_t a = first; a <= first + count; ++a) {
      offsets.push_back(static_cast<int>(in_.offsets[a] - start));
    }
    DeviceArray<int> on_device(offsets);
    cusparseSpMatDescr_t positions{};
    cusparseDnMatDescr_t losses{};
    const auto rows = static_cast<std::int64_t>(count), paths = static_cast<std::int64_t>(in_.paths);
    check(cusparseCreateCsr(&positions, rows, static_cast<std::int64_t>(in_.columns), offsets.back(), on_device.get(),
                            columns_.get() + start, quantity_.get() + start, CUSPARSE_INDEX_32I, CUSPARSE_INDEX_32I,
                            CUSPARSE_INDEX_BASE_ZERO, CUDA_R_32F));
    check(cusparseCreateDnMat(&losses, rows, paths, paths, losses_.get(), CUDA_R_32F, CUSPARSE_ORDER_ROW));
    std::size_t bytes = 0;
    check(cusparseSpMM_bufferSize(sparse_, CUSPARSE_OPERATION_NON_TRANSPOSE, CUSPARSE_OPERATION_NON_TRANSPOSE,
                                  &minus_one, positions, cube_, &zero, losses, CUDA_R_32F, algorithm, &bytes));
    DeviceArray<char> space(bytes);
    check(cusparseSpMM_preprocess(sparse_, CUSPARSE_OPERATION_NON_TRANSPOSE, CUSPARSE_OPERATION_NON_TRANSPOSE,
                                  &minus_one, positions, cube_, &zero, losses, CUDA_R_32F, algorithm, space.get()));
    chunks_.push_back({first, count, std::move(on_device), std::move(space), positions, losses});
  }

  const Case& in_;
  std::size_t chunk_;
  DeviceArray<int> columns_;
  DeviceArray<float> quantity_, losses_, sorted_;
  DeviceArray<std::int64_t> segments_;
  DeviceArray<double> es_;
  std::size_t sort_bytes_ = 0;
  std::vector<DeviceArray<char>> sort_space_;  // one, made when its size is known
  cusparseHandle_t sparse_{};
  cusparseDnMatDescr_t cube_{};
  std::vector<Chunk> chunks_;
};

/// How many accounts' losses fit: two arrays and the sort's own copy, in four fifths of what is free.
std::size_t accounts_that_fit(std::size_t paths) {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total));
  return std::max<std::size_t>(1, free / 5 * 4 / (paths * sizeof(float) * 3));
}

/// Why no kernel can run here; empty if one can.
std::string unavailable() {
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error != cudaSuccess) { return cudaGetErrorString(error); }
  return devices == 0 ? "there is no device" : "";
}

std::string library_versions() {
  int curand = 0, sparse_major = 0, sparse_minor = 0;
  check(curandGetVersion(&curand));
  check(cusparseGetProperty(MAJOR_VERSION, &sparse_major));
  check(cusparseGetProperty(MINOR_VERSION, &sparse_minor));
  return "{\"cuRAND\": " + std::to_string(curand) +
         ", \"cuSPARSE\": " + quoted(std::to_string(sparse_major) + "." + std::to_string(sparse_minor)) +
         ", \"CUB\": " + std::to_string(CUB_VERSION) + "}";
}

int run(const std::string& folder, int repeats, std::size_t accounts_at_a_time) {
  const CaseFolder files(folder);
  const Case in(files);
  cudaDeviceProp device{};
  check(cudaGetDeviceProperties(&device, 0));
  const double paths = static_cast<double>(in.paths);
  Simulation simulation(files);
  const DeviceArray<Option> options(in.options);
  const DeviceArray<float> log_return(in.log_return), growth(in.growth), smiles(in.smiles);
  DeviceArray<float> cube(in.columns * in.paths);
  check(cudaMemset(cube.get(), 0, in.columns * in.paths * sizeof(float)));
  for (std::size_t i = 0; i < in.product_column.size(); ++i) {
    check(cudaMemcpy(cube.get() + in.product_column[i] * in.paths, in.products.data() + i * in.paths,
                     in.paths * sizeof(float), cudaMemcpyHostToDevice));
  }
  Tails tails(in, cube.get(), accounts_at_a_time != 0 ? accounts_at_a_time : accounts_that_fit(in.paths));

  std::vector<Stage> stages = {{"simulate", {}, simulation.work(), "factor-steps"},
                               {"revalue", {}, paths * static_cast<double>(in.options.size()), "option values"},
                               {"pnl", {}, paths * static_cast<double>(in.quantity.size()), "position-paths"},
                               {"tail", {}, paths * static_cast<double>(in.accounts), "losses"}};
  DeviceTimer timer;
  const dim3 option_blocks(blocks_of(in.paths), static_cast<unsigned>(in.options.size()));
  const MarketRows rows = {log_return.get(), growth.get(), smiles.get()};
  for (int repeat = 0; repeat <= repeats; ++repeat) {  // the first warms up
    double seconds[4] = {};
    seconds[0] = timer.seconds([&] { simulation.run(); });
    seconds[1] = timer.seconds([&] {
      revalue_option<<<option_blocks, threads>>>(options.get(), rows, static_cast<unsigned>(in.paths), cube.get());
    });
    for (std::size_t chunk = 0; chunk < tails.num_chunks(); ++chunk) {
      seconds[2] += timer.seconds([&] { tails.multiply(chunk); });
      seconds[3] += timer.seconds([&] { tails.sort(chunk); });
    }
    for (int s = 0; s < 4 && repeat > 0; ++s) { stages[static_cast<std::size_t>(s)].seconds.push_back(seconds[s]); }
  }

  // Seven standard errors of a deviation of a law with kurtosis 8, two samples.
  const double simulation_tolerance = 7.0 * std::sqrt(2.0 * (8.0 - 1.0) / (4.0 * paths));
  const double simulated = simulation.difference(files);
  const Check answer = check_es(tails.es(), in.es);
  const bool passed = answer.passed() && simulated <= simulation_tolerance;
  std::printf(
      "{\"peer\": \"gpu\", \"versions\": %s, \"device\": %s, \"chunks\": %zu,\n \"stages\": %s,\n \"check\": %s,\n"
      " \"simulation_check\": {\"largest_relative_deviation_difference\": %s, \"tolerance\": %s, \"passed\": %s}}\n",
      library_versions().c_str(), quoted(device.name).c_str(), tails.num_chunks(), stages_json(stages).c_str(),
      answer.json.c_str(), number(simulated).c_str(), number(simulation_tolerance).c_str(),
      simulated <= simulation_tolerance ? "true" : "false");
  return passed ? 0 : 1;
}

}  // namespace
}  // namespace tailmargin::peers

int main(int argc, char** argv) {
  using namespace tailmargin::peers;
  if (argc < 2 || argc > 4) {
    std::fprintf(stderr, "usage: peer_gpu CASE [REPEATS [ACCOUNTS_AT_A_TIME]]\n");
    return 2;
  }
  const std::string reason = unavailable();
  if (!reason.empty()) {
    std::printf("{\"peer\": \"gpu\", \"skipped\": %s}\n", quoted(reason).c_str());
    return exit_skipped;
  }
  try {
    return run(argv[1], argc > 2 ? std::max(1, std::atoi(argv[2])) : 3,
               argc > 3 ? static_cast<std::size_t>(std::max(0, std::atoi(argv[3]))) : 0);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "peer_gpu: %s\n", error.what());
    return 2;
  }
}
