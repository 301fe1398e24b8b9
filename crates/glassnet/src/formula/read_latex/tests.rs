//! What lesson sources write is read, and written back as what is set the same.

use super::super::math::Math;

fn read(source: &str) -> Math {
    Math::parse_latex(source).unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// The source reads as `text` in a line, and its LaTeX reads back as the same.
fn check(source: &str, text: &str) {
    let math = read(source);
    assert_eq!(math.to_string(), text, "{source}");
    let latex = math.latex();
    assert_eq!(read(&latex).latex(), latex, "{source}");
    assert_eq!(read(&latex).to_string(), text, "{source} by way of {latex}");
}

#[test]
fn the_sheet_s_formulas_are_read() {
    check(r"\frac{\partial J(w)}{\partial w_{1,1}^{(1)}} = 0", "(∂J(w))/∂w₁,₁⁽¹⁾ = 0");
    check(
        r"h^{(1)} = \text{ReLU}(a^{(1)}), \quad a^{(1)} = w_{1,1}^{(1)} \cdot x",
        "h⁽¹⁾ = ReLU(a⁽¹⁾),   a⁽¹⁾ = w₁,₁⁽¹⁾·x",
    );
    check(
        r"J(w) = \frac{1}{N} \sum_{(x,y) \in D} (\hat{y}(x) - y)^2",
        "J(w) = 1/N·Σ_((x, y) ∈ D) (ŷ(x) − y)²",
    );
    check(r"\frac{d}{dz}\frac{e^{2z}-1}{e^{2z}+1}", "d/dz (e²ᶻ − 1)/(e²ᶻ + 1)");
    check(
        r"P(y=i \mid x) \approx \text{softmax}(z_i) = \frac{e^{z_i}}{\sum_j e^{z_j}}",
        "P(y = i | x) ≈ softmax(zᵢ) = e^(zᵢ)/(Σⱼ e^(zⱼ))",
    );
    check(
        r"J(w, x) = -\sum_{i \in Y} 1_{y_i=i} \cdot \log P(y_i=i | x)",
        "J(w, x) = −Σ_(i ∈ Y) 1_(yᵢ = i)·log P(yᵢ = i | x)",
    );
    check(r"\approx -1 \cdot \log 0.989", " ≈ −1·log 0.989");
    check(r"1 - \tanh^2(z)", "1 − tanh²(z)");
    check(r"w_{1,1}^{(2)} < 0", "w₁,₁⁽²⁾ < 0");
    check(r"Y=\{A,B,C\}", "Y = {A, B, C}");
    check(r"98.9\%", "98.9%");
    check(
        r"f'(z) = \begin{cases} 1 & \text{if } z > 0 \\ 0 & \text{otherwise} \end{cases}",
        "f′(z) = { 1 if z > 0; 0 otherwise }",
    );
    check(r"W_2(W_1 x + b_1) + b_2", "W₂(W₁x + b₁) + b₂");
    check(r"\begin{bmatrix} 1 & -2 \\ x_1 & 0.5 \end{bmatrix}", "[1 −2; x₁ 0.5]");
    check(r"\left(\frac{1}{2}\right)^{2}", "(1/2)²");
    check(r"z \in [0, \infty)", "z ∈ [0, ∞)");
    check(r"\left|z\right| + |x - 1| + \|w\|^2", "|z| + |x − 1| + ‖w‖²");
    check(r"\underbrace{a + b}_{\text{the sum}} \to \infty", "a + b [the sum] → ∞");
    check(r"x^23 + \frac12", "x²3 + 1/2");
    check(r"\max_i z_i - \log_2 \alpha \odot W^\top", "maxᵢ zᵢ − log₂ α ⊙ Wᵀ");
    check(r"\sigma(z) = \sigma_{\mathrm{out}}", "σ(z) = σₒᵤₜ");
    check(r"\text{50\% of a\_b \& $\sigma$}", "50% of a_b & σ");
    check(r"w \leftarrow w - \eta \nabla J, \, w^*", "w ← w − η∇J, w*");
}

#[test]
fn errors_point() {
    let check = |source: &str, start: &str| {
        let error = Math::parse_latex(source).unwrap_err().to_string();
        assert!(error.starts_with(start), "{source}: {error}");
    };
    check(
        r"a + \alpah",
        "the command \\alpah is not read; column 5 of the formula; did you mean '\\alpha'?",
    );
    check(r"\frac{1}{2", "this '{' is not closed; column 9");
    check("a}", "'}' closes or parts nothing here; column 2");
    check("a & b", "'&' closes or parts nothing here; column 3");
    check("(a + b", "this '(' is not closed; column 1");
    check("x^2^3", "a second upper index; column 4");
    check("^2", "nothing stands before this '^'; column 1");
    check("x^", "an argument was expected here; column 3");
    check(r"\left( x \right]", "these brackets don't belong together; column 10");
    check(r"\left( x", "this \\left has no \\right; column 1");
    check(r"\begin{bmatrix} 1", "this \\begin has no \\end; column 1");
    check(r"\begin{tabular} 1 \end{tabular}", "the environment 'tabular' is not read; column 1");
    check(r"\begin{cases} 1 \end{bmatrix}", "\\begin{cases} ends with \\end{bmatrix}");
    check("a $ b", "a dollar sign within mathematics; column 3");
    check(r"\sqrt[3]{x}", "roots other than the square root are not read");
    check("\\", "a backslash at the end names no command; column 1");
    check("a ; \u{1f600}", "'\u{1f600}' is not read in formulas");
    check(&"{".repeat(50_000), "the formula is nested too deep");
    check(&"(".repeat(50_000), "the formula is nested too deep");
    check(&"x^{".repeat(10_000), "the formula is nested too deep");
    check(&"\\hat".repeat(10_000), "the formula is nested too deep");
    check(&"a".repeat(70_000), "the formula has 70000 bytes, more than 65536");
}

#[test]
fn what_is_nested_as_deep_as_may_be_is_set_in_every_way() {
    let nests = [
        (r"\frac{1}{1 + ", "x", "}"),
        ("x^{", "y", "}"),
        (r"\sqrt{", "z", "}"),
        (r"\left(", "z", r"\right)"),
        (r"\begin{cases} 1 & z > 0 \\ ", "z", r"\end{cases}"),
        (r"\underbrace{", "z", "}_{b}"),
    ];
    for (open, inner, close) in nests {
        let depth = 45;
        let source = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
        let math = read(&source);
        for width in [1, 20, 80] {
            assert!(!math.lines(width).is_empty(), "{open}");
        }
        let latex = math.latex();
        assert_eq!(read(&latex).latex(), latex);
        assert!(math.mathml(true).len() > depth && math.to_string().len() > depth);
    }
}

#[test]
fn long_rows_are_set_in_no_time() {
    let sum: Vec<String> = (0..3000).map(|i| format!("{i}x_{{{i}}}")).collect();
    let math = read(&sum.join("+"));
    assert!(math.lines(80).len() > 300);
}
