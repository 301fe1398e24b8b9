//! A plot in characters: lines in braille dots with letters on them, points and marks as signs.

use super::axis::Tick;
use super::scene::{Point, Scene};
use crate::document::{Plot, Style};
use crate::formula::{columns, padded, wrapped};

/// The signs of series of single points.
const POINTS: [char; 6] = ['o', '×', '+', '*', '□', '△'];
const MARKS: &str = "①②③④⑤⑥⑦⑧⑨";

/// Rows of the drawing, without axis and legend.
const HEIGHT: usize = 16;

/// The dots of a braille character: two columns of four.
const DOTS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

struct Canvas {
    width: usize,
    dots: Vec<Vec<u32>>,
    signs: Vec<Vec<Option<char>>>,
}

/// The plot as lines of at most `width` columns: the vertical axis's name, the drawing with its ticks, the horizontal
/// axis's name, the legend.
///
/// ```
/// use glassnet::document::{Axis, Plot, Series};
/// let line = Series::line("y = x", vec![(0.0, 0.0), (1.0, 1.0)]);
/// let plot = Plot { x: Axis::new("x"), y: Axis::new("y"), series: vec![line], marks: vec![] };
/// assert!(glassnet::draw::chart(&plot, 40).iter().all(|line| line.chars().count() <= 40));
/// ```
pub fn chart(plot: &Plot, width: usize) -> Vec<String> {
    let width = width.clamp(20, 100);
    let scene = Scene::new(plot);
    let mut lines = wrapped(&name(&plot.y.label.to_string()), width, 0);
    let ticks = scene.y.ticks(HEIGHT / 4);
    let labels: Vec<String> = ticks.iter().map(|tick| tick.label.to_string()).collect();
    let gutter = labels.iter().map(|label| columns(label)).max().unwrap_or(0).min(width / 2);
    let canvas = draw(&scene, width - gutter - 2);
    for row in 0..HEIGHT {
        let here = ticks.iter().position(|tick| row_of(tick.at) == row);
        let label = here.map_or("", |i| labels[i].as_str());
        let gap = " ".repeat(gutter.saturating_sub(columns(label)));
        let axis = if here.is_some() { '┤' } else { '│' };
        lines.push(format!("{gap}{label} {axis}{}", canvas.row(row)).trim_end().to_owned());
    }
    lines.extend(foot(&scene.x.ticks((canvas.width / 10).max(2)), gutter, canvas.width));
    for line in wrapped(&name(&plot.x.label.to_string()), width, 0) {
        lines.push(" ".repeat(width - columns(&line)) + &line);
    }
    lines.extend(legend(plot, &scene, width));
    lines
}

/// A name of an axis or series, without characters that a terminal would obey.
fn name(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn row_of(at: f64) -> usize {
    let row = ((1.0 - at) * (HEIGHT as f64 * 4.0 - 1.0)).round() as usize / 4;
    row.min(HEIGHT - 1)
}

fn column_of(at: f64, width: usize) -> usize {
    ((at * (width as f64 * 2.0 - 1.0)).round() as usize / 2).min(width - 1)
}

fn draw(scene: &Scene, width: usize) -> Canvas {
    let width = width.max(4);
    let empty = vec![0; width];
    let mut canvas =
        Canvas { width, dots: vec![empty; HEIGHT], signs: vec![vec![None; width]; HEIGHT] };
    let lines = scene.curves.iter().filter(|curve| curve.style != Style::Points).count();
    for (i, curve) in scene.curves.iter().enumerate() {
        for run in &curve.runs {
            match curve.style {
                Style::Points => {
                    run.iter().for_each(|point| canvas.sign(*point, POINTS[i % POINTS.len()]));
                }
                Style::Line | Style::Dashed => canvas.line(run, curve.style == Style::Dashed),
            }
        }
        // Letters tell lines apart that have no colours.
        if lines > 1 && curve.style != Style::Points {
            let all: Vec<Point> = curve.runs.iter().flatten().copied().collect();
            for part in [1, 3, 5] {
                let share = (part as f64 + i as f64 / scene.curves.len() as f64) / 6.5;
                if let Some(point) = at_share(&all, share) {
                    canvas.sign(point, letter(i));
                }
            }
        }
    }
    for (i, mark) in scene.marks.iter().enumerate() {
        canvas.sign(mark.at, mark_sign(i));
    }
    canvas
}

/// The point of a line that stands at a share of the way from its left to its right end.
fn at_share(points: &[Point], share: f64) -> Option<Point> {
    let ends =
        points.iter().fold((f64::MAX, f64::MIN), |ends, p| (ends.0.min(p.0), ends.1.max(p.0)));
    let at = ends.0 + share * (ends.1 - ends.0);
    let distance = |point: &Point| (point.0 - at).abs();
    let segment = points.windows(2).find(|pair| {
        let (low, high) = (pair[0].0.min(pair[1].0), pair[0].0.max(pair[1].0));
        low <= at && at <= high && low < high
    });
    match segment {
        Some(pair) => {
            let part = (at - pair[0].0) / (pair[1].0 - pair[0].0);
            Some((at, pair[0].1 + part * (pair[1].1 - pair[0].1)))
        }
        None => points.iter().copied().min_by(|a, b| distance(a).total_cmp(&distance(b))),
    }
}

fn letter(index: usize) -> char {
    char::from(b'A' + (index % 26) as u8)
}

fn mark_sign(index: usize) -> char {
    MARKS.chars().nth(index).unwrap_or('◆')
}

impl Canvas {
    fn sign(&mut self, (x, y): Point, sign: char) {
        let (row, column) = (row_of(y), column_of(x, self.width));
        self.signs[row][column] = Some(sign);
    }

    fn dot(&mut self, x: usize, y: usize) {
        if let Some(cell) = self.dots.get_mut(y / 4).and_then(|row| row.get_mut(x / 2)) {
            *cell |= DOTS[x % 2][y % 4];
        }
    }

    fn line(&mut self, run: &[Point], dashed: bool) {
        let (wide, high) = ((self.width * 2 - 1) as f64, (HEIGHT * 4 - 1) as f64);
        let to_dot = |(x, y): Point| (x * wide, (1.0 - y) * high);
        let mut plot = |x: f64, y: f64| {
            let (x, y) = (x.round() as usize, y.round() as usize);
            if !dashed || (x + y) % 6 < 3 {
                self.dot(x, y);
            }
        };
        if let [only] = run {
            let (x, y) = to_dot(*only);
            plot(x, y);
        }
        for pair in run.windows(2) {
            let ((x0, y0), (x1, y1)) = (to_dot(pair[0]), to_dot(pair[1]));
            let steps = (x1 - x0).abs().max((y1 - y0).abs()).ceil().max(1.0) as usize;
            for i in 0..=steps {
                let part = i as f64 / steps as f64;
                plot(x0 + part * (x1 - x0), y0 + part * (y1 - y0));
            }
        }
    }

    fn row(&self, row: usize) -> String {
        let cells = self.signs[row].iter().zip(&self.dots[row]);
        cells
            .map(|(sign, dots)| match (sign, dots) {
                (Some(sign), _) => *sign,
                (None, 0) => ' ',
                (None, dots) => char::from_u32(0x2800 + dots).unwrap_or(' '),
            })
            .collect()
    }
}

/// The horizontal axis with its ticks, and their values where there is room.
fn foot(ticks: &[Tick], gutter: usize, width: usize) -> Vec<String> {
    let mut axis = vec!['─'; width];
    let mut labels = String::new();
    for tick in ticks {
        let column = column_of(tick.at, width);
        axis[column] = '┬';
        let label = tick.label.to_string();
        let wide = columns(&label);
        let start = (gutter + 2 + column)
            .saturating_sub(wide / 2)
            .min(gutter + 2 + width - wide.min(width));
        let free = labels.is_empty() || start > columns(&labels);
        if free && start + wide <= gutter + 2 + width {
            labels = padded(&labels, start) + &label;
        }
    }
    let axis: String = axis.into_iter().collect();
    vec![format!("{} └{axis}", " ".repeat(gutter)), labels]
}

fn legend(plot: &Plot, scene: &Scene, width: usize) -> Vec<String> {
    let lines = scene.curves.iter().filter(|curve| curve.style != Style::Points).count();
    let mut entries: Vec<String> = vec![];
    for (i, curve) in scene.curves.iter().enumerate() {
        let sign = match (curve.style, lines > 1) {
            (Style::Points, _) => POINTS[i % POINTS.len()].to_string(),
            (Style::Line, true) => format!("{}⠒⠒", letter(i)),
            (Style::Dashed, true) => format!("{}⠒ ⠒", letter(i)),
            (Style::Line, false) => "⠒⠒".into(),
            (Style::Dashed, false) => "⠒ ⠒".into(),
        };
        let empty = curve.runs.iter().all(Vec::is_empty);
        let note = if empty { " (nothing within the axes)" } else { "" };
        entries.push(format!("{sign} {}{note}", name(&curve.name.to_string())));
    }
    for (i, mark) in scene.marks.iter().enumerate() {
        entries.push(format!("{} {}", mark_sign(i), name(&mark.label.to_string())));
    }
    let hidden = plot.marks.len() - scene.marks.len();
    if hidden > 0 {
        entries.push(format!("({hidden} marks beyond the axes)"));
    }
    flow(&entries, width)
}

/// Entries beside each other while there is room.
fn flow(entries: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for entry in entries {
        match lines.last_mut() {
            Some(line) if columns(line) + 3 + columns(entry) <= width => {
                line.push_str("   ");
                line.push_str(entry);
            }
            Some(_) | None => lines.extend(wrapped(entry, width, 2)),
        }
    }
    lines
}
