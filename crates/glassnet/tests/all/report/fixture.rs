//! One document that holds every kind of block, awkward words and wide mathematics: what the renderers are measured on.

use glassnet::document::{
    Axis, Block, Check, Column, Document, Figure, Inline, Mark, NoteKind, Plot, Scale, Series,
    Step, Steps, Style, Table, Text,
};
use glassnet::formula::{BigOperator, Fence, Math, Operator, parse};

/// The document.
pub(crate) fn document() -> Document {
    let mut document =
        Document::new(Text::from("Every block, & <script>alert(1)</script> as a title"));
    words(&mut document);
    mathematics(&mut document);
    derivation(&mut document);
    tables(&mut document);
    figures(&mut document);
    notes(&mut document);
    document
}

fn formula(text: &str) -> Math {
    parse(text).expect("a formula of the fixture").math()
}

fn words(document: &mut Document) {
    document.section("Words");
    document.push(Block::Paragraph(Text::from_iter([
        Inline::plain("The loss is "),
        Inline::Math(Math::name("J").equals(formula("(y - t)^2/2"))),
        Inline::plain(", its value −0.1 → 0.36 ≈ 0.4 · 1, with σ and ∂ in plain words; the key "),
        Inline::code("0.weight[0,1]"),
        Inline::plain(" is "),
        Inline::Strong("not".into()),
        Inline::plain(" the key "),
        Inline::code("a_b|`c`"),
        Inline::plain(
            ", and *stars*, $5, 100 % & #1 {braces} ~ ^ \\ \"quotes\" _under_ [link](x) <b> stay ",
        ),
        Inline::Emphasis("as they are".into()),
        Inline::plain(". A column named <script> is a name."),
    ])));
    document.push(Block::List {
        ordered: true,
        items: vec![
            vec![Block::sentence("The first item, which is long enough that a terminal of eighty columns has to wrap it.")],
            vec![
                Block::sentence("The second, with a list of its own:"),
                Block::List {
                    ordered: false,
                    items: vec![vec![Block::sentence("1 + 1")], vec![Block::sentence("- a dash at the start")]],
                },
                Block::Formula(formula("1/(1 + exp(-z))")),
            ],
        ],
    });
    document.push(Block::Code {
        language: Some("sh".into()),
        text: "glassnet derive 'tanh(z)' --order 2\necho \"<done> & $HOME\" `x` \\end{verbatim} ```\n\n    σ ≈ ✓".into(),
    });
}

fn mathematics(document: &mut Document) {
    document.section("Mathematics");
    let weight = || Math::name("w").lowered(Math::number("1,1")).raised(Math::name("l").fenced());
    let slope = |of: &str, by: Math| Math::partial(Math::name(of), by);
    document.formula(Math::row([
        slope("J", weight()),
        Math::Operator(Operator::Equals),
        Math::product([
            slope("J", Math::name("h2")),
            slope("h2", Math::name("h1")),
            slope("h1", Math::name("a1")),
            slope("a1", weight()),
        ]),
    ]));
    let sum = Math::Big(
        BigOperator::Sum,
        Some(Box::new(Math::row([
            Math::name("i"),
            Math::Operator(Operator::Equals),
            Math::f64(1.0),
        ]))),
        Some(Box::new(Math::name("N"))),
    );
    let error = Math::sum([Math::name("ŷ_i"), Math::name("y_i").negative()]);
    document.formula(Math::row([
        Math::apply("J", Math::name("w")),
        Math::Operator(Operator::Equals),
        Math::fraction(Math::f64(1.0), Math::name("N")),
        sum,
        error.power(Math::f64(2.0)),
    ]));
    document.formula(Math::row([
        Math::name("z"),
        Math::Operator(Operator::Equals),
        Math::Matrix(vec![
            vec![Math::f64(3.21), Math::f64(3.21)],
            vec![Math::f64(-2.34), Math::f64(-2.34)],
        ]),
        Math::Matrix(vec![vec![Math::name("x1")], vec![Math::name("x2")]]),
        Math::Operator(Operator::Plus),
        Math::Matrix(vec![vec![Math::f64(-3.21)], vec![Math::f64(2.34)]]),
    ]));
    document.formula(formula("piecewise(z < 0, 0, z > 0, 1, 1/2)"));
    document.formula(formula("sqrt(1/(x^2 + 1)) - (exp(-z^2/2)/sqrt(2*pi))^2"));
    document.formula(Math::row([
        Math::Under(
            Box::new(Math::product([Math::f64(-0.1), Math::f64(-2.0)])),
            Box::new(Math::text("the layer's share")),
        ),
        Math::Operator(Operator::Plus),
        Math::Under(Box::new(Math::f64(0.5)), Box::new(Math::name("b"))),
        Math::Operator(Operator::Approximately),
        Math::f64(0.7),
    ]));
    document.formula(formula("tanh(z)^2 + (1 - abs(z)/(1 + abs(z)))^(a + b) + log2(x)").equals(
        Math::Fence(
            Fence::DoubleBars,
            Box::new(Math::Matrix(vec![vec![Math::name("α"), Math::name("z_max")]])),
        ),
    ));
    // Wider than a page in every format.
    document.formula(Math::name("y").equals(Math::sum((1..=24).map(|i| {
        Math::product([
            Math::factor(-1.25 * f64::from(i)),
            Math::apply("ReLU", Math::name(&format!("x{i}"))),
        ])
    }))));
    let long = (1..=14).map(|i| format!("{i}*x{i}")).collect::<Vec<_>>().join(" + ");
    document.formula(Math::fraction(formula(&long), formula("1 + exp(-z)")));
}

fn derivation(document: &mut Document) {
    document.section("A derivation");
    let start = Math::derivative(formula("(exp(2*z) - 1)/(exp(2*z) + 1)"), "z");
    let mut steps = Steps::new(start);
    let mut line = |text: &str, label: &str, check| {
        steps.steps.push(Step {
            relation: Operator::Equals,
            value: formula(text),
            label: label.into(),
            check: Some(check),
        });
    };
    line(
        "(2*exp(2*z)*(exp(2*z) + 1) - (exp(2*z) - 1)*2*exp(2*z))/(exp(2*z) + 1)^2",
        "quotient rule",
        Check::Exact,
    );
    line(
        "(exp(4*z) + 2*exp(2*z) + 1 - exp(4*z) + 2*exp(2*z) - 1)/(exp(2*z) + 1)^2",
        "subtract e^{4z} & expand by +1 −1",
        Check::Exact,
    );
    line("1 - ((exp(2*z) - 1)/(exp(2*z) + 1))^2", "divide", Check::Exact);
    line("1 - tanh(z)^2", "definition", Check::Numeric);
    line(
        "1 + tanh(z)^2",
        "a false rule whose name is long enough that it has to be wrapped somewhere",
        Check::Wrong,
    );
    document.push(Block::Steps(steps));
    let mut plain = Steps::new(Math::name("J"));
    plain.equals(formula("(0.3 - 1)^2/2"), "");
    plain.steps.push(Step {
        relation: Operator::Approximately,
        value: Math::f64(0.245),
        label: Text::from("put ").math(Math::name("y").equals(Math::f64(0.3))).plain(" in"),
        check: None,
    });
    document.push(Block::Steps(plain));
}

fn tables(document: &mut Document) {
    document.push(Block::Heading(3, "Tables".into()));
    let mut table = Table::new([
        Column::words("layer | kind"),
        Column::numbers(Text::from("parameters of ").math(Math::name("w1"))),
        Column::words("what it does"),
    ]);
    table.caption = "Layers & parameters_of a network".into();
    table.row([
        "0 <script>".into(),
        Math::number("-1.5e-7").into(),
        "a sentence that is rather too long for a cell of a narrow table".into(),
    ]);
    table.row([
        Text::from("2"),
        "1056".into(),
        Text::from("with mathematics: ").math(formula("1 - tanh(z)^2")),
    ]);
    table.row([Text::from("4")]);
    document.push(Block::Table(table));
    let mut wide = Table::new((0..14).map(|i| Column::numbers(format!("column {i}"))));
    for row in 0..2 {
        wide.row((0..14).map(|i| Text::from(Math::f64(f64::from(row * 14 + i) * -1.0625))));
    }
    document.push(Block::Table(wide));
    let mut long = Table::new([Column::numbers("n"), Column::numbers("n²")]);
    for n in 0..45 {
        long.row([Text::from(n.to_string()), (n * n).to_string().into()]);
    }
    document.push(Block::Table(long));
}

fn curve(of: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    (0..=80).map(|i| f64::from(i) / 10.0 - 4.0).map(|z| (z, of(z))).collect()
}

fn figures(document: &mut Document) {
    document.section("Figures");
    let plot = Plot {
        x: Axis::new(Math::name("z")),
        y: Axis {
            label: Text::from("value of ").math(Math::apply("f", Math::name("z"))),
            range: None,
            scale: Scale::Linear,
        },
        series: vec![
            Series::line("tanh <b>", curve(f64::tanh)),
            Series {
                name: "ReLU".into(),
                points: curve(|z| z.clamp(0.0, 2.5)),
                style: Style::Dashed,
            },
            Series {
                name: "rows & points".into(),
                points: vec![(-3.0, 1.0), (1.0, f64::NAN), (2.0, -0.5), (3.0, 0.25)],
                style: Style::Points,
            },
        ],
        marks: vec![Mark { at: (0.0, 0.0), label: "the kink".into() }],
    };
    document.push(Block::Figure(Figure {
        caption: Text::from("Activations of ").math(Math::name("z")),
        alternative:
            "Curves of tanh and ReLU from −4 to 4 with \"quotes\" & <tags>; both pass through 0."
                .into(),
        plot,
    }));
    let plot = Plot {
        x: Axis::new("epoch"),
        y: Axis { label: "loss".into(), range: None, scale: Scale::Logarithmic },
        series: vec![Series::line(
            "training",
            (0..50).map(|i| (f64::from(i), (-f64::from(i) / 6.0).exp())).collect(),
        )],
        marks: vec![],
    };
    document.push(Block::Figure(Figure {
        caption: Text::default(),
        alternative: "The loss falls from 1 to 0.0003 over 50 epochs.".into(),
        plot,
    }));
}

fn notes(document: &mut Document) {
    document.push(Block::Heading(4, "Notes".into()));
    document.note(NoteKind::Convention, "At 0 the derivative of ReLU is taken as 0, as PyTorch does; the one-sided derivatives are 0 and 1.");
    document.push(Block::Note(
        NoteKind::Warning,
        vec![
            Block::sentence("The loss is the mean:"),
            Block::Formula(formula("0.02/3")),
            Block::Code { language: None, text: "0.0067".into() },
        ],
    ));
    document.note(NoteKind::NotProven, "This holds for the rows shown.");
    document.note(NoteKind::Omitted, "98 smaller terms, together 0.003.");
    document.note(NoteKind::Remark, "Remarks are remarks.");
}
