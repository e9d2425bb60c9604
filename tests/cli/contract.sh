#!/usr/bin/env bash
# The command's contract: exit codes, what is written, what is not. Prints each check; fails if one fails.
set -uo pipefail

program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# check NAME EXPECTED ACTUAL
check() {
  if [[ $2 == "$3" ]]; then echo "ok    $1"; else echo "FAIL  $1: expected '$2', got '$3'"; failed=1; fi
}
# exits NAME CODE COMMAND...: runs it, output in $work/out and $work/err
exits() {
  local name=$1 code=$2
  shift 2
  "$@" >"$work/out" 2>"$work/err"
  check "$name" "$code" "$?"
}
files() { (cd "$1" 2>/dev/null && find . -type f | LC_ALL=C sort | tr '\n' ' '); }
says() { if grep -q -- "$2" "$work/err" "$work/out"; then echo "ok    $1"; else echo "FAIL  $1: nobody said '$2'"; cat "$work/err"; failed=1; fi; }

exits "synth" 0 "$program" synth -o "$work/book" --accounts 50 --seed 2
margin=("$program" margin "$work/book" --paths 1000 --progress never)

exits "margin" 0 "${margin[@]}" -o "$work/run"
check "its files" "./exchange.json ./margins.csv ./prepared.bin ./regime_es.csv ./run.json ./terms.csv ./wrong_way.csv " "$(files "$work/run")"
check "a row per account" 51 "$(wc -l <"$work/run/margins.csv")"
check "no not-a-number" 0 "$(grep -ciE ',-?(nan|inf)' "$work/run/margins.csv")"
exits "parquet and tails" 0 "${margin[@]}" -o "$work/run2" --format parquet --keep-tails --json
check "their files" "./exchange.json ./margins.parquet ./prepared.bin ./regime_es.csv ./run.json ./tail_paths.parquet ./terms.csv ./wrong_way.csv " "$(files "$work/run2")"
exits "shortfalls" 0 "${margin[@]}" -o "$work/run5" --insurance-fund 12345 --keep-shortfalls
check "their files" "./exchange.json ./margins.csv ./prepared.bin ./regime_es.csv ./run.json ./shortfalls.bin ./terms.csv ./wrong_way.csv " "$(files "$work/run5")"
says "the fund of the option" "insurance fund of 12,345 gone"
says "haircuts" "haircuts on collateral"
check "in exchange.json too" 1 "$(grep -c '"insurance_fund_usd": 12345.0' "$work/run5/exchange.json")"
exits "a fund that is no number is wrong usage" 2 "${margin[@]}" -o "$work/run5" --insurance-fund nan
exits "without them" 0 "${margin[@]}" -o "$work/run5"
check "its files" "./exchange.json ./margins.csv ./prepared.bin ./regime_es.csv ./run.json ./terms.csv ./wrong_way.csv " "$(files "$work/run5")"
{ cat "$(dirname "$0")/../../examples/models/twenty-coins.toml"; printf '\n[crowding]\nregime = "stress"\n'; } >"$work/crowding.toml"
crowded=("${margin[@]}" -o "$work/run5" --model "$work/crowding.toml")
exits "crowding" 0 "${crowded[@]}" --keep-liquidations
check "its files" "./crowding.csv ./exchange.json ./liquidations.bin ./margins.csv ./prepared.bin ./regime_es.csv ./run.json ./terms.csv ./wrong_way.csv " "$(files "$work/run5")"
check "are in the manifest" 2 "$(grep -cE '"file": "(crowding.csv|liquidations.bin)"' "$work/run5/run.json")"
says "margins with and without" "crowding, USD  *without  *with"
check "the margins are those without it" 0 "$(cmp -s "$work/run5/margins.csv" "$work/run/margins.csv"; echo $?)"
cp "$work/run5/crowding.csv" "$work/run5/liquidations.bin" "$work"
exits "crowding as JSON" 0 "${crowded[@]}" --json
check "its sums are those of the files" "[]" "$(python3 - "$work/out" "$work/run5" <<'PYTHON'
import csv, json, math, sys
said, run = json.load(open(sys.argv[1]))["crowding"], sys.argv[2]
rows, exchange = list(csv.DictReader(open(run + "/crowding.csv"))), json.load(open(run + "/exchange.json"))["crowding"]
wrong = []
for round_, prefix in (("without", ""), ("with", "crowded_")):
    held = exchange[round_]
    expected = {
        "es_usd": sum(float(row[prefix + "es_usd"]) for row in rows),
        "initial_margin_usd": sum(float(row[prefix + "initial_margin_usd"]) for row in rows),
        "expected_uncovered_loss_usd": held["shortfall"]["expected_usd"]["value"],
        "expected_deleveraged_usd": held["deleveraged"] and held["deleveraged"]["expected_usd"]["value"],
        "expected_liquidated_accounts": held["expected_liquidated_accounts"]["value"],
    }
    if said[round_].keys() != expected.keys():
        wrong.append(list(said[round_]))
    wrong += [key for key, value in expected.items()
              if said[round_][key] != value and not math.isclose(said[round_][key], value, rel_tol=1e-12)]
moves = {price["underlying"]: price["worst"]["log_move"] for price in exchange["prices"]}
most = said["largest_move"]
if abs(most["log_move"]) != max(map(abs, moves.values())) or moves[most["underlying"]] != most["log_move"]:
    wrong.append("largest_move")
print(wrong)
PYTHON
)"
exits "prices moved by given liquidations" 0 "${crowded[@]}" --liquidations "$work/liquidations.bin"
check "are moved as by the own ones" 0 "$(cmp -s "$work/run5/crowding.csv" "$work/crowding.csv"; echo $?)"
exits "liquidations of other paths are bad input" 3 "${crowded[@]}" --liquidations "$work/liquidations.bin" --seed 5
check "errors.csv names the file" 1 "$(grep -c "^$work/liquidations.bin,,,,error,\"*these liquidations are not of the same paths" "$work/run5/errors.csv")"
exits "of another model too" 3 "${crowded[@]}" --liquidations "$work/liquidations.bin" --no-terms
says "which it is" "liquidations.bin: these liquidations come from another model"
cp -r "$work/book" "$work/cheaper"
python3 - "$work/cheaper/underlyings.csv" <<'PYTHON'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
next(row for row in rows if row["adv_usd"])["adv_usd"] = "123456789"
with open(sys.argv[1], "w", newline="") as file:
    out = csv.DictWriter(file, rows[0].keys())
    out.writeheader()
    out.writerows(rows)
PYTHON
exits "of a market with another volume too" 3 "$program" margin "$work/cheaper" -o "$work/run5" \
  --paths 1000 --progress never --model "$work/crowding.toml" --liquidations "$work/liquidations.bin"
says "what may be other" "with other marks, quotes or volumes of the market"
cp "$work/liquidations.bin" "$work/again.bin"
exits "so is a part under two names" 3 "${crowded[@]}" --liquidations "$work/liquidations.bin" "$work/again.bin"
says "how often it would count" "again.bin: 50 of its accounts are in a part before"
cp -r "$work/book" "$work/other"
sed -i '2s/^[^,]*/newcomer/' "$work/other/positions.csv"
exits "an account that is in no part is bad input" 3 "$program" margin "$work/other" -o "$work/run5" \
  --paths 1000 --progress never --model "$work/crowding.toml" --liquidations "$work/liquidations.bin"
says "which it is" "account = newcomer: 1 accounts of the book are in none of these parts"
says "that another one changed" "1 accounts of the book hold something else than in these parts"
exits "one of them twice is bad input" 3 "${crowded[@]}" --liquidations "$work/liquidations.bin" "$work/./liquidations.bin"
exits "so are a folder and a file that is none" 3 "${crowded[@]}" --liquidations "$work" "$work/crowding.csv"
check "both are listed" 2 "$(grep -c 'Write it again with --keep-liquidations' "$work/run5/errors.csv")"
exits "any with --no-crowding are wrong usage" 2 "${crowded[@]}" --no-crowding --liquidations "$work/liquidations.bin"
says "what goes against what" "no-crowding leaves out"
exits "so are any without crowding" 2 "${margin[@]}" -o "$work/no" --liquidations "$work/liquidations.bin"
exits "explain of a run with crowding" 0 "$program" explain "$work/run5" --account "$(sed -n 2p "$work/run5/margins.csv" | cut -d, -f1)"
says "what crowding does to it" "crowding (crowding.csv): liquidated with probability"
row=$(sed -n 2p "$work/run5/crowding.csv")
exits "explain it as JSON" 0 "$program" explain "$work/run5" --account "${row%%,*}" --json --paths-shown 0
check "its row of crowding.csv" "$row" "$(python3 -c '
import json, sys
said = json.load(open(sys.argv[1]))
row = dict(zip(sys.argv[2].split(","), sys.argv[3].split(",")))
row.pop("account")
same = list(said["crowding"]) == list(row) and all(float(row[key]) == value for key, value in said["crowding"].items())
print(sys.argv[3] if same else said["crowding"])' "$work/out" "$(head -n 1 "$work/run5/crowding.csv")" "$row")"
cp "$work/run5/crowding.csv" "$work/kept.csv"
sed -i '2s/,0/,1/' "$work/run5/crowding.csv"
exits "an edited crowding.csv is bad input" 3 "$program" explain "$work/run5" --account "${row%%,*}"
cp "$work/kept.csv" "$work/run5/crowding.csv"
exits "without crowding" 0 "${crowded[@]}" --no-crowding
check "its files" "./exchange.json ./margins.csv ./prepared.bin ./regime_es.csv ./run.json ./terms.csv ./wrong_way.csv " "$(files "$work/run5")"
exits "a negative fund is wrong usage" 2 "${margin[@]}" -o "$work/no" --insurance-fund -1
two_venues=("$program" margin "$(dirname "$0")/two-venues" -o "$work/venues" --paths 20000 --progress never)
exits "contributions" 0 "${margin[@]}" -o "$work/run5" --contributions
check "its files" "./contributions.csv ./exchange.json ./margins.csv ./prepared.bin ./regime_es.csv ./run.json ./terms.csv ./wrong_way.csv " "$(files "$work/run5")"
check "are in the manifest" 1 "$(grep -c '"file": "contributions.csv"' "$work/run5/run.json")"
check "the margins are those without it" 0 "$(cmp -s "$work/run5/margins.csv" "$work/run/margins.csv"; echo $?)"
exits "they add up to every expected shortfall" 0 "$(dirname "$0")/../../tools/check-contributions" "$work/run5"
says "of how many accounts" "50 accounts"
largest=$(tail -n +2 "$work/run5/contributions.csv" | cut -d, -f1 | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
exits "explain of an account" 0 "$program" explain "$work/run5" --account "$largest" --json
check "tells its shares with the same bits" same "$(python3 - "$work/out" "$work/run5/contributions.csv" "$largest" <<'PYTHON'
import csv, json, sys
explained = [[h["es_usd"], h["es_se_usd"]] for h in json.load(open(sys.argv[1]))["holdings"]]
rows = [[float(r["es_usd"]), float(r["es_se_usd"])] for r in csv.DictReader(open(sys.argv[2])) if r["account"] == sys.argv[3]]
print("same" if rows and rows == explained else f"{rows} is not {explained}")
PYTHON
)"
awk -F, -v OFS=, 'NR == 2 { $6 += 1 } { print }' "$work/run5/contributions.csv" >"$work/edited.csv"
mv "$work/edited.csv" "$work/run5/contributions.csv"
exits "a share too much is noticed" 1 "$(dirname "$0")/../../tools/check-contributions" "$work/run5"
says "whose" "$(sed -n 2p "$work/run5/contributions.csv" | cut -d, -f1): its rows"
exits "margins in Parquet are not compared" 3 "$(dirname "$0")/../../tools/check-contributions" "$work/run2"
says "what to do" "--contributions and --format csv"
exits "without them" 0 "${margin[@]}" -o "$work/run5"
check "its files" "./exchange.json ./margins.csv ./prepared.bin ./regime_es.csv ./run.json ./terms.csv ./wrong_way.csv " "$(files "$work/run5")"
exits "contributions by the reference are wrong usage" 2 "${margin[@]}" -o "$work/no" --contributions --backend reference
says "what to do instead" "explain one account"
exits "two venues" 0 "${two_venues[@]}"
says "what they do not see" "hedges that no venue sees"
check "their files" "./exchange.json ./margins.csv ./prepared.bin ./run.json ./venue_accounts.csv ./venues.csv " "$(files "$work/venues")"
check "a row per account and venue" 6 "$(wc -l <"$work/venues/venues.csv")"
check "carry has nothing at risk, and margins at both venues" "2 0" "$(grep ^carry, "$work/venues/venue_accounts.csv" | cut -d, -f2,4 | tr , ' ')"
check "its hidden offset is their sum" "$(grep ^carry, "$work/venues/venue_accounts.csv" | cut -d, -f3)" "$(grep ^carry, "$work/venues/venue_accounts.csv" | cut -d, -f5)"
# log(1 - 30,000 / 600,000) is 2.56 standard deviations below: 0.52 % of the paths, give or take four standard errors.
check "the chance that A liquidates what B has the profit of" yes \
  "$(grep ^carry,A, "$work/venues/venues.csv" | awk -F, '{ print ($9 > 0.0031 && $9 < 0.0073 && $9 == $10) ? "yes" : $0 }')"
check "at one venue there is nothing hidden" 0 "$(grep ^one, "$work/venues/venue_accounts.csv" | cut -d, -f5)"
exits "explain one of them" 0 "$program" explain "$work/venues" --account carry
says "what its venues ask for" "venues (venue_accounts.csv): 2 ask for"
exits "two venues on the reference" 0 "${two_venues[@]}" --backend reference --json
check "totals as JSON" 1 "$(grep -c '"hidden_offset_usd"' "$work/out")"
exits "one venue after them" 0 "${margin[@]}" -o "$work/venues"
check "its files" "./exchange.json ./margins.csv ./prepared.bin ./regime_es.csv ./run.json ./terms.csv ./wrong_way.csv " "$(files "$work/venues")"
exits "reference" 0 "${margin[@]}" -o "$work/run3" --backend reference
exits "auto says what it took" 0 "${margin[@]}" -o "$work/run" --backend auto
says "the backend taken" "backend c[pu]"
exits "info" 0 "$program" info
exits "help" 0 "$program" --help
exits "version" 0 "$program" --version

exits "no command is wrong usage" 2 "$program"
exits "unknown option is wrong usage" 2 "${margin[@]}" -o "$work/no" --pathz 3
exits "unknown backend is wrong usage" 2 "${margin[@]}" -o "$work/no" --backend gpu
exits "unknown sampler is wrong usage" 2 "${margin[@]}" -o "$work/no" --sampler halton
for sampler in plain stratified sobol; do
  exits "sampler $sampler" 0 "${margin[@]}" -o "$work/run4" --sampler $sampler
  check "run.json names it" 1 "$(grep -c "\"sampler\": \"$sampler\"" "$work/run4/run.json")"
done
exits "too few paths is wrong usage" 2 "$program" margin "$work/book" -o "$work/no" --progress never --paths 99
says "how many are needed" "at least 100 paths"
for bad in 0 -5 010000 0x100 1e5 100,000 99999999999; do
  exits "--paths $bad is wrong usage" 2 "$program" margin "$work/book" -o "$work/no" --paths "$bad"
  says "what --paths takes" "not a whole number from 1 to"
done
exits "--seed -1 is wrong usage" 2 "${margin[@]}" -o "$work/no" --seed -1
exits "an unknown command is wrong usage" 2 "$program" margn "$work/book"
says "the commands there are" "Commands: margin, whatif"
exits "synth over a book is wrong usage" 2 "$program" synth -o "$work/book" --accounts 5
exits "synth over a book by force" 0 "$program" synth -o "$work/forced" --accounts 5 --force
exits "odd tile is wrong usage" 2 "${margin[@]}" -o "$work/no" --tile 63
check "wrong usage writes nothing" "" "$(files "$work/no")"

if "$program" info | grep -q 'cuda *not available'; then
  exits "no device" 4 "${margin[@]}" -o "$work/no" --backend cuda
  says "the cure" "--backend cpu"
  check "an unavailable backend writes nothing" "" "$(files "$work/no")"
else
  echo "skip  no device: there is one"
fi

cp -r "$work/book" "$work/bad"
sed -i '3s/,[^,]*,/,NO-SUCH-COIN,/' "$work/bad/positions.csv"
sed -i '4s/^\([^,]*,[^,]*\),[^,]*/\1,nan/' "$work/bad/positions.csv"
exits "bad input" 3 "$program" margin "$work/bad" -o "$work/rejected" --progress never
check "bad input writes errors.csv alone" "./errors.csv " "$(files "$work/rejected")"
says "the first problem" "positions.csv row 2, instrument = NO-SUCH-COIN"
says "the second problem" "positions.csv row 3, quantity = nan"
check "errors.csv lists both" 3 "$(wc -l <"$work/rejected/errors.csv")"
exits "no such book" 3 "$program" margin "$work/nowhere" -o "$work/rejected" --progress never
echo 'format = 2' >"$work/model.toml"
exits "bad model" 3 "${margin[@]}" -o "$work/rejected" --model "$work/model.toml"

# What-ifs of an account that the book has, against its row of the margins file.
account=$(sed -n 2p "$work/book/positions.csv" | cut -d, -f1)
instrument=$(sed -n 2p "$work/book/positions.csv" | cut -d, -f2)
whatif=("$program" whatif "$work/book" --paths 1000 --progress never)
exits "whatif" 0 "${whatif[@]}" --account "$account" --trade "$instrument:1.5" --trade "$instrument:-0.5"
says "what was traded" "buys 1.5 $instrument at mark"
says "before and after" "initial margin"
exits "whatif as JSON" 0 "${whatif[@]}" --account "$account" --trade "$instrument:+1" --hedge "$instrument" --json
check "its keys" "account model backend device paths seed trades before after change hedges notes stage_seconds answer_seconds hedge_seconds total_seconds" \
  "$(grep -oE '^  "[a-z_]+"' "$work/out" | tr -d ' "' | paste -sd ' ')"
check "nothing but JSON on standard output" "{" "$(head -n 1 "$work/out")"
row=$(grep "^$account," "$work/run/margins.csv")
column() { head -n 1 "$work/run/margins.csv" | tr , '\n' | grep -nx "$1" | cut -d: -f1; }
for name in es_usd es_se_usd var_usd initial_margin_usd equity_usd; do
  check "before is the margins file's $name" "$(cut -d, -f"$(column "$name")" <<<"$row")" \
    "$(sed -n '/"before"/,/}/p' "$work/out" | grep -oE "\"$name\": [^,]*" | cut -d' ' -f2 | sed 's/\.0$//')"
done
exits "whatif on the reference backend" 0 "$program" whatif "$work/book" --progress never --paths 200 --account "$account" --trade "$instrument:1" --backend reference
says "that it simulates again" "simulates again"
exits "whatif with nothing asked is wrong usage" 2 "${whatif[@]}" --account "$account"
says "what can be asked" "--trade INSTRUMENT:QTY"
exits "whatif without an account is wrong usage" 2 "${whatif[@]}" --trade "$instrument:1"
for bad in "$instrument" "$instrument:" "$instrument:x" "$instrument:1x" "$instrument:nan" "$instrument:1e999" ":1"; do
  exits "--trade $bad is wrong usage" 2 "${whatif[@]}" --account "$account" --trade "$bad"
  says "which trade" "--trade $bad"
done
exits "a trade of nothing is wrong usage" 2 "${whatif[@]}" --account "$account" --trade "$instrument:0"
says "why" "quantity zero"
exits "unknown names are bad input" 3 "${whatif[@]}" --account "${account}x" --trade "${instrument}x:1" --hedge NO-SUCH-COIN
says "the account" "the book has no such account. Did you mean .*$account"
says "the instrument" "the book has no such instrument. Did you mean .*$instrument"
says "the hedge" "--hedge, instrument = NO-SUCH-COIN"
exits "an account too large is bad input" 3 "${whatif[@]}" --account "$account" --trade "$instrument:1e18"
exits "whatif of a bad book" 3 "$program" whatif "$work/bad" --account "$account" --trade "$instrument:1"
if "$program" info | grep -q 'cuda *not available'; then
  exits "whatif without a device" 4 "${whatif[@]}" --account "$account" --trade "$instrument:1" --backend cuda
fi

# Explanations of accounts of the run above, from its folder alone.
exits "explain" 0 "$program" explain "$work/run" --account "$account" --progress never
says "that the run is met" "every figure of the account in margins.csv has the same bits"
says "terms of the margin" "= initial margin"
says "balances" "= balances"
says "shares" "= expected shortfall"
says "greeks" "gamma 1 %"
says "paths in words" "^  1. path [0-9]* loses"
exits "explain as JSON" 0 "$program" explain "$work/run" --account "$account" --json --paths-shown 2
check "its keys" "account run book same_bits_as_run model backend device paths seed sampler margin initial_margin_terms maintenance_margin_terms collateral underlyings holdings greeks worst_paths read_times rounding_usd tail_paths tail_paths_worth tail_mean notes stage_seconds total_seconds" \
  "$(grep -oE '^  "[a-z_]+"' "$work/out" | tr -d ' "' | paste -sd ' ')"
check "two paths" 2 "$(grep -c '"read_hours"' "$work/out")"
for name in es_usd es_se_usd var_usd initial_margin_usd equity_usd; do
  check "its margin is the margins file's $name" "$(cut -d, -f"$(column "$name")" <<<"$row")" \
    "$(sed -n '/"margin"/,/}/p' "$work/out" | grep -oE "\"$name\": [^,]*" | cut -d' ' -f2 | sed 's/\.0$//')"
done
exits "shares of all holdings" 0 "$program" explain "$work/run" --account "$account" --holdings-shown 0 --paths-shown 0
exits "paths by their part of the ES" 0 "$program" explain "$work/run" --account "$account" --paths-by part
exits "an order there is not is wrong usage" 2 "$program" explain "$work/run" --account "$account" --paths-by name
exits "explain a Parquet run" 0 "$program" explain "$work/run2" --account "$account"
says "its margins file" "margins.parquet has the same bits"
exits "margin without the model's terms" 0 "${margin[@]}" -o "$work/run7" --no-terms
exits "explain it without them" 0 "$program" explain "$work/run7" --account "$account"
{ cat "$(dirname "$0")/../../examples/models/small.toml"; printf '\n[closing]\nparticipation = 1e-9\nhours = [36, 48]\n'; } >"$work/closing.toml"
exits "margin with closing times" 0 "${margin[@]}" -o "$work/run8" --model "$work/closing.toml"
says "what does not close in time" "are larger than what closes by the last time, 48 h"
check "run.json has them" 1 "$(grep -c '"closing": {' "$work/run8/run.json")"
exits "explain it" 0 "$program" explain "$work/run8" --account "$account" --holdings-shown 0
says "what closes when" "closes .* at 24 h, .* at 36 h, .* at 48 h"
exits "whatif with closing times" 0 "${whatif[@]}" --account "$account" --trade "$instrument:1" --model "$work/closing.toml"
exits "model show with closing times" 0 "$program" model show "$work/closing.toml"
says "when positions close" "what does not fit the horizon by 36 48 h"
exits "explain a run of the reference" 0 "$program" explain "$work/run3" --account "$account"
says "its backend" "backend reference"
for sampler in stratified sobol; do
  exits "margin with $sampler" 0 "${margin[@]}" -o "$work/run5" --sampler $sampler --control-variate
  exits "explain with $sampler" 0 "$program" explain "$work/run5" --account "$account"
  says "the sampler" "sampler $sampler"
  says "what the control variate is" "the margin takes the plain ES"
done
exits "margin of a book given from there" 0 env -C "$work" "$program" margin book -o run6 --model "$(realpath "$(dirname "$0")")/../../examples/models/three-regimes.toml" --paths 1000 --progress never
exits "explain it from elsewhere" 0 "$program" explain "$work/run6" --account "$account"
cp -r "$work/book" "$work/elsewhere"
exits "explain with another book folder" 0 "$program" explain "$work/run" --account "$account" --book "$work/elsewhere"
says "the folder" "computed again from $work/elsewhere"
sed -i '2s/$/ /' "$work/elsewhere/positions.csv"
exits "a book that changed is bad input" 3 "$program" explain "$work/run" --account "$account" --book "$work/elsewhere"
says "which file" "error: $work/elsewhere/positions.csv, sha256 = $(sha256sum "$work/elsewhere/positions.csv" | cut -c1-64): the file changed since the run"
says "what the run read" "the run read $(sha256sum "$work/book/positions.csv" | cut -c1-64)"
exits "a book that is gone is bad input" 3 "$program" explain "$work/run" --account "$account" --book "$work/nowhere"
says "the cure" "--book"
cp -r "$work/run" "$work/edited"
sed -i 's/"seed": 1,/"seed": 2,/' "$work/edited/run.json"
exits "an edited seed is bad input" 3 "$program" explain "$work/edited" --account "$account"
says "what is not the same" "scenarios and prices are not those of the run"
sed -i '2s/,/,1/' "$work/edited/margins.csv"
exits "an edited margins file is bad input" 3 "$program" explain "$work/edited" --account "$account"
says "which it is" "not what the run wrote"
exits "an unknown account is bad input" 3 "$program" explain "$work/run" --account "${account}x"
says "who was meant" "the book has no such account. Did you mean .*$account"
exits "a folder without a run is bad input" 3 "$program" explain "$work/book" --account "$account"
says "what a run is" "run.json"
exits "explain without an account is wrong usage" 2 "$program" explain "$work/run"
exits "explain without a run is wrong usage" 2 "$program" explain --account "$account"
exits "paths that cannot be shown are wrong usage" 2 "$program" explain "$work/run" --account "$account" --paths-shown -1
# The book under the rules of several venues, beside the margins of the run above.
compare=("$program" compare "$work/book" --paths 1000 --progress never)
presets=$(dirname "$0")/../../presets
exits "compare" 0 "${compare[@]}" -o "$work/compared"
check "its files" "./compare.csv ./compare.json ./compare_left_out.csv " "$(files "$work/compared")"
check "a row per account" 51 "$(wc -l <"$work/compared/compare.csv")"
check "sorted by account" "$(tail -n +2 "$work/compared/compare.csv" | cut -d, -f1 | LC_ALL=C sort)" \
  "$(tail -n +2 "$work/compared/compare.csv" | cut -d, -f1)"
check "no not-a-number" 0 "$(grep -ciE ',-?(nan|inf)' "$work/compared/compare.csv")"
check "Monte Carlo margins are the margins file's" \
  "$(cut -d, -f1,"$(column initial_margin_usd)","$(column maintenance_margin_usd)" "$work/run/margins.csv" | tail -n +2)" \
  "$(cut -d, -f1,3,4 "$work/compared/compare.csv" | tail -n +2)"
for name in monte-carlo bybit deribit-sm deribit derive okx paradex span; do says "the total of $name" "^  $name  *[1-9]"; done
says "how far to trust a method" "verified on linear books only"
says "whose scenarios move balances" "scenarios of monte-carlo, derive;"
says "what is left out" "leaves out .* listed in compare_left_out.csv"
check "fits into 120 columns" 1 "$(grep -vE '^(note|  time)' "$work/out" | LC_ALL=C.UTF-8 wc -L | awk '{ print $1 <= 120 }')"
exits "compare again" 0 "${compare[@]}" -o "$work/compared2" --json --threads 1
for file in compare.csv compare.json compare_left_out.csv; do
  check "the same bytes of $file" "$(sha256sum <"$work/compared/$file")" "$(sha256sum <"$work/compared2/$file")"
done
check "--json says what compare.json does" "$(sha256sum <"$work/compared/compare.json")" "$(sha256sum <"$work/out")"
exits "some methods, in the order asked for" 0 "${compare[@]}" -o "$work/compared" --methods span,okx,span
check "their columns" \
  "account,num_positions,span_initial_margin_usd,span_maintenance_margin_usd,span_left_out,okx_initial_margin_usd,okx_maintenance_margin_usd,okx_left_out" \
  "$(head -n 1 "$work/compared/compare.csv")"
check "nobody simulates" 0 "$(grep -c 'Monte Carlo:' "$work/out")"

# Terms of an account: they add up to the margin printed, and that is the table's.
add_terms() { # TERMS TABLE: whether the terms add up, under each method, to what is printed and to the table
python3 - "$1" "$2" "$account" >"$work/added" <<'PYTHON'
import csv, re, sys
printed, sums = {}, [0.0, 0.0]
for line in open(sys.argv[1]):
    head = re.match(r"([a-z][a-z0-9-]*)(:|$)", line)
    if head:
        method, sums = head.group(1), [0.0, 0.0]
    row = re.match(r"  (.{18}) (.{30}) *(\S+) +(\S+)(  .*)?$", line.rstrip("\n"))
    if not row or row.group(3) == "initial":
        continue
    pair = [float(row.group(3)), float(row.group(4))]
    if row.group(2).strip() == "margin":
        print("add up" if sums == pair else f"{method}: {sums} is not {pair}")
        printed[method] = pair
    else:
        sums = [a + b for a, b in zip(sums, pair)]
table = {row["account"]: row for row in csv.DictReader(open(sys.argv[2]))}[sys.argv[3]]
for method, pair in printed.items():
    prefix = method.replace("-", "_")
    expected = [float(table[prefix + "_initial_margin_usd"]), float(table[prefix + "_maintenance_margin_usd"])]
    print("as in the table" if pair == expected else f"{method}: {pair} is not {expected}")
PYTHON
}
exits "terms of an account" 0 "${compare[@]}" --account "$account"
add_terms "$work/out" "$work/compared2/compare.csv"
check "terms add up under every method" 8 "$(grep -c '^add up' "$work/added")"
check "to the margins of the table" 8 "$(grep -c '^as in the table' "$work/added")"
{ cat "$(dirname "$0")/../../examples/models/small.toml"; printf '\n[terms]\ncalm_regime = "calm"\ncrisis_regime = "stress"\n'; } >"$work/terms.toml"
exits "terms of a model that has more of them" 0 "${compare[@]}" -o "$work/compared3" --account "$account" --methods monte-carlo --model "$work/terms.toml"
add_terms "$work/out" "$work/compared3/compare.csv"
check "they add up to the table" "add up as in the table" "$(paste -sd ' ' "$work/added")"
says "one of them" "liquidity"
exits "terms as JSON, and the files" 0 "${compare[@]}" --account "$account" --methods okx -o "$work/compared" --json
says "every scenario" '"scenario": "price unchanged, vol up"'
check "the files are written too" 51 "$(wc -l <"$work/compared/compare.csv")"

cat >"$work/params.json" <<'JSON'
{"jsonrpc": "2.0", "result": {
  "general": {"timestamp": 1771197609587, "mm_factor": 0.5, "buckets_count": 4, "vol_scenarios_count": 3},
  "currency": {"btc": {"min_annualised_move": 0.01, "annualised_move_risk": 0.075, "pnl_offset": 0,
    "extended_dampener": 100000, "max_offsetable_pnl": 0}},
  "currency_pair": {"btc_usd": {"price_range": 0.16, "m_inc": 0.00005, "delta_total_liq_shock_threshold": 20000000,
    "max_delta_shock": 0.1, "min_volatility_for_shock_up": 0.5, "volatility_range_up": 0.5, "volatility_range_down": 0.25,
    "extended_table_factor": 1, "short_term_vega_power": 0.3, "long_term_vega_power": 0.13}}}}
JSON
exits "an unknown method is wrong usage" 2 "${compare[@]}" -o "$work/no" --methods okx,binance
says "the methods there are" "There are monte-carlo, bybit, deribit-sm, deribit, derive, okx, paradex, span"
exits "compare without a folder or account is wrong usage" 2 "${compare[@]}"
says "what can be given" "give -o RUN"
exits "parameters for a method that is left out are wrong usage" 2 "${compare[@]}" -o "$work/no" --methods okx --deribit-params "$work/params.json"
check "wrong usage writes nothing" "" "$(files "$work/no")"
exits "an unknown account is bad input" 3 "${compare[@]}" --account "${account}x"
says "which is meant" "Did you mean .*$account"
exits "a bad book is bad input" 3 "$program" compare "$work/bad" -o "$work/compare-rejected" --methods okx
check "it leaves errors.csv alone" "./errors.csv " "$(files "$work/compare-rejected")"
sed -e 's/steps = 5/steps = 0/' -e 's/rate = 0.0003/rat = 0.0003/' "$presets/bybit.toml" >"$work/bad-preset.toml"
exits "a bad preset is bad input" 3 "${compare[@]}" -o "$work/compare-rejected2" --methods bybit --preset "$work/bad-preset.toml"
check "it leaves errors.csv alone too" "./errors.csv " "$(files "$work/compare-rejected2")"
says "its first problem" "group\[1\].steps = 0: the number is out of range"
says "its second problem" "group\[1\].charges\[1\].rate: the key is missing"
says "its third problem" "charges\[1\].rat = 3e-04: the key is unknown"
before=$(sha256sum <"$work/compared/compare.csv")
exits "a bad preset over an earlier comparison" 3 "${compare[@]}" -o "$work/compared" --preset "$work/bad-preset.toml"
check "the earlier table stays" "$before" "$(sha256sum <"$work/compared/compare.csv")"
sed -e 's/method = "bybit"/method = "mine"/' "$presets/bybit.toml" >"$work/preset.toml"
exits "a preset of one's own" 0 "${compare[@]}" -o "$work/compared" --methods bybit,mine --preset "$work/preset.toml"
check "errors.csv is gone" "./compare.csv ./compare.json ./compare_left_out.csv " "$(files "$work/compared")"
check "the same margins under another name" "$(cut -d, -f3-5 "$work/compared/compare.csv" | tail -n +2)" \
  "$(cut -d, -f6-8 "$work/compared/compare.csv" | tail -n +2)"
exits "a venue's parameters" 0 "${compare[@]}" -o "$work/compared" --methods deribit --deribit-params "$work/params.json"
says "where they are from" "parameters of the venue's document"
check "maintenance by its factor" 50 \
  "$(tail -n +2 "$work/compared/compare.csv" | awk -F, '{ d = $4 - 0.5 * $3; n += d * d <= 1e-18 * (1 + $3 * $3) } END { print n }')"
exits "a document that is none" 3 "${compare[@]}" -o "$work/compare-rejected2" --deribit-params "$work/book/book.toml"
if "$program" info | grep -q 'cuda *not available'; then
  exits "compare without a device" 4 "${compare[@]}" -o "$work/no" --backend cuda
  check "it writes nothing" "" "$(files "$work/no")"
fi

models=$(dirname "$0")/../../examples/models
exits "model show" 0 "$program" model show "$models/small.toml"
says "its regimes" "stress  *13.0 %"
says "its jumps" "one for all"
says "who is not named" "all others"
exits "model show of a book's underlyings" 0 "$program" model show "$models/small.toml" --book "$work/book"
check "nobody else is shown" 0 "$(grep -c 'all others' "$work/out")"
exits "model show as JSON" 0 "$program" model show "$models/small.toml" --json
says "every parameter" '"sample_multiple": 10'
for model in twenty-coins three-regimes; do
  exits "model show of $model" 0 "$program" model show "$models/$model.toml" --paths 2000
  check "$model fits into 120 columns" 1 "$(LC_ALL=C.UTF-8 wc -L <"$work/out" | awk '{ print $1 <= 120 }')"
done
exits "model show of a bad model" 3 "$program" model show "$work/model.toml"
says "what is wrong with it" "model.toml row 1, format = 2"
exits "model show of no model" 3 "$program" model show "$work/nowhere.toml"
exits "model show without a file is wrong usage" 2 "$program" model show
exits "model without a command is wrong usage" 2 "$program" model

# The bench: its JSON, overrides, what it refuses. Ceilings and rates are of no interest here.
exits "bench of a case" 0 "$program" bench small --accounts 20 --paths 500 --repeats 1 --json --progress never
check "its keys" "case backend device total_s peak_rss_bytes margins_sha256" \
  "$(grep -oE '^  "[a-z0-9_]+"' "$work/out" | head -n 6 | tr -d ' "' | paste -sd ' ')"
check "its stages" "simulate revalue pnl tail" \
  "$(grep -E '^    "(simulate|revalue|pnl|tail)": \{' "$work/out" | grep -oE '[a-z]+' | paste -sd ' ')"
for key in seconds work rate unit ceiling fraction; do
  check "every stage has $key" 4 "$(sed -n '/"stages"/,/"other_stages"/p' "$work/out" | grep -c "\"$key\": [^n]")"
done
says "the case" '"case": "small"'
says "what it made" '"instruments": 2000'
bench_hash=$(grep -oE '"margins_sha256": "[0-9a-f]{64}"' "$work/out" | cut -d '"' -f 4)
exits "bench writes a book" 0 "$program" bench small --accounts 20 --write-book "$work/bench-book"
exits "bench writes over no book" 2 "$program" bench small --accounts 3 --write-book "$work/bench-book"
says "why" "already holds a book"
exits "margin of that book" 0 "$program" margin "$work/bench-book" --no-terms -o "$work/bench-run" --paths 500 --progress never
check "margins are those of the bench" "$bench_hash" "$(sha256sum "$work/bench-run/margins.csv" | cut -c1-64)"
exits "bench without a case is the exchange" 0 "$program" bench --accounts 20 --paths 500 --repeats 1 --progress never
says "the case it took" "exchange: 20 accounts"
exits "two cases are an array" 0 "$program" bench tall market-makers --accounts 3 --paths 200 --repeats 1 --json --progress never
check "both of them" 2 "$(grep -c '^    "case": ' "$work/out")"
exits "bench of what-ifs" 0 "$program" bench whatif --accounts 5 --paths 500 --repeats 2 --json --progress never
check "its keys" "case backend device total_s peak_rss_bytes margins_sha256" \
  "$(grep -oE '^  "[a-z0-9_]+"' "$work/out" | head -n 6 | tr -d ' "' | paste -sd ' ')"
check "repeats" 2 "$(sed -n '/"total"/,/}/p' "$work/out" | grep -oE '"runs": [0-9]+' | grep -oE '[0-9]+')"
exits "an unknown case is wrong usage" 2 "$program" bench smal
says "the cases there are" "small, large, tall, market-makers, whatif, exchange"
exits "positions of the exchange are wrong usage" 2 "$program" bench exchange --positions 3
exits "factors that cannot be are wrong usage" 2 "$program" bench small --factors 41
says "those that can" "28, 31, 34"
exits "more positions than instruments is wrong usage" 2 "$program" bench small --positions 2001
exits "--write-book of two cases is wrong usage" 2 "$program" bench small tall --write-book "$work/no"
mkdir "$work/temporary"
exits "bench in a temporary folder" 0 env TMPDIR="$work/temporary" "$program" bench small --accounts 3 --paths 200 --repeats 1 --progress never
check "the bench leaves nothing behind" "" "$(files "$work/temporary")"

# Bad input over an earlier run: its files stay as they were, and a good run takes errors.csv away again.
before=$(sha256sum <"$work/run/margins.csv")
exits "bad input over a run" 3 "$program" margin "$work/bad" -o "$work/run" --progress never
check "the earlier margins stay" "$before" "$(sha256sum <"$work/run/margins.csv")"
exits "good input after bad" 0 "${margin[@]}" -o "$work/run"
check "no errors.csv any more" "./exchange.json ./margins.csv ./prepared.bin ./regime_es.csv ./run.json ./terms.csv ./wrong_way.csv " "$(files "$work/run")"

"$program" margin "$work/book" -o "$work/stopped" --paths 50000000 --backend reference --progress never >/dev/null 2>"$work/err" &
sleep 1
kill -INT $!
wait $!
check "interrupted" 5 "$?"
check "interrupted writes nothing" "" "$(files "$work/stopped")"
exits "unwritable folder is an error, not a crash" 1 "${margin[@]}" -o /proc/no
says "which folder" "cannot write /proc/no"

# A second writer is refused while the first one works.
"$program" margin "$work/book" -o "$work/shared" --paths 50000000 --backend reference --progress never >/dev/null 2>&1 &
sleep 1
exits "a second run into the folder of a running one" 2 "${margin[@]}" -o "$work/shared"
says "why" "another run is writing"
kill -INT $!
wait $!
check "nothing is left of it" "" "$(files "$work/shared")"
if [[ -e /dev/full ]]; then
  "${margin[@]}" -o "$work/run" >/dev/full 2>"$work/err"
  check "standard output that cannot be written" 1 "$?"
fi
exits "no tails without being asked" 0 "${margin[@]}" -o "$work/run2"
check "files of the earlier run are gone" "./exchange.json ./margins.csv ./prepared.bin ./regime_es.csv ./run.json ./terms.csv ./wrong_way.csv " "$(files "$work/run2")"
exit $failed
