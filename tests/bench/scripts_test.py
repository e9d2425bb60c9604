"""bench/compare.py and the fits of bench/scale on made-up numbers."""
import copy
import importlib.util
import json
import math
import pathlib
import random
import tempfile
import unittest
import xml.etree.ElementTree
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "bench" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


compare = load("compare")
scaling_plot = load("scaling_plot")


def timed(seconds, spread=0.02, runs=3):
    return {"seconds": seconds, "low": seconds * (1 - spread / 2), "high": seconds * (1 + spread / 2), "runs": runs}


def result(pnl=1.0, **changes):
    """A made-up result of the bench."""
    made = {
        "case": "small", "backend": "cpu", "device": "2 threads, avx2", "total_s": pnl + 1.0, "peak_rss_bytes": 1 << 28,
        "margins_sha256": "a" * 64,
        "stages": {"simulate": timed(0.2), "revalue": timed(0.3), "pnl": timed(pnl), "tail": timed(0.1)},
        "other_stages": {"prepare": timed(0.05)}, "run": timed(pnl + 0.65), "total": timed(pnl + 1.0),
        "book": {"accounts": 10000, "paths": 100000}, "seed": 1, "model": "twenty-coins",
    }
    made.update(changes)
    return made


class Compare(unittest.TestCase):
    def verdicts(self, before, after, **allowed):
        return {name: verdict for name, _, _, verdict in compare.compare(before, after, **allowed)}

    def test_the_same_result_is_noise(self):
        self.assertEqual(set(self.verdicts(result(), result()).values()), {"noise"})

    def test_a_change_within_twice_the_spread_is_noise(self):
        self.assertEqual(self.verdicts(result(), result(pnl=1.03))["pnl"], "noise")

    def test_a_change_beyond_twice_the_spread_is_real(self):
        self.assertEqual(self.verdicts(result(), result(pnl=1.06))["pnl"], "slower")
        self.assertEqual(self.verdicts(result(), result(pnl=0.8))["pnl"], "faster")

    def test_the_wider_spread_counts(self):
        wide = result(pnl=1.06)
        wide["stages"]["pnl"] = timed(1.06, spread=0.2)
        self.assertEqual(self.verdicts(result(), wide)["pnl"], "noise")

    def test_below_two_per_cent_nothing_is_real(self):
        before, after = result(), result()
        before["stages"]["pnl"], after["stages"]["pnl"] = timed(1.0, 1e-6), timed(1.019, 1e-6)
        self.assertEqual(self.verdicts(before, after)["pnl"], "noise")
        after["stages"]["pnl"] = timed(1.021, 1e-6)
        self.assertEqual(self.verdicts(before, after)["pnl"], "slower")

    def test_too_few_runs_are_no_verdict(self):
        after = result()
        after["stages"]["pnl"] = timed(9.0, runs=2)
        self.assertEqual(self.verdicts(result(), after)["pnl"], "too few runs")

    def test_refuses_what_is_not_the_same_work(self):
        for changes in ({"case": "large"}, {"backend": "cuda"}, {"seed": 2}, {"model": "small"},
                        {"book": {"accounts": 10000, "paths": 1000}}, {"device": "1 thread, avx2"},
                        {"margins_sha256": "b" * 64}):
            with self.subTest(changes), self.assertRaises(compare.CannotCompare):
                compare.compare(result(), result(**changes))

    def test_takes_other_devices_and_answers_if_told(self):
        other = result(device="2 threads, avx512", margins_sha256="b" * 64)
        self.assertEqual(self.verdicts(result(), other, across_devices=True, other_answers=True)["pnl"], "noise")

    def test_refuses_a_missing_stage(self):
        for group, stage in (("stages", "tail"), ("other_stages", "prepare")):
            after = copy.deepcopy(result())
            del after[group][stage]
            for pair in ((result(), after), (after, result())):
                with self.subTest(stage), self.assertRaisesRegex(compare.CannotCompare, stage):
                    compare.compare(*pair)

    def test_noise_is_seldom_called_real(self):
        draw = random.Random(1)

        def drawn():
            seconds = sorted(draw.gauss(1.0, 0.05) for _ in range(3))
            return {"seconds": seconds[1], "low": seconds[0], "high": seconds[2], "runs": 3}

        real = sum(compare.judge(drawn(), drawn()) != "noise" for _ in range(20000))
        # One in 180 is 111 of 20,000, give or take 11.
        self.assertLess(real, 170)
        self.assertGreater(real, 40)


class CompareFiles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def exit_code(self, before, after, *options):
        with mock.patch("builtins.print"):
            return compare.main([self.file("before.json", before), self.file("after.json", after), *options])

    def test_exit_codes(self):
        self.assertEqual(self.exit_code(result(), result()), 0)
        self.assertEqual(self.exit_code(result(), result(pnl=0.5)), 0)
        self.assertEqual(self.exit_code(result(), result(pnl=1.5)), 1)
        self.assertEqual(self.exit_code(result(), result(case="tall")), 2)

    def test_reads_files_of_bench_record(self):
        self.assertEqual(self.exit_code({"commit": "x", "result": result()}, result()), 0)

    def test_refuses_files_that_are_none(self):
        for content in ("", "[]", "{}", '{"result": 3}', [result(), result()]):
            with self.subTest(content):
                self.assertEqual(self.exit_code(result(), content), 2)


class Fits(unittest.TestCase):
    def test_a_straight_line_is_found_exactly(self):
        fit = scaling_plot.fit([1, 2, 4, 8], [3.0, 5.0, 9.0, 17.0])
        self.assertAlmostEqual(fit["fixed"], 1.0)
        self.assertAlmostEqual(fit["each"], 2.0)
        self.assertAlmostEqual(fit["residual"], 0.0)
        self.assertAlmostEqual(fit["exponent"], 1.0)

    def test_a_square_is_not_called_linear(self):
        fit = scaling_plot.fit([1, 2, 4, 8], [1.0, 4.0, 16.0, 64.0])
        self.assertGreater(fit["residual"], 0.05)
        self.assertAlmostEqual(fit["log_log_slope"], 2.0)

    def test_two_points_have_no_exponent(self):
        self.assertIsNone(scaling_plot.fit([1, 2], [2.0, 1.0])["exponent"])


class Drawing(unittest.TestCase):
    def test_is_well_formed_and_shows_every_axis(self):
        sizes = [1000, 2000, 4000]
        points = [{"accounts": s, "seconds": 1e-3 * s, "peak_rss_bytes": s << 16} for s in sizes]
        axis = {"points": points, "time_fit": scaling_plot.fit(sizes, [p["seconds"] for p in points])}
        stored = {"processor": "a <fast> one", "date": "2026-01-01", "result": {"axes": {"accounts": axis}}}

        root = xml.etree.ElementTree.fromstring(scaling_plot.draw(stored))

        words = "".join(root.itertext())
        self.assertIn("accounts (exponent 1.00)", words)
        self.assertIn("a <fast> one", words)
        for element in root.iter():
            for name in ("x", "y", "cx", "cy"):
                self.assertTrue(math.isfinite(float(element.get(name, "0"))))


if __name__ == "__main__":
    unittest.main()
