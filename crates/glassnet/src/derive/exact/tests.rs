//! What is equal, what differs, and what neither can tell.

use super::{Comparison, compare};
use crate::formula::parse;

fn check(left: &str, right: &str) -> Comparison {
    compare(&parse(left).unwrap(), &parse(right).unwrap())
}

#[test]
fn identities_are_decided() {
    for (left, right) in [
        ("(z+1)^2", "z^2 + 2z + 1"),
        ("(z^2-1)/(z-1)", "z+1"),
        ("tanh(z)", "(exp(2z)-1)/(exp(2z)+1)"),
        ("tanh(z)", "2*sigmoid(2z) - 1"),
        ("1/(1+exp(-z))", "exp(z)/(1+exp(z))"),
        ("exp(-z)/(1+exp(-z))^2", "(1-sigmoid(z))*sigmoid(z)"),
        ("exp(z/2)^2*exp(z)", "exp(2z)"),
        ("exp(z+b)", "exp(z)*exp(b)"),
        ("exp(z^2/2 + z)", "exp(z^2)^(1/2)*exp(z)"),
        ("sin(z)^2 + cos(z)^2", "1"),
        ("sin(2z)", "2*sin(z)*cos(z)"),
        ("cos(z+b)", "cos(z)*cos(b) - sin(z)*sin(b)"),
        ("sin(z + pi/2)", "cos(z)"),
        ("1 + tan(z)^2", "1/cos(z)^2"),
        ("tan(z/2)", "sin(z)/(1+cos(z))"),
        ("cosh(z)^2 - sinh(z)^2", "1"),
        ("log(cosh(z))", "log(exp(2z)+1) - z - log(2)"),
        ("softplus(z)", "log(1+exp(-z)) + z"),
        ("softplus(-z)", "softplus(z) - z"),
        ("tanh(softplus(z))", "((1+exp(z))^2-1)/((1+exp(z))^2+1)"),
        ("log(z^2)", "2*log(z)"),
        ("log(6z)", "log(2)+log(3)+log(z)"),
        ("log((z+1)^2/(z+2))", "2*log(z+1)-log(z+2)"),
        ("log(exp(2z) + 2exp(z) + 1)", "2*softplus(z)"),
        ("sqrt(z)*sqrt(z)", "z"),
        ("z/sqrt(z)", "sqrt(z)"),
        ("sqrt(z^2)", "abs(z)"),
        ("sqrt(8)", "2*sqrt(2)"),
        ("1/sqrt(2)", "sqrt(2)/2"),
        ("sqrt(2*pi)", "sqrt(2)*sqrt(pi)"),
        ("sqrt(1+z^2)^2", "1+z^2"),
        ("z^(1/3)*z^(2/3)", "z"),
        ("2^z*2", "2^(z+1)"),
        ("z^b", "exp(b*log(z))"),
        ("z^z", "exp(z*log(z))"),
        ("exp(log(z)*3)", "z^3"),
        ("log(cos(z)^2)", "2*log(cos(z))"),
        ("erf(-z)", "-erf(z)"),
        ("erf(z/sqrt(2))", "erf(sqrt(2)*z/2)"),
        ("gelu(z)", "z/2 + z*erf(z/sqrt(2))/2"),
        ("exp(-(z/sqrt(2))^2)*2/sqrt(pi)/sqrt(2)", "2*exp(-z^2/2)/sqrt(2*pi)"),
        ("abs(z)", "max(z, -z)"),
        ("relu(z)", "(z+abs(z))/2"),
        ("softsign(z)", "z/(1+abs(z))"),
        ("max(z, 0) - max(-z, 0)", "z"),
        ("max(-1, min(1, z))", "piecewise(z < -1, -1, z > 1, 1, z)"),
        ("relu(z-1) + relu(1-z)", "abs(z-1)"),
        ("abs(z*b)", "abs(z)*abs(b)"),
        ("max(z^2, 1)", "(z^2 + 1 + abs(z^2-1))/2"),
        ("abs(z^2-1)", "piecewise(z > 1, z^2-1, z < -1, z^2-1, 1-z^2)"),
        ("abs(z^3 - z)", "abs(z)*abs(z-1)*abs(z+1)"),
        ("abs(1 + z^2)", "1 + z^2"),
        ("piecewise(z > 1/3, z, 1/3)", "max(z, 1/3)"),
        ("acos(z)", "pi/2 - asin(z)"),
        ("0.1*z", "z/10"),
        ("e^(2z)", "exp(z)^2"),
        ("log(e)", "1"),
        ("log10(100)", "2"),
        ("1", "1"),
        ("abs(z)/z", "sign(z)"),
    ] {
        assert_eq!(check(left, right), Comparison::Equal, "{left} = {right}");
    }
}

#[test]
fn differences_have_a_point() {
    for (left, right) in [
        ("(z+1)^2", "z^2 + z + 1"),
        ("tanh(z)", "sigmoid(z)"),
        ("sqrt(z^2)", "z"),
        ("log(z^2)/2", "log(z) + 1"),
        ("abs(z)", "z"),
        ("sign(z)", "piecewise(z > 0, 1, -1)"),
        ("max(z, 0)", "max(z, 0.001)"),
        ("abs(z^2-1)", "z^2-1"),
        ("max(z^2, 2)", "z^2"),
        ("piecewise(z < 100, 0, 1)", "0"),
        ("piecewise(z < 100, 0, z > 101, 0, 1)", "0"),
        ("exp(z)", "2.718281828459045^z"),
        ("pi", "3.14159265358979"),
        ("sin(z)", "z - z^3/6"),
        ("erf(z)", "tanh(z)"),
        ("1/3", "0.333333333333333333333"),
        ("z^2*b", "b^2*z"),
        ("atan(z)", "asin(z)"),
        ("exp(-z^2) + 0.00000000000000000001", "exp(-z^2)"),
    ] {
        assert!(
            matches!(check(left, right), Comparison::Different { .. }),
            "{left} = {right}: {:?}",
            check(left, right)
        );
    }
}

#[test]
fn what_no_rule_decides_is_said() {
    for (left, right) in [
        ("asin(z)", "atan(z/sqrt(1-z^2))"),
        ("atan(z)", "2*atan(z/(1+sqrt(1+z^2)))"),
        ("abs(sin(z))*abs(cos(z))", "abs(sin(2z))/2"),
    ] {
        assert_eq!(check(left, right), Comparison::NumericallyEqual, "{left} = {right}");
    }
    for (left, right) in
        [("log(-z^2)", "1"), ("log(-exp(z))", "log(-1-z^2)"), ("asin(2+abs(z))", "z")]
    {
        assert!(matches!(check(left, right), Comparison::Unknown { .. }), "{left} = {right}");
    }
}
