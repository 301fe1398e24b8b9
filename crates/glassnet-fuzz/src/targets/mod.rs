//! The targets, by name.

mod models;
mod notation;
mod tables;

use crate::seeds::{self, Seed};

/// A reader of foreign bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, that of its shell in `fuzz/fuzz_targets`, and of its folder of findings.
    pub name: &'static str,
    /// Reads bytes and panics where something is wrong with the answer; whether they were accepted.
    pub run: fn(&[u8]) -> bool,
    /// The files that changes begin with.
    pub seeds: fn() -> Vec<Seed>,
    /// Pieces that its files are made of, to be put in anywhere.
    pub words: &'static [&'static [u8]],
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "safetensors",
        run: models::safetensors,
        seeds: seeds::safetensors,
        words: &[
            b"\"F32\"",
            b"\"F64\"",
            b"\"BF16\"",
            b"\"I64\"",
            b"\"BOOL\"",
            b"\"shape\":[",
            b"\"data_offsets\":[",
            b"\"__metadata__\":{",
            b"18446744073709551615",
            b"4294967296",
            b"{",
            b"}",
            b"[",
            b"]",
            b"\\u0000",
        ],
    },
    Target {
        name: "torch",
        run: models::torch,
        seeds: seeds::torch,
        words: &[
            b"PK\x03\x04",
            b"PK\x01\x02",
            b"PK\x05\x06",
            b"data.pkl",
            b"/data/0",
            b"big",
            b"\xff\xff\xff\xff",
        ],
    },
    Target {
        name: "pickle",
        run: models::pickle,
        seeds: seeds::pickle,
        words: &[
            b"ctorch._utils\n_rebuild_tensor_v2\n",
            b"ctorch\nFloatStorage\n",
            b"ccollections\nOrderedDict\n",
            b"ctorch\nSize\n",
            b"cos\nsystem\n",
            b"X\x01\0\0\0a",
            b"}",
            b")",
            b"(",
            b"]",
            b"R",
            b"b",
            b"Q",
            b"t",
            b"s",
            b"u",
            b"e",
            b"q\x00",
            b"h\x00",
            b"2",
            b"0",
            b"\x85",
            b"\x86",
            b"\x8a\x09\0\0\0\0\0\0\0\x80\0",
            b"N",
            b"K\xff",
        ],
    },
    Target {
        name: "npz",
        run: models::npz,
        seeds: seeds::npz,
        words: &[
            b"\x93NUMPY\x01\0",
            b"'descr': '<f4'",
            b"'fortran_order': True",
            b"(18446744073709551615,)",
            b"'shape': (",
            b"'|O'",
            b"'>i8'",
            b"PK\x03\x04",
        ],
    },
    Target {
        name: "onnx",
        run: models::onnx,
        seeds: seeds::onnx,
        words: &[
            b"Gemm",
            b"MatMul",
            b"Reshape",
            b"Expand",
            b"Concat",
            b"Slice",
            b"Gather",
            b"Softmax",
            b"Transpose",
            b"Pad",
            b"Tile",
            b"Range",
            b"OneHot",
            b"transB",
            b"axis",
            b"perm",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x80\x80\x80\x80\x80\x20",
        ],
    },
    Target {
        name: "csv",
        run: tables::csv,
        seeds: seeds::csv,
        words: &[
            b"\"",
            b"\"\"",
            b",",
            b";",
            b"\r",
            b"\n",
            b"\r\n",
            b"\0",
            b"\xef\xbb\xbf",
            b"\xff",
            b"NaN",
            b"inf",
            b"1e999",
            b"-0",
            b"9007199254740993",
            b"true",
            b"2012-02-30",
            b"0x1p3",
            b"1,5",
            b" ",
            b"007",
        ],
    },
    Target {
        name: "notation",
        run: notation::notation,
        seeds: seeds::notation,
        words: &[
            b"Sequential(",
            b"Linear(",
            b"ReLU()",
            b"bias=False",
            b"OrderedDict([",
            b"('a', ",
            b"Residual(",
            b"BatchNorm1d(",
            b"LayerNorm(",
            b"Embedding(",
            b"Formula('",
            b"piecewise(",
            b"exp(",
            b"^",
            b"(",
            b")",
            b"-",
            b"999999999999",
            b"1e308",
            b"=",
            b",",
            b"'",
            b"nan",
        ],
    },
];

/// The target called `name`.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
