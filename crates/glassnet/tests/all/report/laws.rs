//! What holds for any mathematics, any words and any width.

use glassnet::document::{Align, Block, Column, Document, Inline, Steps, Table, Text};
use glassnet::formula::{BigOperator, Fence, Math, Operator};
use glassnet::report::{Config, Format, render};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

fn leaf() -> impl Strategy<Value = Math> {
    prop_oneof![
        (-1e3f64..1e3).prop_map(Math::f64),
        any::<f64>().prop_map(Math::f64),
        prop::sample::select(vec!["x", "w1", "ŷ_i", "σ", "z_max", "α", "n"]).prop_map(Math::name),
        "[ -~éσ−中\\x1b\\n]{0,12}".prop_map(Math::text),
        Just(Math::Pi),
        Just(Math::Operator(Operator::Infinity)),
    ]
}

/// Mathematics as explanations put it together.
fn math() -> impl Strategy<Value = Math> {
    leaf().prop_recursive(5, 40, 5, |inner| {
        let several = prop::collection::vec(inner.clone(), 1..5);
        let relation = prop::sample::select(vec![
            Operator::Equals,
            Operator::Approximately,
            Operator::Becomes,
            Operator::Comma,
            Operator::Implies,
        ]);
        prop_oneof![
            several.clone().prop_map(Math::sum),
            several.clone().prop_map(Math::product),
            (inner.clone(), relation, inner.clone()).prop_map(|(left, sign, right)| Math::row([
                left,
                Math::Operator(sign),
                right
            ])),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Math::fraction(a, b)),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.power(b)),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| Math::Raised(Box::new(a), Box::new(b))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.fenced().lowered(b)),
            inner.clone().prop_map(|a| Math::Root(Box::new(a))),
            inner.clone().prop_map(|a| Math::apply("tanh", a)),
            inner.clone().prop_map(|a| Math::apply("ReLU", a)),
            inner.clone().prop_map(Math::negative),
            (fence(), inner.clone()).prop_map(|(fence, a)| Math::Fence(fence, Box::new(a))),
            prop::collection::vec(prop::collection::vec(inner.clone(), 3), 1..4)
                .prop_map(Math::Matrix),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(index, limit, body)| {
                Math::row([
                    Math::Big(BigOperator::Sum, Some(Box::new(index)), Some(Box::new(limit))),
                    body.fenced(),
                ])
            }),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Math::Under(Box::new(a), Box::new(b))),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| Math::Cases(vec![(a, Some(b)), (c, None)])),
        ]
    })
}

fn fence() -> impl Strategy<Value = Fence> {
    prop::sample::select(vec![
        Fence::Round,
        Fence::Square,
        Fence::Curly,
        Fence::Bars,
        Fence::DoubleBars,
    ])
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{0,60}", "[ -~]{0,30}", "\\PC{0,20}", "[<>&\"'`$|*_#{}\\\\~^%-]{0,12}"]
}

fn text() -> impl Strategy<Value = Text> {
    let piece = prop_oneof![
        words().prop_map(Inline::Plain),
        words().prop_map(Inline::Code),
        words().prop_map(Inline::Strong),
        math().prop_map(Inline::Math),
    ];
    prop::collection::vec(piece, 0..4).prop_map(Text)
}

fn table() -> impl Strategy<Value = Block> {
    (1usize..6, 0usize..4).prop_flat_map(|(wide, high)| {
        let align = prop::sample::select(vec![Align::Left, Align::Right]);
        let columns = (text(), align).prop_map(|(head, align)| Column { head, align });
        let columns = prop::collection::vec(columns, wide);
        let rows = prop::collection::vec(prop::collection::vec(text(), wide), high);
        (text(), columns, rows)
            .prop_map(|(caption, columns, rows)| Block::Table(Table { caption, columns, rows }))
    })
}

fn block() -> impl Strategy<Value = Block> {
    let steps =
        (math(), prop::collection::vec((math(), text()), 0..3)).prop_map(|(start, lines)| {
            let mut steps = Steps::new(start);
            lines.into_iter().for_each(|(value, label)| steps.equals(value, label));
            Block::Steps(steps)
        });
    prop_oneof![
        text().prop_map(Block::Paragraph),
        math().prop_map(Block::Formula),
        steps,
        table(),
        words().prop_map(|text| Block::Code { language: None, text }),
        text().prop_map(|text| Block::Heading(3, text)),
        prop::collection::vec(text().prop_map(|text| vec![Block::Paragraph(text)]), 1..3)
            .prop_map(|items| Block::List { ordered: true, items }),
    ]
}

/// Braces close what they open; escaped ones are characters.
fn braces_balance(latex: &str) -> bool {
    let mut depth = 0i64;
    let mut escaped = false;
    for character in latex.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// No atom has two exponents or two indices, which TeX refuses as 'Double superscript' or 'Double subscript'.
fn has_no_double_script(latex: &str) -> bool {
    // Whether the last atom has an exponent and an index, for every open brace.
    let mut scripts = vec![(false, false)];
    let mut characters = latex.chars().peekable();
    let mut after_prime = false;
    while let Some(character) = characters.next() {
        let has = scripts.last_mut().expect("braces balance");
        match character {
            '\\' => {
                let mut name = String::new();
                while let Some(letter) = characters.next_if(|c| c.is_ascii_alphabetic()) {
                    name.push(letter);
                }
                if name.is_empty() {
                    characters.next();
                }
                *has = (false, false);
            }
            '^' | '\'' | '_' => {
                let twice = if character == '_' { &mut has.1 } else { &mut has.0 };
                let prime = character == '\'';
                if *twice && !(prime && after_prime) {
                    return false;
                }
                *twice = true;
                after_prime = prime;
                if !prime && characters.next() == Some('{') {
                    scripts.push((false, false));
                }
            }
            '{' => {
                *has = (false, false);
                scripts.push((false, false));
            }
            '}' => {
                scripts.pop();
            }
            character if character.is_whitespace() => {}
            _ => *has = (false, false),
        }
    }
    true
}

#[test]
fn an_index_of_an_index_stands_beside_a_group() {
    let w = Math::name("W").lowered(Math::text("eff")).lowered(Math::name("i"));
    assert_eq!(w.latex(), r"{W_{\text{eff}}}_{i}");
    let raised = |base: Math| Math::Raised(Box::new(base), Box::new(Math::number("2")));
    let both = raised(Math::name("a").lowered(Math::name("i")));
    assert_eq!(both.latex(), "a_{i}^{2}");
    assert!(!has_no_double_script(r"W_{\text{eff}}_{i}") && !has_no_double_script("x^{2}'"));
    assert!(!has_no_double_script("x^2^2") && has_no_double_script("x''_{i} y_{j}"));
}

#[test]
fn a_space_between_factors_is_one_in_mathml_too() {
    let fraction = || Math::fraction(Math::name("a"), Math::name("b"));
    let mathml = Math::row([fraction(), Math::text(" "), fraction()]).mathml(true);
    assert!(
        mathml.contains("</mfrac><mo>\u{2062}</mo><mspace width=\"0.22em\"/><mfrac>"),
        "{mathml}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn mathematics_fits_its_width(math in math(), width in 1usize..100) {
        for line in math.lines(width) {
            prop_assert!(line.width() <= width.max(2), "{line:?} in {width}");
            prop_assert!(!line.contains('\n'));
        }
    }

    #[test]
    fn latex_balances_and_reads_back(math in math()) {
        let latex = math.latex();
        prop_assert!(braces_balance(&latex), "{latex}");
        prop_assert!(has_no_double_script(&latex), "{latex}");
        prop_assert!(latex.is_ascii() || latex.contains('é'), "{latex}");
        let read = Math::parse_latex(&latex);
        prop_assert!(read.is_ok(), "{latex}: {}", read.unwrap_err());
        let again = read.unwrap().latex();
        let twice = Math::parse_latex(&again).map(|math| math.latex());
        prop_assert_eq!(twice, Ok(again.clone()));
        let spaceless = |text: &str| text.replace([' ', '~'], "").replace("\\quad", "");
        prop_assert_eq!(spaceless(&again), spaceless(&latex));
    }

    #[test]
    fn scripts_of_scripts_are_grouped(base in math(), script in math(), kinds in prop::collection::vec(0..3, 1..5)) {
        let whole = kinds.into_iter().fold(base, |base, kind| match kind {
            0 => base.lowered(script.clone()),
            1 => Math::Raised(Box::new(base), Box::new(script.clone())),
            _ => Math::Raised(Box::new(base), Box::new(Math::text("′"))),
        });
        let latex = whole.latex();
        prop_assert!(braces_balance(&latex) && has_no_double_script(&latex), "{latex}");
    }

    #[test]
    fn mathml_closes_what_it_opens(math in math()) {
        super::is_balanced(&math.mathml(true)).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn text_fits_its_width(blocks in prop::collection::vec(block(), 1..4), width in 20usize..100) {
        let document = Document { title: "t".into(), blocks };
        for line in render(&document, Format::Text, &Config { width }).lines() {
            prop_assert!(line.width() <= width, "{line:?} in {width}");
            prop_assert!(!line.chars().any(char::is_control));
        }
    }

    #[test]
    fn html_escapes_and_closes(blocks in prop::collection::vec(block(), 1..4)) {
        let document = Document { title: "t".into(), blocks };
        let page = render(&document, Format::Html, &Config::default());
        super::is_balanced(&page).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn latex_documents_balance(blocks in prop::collection::vec(block(), 1..4)) {
        let document = Document { title: "t".into(), blocks };
        let source = render(&document, Format::Latex, &Config::default());
        prop_assert!(braces_balance(&source), "{source}");
    }

    #[test]
    fn any_text_is_read_as_latex_or_refused(source in "[a-z0-9\\\\{}()|^_&' .*+=-]{0,40}") {
        if let Ok(math) = Math::parse_latex(&source) {
            let latex = math.latex();
            prop_assert!(Math::parse_latex(&latex).is_ok(), "{source} became {latex}");
        }
    }
}
