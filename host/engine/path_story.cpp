#include "host/engine/path_story.hpp"

namespace tailmargin {

PathTeller::PathTeller(const PreparedRun& run)
    : tables_(run, [](const auto& values) { return values; }), simulate_(tables_.payload()) {}

void PathTeller::observe(std::uint64_t path, float* out) const {
  std::vector<float> scratch(scratch_rows(simulate_));
  simulate_lanes<1>(simulate_, path, scratch.data(), 1, out, 1, nullptr);
}

void ObservedPaths::read(std::uint64_t path, float* out) const {
  if (kept_.empty()) {
    teller_.observe(path, out);
    return;
  }
  const std::uint64_t width = kept_.tile_width;
  const float* from = kept_.values.data() + path / width * width * num_rows() + path % width;
  for (std::uint32_t row = 0; row < num_rows(); ++row) { out[row] = from[row * width]; }
}

PathStory PathTeller::tell(std::uint64_t path) const {
  const SimulatePayload& in = simulate_;
  PathStory story;
  StepChoices<1> chain, counts;
  std::uint32_t regime = 0, jumps = 0, before = 0;
  float score = 0.0f;
  std::vector<float> scales(in.num_classes);
  for (std::uint32_t step = 0; step < in.num_steps; ++step) {
    advance_regimes<1>(in, path, step, chain, &regime);
    story.regimes.push_back(regime);
    if (in.num_classes != 0 && step % in.steps_per_mixing == 0) {
      draw_scales<1>(in, path, step / in.steps_per_mixing, &score, scales.data(), 1);
      story.shock_scales.insert(story.shock_scales.end(), scales.begin(), scales.end());
    }
    if (in.num_processes == 0) { continue; }
    count_jumps<1>(in, path, step, &regime, counts, &jumps);
    for (std::uint32_t n = 0; n < jumps; ++n) {
      const JumpChoice jump = choose_jump(in, path, regime, {step, n, before});
      story.jumps.push_back({jump.process, step + 1, jump_size(in.processes[jump.process], jump.size_word)});
    }
    before += jumps;
  }
  return story;
}

}  // namespace tailmargin
