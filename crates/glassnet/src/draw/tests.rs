//! Axes and scenes hold for awkward data.

use super::*;
use crate::document::{Axis, Mark, Plot, Scale, Series, Style};

fn plot(points: Vec<(f64, f64)>, style: Style) -> Plot {
    Plot {
        x: Axis::new("x"),
        y: Axis::new("y"),
        series: vec![Series { name: "s".into(), points, style }],
        marks: vec![],
    }
}

fn labels(extent: &Extent, count: usize) -> Vec<String> {
    extent.ticks(count).iter().map(|tick| tick.label.to_string()).collect()
}

#[test]
fn ticks_are_round_and_have_their_step_s_decimals() {
    let check = |low, high, count, expected: &[&str]| {
        let extent = Extent { low, high, scale: Scale::Linear };
        assert_eq!(labels(&extent, count), expected, "{low} to {high}");
    };
    check(0.0, 1.0, 5, &["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    check(-3.7, 4.2, 4, &["−2", "0", "2", "4"]);
    check(0.0, 4.9e-7, 4, &["0", "2·10⁻⁷", "4·10⁻⁷"]);
    check(0.0, 3e6, 3, &["0", "1·10⁶", "2·10⁶", "3·10⁶"]);
    check(99.98, 100.02, 4, &["99.98", "99.99", "100.00", "100.01", "100.02"]);
}

#[test]
fn logarithmic_ticks_are_powers_of_ten_or_1_2_5() {
    let check = |low, high, expected: &[&str]| {
        let extent = Extent { low, high, scale: Scale::Logarithmic };
        assert_eq!(labels(&extent, 5), expected, "{low} to {high}");
    };
    check(0.001, 100.0, &["10⁻³", "0.01", "0.1", "1", "10", "100"]);
    check(1e-12, 1e3, &["10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "1", "1000"]);
    check(1.5, 9.0, &["2", "5"]);
}

#[test]
fn lines_are_cut_at_the_axes_and_parted_at_gaps() {
    let mut narrow = plot(vec![(0.0, -1.0), (1.0, 3.0), (2.0, f64::NAN), (3.0, 0.5)], Style::Line);
    narrow.y.range = Some((0.0, 2.0));
    let scene = Scene::new(&narrow);
    let runs = &scene.curves[0].runs;
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert_eq!(runs[0].first().map(|p| p.1), Some(0.0));
    assert_eq!(runs[0].last().map(|p| p.1), Some(1.0));
    assert_eq!(runs[1].len(), 1, "a point between gaps is a line of one point");
}

#[test]
fn any_numbers_are_drawn_within_the_frame() {
    let awkward = [
        vec![],
        vec![(f64::NAN, 1.0)],
        vec![(1.0, 1.0)],
        vec![(-1.7e308, -1.7e308), (1.7e308, 1.7e308)],
        vec![(1e16, 0.0), (1e16 + 2.0, 1.0)],
        vec![(0.0, 5e-324), (1e-320, 0.0)],
        vec![(0.0, f64::INFINITY), (1.0, 0.0)],
        vec![(3.0, 2.0); 100],
    ];
    for points in awkward {
        for style in [Style::Line, Style::Dashed, Style::Points] {
            for scale in [Scale::Linear, Scale::Logarithmic] {
                let mut plot = plot(points.clone(), style);
                plot.x.scale = scale;
                plot.y.scale = scale;
                plot.marks.push(Mark { at: (0.5, 1e300), label: "here".into() });
                let scene = Scene::new(&plot);
                for (x, y) in scene.curves.iter().flat_map(|curve| curve.runs.iter().flatten()) {
                    assert!((0.0..=1.0).contains(x) && (0.0..=1.0).contains(y), "{points:?}");
                }
                for tick in scene.x.ticks(5).iter().chain(&scene.y.ticks(5)) {
                    assert!((0.0..=1.0).contains(&tick.at), "{points:?}");
                }
                let lines = chart(&plot, 40);
                assert!(lines.iter().all(|line| crate::formula::columns(line) <= 40));
                let picture = svg(&plot, "t", "d", "i");
                assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
                let picture = tikz(&plot, &|text| text.to_string());
                assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
            }
        }
    }
}

#[test]
fn a_steep_line_is_a_line_in_characters_too() {
    let lines = chart(&plot(vec![(0.0, 0.0), (1.0, 1.0)], Style::Line), 40);
    let drawn =
        lines.iter().filter(|line| line.contains(|c| ('\u{2801}'..='\u{28ff}').contains(&c)));
    assert!(drawn.count() >= 16, "{}", lines.join("\n"));
}

#[test]
fn words_of_marks_that_stand_together_stand_apart() {
    let mut plot = plot(vec![(0.0, 0.0), (1.0, 1.0)], Style::Line);
    let marks = [(0.5, 0.5), (0.52, 0.51), (0.52, 0.5), (0.0, 1.0), (0.9, 0.1)];
    plot.marks.extend(marks.map(|at| Mark { at, label: "here".into() }));
    let sides: Vec<(bool, usize)> =
        Scene::new(&plot).marks.iter().map(|place| (place.left, place.shelf)).collect();
    assert_eq!(sides, [(true, 0), (false, 0), (false, 1), (false, 0), (true, 0)]);
}
