#!/usr/bin/env python3
"""The work of a case with PyTorch, on a GPU; with TORCH_PEER_DEVICE=cpu in the environment on the processor, to try it.

    torch_peer.py CASE [REPEATS]
"""
import os
import sys

from needs import need, skip

need("torch", "numpy", "torch")

import torch

DEVICE = os.environ.get("TORCH_PEER_DEVICE", "cuda")
if DEVICE == "cuda" and not torch.cuda.is_available():
    skip("torch", "PyTorch finds no device")

from array_peer import ArrayPeer
from peer_case import arguments, repeat_stages, report


class TorchArrays:
    paths_at_a_time = 1 << 30
    exp, sqrt, ndtr = map(staticmethod, (torch.exp, torch.sqrt, torch.special.ndtr))

    def __init__(self):
        torch.manual_seed(1)

    def array(self, x):
        return torch.tensor(x, device=DEVICE)

    def index(self, x):
        return torch.tensor(x.astype("i8"), device=DEVICE)

    def at_least(self, x, low):
        return torch.clamp(x, min=low)

    def zeros(self, shape):
        return torch.zeros(shape, device=DEVICE)

    def normals(self, shape):
        return torch.randn(shape, device=DEVICE)

    def uniforms(self, count):
        return torch.rand(count, device=DEVICE)

    def where(self, mask):
        return torch.nonzero(mask).flatten()

    def sparse(self, values, columns, offsets, shape):
        return torch.sparse_csr_tensor(offsets, columns, values, shape)

    def worst(self, x, count):
        return torch.topk(x, count, dim=1, largest=False, sorted=False).values

    def mean(self, x):
        return x.double().mean(dim=1)

    def numpy(self, x):
        return x.cpu().numpy()

    def finish(self):
        if DEVICE == "cuda":
            torch.cuda.synchronize()


def main():
    case, repeats = arguments("torch")
    peer = ArrayPeer(case, TorchArrays())
    with torch.no_grad():
        seconds = repeat_stages(peer.stages(), repeats)
    device = torch.cuda.get_device_name() if DEVICE == "cuda" else f"{torch.get_num_threads()} threads"
    versions = {"torch": torch.__version__, "cuda": torch.version.cuda}
    return report("torch", versions, device, case, seconds, *peer.results())


if __name__ == "__main__":
    sys.exit(main())
