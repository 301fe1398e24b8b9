//! Text in and out: what is written is kept, and prints as what reads back.

use super::trees::{FORMULAS, tree};
use crate::formula::{Expression, Function, Number, Rational, parse, parse_activation, parse_in};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

proptest! {
    #![proptest_config(crate::formula::tests::fixed(3000))]

    #[test]
    fn plain_and_unicode_text_read_back_as_the_same_tree(formula in tree(&["z", "w1", "x_2", "β"])) {
        // Random trees may divide by zero, which the reader refuses and another test looks at.
        for text in [formula.to_string(), formula.unicode()] {
            match parse(&text) {
                Ok(read) => prop_assert_eq!(&read, &formula, "{}", text),
                Err(error) => prop_assert!(error.what().contains("division by zero"), "{}", error),
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-+*/^()|,.<=>zxe0-9 π²⁻√a-z]{0,40}") {
        if let Ok(formula) = parse(&text) {
            prop_assert_eq!(parse(&formula.to_string()), Ok(formula));
        }
    }

    #[test]
    fn latex_and_mathml_are_balanced(formula in tree(&["z", "w1"])) {
        let latex = formula.latex();
        for (open, close) in [("{", "}"), (r"\left", r"\right"), (r"\begin{", r"\end{")] {
            prop_assert_eq!(latex.matches(open).count(), latex.matches(close).count(), "{}", &latex);
        }
        let mathml = formula.mathml();
        for tag in ["math", "mrow", "mfrac", "msup", "msub", "mi", "mo", "mn", "msqrt", "mtable"] {
            let opened = mathml.matches(&format!("<{tag}>")).count()
                + mathml.matches(&format!("<{tag} ")).count();
            prop_assert_eq!(opened, mathml.matches(&format!("</{tag}>")).count(), "{}", tag);
        }
    }
}

/// Plain text of what is read.
fn check(source: &str, plain: &str) {
    assert_eq!(parse(source).unwrap().to_string(), plain, "{source}");
}

#[test]
fn notation_is_read_as_in_mathematics() {
    check("-z^2", "-z^2");
    assert_eq!(parse("-z^2").unwrap(), Expression::negative(parse("z^2").unwrap()));
    assert_ne!(parse("-z^2").unwrap(), parse("(-z)^2").unwrap());
    check("(-z)^2", "(-z)^2");
    check("z**2**3", "z^2^3");
    assert_eq!(parse("z^2^3").unwrap(), parse("z^(2^3)").unwrap());
    check("(z^2)^3", "(z^2)^3");
    check("2z", "2*z");
    check("3(z+1)", "3*(z + 1)");
    check("2πz", "2*pi*z");
    check("2e", "2*e");
    check("2e3", "2e3");
    check("2e^(2z)", "2*e^(2*z)");
    check("z² − 3·z⁻¹", "z^2 - 3*z^(-1)");
    check("|z|", "abs(z)");
    check("||z| - 1|", "abs(abs(z) - 1)");
    check("2|z||z|", "2*abs(z)*abs(z)");
    check("√(2)/√z", "sqrt(2)/sqrt(z)");
    check("σ(z)", "sigmoid(z)");
    check("ln(z)", "log(z)");
    check("[z + 1][z - 1]", "(z + 1)*(z - 1)");
    check("a/b/c*d", "a/b/c*d");
    check("a/(b/c)*d", "a/(b/c)*d");
    check("a*(b/c)", "a*(b/c)");
    check("a - (b - c) + (d + f)", "a - (b - c) + (d + f)");
    check("a + -b", "a + (-b)");
    check("a--b", "a - (-b)");
    check("2^-z", "2^(-z)");
    check("where(z<=0, 1, 2)", "piecewise(z <= 0, 1, 2)");
    check("z z", "z*z");
    check("+z", "z");
    check("z exp(z)", "z*exp(z)");
    check(" z\n + 1 ", "z + 1");
}

#[test]
fn numbers_keep_their_text_and_are_exact() {
    check("0.10*z + 1.50", "0.10*z + 1.50");
    let exact = |text: &str| Number::parse(text).unwrap().rational();
    assert_eq!(exact("0.10"), Rational::new(1, 10));
    assert_eq!(exact("12.5e-2"), Rational::new(1, 8));
    assert_eq!(exact("3e2"), Rational::new(300, 1));
    assert_eq!(exact(".5"), Rational::new(1, 2));
    assert_eq!(exact("0e99999"), Rational::new(0, 1));
    assert_eq!(exact("1e-300"), None);
    assert_eq!(exact("1e-300").map(Rational::to_f64), None);
    for refused in ["", ".", "-1", "1e", "inf", "nan", "1e400", "1e-400", "+1", "1.2.3"] {
        assert_eq!(Number::parse(refused), None, "{refused}");
    }
    assert_eq!(Expression::from_f64(-0.1).unwrap().to_string(), "-0.1");
    assert_eq!(Expression::from_f64(1e-7).unwrap().to_string(), "1e-7");
    assert_eq!(Expression::from_f64(f64::NAN), None);
    assert_eq!(Rational::new(i128::MAX, 1).unwrap().plus(Rational::ONE), None);
    assert_eq!(Rational::new(2, -4), Rational::new(-1, 2));
}

/// Unicode, LaTeX.
fn check_set(source: &str, unicode: &str, latex: &str) {
    let formula = parse(source).unwrap();
    assert_eq!(formula.unicode(), unicode, "{source}");
    assert_eq!(formula.latex(), latex, "{source}");
}

#[test]
fn formulas_are_set_with_the_brackets_they_need() {
    check_set(
        "(exp(2z) - 1)/(exp(2z) + 1)",
        "(exp(2z) − 1)/(exp(2z) + 1)",
        r"\frac{e^{2 z} - 1}{e^{2 z} + 1}",
    );
    check_set(
        "1 - ((e^(2z)-1)/(e^(2z)+1))^2",
        "1 − ((e^(2z) − 1)/(e^(2z) + 1))²",
        r"1 - \left(\frac{e^{2 z} - 1}{e^{2 z} + 1}\right)^{2}",
    );
    check_set("1 - tanh(z)^2", "1 − tanh(z)²", r"1 - \tanh^{2}(z)");
    check_set("sin(z)^-1", "sin(z)⁻¹", r"(\sin(z))^{-1}");
    check_set("sigmoid(z)^2", "σ(z)²", r"(\sigma(z))^{2}");
    check_set("exp(z)^2", "exp(z)²", r"(e^{z})^{2}");
    check_set("sqrt(z)^3", "√(z)³", r"\left(\sqrt{z}\right)^{3}");
    check_set("abs(z)^2", "|z|²", r"\left|z\right|^{2}");
    check_set("(2^3)^z", "(2³)^z", r"(2^{3})^{z}");
    check_set("z*(-2)", "z·(−2)", r"z (-2)");
    check_set("2*3*z", "2·3·z", r"2 \cdot 3 z");
    check_set("2*(1/3)*z", "2·(1/3)·z", r"2 \cdot \frac{1}{3} z");
    check_set("1.5e-3^2", "1.5e-3²", r"(1.5 \cdot 10^{-3})^{2}");
    check_set("2*β_1*w12", "2β_1·w12", r"2 \beta_{1} w_{12}");
    check_set("log2(z)^2 + ln(z)^2", "log2(z)² + ln(z)²", r"(\log_{2}(z))^{2} + \ln^{2}(z)");
    check_set("exp(1/z)", "exp(1/z)", r"\exp\left(\frac{1}{z}\right)");
    check_set("exp(-z^2/2)", "exp(−z²/2)", r"\exp\left(-\frac{z^{2}}{2}\right)");
    check_set("e^(-z^2)", "e^(−z²)", r"e^{-z^{2}}");
    check_set("π*z", "π·z", r"\pi z");
    check_set("max(z, 0)", "max(z, 0)", r"\max(z, 0)");
    check_set("a - (b + c)", "a − (b + c)", r"a - (b + c)");
    check_set("-(a - b)", "−(a − b)", r"-(a - b)");
    check_set(
        "2*piecewise(z <= 0, z, 1)",
        "2·piecewise(z ≤ 0, z, 1)",
        r"2 \left(\begin{cases} z & \text{if } z \le 0 \\ 1 & \text{otherwise} \end{cases}\right)",
    );
    check_set(
        "relu(z) + softplus(z)",
        "relu(z) + softplus(z)",
        r"\operatorname{ReLU}(z) + \operatorname{softplus}(z)",
    );
}

#[test]
fn mathml_escapes_and_nests() {
    let text = parse("piecewise(z < 0, -z, tanh(z)^2)").unwrap().mathml();
    assert_eq!(
        text,
        "<math xmlns=\"http://www.w3.org/1998/Math/MathML\"><mrow>\
         <mo form=\"prefix\" fence=\"true\">{</mo><mtable columnalign=\"left\">\
         <mtr><mtd><mrow><mo form=\"prefix\">−</mo><mi>z</mi></mrow></mtd>\
         <mtd><mtext>if\u{a0}</mtext><mrow><mi>z</mi><mo>&lt;</mo><mn>0</mn></mrow></mtd></mtr>\
         <mtr><mtd><mrow><msup><mi>tanh</mi><mn>2</mn></msup><mo>\u{2061}</mo>\
         <mrow><mo form=\"prefix\" fence=\"true\" stretchy=\"false\">(</mo><mi>z</mi>\
         <mo form=\"postfix\" fence=\"true\" stretchy=\"false\">)</mo></mrow></mrow></mtd>\
         <mtd><mtext>otherwise</mtext></mtd></mtr></mtable></mrow></math>",
    );
}

#[test]
fn bars_within_bars_read_back() {
    for source in ["abs(2*abs(z))", "abs(abs(z)*abs(z - 1) + 2)*abs(z)", "2*abs(z)^2"] {
        let formula = parse(source).unwrap();
        assert_eq!(parse(&formula.unicode()), Ok(formula), "{source}");
    }
}

#[test]
fn tables_read_and_round_trip() {
    for source in FORMULAS {
        let formula = parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
        assert_eq!(parse(&formula.to_string()), Ok(formula.clone()), "{source}");
        assert_eq!(parse(&formula.unicode()), Ok(formula), "{source}");
    }
    for (i, function) in Function::all().enumerate() {
        assert_eq!(function as usize, i);
        assert_eq!(Function::named(function.name()), Some(function));
        assert!(function.derivative().variables().len() <= 1);
    }
}

#[test]
fn variables_are_those_allowed() {
    assert!(parse_activation("x*sigmoid(x)").is_ok());
    assert!(parse_activation("3").is_ok());
    assert!(parse_activation("x*z").is_err());
    assert!(parse_activation("b*z").is_err());
    assert_eq!(parse_in("rate*z", &["rate", "z"]).unwrap().variables(), ["rate", "z"]);
    let formula = parse("b*tanh(c*z)").unwrap();
    let bound = formula.substitute("c", &parse("1 + q").unwrap());
    assert_eq!(bound.to_string(), "b*tanh((1 + q)*z)");
    assert_eq!((formula.nodes(), formula.depth()), (6, 4));
}

#[test]
fn tidying_is_light() {
    let tidy = |text: &str| parse(text).unwrap().tidy().to_string();
    assert_eq!(tidy("z + 0*z - 0"), "z");
    assert_eq!(tidy("1 + z + 2 - z"), "3 + z - z");
    assert_eq!(tidy("0.1*3*z"), "0.3*z");
    assert_eq!(tidy("2/4*z"), "1/2*z");
    assert_eq!(tidy("z*(-2)*(-3)"), "6*z");
    assert_eq!(tidy("-(-z)"), "z");
    assert_eq!(tidy("a - (-b)"), "a + b");
    assert_eq!(tidy("z/1 + z^1 + z^0"), "z + z + 1");
    assert_eq!(tidy("(-a)/(-b) + (-a)/b"), "a/b - a/b");
    assert_eq!(tidy("3 - 5 + z"), "-2 + z");
    assert_eq!(tidy("1/0.3"), "10/3");
    assert_eq!(tidy("(-1)/2*z"), "-1/2*z");
    assert_eq!(tidy("(-1)/(-2)*z*(-3)/4"), "-3/2*z/4");
    assert_eq!(tidy("(a + b) + c"), "(a + b) + c");
}
