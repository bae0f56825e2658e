//! Drawing plots as SVG: lines with bands, stacked areas, bars.
//!
//! Text in a plot is in its own units: a plot is made as wide as the place that it is for, so that its text has the
//! size of the page's. Colours are classes that the page's style sheet fills in, for light, dark and print.

use std::fmt::Write as _;

use super::super::study::Spread;
use super::markup::Text;
use super::scale::{Format, Scale};

/// What a colour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Color {
    Delivered,
    Queued,
    Deferred,
    Hard,
    Soft,
    Expired,
    Asynchronous,
    Complaint,
    Reply,
    Quarantine,
}

/// A line, with a band around it where the runs differ.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// What it shows.
    pub(super) label: String,
    pub(super) color: Color,
    /// Whether it is that of the second group.
    pub(super) dashed: bool,
    /// Its numbers: the first lies at [`Plot::first_x`], each further one 1 to the right.
    pub(super) values: Vec<Spread>,
}

/// A plot's frame.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    /// What it shows, in a few words.
    pub(super) title: String,
    /// What it shows, for those who do not see it.
    pub(super) description: String,
    /// Width in units, of which one is about a pixel.
    pub(super) width: f64,
    /// What the horizontal axis counts.
    pub(super) x_label: &'static str,
    /// Where the horizontal axis ends.
    pub(super) x_top: f64,
    /// Numbers beside the horizontal axis.
    pub(super) x_ticks: Vec<f64>,
    /// Where the first number of each line lies.
    pub(super) first_x: f64,
    /// The vertical axis.
    pub(super) y: Scale,
    pub(super) format: Format,
    /// A vertical line and what it says.
    pub(super) mark: Option<(f64, &'static str)>,
}

/// Numbers of a line that are few enough to be told apart by dots.
const MOST_DOTS: usize = 24;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 44.0;

impl Color {
    /// The class of the style sheet.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Queued => "queued",
            Self::Deferred => "deferred",
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Expired => "expired",
            Self::Asynchronous => "asynchronous",
            Self::Complaint => "complaint",
            Self::Reply => "reply",
            Self::Quarantine => "quarantine",
        }
    }
}

impl Plot {
    /// Draws lines, and bands where they have any width.
    pub(super) fn lines(&self, lines: &[Line]) -> String {
        let mut marks = String::new();
        for line in lines.iter().filter(|line| line.values.iter().any(|value| value.is_wide())) {
            // A band reaches down to the axis where its lower end has no place on it.
            let least = self.y.least();
            let above = self.path(&line.values, |value| value.high.max(least));
            let below = self.path(&line.values, |value| value.low.max(least));
            let around = above.iter().chain(below.iter().rev()).copied();
            let _ =
                writeln!(marks, "<path class=\"band {}\" d=\"{}Z\"/>", line.color.class(), joined(around));
        }
        for line in lines {
            let dash = if line.dashed { " dashed" } else { "" };
            let dots = line.values.len() <= MOST_DOTS;
            for points in self.pieces(&line.values) {
                let path = joined(points.iter().copied());
                let _ = writeln!(marks, "<path class=\"line {}{dash}\" d=\"{path}\"/>", line.color.class());
                for (x, y) in points.iter().filter(|_| dots || points.len() == 1) {
                    let _ = writeln!(
                        marks,
                        "<circle class=\"dot {}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{}\"/>",
                        line.color.class(),
                        if dots { 3 } else { 2 }
                    );
                }
            }
        }
        self.frame(&marks, lines)
    }

    /// Draws lines as areas, one upon the other; the first is at the bottom.
    pub(super) fn areas(&self, lines: &[Line]) -> String {
        let mut marks = String::new();
        let length = lines.iter().map(|line| line.values.len()).max().unwrap_or(0);
        let mut below = vec![Spread::single(0.0); length];
        for line in lines {
            let step = |(below, value): (&Spread, &Spread)| Spread::single(below.middle + value.middle);
            let above: Vec<Spread> = below.iter().zip(&line.values).map(step).collect();
            let around = self.path(&above, |value| value.middle);
            let back = self.path(&below, |value| value.middle);
            let around = around.into_iter().chain(back.into_iter().rev());
            let _ =
                writeln!(marks, "<path class=\"area {}\" d=\"{}Z\"/>", line.color.class(), joined(around));
            below = above;
        }
        self.frame(&marks, lines)
    }

    /// Axes, what is drawn, and over it a strip for each number with the values in words.
    fn frame(&self, marks: &str, lines: &[Line]) -> String {
        let (right, bottom) = (self.width - RIGHT, HEIGHT - BOTTOM);
        let mut out = format!(
            "<svg viewBox=\"0 0 {} {HEIGHT}\" role=\"img\">\n<title>{}</title>\n<desc>{}</desc>\n",
            self.width,
            Text(&self.title),
            Text(&self.description)
        );
        for tick in self.y.ticks() {
            let y = self.y_of(tick).unwrap_or(bottom);
            let _ = writeln!(
                out,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/>\
                 <text class=\"tick\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 7.0,
                y + 4.0,
                self.format.tick(tick)
            );
        }
        for (index, tick) in self.x_ticks.iter().enumerate() {
            let x = self.x_of(*tick);
            let odd = if index % 2 == 1 { " odd" } else { "" };
            let _ = writeln!(
                out,
                "<path class=\"axis\" d=\"M{x:.1} {bottom}v5\"/>\
                 <text class=\"tick{odd}\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                bottom + 18.0,
                Format::Plain.tick(*tick)
            );
        }
        let _ = writeln!(
            out,
            "{marks}<path class=\"axis\" d=\"M{LEFT} {bottom}H{right}\"/>\
             <text class=\"label\" x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            f64::midpoint(LEFT, right),
            HEIGHT - 6.0,
            Text(self.x_label)
        );
        if let Some((at, label)) = self.mark {
            let x = self.x_of(at);
            // Written on the side where there is room.
            let (side, anchor) = if x > self.width / 2.0 { (-5.0, "end") } else { (5.0, "start") };
            let _ = writeln!(
                out,
                "<path class=\"mark\" d=\"M{x:.1} {TOP}V{bottom}\"/>\
                 <text class=\"tick\" x=\"{:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
                x + side,
                TOP + 10.0,
                Text(label)
            );
        }
        self.strips(&mut out, lines);
        out.push_str("</svg>\n");
        out
    }

    fn strips(&self, out: &mut String, lines: &[Line]) {
        let length = lines.iter().map(|line| line.values.len()).max().unwrap_or(0);
        let width = self.x_of(1.0) - self.x_of(0.0);
        for index in 0..length {
            let x = self.first_x + index as f64;
            let from = (self.x_of(x) - width / 2.0).max(LEFT);
            let to = (self.x_of(x) + width / 2.0).min(self.width - RIGHT);
            if to <= from {
                continue;
            }
            let _ = write!(
                out,
                "<rect class=\"strip\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{}\"><title>{}: {}",
                to - from,
                HEIGHT - BOTTOM - TOP,
                Text(self.x_label),
                Format::Plain.tick(x)
            );
            for line in lines {
                if let Some(value) = line.values.get(index) {
                    let _ = write!(out, "&#10;{}: {}", Text(&line.label), self.format.full(value.middle));
                }
            }
            out.push_str("</title></rect>\n");
        }
    }

    /// Points of a line; numbers that have no place on the axis are left out.
    fn path(&self, values: &[Spread], of: impl Fn(&Spread) -> f64) -> Vec<(f64, f64)> {
        let points = values.iter().enumerate().filter_map(|(index, value)| {
            Some((self.x_of(self.first_x + index as f64), self.y_of(of(value))?))
        });
        points.collect()
    }

    /// A line's points, broken where a number has no place on the axis.
    fn pieces(&self, values: &[Spread]) -> Vec<Vec<(f64, f64)>> {
        let mut pieces = vec![Vec::new()];
        for (index, value) in values.iter().enumerate() {
            match (self.y_of(value.middle), pieces.last_mut()) {
                (Some(y), Some(piece)) => piece.push((self.x_of(self.first_x + index as f64), y)),
                (_, _) => pieces.push(Vec::new()),
            }
        }
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }

    fn x_of(&self, x: f64) -> f64 {
        let share = if self.x_top > 0.0 { (x / self.x_top).clamp(0.0, 1.0) } else { 0.0 };
        LEFT + share * (self.width - LEFT - RIGHT)
    }

    fn y_of(&self, y: f64) -> Option<f64> {
        Some(HEIGHT - BOTTOM - self.y.place(y)? * (HEIGHT - BOTTOM - TOP))
    }
}

/// `M x y L x y ...`. Points between two of the same height say nothing and are left out.
fn joined(points: impl Iterator<Item = (f64, f64)>) -> String {
    let points: Vec<(f64, f64)> = points.collect();
    let mut out = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let level = |other: Option<&(f64, f64)>| other.is_some_and(|(_, other)| tenths(*other) == tenths(*y));
        if index > 0 && level(points.get(index - 1)) && level(points.get(index + 1)) {
            continue;
        }
        let _ = write!(out, "{}{x:.1} {y:.1}", if out.is_empty() { 'M' } else { 'L' });
    }
    out
}

/// A coordinate as it is written.
fn tenths(coordinate: f64) -> i64 {
    (coordinate * 10.0).round() as i64
}

/// A bar of segments, each a colour and a share, 0 to 1, of the whole width; its text stands beside it.
pub(super) fn bar(segments: &[(Color, f64)], title: &str) -> String {
    let mut out = format!(
        "<svg class=\"bar\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" role=\"img\"><title>{}</title>",
        Text(title)
    );
    let mut from = 0.0;
    for (color, share) in segments.iter().filter(|(_, share)| *share > 0.0) {
        let width = (share * 1000.0).min(1000.0 - from);
        let _ = write!(
            out,
            "<rect class=\"area {}\" x=\"{from:.2}\" width=\"{width:.2}\" height=\"10\"/>",
            color.class()
        );
        from += width;
    }
    out.push_str("</svg>");
    out
}
