//! A plot as an SVG element that stands within a page: axes in the page's own colour, lines in colours that people
//! with any kind of colour vision tell apart on light and dark ground, no styles and no scripts.

use super::scene::{Curve, Point, Scene};
use crate::document::{Plot, Style};
use crate::formula::columns;

/// Blue, vermilion, green, purple, ochre, grey: each at least 3.5 : 1 against white and against near-black, in an order
/// in which neighbours differ in lightness or hue for protanopes, deuteranopes and tritanopes.
const COLOURS: [&str; 6] = ["#2e86c8", "#d1570b", "#0b8f6b", "#b8579e", "#9a7409", "#737b86"];

const WIDTH: f64 = 640.0;
/// The drawing's height; the legend stands below it.
const HEIGHT: f64 = 300.0;
/// The height of a line of words, and a character's usual width.
const LINE: f64 = 18.0;
const LETTER: f64 = 7.2;

/// Where the drawing stands within the picture.
struct Frame {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// The plot as an `<svg>` element with a title and a description for those who cannot see it. `id` begins the element's
/// identifiers and must be the page's only one of that name.
///
/// ```
/// use glassnet::document::{Axis, Plot, Series};
/// let line = Series::line("<b>", vec![(0.0, 0.0), (1.0, 1.0)]);
/// let plot = Plot { x: Axis::new("x"), y: Axis::new("y"), series: vec![line], marks: vec![] };
/// let picture = glassnet::draw::svg(&plot, "A line", "It rises from 0 to 1.", "figure-1");
/// assert!(picture.starts_with("<svg ") && picture.contains("&lt;b&gt;"));
/// ```
pub fn svg(plot: &Plot, title: &str, description: &str, id: &str) -> String {
    let scene = Scene::new(plot);
    let y_ticks = scene.y.ticks(5);
    let labels: Vec<String> = y_ticks.iter().map(|tick| tick.label.to_string()).collect();
    let widest = labels.iter().map(|label| columns(label)).max().unwrap_or(0);
    let left = (widest as f64 * LETTER + 18.0).min(WIDTH / 3.0);
    let frame = Frame { left, top: 30.0, width: WIDTH - left - 16.0, height: HEIGHT - 30.0 - 44.0 };
    let entries = legend(&scene);
    let height = HEIGHT + entries.last().map_or(0.0, |entry| entry.y + LINE);
    let id = escape(id);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-description\" font-size=\"13\" fill=\"currentColor\">\n",
        round(height)
    );
    text.push_str(&format!("<title id=\"{id}-title\">{}</title>\n", escape(title)));
    text.push_str(&format!("<desc id=\"{id}-description\">{}</desc>\n", escape(description)));
    write_axes(plot, &scene, &frame, &mut text);
    for (i, curve) in scene.curves.iter().enumerate() {
        write_curve(curve, i, &frame, &mut text);
    }
    for place in &scene.marks {
        let (x, y) = frame.at(place.at);
        text.push_str(&format!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"5\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\"/>\n"
        ));
        let label = place.label.to_string();
        let (dx, anchor) = if place.left { (-9.0, "end") } else { (9.0, "start") };
        let shelf = place.shelf as f64 * (LINE - 2.0);
        let dy = if place.at.1 > 0.9 { 16.0 + shelf } else { -8.0 - shelf };
        words(round(x + dx), round(y + dy), anchor, &label, &mut text);
    }
    for entry in &entries {
        write_entry(entry, &scene, &mut text);
    }
    text.push_str("</svg>\n");
    text
}

impl Frame {
    fn at(&self, (x, y): Point) -> (f64, f64) {
        (round(self.left + x * self.width), round(self.top + (1.0 - y) * self.height))
    }
}

/// Tenths are as fine as a picture needs.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn escape(words: &str) -> String {
    let mut text = String::new();
    for character in words.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            control if control.is_control() => text.push(' '),
            other => text.push(other),
        }
    }
    text
}

fn words(x: f64, y: f64, anchor: &str, label: &str, text: &mut String) {
    let label = escape(label);
    text.push_str(&format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{label}</text>\n"));
}

fn write_axes(plot: &Plot, scene: &Scene, frame: &Frame, text: &mut String) {
    let (right, bottom) = (round(frame.left + frame.width), round(frame.top + frame.height));
    let (left, top) = (round(frame.left), round(frame.top));
    text.push_str("<g stroke=\"currentColor\" stroke-opacity=\"0.18\">\n");
    for tick in scene.y.ticks(5) {
        let (_, y) = frame.at((0.0, tick.at));
        text.push_str(&format!("<line x1=\"{left}\" y1=\"{y}\" x2=\"{right}\" y2=\"{y}\"/>\n"));
    }
    for tick in scene.x.ticks(8) {
        let (x, _) = frame.at((tick.at, 0.0));
        text.push_str(&format!("<line x1=\"{x}\" y1=\"{top}\" x2=\"{x}\" y2=\"{bottom}\"/>\n"));
    }
    text.push_str("</g>\n");
    text.push_str(&format!(
        "<path d=\"M{left} {top}V{bottom}H{right}\" fill=\"none\" stroke=\"currentColor\"/>\n"
    ));
    for tick in scene.y.ticks(5) {
        let (_, y) = frame.at((0.0, tick.at));
        words(round(left - 8.0), round(y + 4.5), "end", &tick.label.to_string(), text);
    }
    let mut free = 0.0;
    for tick in scene.x.ticks(8) {
        let (x, _) = frame.at((tick.at, 0.0));
        let label = tick.label.to_string();
        let half = columns(&label) as f64 * LETTER / 2.0;
        // A label that would run into the one before is left out; its line stands.
        if x - half > free {
            words(x, round(bottom + 18.0), "middle", &label, text);
            free = x + half + 6.0;
        }
    }
    words(right, round(bottom + 37.0), "end", &plot.x.label.to_string(), text);
    words(6.0, 16.0, "start", &plot.y.label.to_string(), text);
}

fn colour(index: usize) -> &'static str {
    COLOURS[index % COLOURS.len()]
}

fn dashes(style: Style, index: usize) -> &'static str {
    match (style, index / COLOURS.len()) {
        (Style::Dashed, _) => " stroke-dasharray=\"7 5\"",
        // Colours come again: a dotted line tells the second from the first.
        (Style::Line | Style::Points, 0) => "",
        (Style::Line | Style::Points, _) => " stroke-dasharray=\"2 3\"",
    }
}

fn write_curve(curve: &Curve, index: usize, frame: &Frame, text: &mut String) {
    let colour = colour(index);
    for run in &curve.runs {
        if curve.style == Style::Points || run.len() == 1 {
            run.iter().for_each(|point| write_point(frame.at(*point), index, text));
            continue;
        }
        text.push_str("<path d=\"");
        for (i, point) in run.iter().enumerate() {
            let (x, y) = frame.at(*point);
            text.push_str(&format!("{}{x} {y}", if i == 0 { 'M' } else { 'L' }));
        }
        text.push_str(&format!(
            "\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.2\" stroke-linejoin=\"round\"{}/>\n",
            dashes(curve.style, index)
        ));
    }
}

/// Points of different series have different shapes as well as colours.
fn write_point((x, y): (f64, f64), index: usize, text: &mut String) {
    let colour = colour(index);
    let shape = match index % 3 {
        0 => format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"4\""),
        1 => format!(
            "<rect x=\"{}\" y=\"{}\" width=\"8\" height=\"8\"",
            round(x - 4.0),
            round(y - 4.0)
        ),
        _ => format!("<path d=\"M{x} {}l5 9h-10z\"", round(y - 5.0)),
    };
    text.push_str(&format!("{shape} fill=\"{colour}\"/>\n"));
}

/// A name of the legend and where it stands below the drawing.
struct Entry {
    index: usize,
    x: f64,
    y: f64,
}

fn legend(scene: &Scene) -> Vec<Entry> {
    let (mut x, mut y) = (10.0, 0.0);
    let mut entries = vec![];
    for (index, curve) in scene.curves.iter().enumerate() {
        let wide = 44.0 + columns(&curve.name.to_string()) as f64 * LETTER;
        if x > 10.0 && x + wide > WIDTH {
            x = 10.0;
            y += LINE + 4.0;
        }
        entries.push(Entry { index, x: round(x), y });
        x += wide + 14.0;
    }
    entries
}

fn write_entry(entry: &Entry, scene: &Scene, text: &mut String) {
    let curve = &scene.curves[entry.index];
    let y = round(HEIGHT + entry.y + 4.0);
    match curve.style {
        Style::Points => write_point((round(entry.x + 14.0), y), entry.index, text),
        Style::Line | Style::Dashed => text.push_str(&format!(
            "<line x1=\"{}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" stroke=\"{}\" stroke-width=\"2.2\"{}/>\n",
            entry.x,
            round(entry.x + 28.0),
            colour(entry.index),
            dashes(curve.style, entry.index)
        )),
    }
    words(round(entry.x + 36.0), round(y + 4.5), "start", &curve.name.to_string(), text);
}
