// A case as a peer reads it: sizes and raw arrays in a folder. README.md says what each array holds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace tailmargin::peers {

class CaseFolder {
 public:
  explicit CaseFolder(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::ifstream file(folder_ / "case.txt");
    std::string name;
    for (double value = 0.0; file >> name >> value;) { sizes_[name] = value; }
    if (sizes_.empty()) {
      throw std::runtime_error("there is no case in " + folder_.string() + ". Run bench/peers/run.");
    }
  }

  std::size_t size(const std::string& name) const {
    const auto found = sizes_.find(name);
    if (found == sizes_.end()) { throw std::runtime_error("case.txt does not say how many " + name); }
    return static_cast<std::size_t>(found->second);
  }

  /// The array in a file, which must hold `count` items.
  template <class T>
  std::vector<T> array(const std::string& name, std::size_t count) const {
    std::ifstream file(folder_ / name, std::ios::binary | std::ios::ate);
    if (!file || static_cast<std::size_t>(file.tellg()) != count * sizeof(T)) {
      throw std::runtime_error(name + " does not hold " + std::to_string(count) + " items");
    }
    std::vector<T> out(count);
    file.seekg(0);
    file.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(count * sizeof(T)));
    return out;
  }

 private:
  std::filesystem::path folder_;
  std::map<std::string, double> sizes_;
};

/// One option, and which market rows it reads on a path.
struct Option {
  std::uint32_t column, return_row, growth_row, smile;
  bool inverse;  ///< value in coin, over the forward of the path; else over the forward now
  double sign;   ///< +1 call, -1 put
  double strike, forward_now;
  double size_usd;   ///< of one contract
  double value_now;  ///< over the forward
  double residual;   ///< total vol less the smile's, over the smile's level
};

/// Everything but the simulation, on which every peer computes the same.
struct Case {
  explicit Case(const CaseFolder& in)
      : paths(in.size("paths")),
        accounts(in.size("accounts")),
        columns(in.size("columns")),
        tail(in.size("tail_paths")),
        log_return(in.array<float>("log_return.f32", in.size("returns") * paths)),
        growth(in.array<float>("growth.f32", in.size("growths") * paths)),
        smiles(in.array<float>("smiles.f32", in.size("smiles") * 3 * paths)),
        product_column(in.array<std::uint32_t>("product_column.u32", in.size("products"))),
        products(in.array<float>("products.f32", in.size("products") * paths)),
        offsets(in.array<std::uint32_t>("offsets.u32", accounts + 1)),
        position_column(in.array<std::uint32_t>("position_column.u32", in.size("positions"))),
        quantity(in.array<float>("quantity.f32", in.size("positions"))),
        es(in.array<double>("es.f64", accounts)) {
    const std::size_t count = in.size("options");
    const auto u32 = [&](const char* name) { return in.array<std::uint32_t>(std::string("option_") + name, count); };
    const auto f64 = [&](const char* name) { return in.array<double>(std::string("option_") + name, count); };
    const auto column = u32("column.u32"), row = u32("return.u32"), grown = u32("growth.u32"), smile = u32("smile.u32"),
               inverse = u32("inverse.u32");
    const auto sign = f64("sign.f64"), strike = f64("strike.f64"), forward = f64("forward_now.f64"),
               size = f64("size_usd.f64"), value = f64("value_now.f64"), residual = f64("residual.f64");
    for (std::size_t i = 0; i < count; ++i) {
      options.push_back({column[i], row[i], grown[i], smile[i], inverse[i] != 0, sign[i], strike[i], forward[i],
                         size[i], value[i], residual[i]});
    }
  }

  std::size_t paths, accounts, columns, tail;
  std::vector<Option> options;
  std::vector<float> log_return, growth;  ///< [row][path]
  std::vector<float> smiles;              ///< [smile][level, phi, rho][path]
  std::vector<std::uint32_t> product_column;
  std::vector<float> products;  ///< [product][path] P&L of one contract
  std::vector<std::uint32_t> offsets, position_column;
  std::vector<float> quantity;
  std::vector<double> es;  ///< [account] Tailmargin's answer
};

}  // namespace tailmargin::peers
