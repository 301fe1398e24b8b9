//! A plot as a TikZ picture, which needs nothing but `\usepackage{tikz}`.

use super::scene::{Curve, Point, Scene};
use crate::document::{Plot, Style, Text};

/// The drawing's size in centimetres.
const WIDTH: f64 = 11.0;
const HEIGHT: f64 = 5.6;

/// The colours of the curves, by red, green and blue.
const COLOURS: [(u8, u8, u8); 6] =
    [(0, 90, 160), (200, 76, 0), (0, 122, 88), (160, 66, 136), (130, 96, 0), (90, 98, 108)];

/// The plot as a `tikzpicture` with its legend below; `set` writes words and mathematics as LaTeX text.
///
/// ```
/// use glassnet::document::{Axis, Plot, Series, Text};
/// let line = Series::line("a line", vec![(0.0, 0.0), (1.0, 1.0)]);
/// let plot = Plot { x: Axis::new("x"), y: Axis::new("y"), series: vec![line], marks: vec![] };
/// let picture = glassnet::draw::tikz(&plot, &|text: &Text| text.to_string());
/// assert!(picture.contains(r"\begin{tikzpicture}"));
/// ```
pub fn tikz(plot: &Plot, set: &dyn Fn(&Text) -> String) -> String {
    let scene = Scene::new(plot);
    let mut text = String::from("{%\n");
    for (i, (red, green, blue)) in COLOURS.iter().enumerate() {
        text.push_str(&format!("\\definecolor{{curve{i}}}{{RGB}}{{{red},{green},{blue}}}\n"));
    }
    text.push_str(&format!("\\begin{{tikzpicture}}[x={WIDTH}cm,y={HEIGHT}cm,font=\\small]\n"));
    for tick in scene.y.ticks(5) {
        let (at, label) = (number(tick.at), tick.label.latex());
        text.push_str(&format!(
            "\\draw[black!15] (0,{at}) -- (1,{at}); \\node[left=1pt] at (0,{at}) {{${label}$}};\n"
        ));
    }
    for tick in scene.x.ticks(8) {
        let (at, label) = (number(tick.at), tick.label.latex());
        text.push_str(&format!(
            "\\draw[black!15] ({at},0) -- ({at},1); \\node[below=2pt] at ({at},0) {{${label}$}};\n"
        ));
    }
    text.push_str("\\draw (0,1) -- (0,0) -- (1,0);\n");
    text.push_str(&format!(
        "\\node[below left,inner sep=0pt] at ([yshift=-0.75cm]1,0) {{{}}};\n",
        set(&plot.x.label)
    ));
    text.push_str(&format!(
        "\\node[above right,inner sep=0pt] at ([xshift=-0.8cm,yshift=0.42cm]0,1) {{{}}};\n",
        set(&plot.y.label)
    ));
    for (i, curve) in scene.curves.iter().enumerate() {
        write_curve(curve, i, &mut text);
    }
    for place in &scene.marks {
        let (x, y) = (number(place.at.0), number(place.at.1));
        let top = place.at.1 > 0.9;
        let side = match (top, place.left) {
            (true, true) => "below left",
            (true, false) => "below right",
            (false, true) => "above left",
            (false, false) => "above right",
        };
        let shift = place.shelf as f64 * if top { -0.42 } else { 0.42 };
        text.push_str(&format!(
            "\\draw[thick] ({x},{y}) circle[radius=2.4pt]; \
             \\node[{side}] at ([yshift={shift:.2}cm]{x},{y}) {{{}}};\n",
            set(&place.label)
        ));
    }
    text.push_str("\\end{tikzpicture}\n");
    text.push_str(&legend(&scene, set));
    text.push_str("}\n");
    text
}

fn number(value: f64) -> String {
    format!("{value:.4}")
}

fn colour(index: usize) -> String {
    format!("curve{}", index % COLOURS.len())
}

fn options(curve: &Curve, index: usize) -> String {
    let dashes = match (curve.style, index / COLOURS.len()) {
        (Style::Dashed, _) => ",dashed",
        (Style::Line | Style::Points, 0) => "",
        (Style::Line | Style::Points, _) => ",dotted",
    };
    format!("{},thick{dashes}", colour(index))
}

fn write_curve(curve: &Curve, index: usize, text: &mut String) {
    for run in &curve.runs {
        if curve.style == Style::Points || run.len() == 1 {
            for point in run {
                text.push_str(&dot(*point, index));
            }
            continue;
        }
        text.push_str(&format!("\\draw[{}]", options(curve, index)));
        for (i, (x, y)) in run.iter().enumerate() {
            // TeX reads lines of limited length.
            let join = if i == 0 { " " } else { "\n  -- " };
            text.push_str(&format!("{join}({},{})", number(*x), number(*y)));
        }
        text.push_str(";\n");
    }
}

/// Points of different series have different shapes as well as colours.
fn dot((x, y): Point, index: usize) -> String {
    let (x, y, colour) = (number(x), number(y), colour(index));
    match index % 3 {
        0 => format!("\\fill[{colour}] ({x},{y}) circle[radius=1.6pt];\n"),
        1 => format!(
            "\\fill[{colour}] ([xshift=-1.6pt,yshift=-1.6pt]{x},{y}) rectangle +(3.2pt,3.2pt);\n"
        ),
        _ => format!(
            "\\fill[{colour}] ([yshift=2pt]{x},{y}) -- ([xshift=2pt,yshift=-1.4pt]{x},{y}) -- \
             ([xshift=-2pt,yshift=-1.4pt]{x},{y}) -- cycle;\n"
        ),
    }
}

/// The names below the drawing, in lines that TeX breaks.
fn legend(scene: &Scene, set: &dyn Fn(&Text) -> String) -> String {
    let entries = scene.curves.iter().enumerate().map(|(i, curve)| {
        let sign = match curve.style {
            Style::Points => format!("\\tikz{{{}}}", dot((0.0, 0.0), i).trim_end()),
            Style::Line | Style::Dashed => format!(
                "\\tikz[baseline=-0.6ex]{{\\draw[{}] (0,0) -- (0.7cm,0);}}",
                options(curve, i)
            ),
        };
        format!("{sign}~{}", set(&curve.name))
    });
    let entries: Vec<String> = entries.collect();
    if entries.is_empty() {
        String::new()
    } else {
        format!("\n{{\\small {}}}\n", entries.join("\\quad\n"))
    }
}
