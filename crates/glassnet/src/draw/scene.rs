//! What is drawn, in coordinates from 0 to 1 along each axis: curves cut at the axes' ends, points and marks.

use super::axis::Extent;
use crate::document::{Plot, Style, Text};

/// A place: 0 to 1 from left to right, and 0 to 1 from below upwards.
pub type Point = (f64, f64);

/// A plot's content, placed.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The horizontal axis.
    pub x: Extent,
    /// The vertical axis.
    pub y: Extent,
    /// The series, in order.
    pub curves: Vec<Curve>,
    /// The marks within the axes.
    pub marks: Vec<Place>,
}

/// A series, placed.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Its name.
    pub name: Text,
    /// How it is shown.
    pub style: Style,
    /// For lines: runs of joined points. For points: one run of single points.
    pub runs: Vec<Vec<Point>>,
}

/// A mark, placed.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Where it is.
    pub at: Point,
    /// What it is.
    pub label: Text,
    /// Whether its words stand at its left: near the right end, or where another mark is at its right.
    pub left: bool,
    /// How many marks before this one are so near that their words would stand in the same place.
    pub shelf: usize,
}

impl Scene {
    /// The plot's content within its axes.
    pub fn new(plot: &Plot) -> Scene {
        let marks = plot.marks.iter().map(|mark| mark.at);
        let points = plot.series.iter().flat_map(|series| series.points.iter().copied());
        let all: Vec<(f64, f64)> =
            points.chain(marks).filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
        let x = Extent::fit(&plot.x, all.iter().map(|(x, _)| *x), 0.0);
        // What the horizontal axis leaves out doesn't stretch the vertical one.
        let seen = |at: &f64| x.place(*at).is_some_and(|at| (0.0..=1.0).contains(&at));
        let heights = all.iter().filter(|(at, _)| seen(at)).map(|(_, y)| *y);
        let y = Extent::fit(&plot.y, heights, 0.04);
        let place = |(at, height): (f64, f64)| Some((x.place(at)?, y.place(height)?));
        let curves = plot
            .series
            .iter()
            .map(|series| {
                let placed: Vec<Option<Point>> = series.points.iter().map(|p| place(*p)).collect();
                let runs = match series.style {
                    Style::Line | Style::Dashed => cut(&placed),
                    Style::Points => {
                        vec![placed.into_iter().flatten().filter(|point| inside(*point)).collect()]
                    }
                };
                Curve { name: series.name.clone(), style: series.style, runs }
            })
            .collect();
        let mut marks: Vec<Place> = vec![];
        for mark in &plot.marks {
            if let Some(at) = place(mark.at).filter(|at| inside(*at)) {
                marks.push(Place { at, label: mark.label.clone(), left: false, shelf: 0 });
            }
        }
        arrange(&mut marks);
        Scene { x, y, curves, marks }
    }
}

/// Puts the words of marks that stand together on different sides, or above each other.
fn arrange(marks: &mut [Place]) {
    let near = |a: Point, b: Point| (a.0 - b.0).abs() < 0.2 && (a.1 - b.1).abs() < 0.08;
    let places: Vec<Point> = marks.iter().map(|mark| mark.at).collect();
    for i in 0..marks.len() {
        let at = places[i];
        let others = || places.iter().filter(|other| **other != at && near(**other, at));
        let first = others().next().is_some() && others().all(|other| other.0 > at.0);
        marks[i].left = at.0 > 0.6 || first && at.0 > 0.12;
        let same = |other: &&Place| other.left == marks[i].left && near(other.at, at);
        marks[i].shelf = marks[..i].iter().filter(same).count();
    }
}

fn inside((x, y): Point) -> bool {
    (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y)
}

/// The line through the points, without what lies beyond the axes.
fn cut(points: &[Option<Point>]) -> Vec<Vec<Point>> {
    let mut runs: Vec<Vec<Point>> = vec![];
    let mut run: Vec<Point> = vec![];
    let mut close = |run: &mut Vec<Point>| {
        if !run.is_empty() {
            runs.push(std::mem::take(run));
        }
    };
    for pair in points.windows(2) {
        let part = match (pair[0], pair[1]) {
            (Some(from), Some(to)) => clip(from, to),
            (Some(_) | None, _) => None,
        };
        match part {
            None => close(&mut run),
            Some((from, to)) => {
                if run.last() != Some(&from) {
                    close(&mut run);
                    run.push(from);
                }
                run.push(to);
            }
        }
    }
    close(&mut run);
    // A point between two gaps is a line of one point.
    let alone = |i: usize| {
        let open = |j: Option<usize>| j.and_then(|j| points.get(j)).is_none_or(Option::is_none);
        open(i.checked_sub(1)) && open(Some(i + 1))
    };
    runs.extend(points.iter().enumerate().filter_map(|(i, point)| {
        point.filter(|point| inside(*point) && alone(i)).map(|point| vec![point])
    }));
    runs
}

/// The part of the segment within the unit square (Liang and Barsky's way).
fn clip(from: Point, to: Point) -> Option<(Point, Point)> {
    let step = (to.0 - from.0, to.1 - from.1);
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    for (direction, room) in
        [(-step.0, from.0), (step.0, 1.0 - from.0), (-step.1, from.1), (step.1, 1.0 - from.1)]
    {
        if direction == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if direction < 0.0 {
            enter = enter.max(room / direction);
        } else {
            leave = leave.min(room / direction);
        }
    }
    let at = |part: f64| match part {
        0.0 => from,
        1.0 => to,
        part => {
            let x = (from.0 + part * step.0).clamp(0.0, 1.0);
            (x, (from.1 + part * step.1).clamp(0.0, 1.0))
        }
    };
    (enter <= leave).then(|| (at(enter), at(leave)))
}
