//! What is refused, and how it is said.

use crate::error::ErrorKind;
use crate::formula::{MAX_BYTES, parse, parse_activation, parse_in};

fn check(source: &str, message: &str) {
    let error = parse_activation(source).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(format!("\n{error}"), message, "{source}");
}

#[test]
fn unknown_names_suggest_the_nearest() {
    check(
        "x*sigmoidd(x)",
        "
unknown function 'sigmoidd'; column 3 of the formula; did you mean 'sigmoid'?
  x*sigmoidd(x)
    ^^^^^^^^",
    );
    check(
        "2*Tanh(z)",
        "
unknown function 'Tanh'; column 3 of the formula; did you mean 'tanh'?
  2*Tanh(z)
    ^^^^",
    );
    check(
        "z + y",
        "
unknown name 'y'; column 5 of the formula; the variable is z (or x)
  z + y
      ^",
    );
    let error = parse_in("rat*z", &["rate", "z"]).unwrap_err();
    assert_eq!(error.help_text(), Some("did you mean 'rate'?"));
    let error = parse("b*tanh(cz)").unwrap_err();
    assert_eq!(error.help_text(), Some("write c*z for a product"));
    assert_eq!(parse("f(z)").unwrap_err().help_text(), Some("write f*(…) for a product"));
}

#[test]
fn brackets_are_paired() {
    check(
        "2*(z + 1",
        "
this '(' is never closed; column 3 of the formula; add ')'
  2*(z + 1
    ^",
    );
    check(
        "z + 1)",
        "
this ')' closes no bracket; column 6 of the formula; remove it
  z + 1)
       ^",
    );
    check(
        "(z + 1]",
        "
this closes a '(', so ')' was expected; column 7 of the formula; pair the brackets
  (z + 1]
        ^",
    );
    check(
        "|z + 1",
        "
this '|' is never closed; column 1 of the formula; add '|'
  |z + 1
  ^",
    );
}

#[test]
fn division_by_zero_is_refused_with_its_divisor() {
    check(
        "1/(x-x)",
        "
division by zero: x - x is 0 wherever it was tried; column 3 of the formula; divide by something else
  1/(x-x)
    ^^^^^",
    );
    for zero in [
        "1/0",
        "1/0.0",
        "z/(sin(z)^2 + cos(z)^2 - 1)",
        "1/(exp(z)*exp(-z) - 1)",
        "1/((z+1)^2 - z^2 - 2z - 1)",
        "1/(tanh(z) - (exp(2z)-1)/(exp(2z)+1))",
        "(z - z)^-1",
        "1/(|z| - max(z, -z))",
        "1/(2 - 2)",
        "z/(log(z) - ln(z))",
        "3/(0*z)",
    ] {
        let error = parse(zero).unwrap_err();
        assert!(error.what().starts_with("division by zero"), "{zero}: {error}");
    }
    for fine in [
        "1/z",
        "1/(z - 1)",
        "1/(1e-20*z)",
        "1/((1 + 1e-20*z) - 1)",
        "1/exp(-z^2)",
        "1/sin(z)",
        "1/(z^2 - 2)",
        "1/(x - y)",
        "1/relu(z - 100)",
        "1/(erf(z) - 1)",
        "1/(z^30 - 1e30)",
    ] {
        assert!(parse(fine).is_ok(), "{fine}");
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    check(
        "1/2z",
        "
a product without * behind a division can be read in two ways; column 4 of the formula; write (1/2)*z or 1/(2*z), whichever is meant
  1/2z
     ^",
    );
    check(
        "e^2z",
        "
a product without * in or behind an exponent can be read in two ways; column 4 of the formula; write e^(2*z) or e^2*z, whichever is meant
  e^2z
     ^",
    );
    for fine in ["z^2 z", "3z^2(z+1)", "2z/3", "z²z", "1/(2z)"] {
        assert!(parse(fine).is_ok(), "{fine}");
    }
}

#[test]
fn slips_are_named_where_they_stand() {
    for (source, column, what) in [
        ("", 1, "the formula is empty"),
        ("   ", 1, "the formula is empty"),
        ("z +", 4, "the formula ends where a value was expected"),
        ("z + * 2", 5, "a value was expected here"),
        ("()", 2, "a value was expected before this bracket"),
        ("2 3", 3, "an operator is missing before 3"),
        ("z 2", 3, "an operator is missing before 2"),
        ("z = 2", 3, "a formula has no equals sign"),
        ("z < 2", 3, "a comparison stands only in a condition, once"),
        ("0,5*z", 2, "a comma separates only a function's arguments"),
        ("e^{2z}", 3, "braces are not used in formulas"),
        ("sin z", 1, "'sin' is a function and needs its argument in brackets"),
        ("sin^2(z)", 1, "'sin' is a function and needs its argument in brackets"),
        ("sin()", 1, "'sin' has no argument"),
        ("sin(z, 2)", 1, "'sin' takes one argument, 2 given"),
        ("max(z)", 1, "'max' takes two or more, 1 given"),
        ("piecewise(z, 1, 2)", 11, "a condition such as z < 0 was expected"),
        ("piecewise(z < 0, 1)", 19, "the value where no condition holds is missing"),
        (
            "piecewise(0 < z < 1, 1, 2)",
            17,
            "a comma and the value for this condition were expected",
        ),
        ("where(z < 0, 1, z > 2, 3, 4)", 1, "'where' takes a condition and two values"),
        ("z # 2", 3, "'#' has no meaning in a formula"),
        ("z\u{0}", 2, "'\\u{0}' has no meaning in a formula"),
        ("1e999*z", 1, "this number is not within the range of f64"),
        ("z^", 3, "the formula ends where a value was expected"),
        ("z⁻", 2, "'⁻' has no meaning in a formula"),
        ("||z|", 1, "this '|' is never closed"),
        ("pi(z)", 1, "'pi' is no function, but a bracket follows it"),
        (".", 1, "'.' has no meaning in a formula"),
        ("_", 1, "unknown name '_'"),
    ] {
        let error = parse(source).unwrap_err();
        assert_eq!(error.what(), what, "{source}");
        assert_eq!(
            error.place(),
            Some(format!("column {column} of the formula").as_str()),
            "{source}"
        );
    }
}

#[test]
fn long_sources_show_a_window() {
    let source = format!("{}#{}", "z + ".repeat(100), " + z".repeat(100));
    let error = parse(&source).unwrap_err();
    let [shown, carets] = error.details() else { panic!("two lines") };
    assert!(shown.chars().count() <= 74 && shown.starts_with('…') && shown.ends_with('…'));
    let caret = carets.chars().position(|c| c == '^').unwrap();
    assert_eq!(shown.chars().nth(caret), Some('#'));
}

#[test]
fn limits_hold_without_overflow() {
    let nested = |open: &str, count: usize, close: &str| {
        format!("{}z{}", open.repeat(count), close.repeat(count))
    };
    for refused in [
        nested("(", 30_000, ")"),
        nested("(", 201, ")"),
        nested("-", 60_000, ""),
        nested("2^", 30_000, ""),
        nested("2*-", 300, "").replace("2*", "") + "*z",
        nested("|", 30_000, "|"),
        nested("√", 20_000, ""),
        nested("exp(", 10_000, ")"),
        format!("z{}", "/z".repeat(30_000)),
        format!("z{}", "/z*z".repeat(15_000)),
        nested("max(z,", 5_000, ")"),
        nested("piecewise(z<0,0,", 3_000, ")"),
    ] {
        let error = parse(&refused).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.what().contains("deeper than"), "{}: {error}", &refused[..20]);
    }
    let error = parse(&nested("(", 100_000, ")")).unwrap_err();
    assert_eq!(error.what(), format!("the formula has 200001 bytes, at most {MAX_BYTES} are read"));
    for accepted in [nested("(", 200, ")"), nested("exp(", 200, ")"), nested("1+1/(1+", 190, ")")] {
        let formula = parse(&accepted).unwrap();
        assert_eq!(parse(&formula.to_string()), Ok(formula.clone()));
        assert!(formula.differentiate("z").is_ok());
    }
    let long = vec!["z"; 30_000].join("+");
    assert!(parse(&long).unwrap().differentiate("z").is_ok());
}

#[test]
fn the_zero_test_takes_hostile_divisors() {
    for hostile in [
        format!("{}z{}", "1/(log(-1)+".repeat(199), ")".repeat(199)),
        format!("1/({})", vec!["log(-z*z-1)"; 5_000].join("+")),
        format!("1/({}{}", "z+".repeat(30_000), "z)"),
        format!("{}z{}", "1/(z^z^z^0.1+".repeat(190), ")".repeat(190)),
        format!("1/({}z)", (0..5_000).map(|i| format!("x{i}+")).collect::<String>()),
    ] {
        if let Ok(formula) = parse(&hostile) {
            formula.latex();
            formula.mathml();
        }
    }
}
