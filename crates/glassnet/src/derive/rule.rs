//! The rules of derivations by name.

/// A rule that leads from one line of a derivation to the next.
///
/// The first group is applied to a derivative that is still to be taken, the second to a line without one. Whether
/// a name fits a line is decided by [`validate`](super::validate).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// (a + b)' = a' + b'
    Sum,
    /// (c·u)' = c·u'
    ConstantFactor,
    /// (u·v)' = u'·v + u·v'
    Product,
    /// (u/v)' = (u'·v − u·v')/v²
    Quotient,
    /// f(u)' = f'(u)·u'
    Chain,
    /// (zⁿ)' = n·zⁿ⁻¹
    Power,
    /// (e^u)' = u'·e^u, (a^u)' = u'·a^u·ln a
    Exponential,
    /// (ln u)' = u'/u
    Logarithm,
    /// The derivative of a function that is known: sin, tanh, erf, …
    Known,
    /// c' = 0 and z' = 1
    Constant,
    /// Products of sums written as sums of products.
    MultiplyOut,
    /// Like terms added up.
    Collect,
    /// Terms taken away and added that cancel each other, `+1 -1`.
    Expand,
    /// Terms grouped by brackets, or a fraction of a sum written as a sum of fractions.
    Separate,
    /// a² ± 2ab + b² = (a ± b)² and (a + b)(a − b) = a² − b², in either direction.
    Square,
    /// The terms of a fraction divided by its denominator.
    Divide,
    /// A function's name in place of its formula, or its formula in place of its name.
    Definition,
    /// Parts replaced by what they equal in terms of the function.
    Substitute,
    /// Equal factors of numerator and denominator (or of a product) removed.
    Cancel,
    /// A common factor written in front of brackets.
    Factor,
    /// Fractions written over one denominator.
    CommonDenominator,
    /// e^a·e^b = e^(a+b), a^m·a^n = a^(m+n), a^(−n) = 1/aⁿ
    PowerLaw,
    /// sin² + cos² = 1 and other identities of sine and cosine, or of sinh and cosh.
    Identity,
    /// Signs, factors of one and numbers put together.
    Simplify,
    /// The order of terms or factors changed.
    Reorder,
}

struct Row {
    rule: Rule,
    label: &'static str,
    synonyms: &'static [&'static str],
}

const fn row(rule: Rule, label: &'static str, synonyms: &'static [&'static str]) -> Row {
    Row { rule, label, synonyms }
}

/// One row per rule, in the order of the enum. A name is matched in lower case, without 'apply', 'by' and 'the'.
#[rustfmt::skip]
const TABLE: [Row; 25] = [
    //  rule                    label                     also called
    row(Rule::Sum,              "sum rule",               &["sum", "difference rule", "linearity", "sum and difference rule", "term by term", "differentiate term by term"]),
    row(Rule::ConstantFactor,   "constant factor",        &["constant factor rule", "constant multiple rule", "constant multiple", "factor rule", "constant rule for factors"]),
    row(Rule::Product,          "product rule",           &["product", "leibniz rule"]),
    row(Rule::Quotient,         "quotient rule",          &["quotient"]),
    row(Rule::Chain,            "chain rule",             &["chain", "inner derivative", "outer times inner"]),
    row(Rule::Power,            "power rule",             &["power", "derivative of a power"]),
    row(Rule::Exponential,      "exponential",            &["exponential rule", "exponential function", "derivative of exponential", "derivative of exponential function", "derivative of exp"]),
    row(Rule::Logarithm,        "logarithm",              &["logarithm rule", "log rule", "derivative of logarithm", "derivative of log", "derivative of ln", "logarithmic derivative"]),
    row(Rule::Known,            "known derivative",       &["standard derivative", "table of derivatives", "table", "elementary derivative", "known", "derivative of known function"]),
    row(Rule::Constant,         "derivative of constant", &["constant rule", "constants", "derivative of z", "constant", "identity function"]),
    row(Rule::MultiplyOut,      "multiply out",           &["expand", "expand brackets", "expand products", "distribute", "distributive law", "distributive property", "multiply", "foil", "remove brackets", "expand product"]),
    row(Rule::Collect,          "collect",                &["collect terms", "collect like terms", "combine", "combine terms", "combine like terms", "add up", "add like terms", "summarise", "summarize"]),
    row(Rule::Expand,           "expand by +a -a",        &["add zero", "add a zero", "add and subtract", "expand by zero", "add nutritious zero", "subtract and expand", "complete square", "completing square"]),
    row(Rule::Separate,         "separate",               &["group", "group terms", "regroup", "separate terms", "split", "split fraction", "split sum", "set brackets"]),
    row(Rule::Square,           "square rule",            &["binomial formula", "binomial theorem", "binomial", "square", "square formula", "difference of squares", "perfect square", "first binomial formula", "second binomial formula", "third binomial formula"]),
    row(Rule::Divide,           "divide",                 &["divide out", "divide through", "perform division", "divide terms", "divide term by term"]),
    row(Rule::Definition,       "definition",             &["apply definition", "use definition", "insert definition", "by definition", "definition of tanh", "definition of sigmoid", "rewrite by definition"]),
    row(Rule::Substitute,       "substitute",             &["substitution", "insert", "plug in", "replace", "express in terms of f"]),
    row(Rule::Cancel,           "cancel",                 &["cancel out", "reduce", "reduce fraction", "cancel common factor", "cancel common factors", "cancel factors", "shorten"]),
    row(Rule::Factor,           "factor out",             &["factor", "factorise", "factorize", "factor common term", "pull out", "take out common factor", "pull out common factor"]),
    row(Rule::CommonDenominator,"common denominator",     &["common fraction", "bring to common denominator", "same denominator", "add fractions", "combine fractions", "one fraction"]),
    row(Rule::PowerLaw,         "power law",              &["power laws", "laws of exponents", "exponent rule", "exponent rules", "rules of exponents", "rules for powers", "exponent law", "write as fraction", "write powers as fraction"]),
    row(Rule::Identity,         "identity",               &["trigonometric identity", "pythagoras", "pythagorean identity", "trig identity", "hyperbolic identity", "trigonometric pythagoras"]),
    row(Rule::Simplify,         "simplify",               &["tidy", "tidy up", "simplification", "arithmetic", "calculate", "compute", "evaluate"]),
    row(Rule::Reorder,          "reorder",                &["rearrange", "commute", "commutative law", "sort", "reorder terms", "rearrange terms", "reorder factors"]),
];

/// Words of a label that say nothing about the rule.
const FILLERS: [&str; 12] =
    ["apply", "applying", "the", "use", "using", "we", "by", "with", "of", "a", "an", "now"];

impl Rule {
    /// Every rule, in the order of the enum.
    pub fn all() -> impl Iterator<Item = Rule> {
        TABLE.iter().map(|row| row.rule)
    }

    /// The rule's name. A step's own label may say more: see [`DerivationStep::label`](super::DerivationStep).
    pub fn label(self) -> &'static str {
        TABLE[self as usize].label
    }

    /// True for rules that take a derivative; the others change a line without one.
    pub fn differentiates(self) -> bool {
        self <= Rule::Constant
    }

    /// The rule that a label names, by its name or one of its other names; `None` if it names none.
    ///
    /// Details are allowed: `subtract e^4z and expand by +1 -1` is [`Rule::Expand`], `factor out 3/2` is
    /// [`Rule::Factor`], `definition of tanh` is [`Rule::Definition`], `1+e^-z = 1/σ` is [`Rule::Substitute`].
    ///
    /// ```
    /// use glassnet::derive::Rule;
    /// assert_eq!(Rule::parse("apply quotient rule"), Some(Rule::Quotient));
    /// assert_eq!(Rule::parse("Binomial formula"), Some(Rule::Square));
    /// assert_eq!(Rule::parse("subtract e^4z and expand by +/-1"), Some(Rule::Expand));
    /// assert_eq!(Rule::parse("magic"), None);
    /// ```
    pub fn parse(label: &str) -> Option<Rule> {
        let lower = label.to_lowercase();
        let trimmed = lower.trim().trim_matches(|c: char| ".,:;()[]".contains(c));
        let words: Vec<&str> =
            trimmed.split_whitespace().filter(|word| !FILLERS.contains(word)).collect();
        let plain = words.join(" ");
        let stripped = |name: &str| {
            let words: Vec<&str> =
                name.split_whitespace().filter(|word| !FILLERS.contains(word)).collect();
            words.join(" ")
        };
        let named = |row: &&Row| {
            stripped(row.label) == plain || row.synonyms.iter().any(|name| stripped(name) == plain)
        };
        if let Some(row) = TABLE.iter().find(named) {
            return Some(row.rule);
        }
        let starts = |start: &str| plain.starts_with(start);
        if starts("expand +")
            || starts("expand ±")
            || (starts("subtract") && plain.contains("expand"))
        {
            return Some(Rule::Expand);
        }
        if starts("add ") && plain.contains("subtract") {
            return Some(Rule::Expand);
        }
        if starts("factor ") || starts("pull out ") || starts("take out ") {
            return Some(Rule::Factor);
        }
        if starts("definition ") {
            return Some(Rule::Definition);
        }
        if starts("derivative ") || starts("known derivative") {
            return Some(Rule::Known);
        }
        if starts("cancel ") {
            return Some(Rule::Cancel);
        }
        // 'chain rule with u = 2z', 'quotient rule: (u/v)''
        let contained = TABLE.iter().filter(|row| row.label.ends_with("rule"));
        let mut found = contained.filter(|row| plain.contains(row.label)).map(|row| row.rule);
        if let Some(first) = found.next() {
            return Some(first).filter(|_| found.next().is_none());
        }
        let replaces = starts("substitute ") || starts("insert ") || plain.contains(" = ");
        replaces.then_some(Rule::Substitute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum_and_names_are_unique() {
        let mut names = std::collections::BTreeMap::new();
        for (i, row) in TABLE.iter().enumerate() {
            assert_eq!(row.rule as usize, i);
            for name in row.synonyms.iter().chain([&row.label]) {
                assert_eq!(Rule::parse(name), Some(row.rule), "{name}");
                assert_eq!(names.insert(name.to_string(), row.rule), None, "{name}");
            }
        }
    }

    #[test]
    fn labels_with_details_name_their_rule() {
        for (label, rule) in [
            ("Apply the chain rule", Rule::Chain),
            ("subtract e^4z and expand by +1 -1", Rule::Expand),
            ("factor out 3/2", Rule::Factor),
            ("definition of tanh(z)", Rule::Definition),
            ("1 + e^-z = 1/σ, e^-z = (1-σ)/σ", Rule::Substitute),
            ("apply square rule", Rule::Square),
            ("chain rule with u = z^2", Rule::Chain),
            ("derivative of tanh", Rule::Known),
        ] {
            assert_eq!(Rule::parse(label), Some(rule), "{label}");
        }
        assert_eq!(Rule::parse("chain rule and product rule"), None);
        assert_eq!(Rule::parse(""), None);
    }
}
