#!/usr/bin/env python3
"""The work of a case with CuPy, on a GPU.

    cupy_peer.py CASE [REPEATS]
"""
import sys

from needs import need, skip

need("cupy", "numpy", "cupy")

import cupy
import cupyx.scipy.sparse
import cupyx.scipy.special

try:
    cupy.cuda.runtime.getDeviceCount()
except cupy.cuda.runtime.CUDARuntimeError as error:
    skip("cupy", f"CuPy finds no device: {error}")

from array_peer import ArrayPeer
from peer_case import arguments, repeat_stages, report


class CupyArrays:
    paths_at_a_time = 1 << 30
    exp, sqrt, ndtr, at_least = map(staticmethod, (cupy.exp, cupy.sqrt, cupyx.scipy.special.ndtr, cupy.maximum))
    array, where, numpy = map(staticmethod, (cupy.asarray, cupy.flatnonzero, cupy.asnumpy))

    def __init__(self):
        self.random = cupy.random.default_rng(1)

    def index(self, x):
        return cupy.asarray(x.astype("i4"))

    def zeros(self, shape):
        return cupy.zeros(shape, cupy.float32)

    def normals(self, shape):
        return self.random.standard_normal(shape, cupy.float32)

    def uniforms(self, count):
        return self.random.random(count, cupy.float32)

    def sparse(self, values, columns, offsets, shape):
        return cupyx.scipy.sparse.csr_matrix((values, columns, offsets), shape)

    def worst(self, x, count):
        return cupy.partition(x, count - 1, axis=1)[:, :count]

    def mean(self, x):
        return x.mean(axis=1, dtype=cupy.float64)

    def finish(self):
        cupy.cuda.get_current_stream().synchronize()


def main():
    case, repeats = arguments("cupy")
    peer = ArrayPeer(case, CupyArrays())
    seconds = repeat_stages(peer.stages(), repeats)
    device = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    versions = {"cupy": cupy.__version__, "cuda": cupy.cuda.runtime.runtimeGetVersion()}
    return report("cupy", versions, device, case, seconds, *peer.results())


if __name__ == "__main__":
    sys.exit(main())
