//! What is read, and what is refused with a caret under it.

use super::{MAX_BYTES, parse};
use crate::error::ErrorKind;

/// Every row: what is written, the notation of what is read.
#[test]
fn python_is_read() {
    let cases = [
        ("Linear(2, 3)", "Linear(2, 3)"),
        (" nn.Linear( 2 ,3 , )\n", "Linear(2, 3)"),
        ("torch.nn.Linear(in_features=2, out_features=3, bias=True)", "Linear(2, 3)"),
        ("Linear(out_features=3, in_features=2)", "Linear(2, 3)"),
        ("Linear(2, 3, False)", "Linear(2, 3, bias=False)"),
        ("Linear(1_000, 3)", "Linear(1000, 3)"),
        (
            "Sequential(\n  Linear(2, 3),  # hidden\n  ReLU(),\n)",
            "Sequential(Linear(2, 3), ReLU())",
        ),
        ("Sequential()", "Sequential()"),
        ("(Linear(2, 3))", "Linear(2, 3)"),
        ("Linear(2, 3),", "Linear(2, 3)"),
        ("GELU(\"tanh\")", "GELU(approximate='tanh')"),
        ("Softplus(2, threshold=5.)", "Softplus(beta=2, threshold=5.0)"),
        ("Hardtanh(-.5, +1e0)", "Hardtanh(min_val=-0.5)"),
        ("LayerNorm([3, 4], 1E-3)", "LayerNorm((3, 4), eps=0.001)"),
        ("LayerNorm((3,))", "LayerNorm(3)"),
        ("BatchNorm1d(3, momentum=None)", "BatchNorm1d(3, momentum=None)"),
        ("BatchNorm1d(3, bias=False)", "BatchNorm1d(3, bias=False)"),
        ("Softmax(-1)", "Softmax(dim=-1)"),
        ("Identity(54, unused=0.1)", "Identity()"),
        ("Activation('z*sigmoid(z)')", "Formula('z*sigmoid(z)')"),
        ("Residual(Linear(3, 3), ReLU())", "Residual(Linear(3, 3), ReLU())"),
        (
            "Sequential(OrderedDict([('a', Linear(2, 3)), [\"b\", ReLU()]]))",
            "Sequential(OrderedDict([('a', Linear(2, 3)), ('b', ReLU())]))",
        ),
        (
            "Sequential(collections.OrderedDict(a=ReLU()))",
            "Sequential(OrderedDict([('a', ReLU())]))",
        ),
        ("Sequential(OrderedDict({'a': ReLU()}))", "Sequential(OrderedDict([('a', ReLU())]))"),
        (
            "Sequential(a=ReLU(), b=Tanh(),)",
            "Sequential(OrderedDict([('a', ReLU()), ('b', Tanh())]))",
        ),
        ("Sequential(OrderedDict([('0', ReLU())]))", "Sequential(ReLU())"),
        ("6-4", "Sequential(Linear(6, 4))"),
        ("6-32-32-4", "Sequential(Linear(6, 32), ReLU(), Linear(32, 32), ReLU(), Linear(32, 4))"),
        (
            "6-5t-5s-5g-5l-5r-4",
            "Sequential(Linear(6, 5), Tanh(), Linear(5, 5), Sigmoid(), Linear(5, 5), GELU(), \
             Linear(5, 5), Linear(5, 5), ReLU(), Linear(5, 4))",
        ),
        (" 6-32t-4s ", "Sequential(Linear(6, 32), Tanh(), Linear(32, 4), Sigmoid())"),
    ];
    for (written, expected) in cases {
        let read = parse(written).map(|module| module.notation());
        assert_eq!(read.as_deref(), Ok(expected), "{written}");
    }
}

/// Every row: what is written, the whole error.
#[test]
fn mistakes_are_pointed_at() {
    let cases = [
        (
            "Sequential(Linear(2, 3), Relu(), Linear(3, 2))",
            "there is no layer Relu; column 26 of the network; did you mean ReLU?\n  \
             Sequential(Linear(2, 3), Relu(), Linear(3, 2))\n                           ^^^^",
        ),
        (
            "Linear(2, 3, biass=False)",
            "Linear has no argument biass; column 14 of the network; did you mean bias?\n  \
             Linear(2, 3, biass=False)\n               ^^^^^",
        ),
        (
            "Linear(2)",
            "Linear misses its argument out_features; column 1 of the network; \
             write Linear(in_features, out_features, bias=True)\n  Linear(2)\n  ^^^^^^",
        ),
        (
            "Linear(2, 3, True, 4)",
            "Linear takes at most 3 arguments without a name; column 20 of the network; \
             write Linear(in_features, out_features, bias=True)\n  \
             Linear(2, 3, True, 4)\n                     ^",
        ),
        (
            "Linear(2, 3, in_features=4)",
            "in_features is given twice; column 14 of the network; remove one of them\n  \
             Linear(2, 3, in_features=4)\n               ^^^^^^^^^^^",
        ),
        (
            "Linear(2.0, 3)",
            "in_features is 2.0; column 8 of the network; give a whole number\n  \
             Linear(2.0, 3)\n         ^^^",
        ),
        (
            "Linear(0, 3)",
            "in_features is 0; column 8 of the network; give at least 1\n  Linear(0, 3)\n         ^",
        ),
        (
            "Linear(-2, 3)",
            "in_features is -2; column 8 of the network; give at least 1\n  Linear(-2, 3)\n         ^^",
        ),
        (
            "Linear(2, 1000000000000)",
            "Linear would need 12000000000000 bytes (10.9 TiB), at most 17179869184 (16 GiB) are \
             allowed; column 11 of the network; make it smaller\n  \
             Linear(2, 1000000000000)\n            ^^^^^^^^^^^^^",
        ),
        (
            "6-1000000000000-4",
            "Linear would need 28000000000000 bytes (25.5 TiB), at most 17179869184 (16 GiB) are \
             allowed; column 3 of the network; make it smaller\n  \
             6-1000000000000-4\n    ^^^^^^^^^^^^^",
        ),
        ("6-0-4", "a width of 0; column 3 of the network; give at least 1\n  6-0-4\n    ^"),
        (
            "6-32x-4",
            "there is no activation 'x'; column 5 of the network; \
             r is ReLU, t tanh, s sigmoid, g GELU, l linear\n  6-32x-4\n      ^",
        ),
        (
            "6",
            "one width makes no network; column 1 of the network; \
             give at least two: inputs-outputs, such as 6-4\n  6\n  ^",
        ),
        (
            "Sequential(\n  Linear(2, 3),\n  Dropout(1.5),\n)",
            "dropout probability has to be between 0 and 1, but got 1.5; \
             line 3, column 11 of the network; give a number from 0 to 1\n    \
             Dropout(1.5),\n            ^^^",
        ),
        (
            "Sequential(Linear(2, 3), ReLU()",
            "this bracket is never closed; column 11 of the network; add ')'\n  \
             Sequential(Linear(2, 3), ReLU()\n            ^",
        ),
        (
            "Sequential(Linear(2, 3)) ReLU()",
            "the network ends before this; column 26 of the network; \
             put all layers into one Sequential(…)\n  \
             Sequential(Linear(2, 3)) ReLU()\n                           ^^^^",
        ),
        (
            "Sequential(Linear(2, 3) ReLU())",
            "a comma is missing before this; column 25 of the network; separate by commas\n  \
             Sequential(Linear(2, 3) ReLU())\n                          ^^^^",
        ),
        (
            "Sequential([Linear(2, 3)])",
            "a layer was expected, not a tuple or list; column 12 of the network; \
             write the layers without it\n  \
             Sequential([Linear(2, 3)])\n             ^^^^^^^^^^^^^^",
        ),
        (
            "Sequential(Linear(2, 3), ReLU)",
            "ReLU has no brackets; column 26 of the network; write ReLU()\n  \
             Sequential(Linear(2, 3), ReLU)\n                           ^^^^",
        ),
        (
            "Sequential(a=ReLU(), a=Tanh())",
            "the name \"a\" stands twice; column 22 of the network; rename it\n  \
             Sequential(a=ReLU(), a=Tanh())\n                       ^",
        ),
        (
            "Sequential(OrderedDict([('a.b', ReLU())]))",
            "the name \"a.b\" contains a dot, which separates names in a state dict; \
             column 26 of the network; rename it\n  \
             Sequential(OrderedDict([('a.b', ReLU())]))\n                           ^^^^^",
        ),
        (
            "ReLU(inplace=true)",
            "true is not known here; column 14 of the network; did you mean True?\n  \
             ReLU(inplace=true)\n               ^^^^",
        ),
        (
            "GELU('exact')",
            "approximate is 'exact'; column 6 of the network; give 'none' or 'tanh'\n  \
             GELU('exact')\n       ^^^^^^^",
        ),
        (
            "GELU('tanh)",
            "this quote is never closed; column 6 of the network; \
             add ' at the text's end, on the same line\n  GELU('tanh)\n       ^",
        ),
        (
            "Formula('z*sigmoidd(z)')",
            "unknown function 'sigmoidd' (column 3 of the formula); column 9 of the network; \
             did you mean 'sigmoid'?\n  Formula('z*sigmoidd(z)')\n          ^^^^^^^^^^^^^^^\n  \
             z*sigmoidd(z)\n    ^^^^^^^^",
        ),
        (
            "Hardtanh(1, -1)",
            "max_val (-1) must be greater than min_val (1); column 13 of the network; swap them\n  \
             Hardtanh(1, -1)\n              ^^",
        ),
        (
            "EmbedColumns({'a': Embedding(3, 4)})",
            "\"a\" is no number of a column; column 1 of the network; \
             write EmbedColumns({'0': Embedding(12, 6)}); columns are counted from 0\n  \
             EmbedColumns({'a': Embedding(3, 4)})\n  ^^^^^^^^^^^^",
        ),
        (
            "EmbedColumns({'0': Linear(3, 4)})",
            "column 0 has a Linear, not a table; column 1 of the network; \
             write Embedding(num_embeddings, embedding_dim)\n  \
             EmbedColumns({'0': Linear(3, 4)})\n  ^^^^^^^^^^^^",
        ),
        (
            "Embedding(3, 4, padding_idx=3)",
            "padding_idx is 3, the table has 3 rows; column 29 of the network; \
             give a number from -3 to 2\n  \
             Embedding(3, 4, padding_idx=3)\n                              ^",
        ),
        (
            "",
            "the network's text is empty; write one such as Sequential(Linear(2, 3), ReLU()), \
             or widths such as 6-32-4",
        ),
        (
            "Linear(2, 1e999)",
            "1e999 is beyond the floats; column 11 of the network; give a number below 1e308\n  \
             Linear(2, 1e999)\n            ^^^^^",
        ),
    ];
    for (written, expected) in cases {
        let error = parse(written).expect_err(written);
        assert_eq!(error.to_string(), expected, "{written}");
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
}

#[test]
fn deep_and_long_texts_are_refused() {
    for open in ["(", "[", "Sequential(", "Sequential(OrderedDict([('a', ", "{"] {
        let nested = open.repeat(100_000);
        let error = parse(&nested[..nested.len().min(MAX_BYTES)]).expect_err("too deep");
        assert!(error.what().contains("nested deeper than 200"), "{open}: {error}");
        assert!(error.to_string().len() < 400, "only a window is shown");
    }
    // Found by random input: names of any length.
    let long = "a".repeat(20_000);
    for text in [format!("{long}(2)"), format!("Linear(3, {long})"), format!("Linear({long}=3)")] {
        let error = parse(&text).expect_err("no such name");
        assert!(error.to_string().len() < 2000, "{} bytes", error.to_string().len());
    }
    let signs = format!("Linear({}1, 2)", "-".repeat(100_000));
    assert!(parse(&signs).is_err());
    let error = parse(&"Sequential(ReLU(), ".repeat(100_000)).expect_err("too long");
    assert!(error.what().contains("1900000 bytes"), "{error}");
}

#[test]
fn the_sum_of_all_layers_is_limited() {
    let layer = "Linear(60000, 60000, bias=False), ";
    assert!(parse(layer.trim_end_matches(", ")).is_ok());
    let error = parse(&format!("Sequential({})", layer.repeat(2))).expect_err("too large");
    assert!(error.what().contains("the network would need 28800000000 bytes"), "{error}");
}
