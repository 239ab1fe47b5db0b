//! Draws lines and bars as SVG.

use std::ops::Range;

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;

const SIZE: (u32, u32) = (760, 440);
const TITLE_PX: u32 = 20;
const MARGIN_PX: u32 = 14;
const LABELS_PX: u32 = 44;
const LABELS_WIDE_PX: u32 = 78;
const TEXT_PX: u32 = 13;
const STROKE_PX: u32 = 2;
const MARK_PX: u32 = 4;
const LEGEND_PX: i32 = 18;
/// How far an axis goes beyond the last point.
const HEADROOM: f64 = 1.1;
const COLOURS: [RGBColor; 4] =
    [RGBColor(31, 119, 180), RGBColor(214, 39, 40), RGBColor(44, 160, 44), RGBColor(127, 127, 127)];

/// A line with its points.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it shows.
    pub name: String,
    /// Its points from left to right, at least one.
    pub points: Vec<(f64, f64)>,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures, with its unit.
    pub name: String,
    /// Whether equal steps are equal ratios.
    pub is_logarithmic: bool,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Lines, on axes of numbers.
    Lines(Vec<Line>),
    /// Bars beside each other, each with its name and height.
    Bars(Vec<(String, f64)>),
}

/// A plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// Lines or bars, at least one.
    pub kind: Kind,
    /// From left to right.
    pub x: Axis,
    /// From below upwards.
    pub y: Axis,
}

impl Axis {
    /// With equal steps; it begins at zero.
    #[must_use]
    pub fn linear(name: &str) -> Self {
        Self { name: name.to_owned(), is_logarithmic: false }
    }

    /// With equal ratios.
    #[must_use]
    pub fn logarithmic(name: &str) -> Self {
        Self { name: name.to_owned(), is_logarithmic: true }
    }

    /// Where a value stands on it.
    fn place(&self, value: f64) -> f64 {
        if self.is_logarithmic { value.max(f64::MIN_POSITIVE).log10() } else { value }
    }

    /// What stands at a place, in three digits.
    fn label(&self, place: f64) -> String {
        let value = if self.is_logarithmic { 10_f64.powf(place) } else { place };
        let scale = [(1e6, " M"), (1e3, " k"), (1.0, "")].into_iter();
        let (unit, name) = scale.clone().find(|(unit, _)| value >= *unit).unwrap_or((1.0, ""));
        let scaled = value / unit;
        match scaled {
            _ if scaled >= 100.0 || scaled.fract() < 1e-9 => format!("{scaled:.0}{name}"),
            _ if scaled >= 10.0 => format!("{scaled:.1}{name}"),
            _ => format!("{scaled:.2}{name}"),
        }
    }

    /// The places from where to where it goes, with these values on it.
    fn range(&self, values: &[f64]) -> Range<f64> {
        let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max) * HEADROOM;
        let least = values.iter().copied().filter(|it| *it > 0.0).fold(most, f64::min) / HEADROOM;
        if self.is_logarithmic { self.place(least)..self.place(most) } else { 0.0..most }
    }
}

impl Chart {
    /// A chart without axes yet; none if there is nothing on it.
    #[must_use]
    pub fn of(title: &str, kind: Kind) -> Option<Self> {
        let is_empty = match &kind {
            Kind::Lines(lines) => lines.is_empty(),
            Kind::Bars(bars) => bars.is_empty(),
        };
        let (x, y) = (Axis::linear(""), Axis::linear(""));
        (!is_empty).then(|| Self { title: title.to_owned(), kind, x, y })
    }

    /// With these axes.
    #[must_use]
    pub fn with_axes(mut self, x: Axis, y: Axis) -> Option<Self> {
        (self.x, self.y) = (x, y);
        Some(self)
    }
}

/// The plot as SVG.
///
/// # Errors
/// It cannot be drawn.
pub fn draw(chart: &Chart) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        match &chart.kind {
            Kind::Lines(lines) => draw_lines(&area, chart, lines)?,
            Kind::Bars(bars) => draw_bars(&area, chart, bars)?,
        }
        area.present()?;
    }
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn draw_lines(area: &Area<'_>, chart: &Chart, lines: &[Line]) -> Result<()> {
    let (xs, ys): (Vec<_>, Vec<_>) = lines.iter().flat_map(|line| line.points.clone()).unzip();
    let (x, y) = (&chart.x, &chart.y);
    let mut context = ChartBuilder::on(area)
        .caption(&chart.title, ("sans-serif", TITLE_PX))
        .margin(MARGIN_PX)
        .margin_right(LABELS_PX)
        .x_label_area_size(LABELS_PX)
        .y_label_area_size(LABELS_WIDE_PX)
        .build_cartesian_2d(x.range(&xs), y.range(&ys))?;
    context
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(&x.name)
        .y_desc(&y.name)
        .x_label_formatter(&|place| x.label(*place))
        .y_label_formatter(&|place| y.label(*place))
        .draw()?;
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let places: Vec<_> =
            line.points.iter().map(|(at, value)| (x.place(*at), y.place(*value))).collect();
        let series = LineSeries::new(places.clone(), colour.stroke_width(STROKE_PX));
        context.draw_series(series)?.label(&line.name).legend(move |(x, y)| {
            PathElement::new([(x, y), (x + LEGEND_PX, y)], colour.stroke_width(STROKE_PX))
        });
        // Each point is a figure: it has a mark, and its number beside it.
        context.draw_series(line.points.iter().zip(places).map(|((_, value), place)| {
            EmptyElement::at(place)
                + Circle::new((0, 0), MARK_PX, colour.filled())
                + Text::new(Axis::linear("").label(*value), (6, -14), ("sans-serif", TEXT_PX))
        }))?;
    }
    context
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .position(SeriesLabelPosition::LowerLeft)
        .draw()?;
    Ok(())
}

fn draw_bars(area: &Area<'_>, chart: &Chart, bars: &[(String, f64)]) -> Result<()> {
    let heights: Vec<f64> = bars.iter().map(|bar| bar.1).collect();
    let y = &chart.y;
    let mut context = ChartBuilder::on(area)
        .caption(&chart.title, ("sans-serif", TITLE_PX))
        .margin(MARGIN_PX)
        .x_label_area_size(MARGIN_PX)
        .y_label_area_size(LABELS_WIDE_PX)
        .build_cartesian_2d(0.0..bars.len() as f64, y.range(&heights))?;
    context
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .disable_x_mesh()
        .disable_x_axis()
        .y_desc(&y.name)
        .y_label_formatter(&|place| y.label(*place))
        .draw()?;
    for (place, (name, height)) in bars.iter().enumerate() {
        let (left, colour) = (place as f64, COLOURS.get(place % 2).unwrap_or(&BLACK));
        let bar = Rectangle::new([(left + 0.15, 0.0), (left + 0.85, *height)], colour.filled());
        context.draw_series([bar])?;
        let told = format!("{name}: {}", Axis::linear("").label(*height));
        let text = Text::new(told, (0, -16), ("sans-serif", TEXT_PX));
        context.draw_series([EmptyElement::at((left + 0.15, *height)) + text])?;
    }
    Ok(())
}
