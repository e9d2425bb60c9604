#include "host/io/collateral_files.hpp"

#include "host/io/pending_file.hpp"
#include "host/io/table_writer.hpp"

namespace tailmargin {

void write_wrong_way(const std::vector<WrongWayFigures>& accounts, const std::filesystem::path& folder) {
  static const TableSpec table{"wrong_way",
                               {{"account", ColumnType::text},
                                {"moving_es_usd", ColumnType::number},
                                {"moving_se_usd", ColumnType::number},
                                {"fixed_es_usd", ColumnType::number},
                                {"fixed_se_usd", ColumnType::number},
                                {"wrong_way_usd", ColumnType::number}}};
  if (accounts.empty()) return;
  create_folder(folder);
  const auto out = create_table(folder, table, FileFormat::csv);
  for (const WrongWayFigures& w : accounts) {
    out->text(w.account);
    for (const double value : {w.moving.es_usd, w.moving.se_usd, w.fixed.es_usd, w.fixed.se_usd, w.wrong_way_usd()}) {
      out->number(value);
    }
  }
  out->commit();
}

}  // namespace tailmargin
