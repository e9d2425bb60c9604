#!/usr/bin/env python3
"""Compares registers, stack, shared memory and spills of every kernel with the limits in resource_limits.json.

Compiles the kernels once more with the compiler's resource report, so it needs nvcc but no device.
A kernel without a limit, a limit without a kernel, a spill, or one register too many fails. With another compiler
than the one the limits were written with, registers, stack and shared memory are printed but not judged.
--write replaces the limits by what was found; read the difference before you commit it.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
KERNEL = re.compile(r"Compiling entry function '(\S+)'")
OWN = re.compile(r"(?:run_for_each|run_for_blocks)INS_\d+([A-Z][A-Za-z]*?)(?:I([fd])E)?E+vT_")
STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
REGISTERS = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")  # fixed at compile time; what a launch asks for is planned at run time


def compile_report(nvcc, architecture, source):
    """The resource report of one source, compiled with the flags of the build."""
    with tempfile.TemporaryDirectory() as folder:
        command = [nvcc, "-std=c++20", "-O3", "-DNDEBUG", f"-arch=sm_{architecture}", "--fmad=false",
                   "-prec-div=true", "-prec-sqrt=true", "-ftz=false", "-Xcompiler=-Wno-unknown-pragmas",
                   f"-I{HERE.parents[1]}", f"-I{HERE.parents[1] / 'include'}", "-Xptxas=-v", "-cubin",
                   str(source), "-o", str(pathlib.Path(folder) / "out.cubin")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{source.name} does not compile:\n{done.stderr}")
    return done.stderr


def compiler_release(nvcc):
    version = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"release (\S+),", version)[1]


def kernel_name(mangled):
    """Functor<type> for our kernels, None for a library's."""
    own = OWN.search(mangled)
    if own is None:
        return None
    return own[1] + {"f": "<float>", "d": "<double>", None: ""}[own[2]]


def resources(report):
    """(name or None, registers, stack, shared memory, spills) of every kernel of a report."""
    parts = KERNEL.split(report)[1:]
    for mangled, text in zip(parts[0::2], parts[1::2]):
        stack, registers, shared = STACK.search(text), REGISTERS.search(text), SHARED.search(text)
        yield (kernel_name(mangled), int(registers[1]), int(stack[1]), int(shared[1]) if shared else 0,
               int(stack[2]) + int(stack[3]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nvcc", default="nvcc")
    parser.add_argument("--architecture", default="90")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()

    limits_file = HERE / "resource_limits.json"
    found, problems = {}, []
    for source in sorted(HERE.glob("*.cu")):
        report = compile_report(arguments.nvcc, arguments.architecture, source)
        for name, registers, stack, shared, spills in resources(report):
            if spills:
                problems.append(f"{name or 'a library kernel'} in {source.name} spills {spills} bytes")
            if name:
                # The device hands out registers in eights, so smaller differences cost nothing.
                found[name] = {"registers": (registers + 7) // 8 * 8, "stack_bytes": stack, "shared_bytes": shared}
    compiler = {"nvcc": compiler_release(arguments.nvcc), "architecture": arguments.architecture}
    if arguments.write:
        limits_file.write_text(json.dumps({"compiler": compiler, "kernels": found}, indent=2, sort_keys=True) + "\n",
                               encoding="utf-8")
    committed = json.loads(limits_file.read_text(encoding="utf-8"))
    limits, judged = committed["kernels"], committed["compiler"] == compiler
    if not judged:
        print(f"the limits are for {committed['compiler']}, this is {compiler}: only spills and names are judged")

    for name in sorted(found.keys() | limits.keys()):
        print(f"{name:32} found {found.get(name)} limit {limits.get(name)}")
        if name not in limits or name not in found:
            problems.append(f"{name} is not in both the code and the limits")
        elif judged:
            problems += [f"{name}: {value} {what}, the limit is {limits[name][what]}"
                         for what, value in found[name].items() if value > limits[name][what]]
    for problem in problems:
        print("PROBLEM:", problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
