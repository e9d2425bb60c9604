#!/usr/bin/env python3
"""The work of a case with NumPy and SciPy, one thread.

    numpy_peer.py CASE [REPEATS]
"""
import platform
import sys

from needs import need

need("numpy", "numpy", "scipy")

import numpy as np
import scipy.sparse
import scipy.special

from array_peer import ArrayPeer
from peer_case import arguments, repeat_stages, report


class NumpyArrays:
    paths_at_a_time = 1024  # temporaries of a chain stay in the second-level cache
    exp, sqrt, ndtr, at_least = map(staticmethod, (np.exp, np.sqrt, scipy.special.ndtr, np.maximum))
    array, index, numpy = map(staticmethod, (np.asarray, np.asarray, np.asarray))
    where = staticmethod(np.flatnonzero)

    def __init__(self):
        self.random = np.random.default_rng(1)

    def zeros(self, shape):
        return np.zeros(shape, np.float32)

    def normals(self, shape):
        return self.random.standard_normal(shape, np.float32)

    def uniforms(self, count):
        return self.random.random(count, np.float32)

    def sparse(self, values, columns, offsets, shape):
        return scipy.sparse.csr_matrix((values, columns.astype(np.int32), offsets.astype(np.int32)), shape)

    def worst(self, x, count):
        return np.partition(x, count - 1, axis=1)[:, :count]

    def mean(self, x):
        return x.mean(axis=1, dtype=np.float64)

    def finish(self):
        pass


def main():
    case, repeats = arguments("numpy")
    peer = ArrayPeer(case, NumpyArrays())
    seconds = repeat_stages(peer.stages(), repeats)
    versions = {"numpy": np.__version__, "scipy": scipy.__version__, "python": platform.python_version()}
    return report("numpy", versions, "1 thread", case, seconds, *peer.results())


if __name__ == "__main__":
    sys.exit(main())
