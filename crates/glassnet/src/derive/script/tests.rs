//! Lines in every notation that is read, and the errors of those that are not.

use super::*;

fn read(text: &str) -> Lines {
    read_lines(text, &Reading::default()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let lines = read(text).lines;
    let found: Vec<String> = lines.iter().map(|line| line.value.to_string()).collect();
    assert_eq!(found, expected, "{text}");
}

fn sheet() -> &'static str {
    r"$$\begin{aligned}\tanh(z) &= \frac{e^{2z}-1}{e^{2z}+1} & \frac{\partial \tanh(z)}{\partial z} &= \frac{\partial}{\partial z} \left(\frac{e^{2z}-1}{e^{2z}+1} \right) && \text{apply quotient rule} \\ && &= \frac{2e^{2z} \cdot (e^{2z}+1) - (e^{2z}-1) \cdot 2e^{2z}}{(e^{2z}+1)^2} && \text{multiply out} \\ && &= \frac{2e^{4z} + 2e^{2z} - 2e^{4z} + 2e^{2z}}{(e^{2z}+1)^2} && \text{subtract } e^{4z} \text{ and expand by } +/-1 \\ && &= \frac{e^{4z} + 2e^{2z} + 1 - e^{4z} + 2e^{2z} - 1}{(e^{2z}+1)^2} && \text{separate} \\ && &= \frac{(e^{4z} + 2e^{2z} + 1) - (e^{4z} - 2e^{2z} + 1)}{(e^{2z}+1)^2} && \text{apply square rule} \\ && &= \frac{(e^{2z}+1)^2 - (e^{2z}-1)^2}{(e^{2z}+1)^2} = 1 - \tanh^2(z)\end{aligned}$$"
}

/// The roles and values that were read, a line each.
fn told(text: &str) -> String {
    let told = |line: &Line| {
        let role = match line.role {
            Role::Begin => "from",
            Role::Next => "=",
            Role::Definition => "means",
        };
        format!("{role} {}", line.value)
    };
    read(text).lines.iter().map(told).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_sheet_reads_as_it_stands() {
    let found = read(sheet());
    let told: Vec<String> = found.lines.iter().map(|line| line.value.to_string()).collect();
    assert_eq!(told[1], "(e^(2*z) - 1)/(e^(2*z) + 1)");
    assert_eq!(told[4], "(2*e^(2*z)*(e^(2*z) + 1) - (e^(2*z) - 1)*2*e^(2*z))/(e^(2*z) + 1)^2");
    assert_eq!(told[9], "1 - tanh(z)^2");
    let slope = found.lines[3].unevaluated.as_ref().expect("the derivative is named");
    assert_eq!((slope.of.to_string().as_str(), slope.order), (told[1].as_str(), 1));
    let labels: Vec<(usize, &str)> =
        found.labels.iter().map(|label| (label.row, label.words.as_str())).collect();
    assert_eq!(
        labels,
        [
            (0, "apply quotient rule"),
            (1, "multiply out"),
            (2, "subtract e^4z and expand by +/-1"),
            (3, "separate"),
            (4, "apply square rule"),
        ],
    );
}

#[test]
fn the_sheets_page_reads_within_its_displays() {
    let page = r"
Gradient for Sigmoid

- Start with basic derivation:

$$\sigma(z) = \frac{1}{1+e^{-z}} \quad \frac{\partial \sigma(z)}{\partial z} = \frac{\partial}{\partial z} \left(\frac{1}{1+e^{-z}} \right) = -1 \cdot (1+e^{-z})^{-2} \cdot (-e^{-z}) = \frac{e^{-z}}{(1+e^{-z})^2}$$

- Express terms via $\sigma(z)$:

$$\sigma(z) = \frac{1}{1+e^{-z}}, \quad 1+e^{-z} = \frac{1}{\sigma(z)}, \quad e^{-z} = \frac{1-\sigma(z)}{\sigma(z)}$$

- Then simplify:

$$\frac{\partial \sigma(z)}{\partial z} = \frac{1-\sigma(z)}{\sigma(z)} \cdot (\sigma(z))^2 = (1-\sigma(z)) \cdot \sigma(z)$$
";
    let expected = "from sigmoid(z)
= 1/(1 + e^(-z))
from sigmoid(z)*(1 - sigmoid(z))
= e^(-z)/(1 + e^(-z))^2
= -1*(1 + e^(-z))^(-2)*(-e^(-z))
= e^(-z)/(1 + e^(-z))^2
from sigmoid(z)
= 1/(1 + e^(-z))
from 1 + e^(-z)
= 1/sigmoid(z)
from e^(-z)
= (1 - sigmoid(z))/sigmoid(z)
from sigmoid(z)*(1 - sigmoid(z))
= (1 - sigmoid(z))/sigmoid(z)*sigmoid(z)^2
= (1 - sigmoid(z))*sigmoid(z)";
    let found = told(page);
    assert_eq!(found, expected);
    assert_eq!(read(page).lines[0].number, 6);
}

#[test]
fn cases_read_with_what_they_leave_out() {
    let relu = r"$$\begin{aligned}\text{ReLU}(z) &= \max(z, 0) \\ &= \begin{cases} z & z > 0 \\ 0 & z \leq 0 \end{cases}\end{aligned}\quad \frac{\partial \text{ReLU}(z)}{\partial z} = \begin{cases} 1 & z > 0 \\ 0 & z < 0 \end{cases}$$";
    assert_eq!(
        told(relu),
        "from relu(z)\n= max(z, 0)\n= piecewise(z > 0, z, 0)\nfrom piecewise(z > 0, 1, 0)\n\
         = piecewise(z > 0, 1, z < 0, 0, ?)",
    );
    assert_eq!(
        told("d/dz relu(z) = 1 for z > 0, 0 for z < 0, undefined for z = 0"),
        "from piecewise(z > 0, 1, 0)\n\
         = piecewise(z > 0, 1, z < 0, 0, ?)",
    );
    check("abs(z) = -z if z < 0, z otherwise", &["abs(z)", "piecewise(z < 0, -z, z)"]);
    check(
        r"f(x) = \begin{cases} -1 & x < -1 \\ x & -1 \le x \le 1 \\ 1 & \text{otherwise} \end{cases} % a",
        &["piecewise(z < -1, -1, -1 > z, 1, z > 1, 1, z)"],
    );
    refuse("d/dz relu(z) = 1 for z > 1, 0 for z < 0", "lines:1:16", "nothing where z = 0.5");
}

#[test]
fn the_short_notation_reads() {
    let text = "    d/dz (e^2z - 1)/(e^2z + 1)
     = [2e^2z(e^2z+1) - (e^2z-1)2e^2z]/(e^2z+1)²      quotient rule
     = [2e^4z+2e^2z-2e^4z+2e^2z]/(e^2z+1)²            multiply out
     = [e^4z+2e^2z+1-e^4z+2e^2z-1]/(e^2z+1)²          subtract e^4z and expand by +1 -1
     = 1-[(e^2z-1)/(e^2z+1)]²                         divide
     = 1-tanh²(z)                                     definition
    d/dz 1/(1+e^-z) = -1·(1+e^-z)^-2·(-e^-z) = e^-z/(1+e^-z)² = (1-σ)/σ·σ² = (1-σ)σ       chain rule; 1+e^-z = 1/σ, e^-z = (1-σ)/σ; cancel";
    let found = read(text);
    assert_eq!(found.lines.len(), 11);
    assert_eq!(
        found.lines[3].value.to_string(),
        "(e^(4*z) + 2*e^(2*z) + 1 - e^(4*z) + 2*e^(2*z) - 1)/(e^(2*z) + 1)^2"
    );
    assert_eq!(found.lines[10].value.to_string(), "(1 - sigmoid(z))*sigmoid(z)");
    assert_eq!(found.labels.len(), 6);
    assert_eq!(found.labels[2].words, "subtract e^4z and expand by +1 -1");
    assert_eq!(found.labels[5].words, "chain rule; 1+e^-z = 1/σ, e^-z = (1-σ)/σ; cancel");
    assert!(found.notes.iter().any(|(line, note)| *line == 1 && note == "e^2z is read as e^(2z)"));
}

#[test]
fn derivatives_read_in_every_form() {
    let slope = "2*z";
    for text in [
        "d/dz z^2 = 2z",
        "d/dz(z^2) = 2z",
        "f(z) = z^2\nf'(z) = 2z",
        "f(x) = x^2\nf'(x) = 2x",
        "y = z^2\ndy/dz = 2z",
        "y = z^2\ny' = 2z",
        "(z^2)' = 2z",
        "d(z^2)/dz = 2z",
        "∂/∂z z² = 2z",
        r"\frac{d}{dz} z^2 = 2z",
        r"\frac{\mathrm{d}}{\mathrm{d}z} \left[z^{2}\right] = 2 z",
        r"f(z) = z^2 \\ \frac{df}{dz} = 2z",
        r"f(z) = z^2 \\ \frac{d f(z)}{d z} = 2z",
        r"\dfrac{\partial}{\partial z}\,z^2 = 2z",
        r"\frac{\partial z^2}{\partial z} = 2z",
        "f'(z) = d/dz (z^2) = 2z",
    ] {
        let lines = read(text).lines;
        let last = lines.last().expect("a line").value.to_string();
        let begin = lines.iter().rfind(|line| line.role == Role::Begin).expect("a left side");
        assert_eq!(last.replace('x', "z"), slope, "{text}");
        assert_eq!(begin.value.to_string().replace('x', "z"), slope, "{text}");
    }
    check("d²/dz² z^3 = 6z", &["6*z", "6*z"]);
    check(r"\frac{d^2}{dz^2} z^3 = 6z", &["6*z", "6*z"]);
    check("f(z) = z^3\nf''(z) = 6z", &["z^3", "6*z", "6*z"]);
    check(
        "d/dz z·σ(z) = (z)'·σ(z) + z·σ'(z) = d/dz(z)·σ(z) + z·d/dz(σ(z))",
        &[
            "sigmoid(z) + z*sigmoid(z)*(1 - sigmoid(z))",
            "1*sigmoid(z) + z*(sigmoid(z)*(1 - sigmoid(z)))",
            "1*sigmoid(z) + z*(sigmoid(z)*(1 - sigmoid(z)))",
        ],
    );
}

#[test]
fn functions_read_in_every_form() {
    for (text, value) in [
        (r"\tanh^2(z)", "tanh(z)^2"),
        (r"\tanh^{2} z", "tanh(z)^2"),
        ("tanh²(z)", "tanh(z)^2"),
        ("tanh^2(z)", "tanh(z)^2"),
        (r"\left(\tanh z\right)^2", "tanh(z)^2"),
        (r"\ln\left(1+\exp(z)\right)", "log(1 + exp(z))"),
        (r"\log \cosh z", "log(cosh(z))"),
        (r"\sin 2z + \cos(z)", "sin(2*z) + cos(z)"),
        (r"\frac12 z + \frac z3", "1/2*z + z/3"),
        (r"\sqrt{z^2+1}", "sqrt(z^2 + 1)"),
        (r"\sqrt[3]{z}", "z^(1/3)"),
        (r"\log_2 z", "log2(z)"),
        (r"\log_{10}(z)", "log10(z)"),
        (r"\mathrm{ReLU}(z)", "relu(z)"),
        (r"\operatorname{softplus}(z)", "softplus(z)"),
        (r"z\,\Phi(z)", "z*((1 + erf(z/sqrt(2)))/2)"),
        (r"\varphi(z)", "exp(-z^2/2)/sqrt(2*pi)"),
        (r"\left|z\right| + |z|", "abs(z) + abs(z)"),
        (r"\max\{0, z\}", "max(0, z)"),
        (r"ze^{-z}", "z*e^(-z)"),
        ("ze^z", "z*e^z"),
        ("2e^z(e^z+1)", "2*e^z*(e^z + 1)"),
        ("σ(1-σ)", "sigmoid(z)*(1 - sigmoid(z))"),
        ("σ²", "sigmoid(z)^2"),
        ("sin(sin^2(z))", "sin(sin(z)^2)"),
        ("sin^2(1+sin^2(z))", "sin(1 + sin(z)^2)^2"),
        ("tanh^2(tanh²(z))", "tanh(tanh(z)^2)^2"),
        (r"\tanh^{2}{\left(\frac{\tanh^{2}{\left(z\right)}}{2}\right)}", "tanh(tanh(z)^2/2)^2"),
        ("σ(1-σ^2)", "sigmoid(z)*(1 - sigmoid(z)^2)"),
        ("(z+1)2", "(z + 1)*2"),
        ("e^-2z", "e^(-2*z)"),
        ("b*tanh(c*z)", "b*tanh(c*z)"),
        (r"\beta \tanh(c_1 z)", "β*tanh(c_1*z)"),
        ("z^2^3", "z^2^3"),
        ("2.5e-3z", "2.5e-3*z"),
        ("-z^2", "-z^2"),
        ("$z^2$", "z^2"),
    ] {
        check(&format!("{text} = 0"), &[value, "0"]);
    }
}

#[test]
fn definitions_are_put_in() {
    check(
        "u = e^(2z)\nt = (u-1)/(u+1)\nd/dz t = 1 - t^2",
        &[
            "e^(2*z)",
            "(e^(2*z) - 1)/(e^(2*z) + 1)",
            "(2*e^(2*z)*(e^(2*z) + 1) - 2*(e^(2*z) - 1)*e^(2*z))/(e^(2*z) + 1)^2",
            "1 - ((e^(2*z) - 1)/(e^(2*z) + 1))^2",
        ],
    );
    check("f(t) = t^2\nd/dz f(3z) = 18z", &["z^2", "18*z", "18*z"]);
}

#[test]
fn labels_read_wherever_they_stand() {
    for text in [
        "= 2z  power rule",
        "= 2z\tpower rule",
        "= 2z   (power rule)",
        "= 2z (by the power rule)",
        "= 2z [power rule]",
        "= 2z # power rule",
        "= 2z // power rule",
        "= 2z % power rule",
        "= 2z && power rule",
        r"= 2z \quad\text{power rule}",
        r"= 2z && \text{(power rule)}",
        r"= 2z \tag{power rule}",
        "= 2z by the power rule",
    ] {
        let found = read(&format!("d/dz z^2\n{text}"));
        assert_eq!(found.lines.len(), 2, "{text}");
        let words = found.labels[0].words.trim_start_matches("by the ");
        assert_eq!((found.labels.len(), words), (1, "power rule"), "{text}");
        assert_eq!(found.lines[1].text, "2z", "{text}");
    }
    let beside = read("d/dz σ\n = e^-z/(1+e^-z)^2\n = (1-σ)/σ·σ²    1+e^-z = 1/σ, e^-z = (1-σ)/σ");
    assert_eq!(beside.labels[0].words, "1+e^-z = 1/σ, e^-z = (1-σ)/σ");
    assert_eq!(beside.lines.len(), 3);
    assert_eq!(read("y  =  z^2   =  z*z").lines.len(), 2);
    // Wide spaces within mathematics begin no label.
    assert_eq!(read("d/dz  exp(z)   =   exp(z)  +  0").labels, []);
    let environment = "\\begin{align*}\n\\frac{d}{dz} z^2 \\\\ % first\n  &= 2z \\\\ % power rule\n  &= z + z\n\\end{align*}";
    let found = read(environment);
    assert_eq!(
        found.labels.iter().map(|l| (l.number, l.words.as_str())).collect::<Vec<_>>(),
        [(2, "first"), (3, "power rule"),]
    );
    assert_eq!(found.lines.len(), 3);
}

#[test]
fn lines_of_words_are_passed_over() {
    let found = read("Derivative of swish.\nMy first try:\nd/dz z*σ(z)\n= σ + z*σ(1-σ)");
    assert_eq!((found.lines.len(), found.notes[0].0, found.notes.len()), (2, 1, 4));
    refuse("sigmoidd(x) + tanhh(x)", "lines:1:1", "did you mean 'sigmoid'");
}

#[test]
fn long_lines_go_on_below() {
    check("d/dz (z^2 + z)\n = 2z\n + 1", &["2*z + 1", "2*z + 1"]);
}

#[track_caller]
fn refuse(text: &str, place: &str, what: &str) {
    let error = read_lines(text, &Reading::default()).expect_err(text);
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    assert_eq!(error.place(), Some(place), "{error}");
    assert!(error.to_string().contains(what), "{what} is not in {error}");
    assert!(error.help_text().is_some(), "{error}");
}

#[test]
fn what_is_no_line_is_refused_with_its_place() {
    refuse("", "lines", "no line");
    refuse("= 2z", "lines:1:1", "nothing stands before");
    refuse("d/dz z^2\n= 2z)", "lines:2:5", "closes no bracket");
    refuse("d/dz z^2\n= (2z", "lines:2:3", "never closed");
    refuse("d/dz z^2\n= 2*sigmoidd(z)", "lines:2:5", "did you mean 'sigmoid'");
    refuse("d/dz z^2\n= \\fracc{1}{2}", "lines:2:3", "did you mean '\\frac'");
    refuse("f'(z) = 2z", "lines:1:1", "'f' is not known");
    refuse("d/dz z^2\n= 1/2z", "lines:2:6", "read in two ways");
    refuse("d/dz z^2\n= z^2k", "lines:2:6", "read in two ways");
    refuse("d/dz z^2\n= 2 =", "lines:2:6", "behind the '='");
    refuse("d/dz z^2\n= tanh^{-1}(z)", "lines:2:7", "inverse");
    refuse("y = y + 1", "lines:1:5", "by itself");
    refuse("d/dz z^2\n= 2z §", "lines:2:6", "no meaning");
    refuse(&format!("d/dz {}z", "(".repeat(100_000)), "lines:1:1", "bytes");
    refuse(&format!("d/dz {}z", "(".repeat(50_000)), "lines:1:205", "deeper than 200");
    refuse(&format!("d/dz z\n= {}z", "1/z/".repeat(10_000)), "lines:2:804", "deeper than 400");
    let doubling: String = (1..60).map(|i| format!("u{i} = u{} + u{}\n", i - 1, i - 1)).collect();
    refuse(&format!("u0 = z + 1\n{doubling}d/dz u59 = 0"), "lines:15:7", "more than 20000 parts");
}

#[test]
fn functions_that_people_write_are_read_by_their_definitions() {
    for (line, formula) in [
        ("sech²(z)", "(1/cosh(z))^2"),
        (r"\sec^2(z)", "(1/cos(z))^2"),
        (r"\operatorname{csch} z", "1/sinh(z)"),
        ("-csc(z)*cot(z)", "-(1/sin(z))*(cos(z)/sin(z))"),
        ("coth(2z)", "cosh(2*z)/sinh(2*z)"),
    ] {
        let found = read_lines(&format!("d/dz z\n= {line}"), &Reading::default())
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        let expected = crate::formula::parse(formula).expect("a formula");
        let comparison = crate::derive::compare(&found.lines[1].value, &expected);
        assert_eq!(comparison, crate::derive::Comparison::Equal, "{line}");
        assert!(found.notes.iter().any(|(line, note)| *line == 2 && note.contains("is read as")));
    }
}

#[test]
fn letters_beside_each_other_are_products_where_commands_are_written() {
    let found = read_lines(r"d/dz b \tanh(cz) = b c (1 - \tanh^2(cz))", &Reading::default());
    let found = found.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.lines[1].value.to_string(), "b*c*(1 - tanh(c*z)^2)");
    assert_eq!(found.told(), [(vec![1], "cz is read as c·z")]);
    refuse("d/dz tanh(cz)", "lines:1:11", "'cz' is not known");
}

#[test]
fn a_label_too_near_is_told_so() {
    refuse("d/dz 2/z\n= 2/z cancel", "lines:2:7", "leave two spaces before it");
    refuse("d/dz z^2\n= 2z power rule", "lines:2:6", "if 'power rule' is a label");
    refuse("d/dz z^2\n= 2 tann(z)", "lines:2:5", "did you mean 'tan'");
}

#[test]
fn no_text_makes_the_reader_panic() {
    let seeds = [
        sheet(),
        "d/dz (e^2z - 1)/(e^2z + 1)\n = 1-[(e^2z-1)/(e^2z+1)]²   divide {x} \\frac{d}{dz}",
    ];
    let mut state = 0x9E37_79B9_u64;
    let mut random = move |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for round in 0..3000 {
        let mut letters: Vec<char> = seeds[round % 2].chars().collect();
        for _ in 0..=random(6) {
            if letters.is_empty() {
                break;
            }
            let at = random(letters.len());
            match random(3) {
                0 => drop(letters.remove(at)),
                1 => {
                    letters[at] =
                        ['{', '}', '\\', '=', '&', '(', '|', 'd', '∂', '^', '\n'][random(11)]
                }
                _ => letters.truncate(at.max(1)),
            }
        }
        let text: String = letters.into_iter().collect();
        let _ = read_lines(&text, &Reading::default());
    }
}
