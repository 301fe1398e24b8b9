"""Writes the arrays of the tests: `python3 make.py FOLDER`. Made with NumPy 2; the files are committed beside this script."""

import gzip
import pathlib
import struct
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
rows = np.arange(24)
X = np.stack([rows * 0.5 - 3, (rows * 7 % 5).astype(float), rows % 2], axis=1)
names = np.array(["setosa", "größer", "x"])[rows % 3]
np.save(folder / "plain.npy", X)
np.save(folder / "fortran.npy", np.asfortranarray(X))
np.save(folder / "big-endian.npy", X.astype(">f4"))
np.savez_compressed(folder / "named.npz", X=X.astype(np.float16), y=names, b=names.astype("S") if False else rows % 2 == 0)
cube = (np.arange(24 * 6).reshape(24, 2, 3) % 251).astype(np.uint8)
np.savez(folder / "cube.npz", x_train=cube, y_train=rows % 3, x_test=cube[:4], y_test=rows[:4] % 3)
np.save(folder / "cube-fortran.npy", np.asfortranarray(cube))
np.savez(folder / "objects.npz", X=X, y=np.array([{}, 1] * 12, dtype=object))
np.save(folder / "signed.npy", np.array([[-128, 127], [-1, 0]], dtype=np.int8))
np.save(folder / "labels.npy", names)


def idx(array, kind):
    return struct.pack(">BBBB", 0, 0, kind, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


(folder / "images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(cube, 0x08), mtime=0))
(folder / "labels-idx1-ubyte").write_bytes(idx((rows % 3).astype(np.uint8), 0x08))
(folder / "floats.idx").write_bytes(idx(X.astype(">f4"), 0x0D))
