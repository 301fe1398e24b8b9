//! Calls as text: literals, faults with carets, hostile texts, near names.

use super::*;

const SIGNATURE: Signature =
    Signature { name: "F", parameters: &["rate", "pair", "flag", "text"], positional: 2 };

fn bind(source: &str) -> Result<Arguments<'_>> {
    parse(source)?.bind(source, SIGNATURE)
}

#[track_caller]
fn check_error(source: &str, expected: &str) {
    let error = bind(source)
        .and_then(|arguments| {
            arguments.optional::<f64>("rate")?;
            arguments.optional::<(f64, f64)>("pair")?;
            arguments.optional::<bool>("flag")?;
            arguments.optional::<String>("text").map(|_| ())
        })
        .expect_err("the text has a fault");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn reads_python_literals() -> Result<()> {
    let arguments = bind("torch.optim.F( 1e-3, pair=[.5, -2_0.], flag=True, text='cos', )")?;
    assert_eq!(arguments.require::<f64>("rate")?, 1e-3);
    assert_eq!(arguments.require::<(f64, f64)>("pair")?, (0.5, -20.0));
    assert!(arguments.require::<bool>("flag")?);
    assert_eq!(arguments.require::<String>("text")?, "cos");
    let arguments = bind("F(rate=+1E+2, text=None)")?;
    assert_eq!(arguments.require::<f64>("rate")?, 100.0);
    assert_eq!(arguments.optional::<String>("text")?, None);
    assert!(bind("F(1e400)")?.require::<f64>("rate")?.is_infinite());
    assert!(bind("F(float_)")?.require::<f64>("rate").is_err());
    assert_eq!(bind("F(rate=-inf)")?.require::<f64>("rate")?, f64::NEG_INFINITY);
    Ok(())
}

#[test]
fn faults_are_shown_with_carets() {
    check_error(
        "F(flga=True)",
        "F() got an unexpected keyword argument 'flga'; did you mean 'flag'?\n  F(flga=True)\n    ^^^^",
    );
    check_error(
        "F(1, rate=2)",
        "F() got multiple values for argument 'rate'\n  F(1, rate=2)\n       ^^^^",
    );
    check_error(
        "F(1, (1, 2), True)",
        "F() takes at most 2 arguments without a name\n  F(1, (1, 2), True)\n               ^^^^",
    );
    check_error(
        "F(1, 2)",
        "F() expects two numbers in parentheses for 'pair'\n  F(1, 2)\n       ^",
    );
    check_error("F(1,, 2)", "a value is expected here\n  F(1,, 2)\n      ^");
    check_error("F(1 2)", "a comma or ')' is expected here\n  F(1 2)\n      ^");
    check_error("F(é=1.5.2)", "this is not a number\n  F(é=1.5.2)\n      ^^^^^");
    check_error("F(0x10)", "this is not a number\n  F(0x10)\n    ^^^^");
    check_error("F(text='a)", "the closing quote is missing\n  F(text='a)\n         ^^^");
    check_error("F() x", "nothing more is expected after the expression\n  F() x\n      ^");
    check_error("  ", "the expression is empty");
    check_error(
        "F(rate=1, 2)",
        "positional argument follows keyword argument; name it\n  F(rate=1, 2)\n            ^",
    );
}

#[test]
fn hostile_texts_are_refused() {
    assert!(parse(&"(".repeat(MAX_BYTES + 1)).is_err());
    for open in ["(", "[", "F(", "F(a="] {
        assert!(parse(&open.repeat(10_000)).is_err());
    }
    for text in
        ["é", "F(\u{0}", "F(=1)", "F(-)", "F(+", "F(1e", "F(1e-", "\"", "1", "-", "F)", "F(._)"]
    {
        // Whatever the answer, it is an answer.
        let _ = bind(text).map(|arguments| arguments.optional::<f64>("rate"));
    }
}

#[test]
fn near_names_are_found() {
    assert_eq!(nearest("momentun", ["lr", "momentum"]), Some("momentum"));
    assert_eq!(nearest("LR", ["lr", "momentum"]), Some("lr"));
    assert_eq!(nearest("xyz", ["lr", "momentum"]), None);
}
