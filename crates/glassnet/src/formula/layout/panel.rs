//! Text over several lines, all equally wide, with the line that stands level with its neighbours.

use unicode_width::UnicodeWidthStr;

/// A rectangle of text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Panel {
    lines: Vec<String>,
    width: usize,
    baseline: usize,
}

/// How many columns a text takes in a terminal.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// The text with spaces behind it up to `width` columns.
pub(crate) fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(columns(text));
    format!("{text}{}", " ".repeat(missing))
}

impl Panel {
    /// One line.
    pub(crate) fn line(text: impl Into<String>) -> Panel {
        let text = text.into();
        Panel { width: columns(&text), lines: vec![text], baseline: 0 }
    }

    /// Lines of which the one numbered `baseline` stands level with what is beside it.
    pub(crate) fn new(lines: Vec<String>, baseline: usize) -> Panel {
        let width = lines.iter().map(|line| columns(line)).max().unwrap_or(0);
        let lines: Vec<String> = lines.iter().map(|line| padded(line, width)).collect();
        Panel { width, baseline: baseline.min(lines.len().saturating_sub(1)), lines }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn height(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn baseline(&self) -> usize {
        self.baseline
    }

    /// The lines without spaces at their ends.
    pub(crate) fn trimmed(&self) -> Vec<String> {
        self.lines.iter().map(|line| line.trim_end().to_owned()).collect()
    }

    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Panels side by side, their baselines level.
    pub(crate) fn beside(panels: impl IntoIterator<Item = Panel>) -> Panel {
        let panels: Vec<Panel> = panels.into_iter().collect();
        let above = panels.iter().map(|panel| panel.baseline).max().unwrap_or(0);
        let below = panels.iter().map(|panel| panel.height() - panel.baseline).max().unwrap_or(1);
        let mut lines = vec![String::new(); above + below];
        for panel in &panels {
            let top = above - panel.baseline;
            for (i, line) in lines.iter_mut().enumerate() {
                match i.checked_sub(top).and_then(|own| panel.lines.get(own)) {
                    Some(text) => line.push_str(text),
                    None => line.push_str(&" ".repeat(panel.width)),
                }
            }
        }
        Panel::new(lines, above)
    }

    /// Panels below each other, each in the middle; the baseline is the line `baseline` of the whole.
    pub(super) fn stacked(panels: &[Panel], baseline: usize) -> Panel {
        let width = panels.iter().map(|panel| panel.width).max().unwrap_or(0);
        let lines = panels.iter().flat_map(|panel| panel.centred(width).lines).collect();
        Panel::new(lines, baseline)
    }

    /// Panels below each other, each at the left; the baseline is the first panel's.
    pub(crate) fn below_each_other(panels: &[Panel]) -> Panel {
        let mut lines: Vec<String> = vec![];
        for (i, panel) in panels.iter().enumerate() {
            // Two fractions without a line between them run together.
            if i > 0 && panel.height() > 1 && panels[i - 1].height() > 1 {
                lines.push(String::new());
            }
            lines.extend_from_slice(&panel.lines);
        }
        Panel::new(lines, panels.first().map_or(0, |panel| panel.baseline))
    }

    /// The panel in the middle of `width` columns.
    pub(super) fn centred(&self, width: usize) -> Panel {
        let left = width.saturating_sub(self.width) / 2;
        self.shifted(left, width)
    }

    /// The panel at the right of `width` columns.
    pub(super) fn right(&self, width: usize) -> Panel {
        self.shifted(width.saturating_sub(self.width), width)
    }

    fn shifted(&self, left: usize, width: usize) -> Panel {
        let width = width.max(self.width);
        let indent = " ".repeat(left);
        let lines = self.lines.iter().map(|line| padded(&format!("{indent}{line}"), width));
        Panel { lines: lines.collect(), width, baseline: self.baseline }
    }

    /// The panel with empty lines above and below.
    pub(super) fn spread(&self, above: usize, below: usize) -> Panel {
        let empty = || " ".repeat(self.width);
        let mut lines: Vec<String> = (0..above).map(|_| empty()).collect();
        lines.extend_from_slice(&self.lines);
        lines.extend((0..below).map(|_| empty()));
        Panel { lines, width: self.width, baseline: self.baseline + above }
    }
}
